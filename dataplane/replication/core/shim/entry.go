package main

import (
	"encoding/binary"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// How an entry begins, wherever it stands: term u64, kind u8, a u32, b u32.
// Normal: a = token, b = bytes of its payload. Conf: a and b = lengths of the two fields that
// follow, the change itself and, in apply records, its context. Empty: both 0.
const entryHeadBytes = 17

const (
	kindEmpty  = 0
	kindNormal = 1
	kindConf   = 2
)

// Data of a normal entry: token u32, bytes of the payload u32.
const normalDataBytes = 8

// Raft counts an entry as its protobuf encoding: tag and varint of term and index, tag, length and
// data. A varint below 2^53 has 1 to 8 bytes.
const (
	entryProtoBytesMin = 2 + 2 + 2 + normalDataBytes
	entryProtoBytesMax = 9 + 9 + 2 + normalDataBytes
)

var confEntryType = pb.EntryConfChangeV2.Enum()

// entryCell is an entry with the fields it points to: one allocation, not four.
type entryCell struct {
	entry       pb.Entry
	term, index uint64
	data        [normalDataBytes]byte
}

// entries reads count entries of consecutive indexes.
func (r *reader) entries(count int, first uint64) []*pb.Entry {
	if count == 0 {
		return nil
	}
	cells := make([]entryCell, count)
	entries := make([]*pb.Entry, count)
	for i := range cells {
		cell := &cells[i]
		cell.term, cell.index = r.u64(), first+uint64(i)
		cell.entry.Term, cell.entry.Index = &cell.term, &cell.index
		r.entryBody(cell)
		entries[i] = &cell.entry
	}
	if r.bad {
		return nil
	}
	return entries
}

func (r *reader) entryBody(cell *entryCell) {
	kind, a, b := r.u8(), r.u32(), r.u32()
	switch kind {
	case kindEmpty:
		r.bad = r.bad || a != 0 || b != 0
	case kindNormal:
		r.bad = r.bad || a == 0
		putNormalData(cell.data[:], a, b)
		cell.entry.Data = cell.data[:]
	case kindConf:
		cell.entry.Type = confEntryType
		if data := r.bytes(a); len(data) > 0 {
			cell.entry.Data = data
		}
		// What cannot be read would stop the group when it is applied.
		r.bad = r.bad || b != 0 || proto.Unmarshal(cell.entry.Data, &pb.ConfChangeV2{}) != nil
	default:
		r.bad = true
	}
}

func putNormalData(data []byte, token, payloadBytes uint32) {
	binary.LittleEndian.PutUint32(data, token)
	binary.LittleEndian.PutUint32(data[4:], payloadBytes)
}

// entry writes one entry; withContext adds the context of a conf change, for apply records.
func (w *writer) entry(entry *pb.Entry, withContext bool) {
	w.u64(entry.GetTerm())
	data := entry.GetData()
	switch {
	case entry.GetType() != pb.EntryNormal:
		var context []byte
		if withContext {
			context = confChangeOf(entry).GetContext()
		}
		w.u8(kindConf)
		w.u32(uint32(len(data)))
		w.u32(uint32(len(context)))
		w.data = append(w.data, data...)
		w.data = append(w.data, context...)
	case len(data) == 0:
		w.u8(kindEmpty)
		w.u64(0)
	default:
		w.u8(kindNormal)
		w.data = append(w.data, data...)
	}
}

// entryList writes the index of the first entry, their count, and the entries.
func (w *writer) entryList(entries []*pb.Entry, withContext bool) {
	var first uint64
	if len(entries) > 0 {
		first = entries[0].GetIndex()
	}
	w.u64(first)
	w.u32(uint32(len(entries)))
	for _, entry := range entries {
		w.entry(entry, withContext)
	}
}

// confChangeOf decodes a conf entry. No data is the change that leaves a joint configuration.
func confChangeOf(entry *pb.Entry) *pb.ConfChangeV2 {
	change := &pb.ConfChangeV2{}
	if err := proto.Unmarshal(entry.GetData(), change); err != nil {
		panic(err)
	}
	return change
}
