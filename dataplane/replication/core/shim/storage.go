package main

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// memoryLog is raft's view of what is on the caller's disk: the entries, without payloads, since the
// last compaction. It takes an append when the caller acknowledges it, never before.
type memoryLog struct {
	// As handed in at creation; raft asks once.
	hardState *pb.HardState
	conf      *pb.ConfState

	// The place before entries[0].
	startIndex, startTerm uint64
	entries               []*pb.Entry

	// A snapshot the caller can send, for one message; nil: none.
	offer *pb.Snapshot
	// Raft asked for a snapshot and there was none.
	isSnapshotMissed bool
}

var _ raft.Storage = (*memoryLog)(nil)

func (l *memoryLog) InitialState() (*pb.HardState, *pb.ConfState, error) {
	return l.hardState, l.conf, nil
}

func (l *memoryLog) Entries(low, high, bytesMax uint64) ([]*pb.Entry, error) {
	if low <= l.startIndex {
		return nil, raft.ErrCompacted
	}
	if high > l.lastIndex()+1 {
		return nil, raft.ErrUnavailable
	}
	entries := l.entries[low-l.startIndex-1 : high-l.startIndex-1]
	var bytes uint64
	for i, entry := range entries {
		bytes += uint64(proto.Size(entry))
		if bytes > bytesMax && i > 0 {
			entries = entries[:i]
			break
		}
	}
	// Without room behind, so that an append by raft copies.
	return entries[:len(entries):len(entries)], nil
}

func (l *memoryLog) Term(index uint64) (uint64, error) {
	switch {
	case index < l.startIndex:
		return 0, raft.ErrCompacted
	case index == l.startIndex:
		return l.startTerm, nil
	case index > l.lastIndex():
		return 0, raft.ErrUnavailable
	}
	return l.entries[index-l.startIndex-1].GetTerm(), nil
}

func (l *memoryLog) LastIndex() (uint64, error)  { return l.lastIndex(), nil }
func (l *memoryLog) FirstIndex() (uint64, error) { return l.startIndex + 1, nil }

// Snapshot hands an offer out once: raft asks only to send it, and the caller may let go of the
// state behind it after that.
func (l *memoryLog) Snapshot() (*pb.Snapshot, error) {
	if l.offer == nil {
		l.isSnapshotMissed = true
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	offer := l.offer
	l.offer = nil
	return offer, nil
}

func (l *memoryLog) lastIndex() uint64 { return l.startIndex + uint64(len(l.entries)) }

// store takes what is on disk now: a snapshot replaces all, entries replace those behind.
func (l *memoryLog) store(snapshot *pb.Snapshot, entries []*pb.Entry) {
	if snapshot != nil {
		l.startIndex = snapshot.GetMetadata().GetIndex()
		l.startTerm = snapshot.GetMetadata().GetTerm()
		l.entries = nil
		l.offer = nil
	}
	if len(entries) == 0 {
		return
	}
	first := entries[0].GetIndex()
	if first <= l.startIndex || first > l.lastIndex()+1 {
		panic("entries do not follow the log")
	}
	kept := first - l.startIndex - 1
	if kept < uint64(len(l.entries)) {
		// Slices of the old tail may be in use: write a new one.
		l.entries = l.entries[:kept:kept]
	}
	l.entries = append(l.entries, entries...)
}

// compact forgets entries up to index, which raft has been told are applied.
func (l *memoryLog) compact(index uint64) {
	if index <= l.startIndex {
		return
	}
	count := index - l.startIndex
	l.startTerm = l.entries[count-1].GetTerm()
	l.startIndex = index
	// Cleared so that they can be collected while the array behind the slice lives on. Nobody else
	// looks at them: raft holds slices of entries that are not applied.
	clear(l.entries[:count])
	l.entries = l.entries[count:]
	if len(l.entries) == 0 {
		l.entries = nil
	}
	if l.offer != nil && l.offer.GetMetadata().GetIndex() < index {
		l.offer = nil
	}
}
