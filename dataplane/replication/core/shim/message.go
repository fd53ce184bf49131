package main

import (
	"encoding/binary"

	pb "go.etcd.io/raft/v3/raftpb"
)

// Layout of a message: type u8, flags u8, zero u16, count of entries u32, then from, to, term,
// index, log term, commit, extra (u64 each), then the snapshot if flagged, then the entries.
const messageHeadBytes = 64

const (
	flagReject   = 1
	flagTransfer = 2
	flagSnapshot = 4
	flagsAll     = flagReject | flagTransfer | flagSnapshot
)

// What raft puts in the context of a vote asked for by a transfer of leadership.
const transferContext = "CampaignTransfer"

// The types that may come from another replica. Proposals and transfers are not forwarded.
var isPeerMessage = [...]bool{
	pb.MsgApp:           true,
	pb.MsgAppResp:       true,
	pb.MsgVote:          true,
	pb.MsgVoteResp:      true,
	pb.MsgSnap:          true,
	pb.MsgHeartbeat:     true,
	pb.MsgHeartbeatResp: true,
	pb.MsgTimeoutNow:    true,
	pb.MsgReadIndex:     true,
	pb.MsgReadIndexResp: true,
	pb.MsgPreVote:       true,
	pb.MsgPreVoteResp:   true,
}

func (w *writer) message(m *pb.Message) {
	kind := m.GetType()
	var flags uint8
	if m.GetReject() {
		flags |= flagReject
	}
	entries, extra := m.GetEntries(), m.GetRejectHint()
	switch kind {
	case pb.MsgVote, pb.MsgPreVote:
		if string(m.GetContext()) == transferContext {
			flags |= flagTransfer
		}
	case pb.MsgHeartbeat, pb.MsgHeartbeatResp:
		extra = contextNumber(m.GetContext())
	case pb.MsgReadIndex, pb.MsgReadIndexResp:
		extra = contextNumber(entries[0].GetData())
		entries = nil
	case pb.MsgSnap:
		flags |= flagSnapshot
	}
	w.u8(uint8(kind))
	w.u8(flags)
	w.u8(0)
	w.u8(0)
	w.u32(uint32(len(entries)))
	w.u64(m.GetFrom())
	w.u64(m.GetTo())
	w.u64(m.GetTerm())
	w.u64(m.GetIndex())
	w.u64(m.GetLogTerm())
	w.u64(m.GetCommit())
	w.u64(extra)
	if flags&flagSnapshot != 0 {
		w.snapshot(m.GetSnapshot())
	}
	for _, entry := range entries {
		w.entry(entry, false)
	}
}

// messageCell is a message with the fields it points to: one allocation, not nine.
type messageCell struct {
	message                                            pb.Message
	kind                                               pb.MessageType
	isReject                                           bool
	from, to, term, index, logTerm, commit, rejectHint uint64
}

// decodeMessage reads a message and refuses what no replica sends: raft trusts its peers and
// panics, or believes, where a message makes no sense.
func decodeMessage(data []byte) (*pb.Message, bool) {
	r := reader{data: data}
	cell := &messageCell{}
	kind, flags := r.u8(), r.u8()
	r.bad = r.bad || r.u8() != 0 || r.u8() != 0 || flags&^flagsAll != 0
	cell.kind, cell.isReject = pb.MessageType(kind), flags&flagReject != 0
	count := r.u32()
	cell.from, cell.to, cell.term = r.u64(), r.u64(), r.u64()
	cell.index, cell.logTerm, cell.commit = r.u64(), r.u64(), r.u64()
	extra := r.u64()
	if r.bad || !cell.isPlausible(flags, count, extra) {
		return nil, false
	}
	m := &cell.message
	m.Type, m.From, m.To, m.Term = &cell.kind, &cell.from, &cell.to, &cell.term
	m.Index, m.LogTerm, m.Commit, m.Reject = &cell.index, &cell.logTerm, &cell.commit, &cell.isReject
	if flags&flagTransfer != 0 {
		m.Context = []byte(transferContext)
	}
	switch cell.kind {
	case pb.MsgAppResp:
		cell.rejectHint = extra
		m.RejectHint = &cell.rejectHint
	case pb.MsgHeartbeat, pb.MsgHeartbeatResp:
		if extra != 0 {
			m.Context = contextOf(extra)
		}
	case pb.MsgReadIndex, pb.MsgReadIndexResp:
		m.Entries = []*pb.Entry{{Data: contextOf(extra)}}
	case pb.MsgSnap:
		m.Snapshot = r.snapshot()
		metadata := m.GetSnapshot().GetMetadata()
		r.bad = r.bad || metadata.GetIndex() == 0 || metadata.GetTerm() == 0 || metadata.GetTerm() > cell.term
	case pb.MsgApp:
		if uint64(count)*entryHeadBytes > uint64(len(r.data)) {
			return nil, false
		}
		m.Entries = r.entries(int(count), cell.index+1)
		r.bad = r.bad || !areTermsOrdered(cell.logTerm, m.Entries, cell.term)
	}
	return m, r.isDone()
}

// isPlausible checks what the head alone tells.
func (c *messageCell) isPlausible(flags uint8, count uint32, extra uint64) bool {
	kind := c.kind
	if int(kind) >= len(isPeerMessage) || !isPeerMessage[kind] {
		return false
	}
	isRead := kind == pb.MsgReadIndex || kind == pb.MsgReadIndexResp
	hasExtra := isRead || kind == pb.MsgAppResp || kind == pb.MsgHeartbeat || kind == pb.MsgHeartbeatResp
	// Raft takes a message without term for one of its own making.
	hasTerm := kind != pb.MsgReadIndex
	return c.from != 0 && c.to != 0 && c.from != c.to &&
		(c.term != 0) == hasTerm &&
		(count == 0 || kind == pb.MsgApp) &&
		(flags&flagSnapshot != 0) == (kind == pb.MsgSnap) &&
		(flags&flagTransfer == 0 || kind == pb.MsgVote || kind == pb.MsgPreVote) &&
		(extra == 0 || hasExtra) && (extra != 0 || !isRead) &&
		uint64(count)+c.index < integerEnd
}

// areTermsOrdered: terms in a log never fall, and none is beyond the leader's.
func areTermsOrdered(previous uint64, entries []*pb.Entry, last uint64) bool {
	for _, entry := range entries {
		if entry.GetTerm() < previous {
			return false
		}
		previous = entry.GetTerm()
	}
	return previous <= last
}

// contextNumber reads a context of raft's own (how many reads it confirms) or of a read index.
func contextNumber(context []byte) uint64 {
	if len(context) == 0 {
		return 0
	}
	return binary.LittleEndian.Uint64(context)
}

func contextOf(number uint64) []byte {
	return binary.LittleEndian.AppendUint64(make([]byte, 0, 8), number)
}
