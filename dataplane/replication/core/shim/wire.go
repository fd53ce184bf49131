package main

import (
	"encoding/binary"

	pb "go.etcd.io/raft/v3/raftpb"
)

// Integers travel as u64 but stay below 2^53, so that JavaScript numbers hold them.
const integerEnd = 1 << 53

// reader takes fields off the front of bytes. A field that is not there, or an integer that is too
// large, sets bad and reads as zero: callers ask once, at the end.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.data) {
		r.bad = true
		r.data = nil
		return nil
	}
	field := r.data[:n:n]
	r.data = r.data[n:]
	return field
}

func (r *reader) u8() uint8 {
	if field := r.take(1); field != nil {
		return field[0]
	}
	return 0
}

func (r *reader) u32() uint32 {
	if field := r.take(4); field != nil {
		return binary.LittleEndian.Uint32(field)
	}
	return 0
}

func (r *reader) u64() uint64 {
	field := r.take(8)
	if field == nil {
		return 0
	}
	value := binary.LittleEndian.Uint64(field)
	if value >= integerEnd {
		r.bad = true
		return 0
	}
	return value
}

// bytes copies a field of n bytes: the in-buffer is used again.
func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.data)) {
		r.bad = true
		return nil
	}
	return append([]byte{}, r.take(int(n))...)
}

// count reads the number of elements that follow, each of at least size bytes, and refuses one that
// the bytes cannot hold: nothing is allocated for a count that lies.
func (r *reader) count(size int) int {
	n := r.u32()
	if uint64(n)*uint64(size) > uint64(len(r.data)) {
		r.bad = true
		return 0
	}
	return int(n)
}

// isDone tells whether all was well formed and nothing is left.
func (r *reader) isDone() bool { return !r.bad && len(r.data) == 0 }

func (r *reader) ids() []uint64 {
	n := r.count(8)
	if n == 0 {
		return nil
	}
	ids := make([]uint64, n)
	for i := range ids {
		ids[i] = r.u64()
	}
	return ids
}

func (r *reader) confState() *pb.ConfState {
	return &pb.ConfState{
		Voters:         r.ids(),
		Learners:       r.ids(),
		VotersOutgoing: r.ids(),
		LearnersNext:   r.ids(),
		AutoLeave:      new(r.u8() == 1),
	}
}

func (r *reader) snapshot() *pb.Snapshot {
	index, term := r.u64(), r.u64()
	return newSnapshot(index, term, r.confState())
}

func newSnapshot(index, term uint64, conf *pb.ConfState) *pb.Snapshot {
	return &pb.Snapshot{
		Metadata: &pb.SnapshotMetadata{Index: new(index), Term: new(term), ConfState: conf},
	}
}

// writer appends fields to bytes.
type writer struct {
	data []byte
}

func (w *writer) u8(value uint8)   { w.data = append(w.data, value) }
func (w *writer) u32(value uint32) { w.data = binary.LittleEndian.AppendUint32(w.data, value) }
func (w *writer) u64(value uint64) { w.data = binary.LittleEndian.AppendUint64(w.data, value) }

func (w *writer) bool(value bool) {
	if value {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

func (w *writer) text(value string) {
	w.u32(uint32(len(value)))
	w.data = append(w.data, value...)
}

func (w *writer) ids(ids []uint64) {
	w.u32(uint32(len(ids)))
	for _, id := range ids {
		w.u64(id)
	}
}

func (w *writer) confState(conf *pb.ConfState) {
	w.ids(conf.GetVoters())
	w.ids(conf.GetLearners())
	w.ids(conf.GetVotersOutgoing())
	w.ids(conf.GetLearnersNext())
	w.bool(conf.GetAutoLeave())
}

func (w *writer) snapshot(snapshot *pb.Snapshot) {
	metadata := snapshot.GetMetadata()
	w.u64(metadata.GetIndex())
	w.u64(metadata.GetTerm())
	w.confState(metadata.GetConfState())
}

// patch overwrites the u32 at an earlier place.
func patch(data []byte, at int, value uint32) {
	binary.LittleEndian.PutUint32(data[at:], value)
}

// patchLength overwrites the u32 at an earlier place with the number of bytes behind it.
func patchLength(data []byte, at int) { patch(data, at, uint32(len(data)-at-4)) }
