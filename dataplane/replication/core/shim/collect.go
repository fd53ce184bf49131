package main

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

// Records: kind u8, group u32, body.
const (
	recordError = iota + 1
	recordAppend
	recordMessage
	recordApply
	recordConf
	recordRead
	recordSoft
	recordSnapshotWanted
	recordFailed
	recordStatus
)

// Flags of an append record.
const (
	appendMustSync     = 1
	appendHasHardState = 2
	appendHasSnapshot  = 4
)

// collect writes what a touched group has ready. If raft panics, nothing of it is told.
func (m *machine) collect(g *group) {
	isBusy := g.isBusy
	g.isTouched, g.isBusy = false, false
	if g.isGone {
		return
	}
	m.mark = len(m.out.data)
	defer m.recoverGroup(g)
	m.propose(g)
	if isBusy || g.node.HasReady() {
		m.collectReady(g)
	}
	if g.log.isSnapshotMissed {
		g.log.isSnapshotMissed = false
		if !g.isSnapshotTold {
			g.isSnapshotTold = true
			m.out.u8(recordSnapshotWanted)
			m.out.u32(g.handle)
		}
	}
	if g.isStatusWanted {
		g.isStatusWanted = false
		m.writeStatus(g)
	}
}

func (m *machine) collectReady(g *group) {
	ready := g.node.Ready()
	term := g.softTerm
	if ready.HardState != nil {
		term = ready.HardState.GetTerm()
	}
	if ready.SoftState != nil || term != g.softTerm {
		g.softTerm = term
		m.writeSoft(g)
	}
	for _, message := range ready.Messages {
		switch message.GetTo() {
		case raft.LocalAppendThread:
			m.writeAppend(g, &ready, message.GetResponses())
		case raft.LocalApplyThread:
			m.writeApply(g, message)
		default:
			m.writeMessage(g, message)
		}
	}
	for _, state := range ready.ReadStates {
		m.out.u8(recordRead)
		m.out.u32(g.handle)
		m.out.u64(state.Index)
		m.out.u64(contextNumber(state.RequestCtx))
	}
}

// writeSoft: leader u64, role u8, term u64.
func (m *machine) writeSoft(g *group) {
	status := g.node.BasicStatus()
	m.out.u8(recordSoft)
	m.out.u32(g.handle)
	m.out.u64(status.Lead)
	m.out.u8(uint8(status.RaftState))
	m.out.u64(status.GetTerm())
}

// writeAppend: seq u64, flags u8, term, vote, commit u64 if flagged, snapshot if flagged, entries.
func (m *machine) writeAppend(g *group, ready *raft.Ready, responses []*pb.Message) {
	g.appendSeq++
	pending := pendingAppend{seq: g.appendSeq, entries: ready.Entries, responses: responses}
	var flags uint8
	if ready.MustSync {
		flags |= appendMustSync
	}
	if ready.HardState != nil {
		flags |= appendHasHardState
	}
	if !raft.IsEmptySnap(ready.Snapshot) {
		flags |= appendHasSnapshot | appendMustSync
		pending.snapshot = ready.Snapshot
		metadata := ready.Snapshot.GetMetadata()
		g.conf, g.restoredIndex, g.lastIndex = metadata.GetConfState(), metadata.GetIndex(), metadata.GetIndex()
	}
	if n := len(ready.Entries); n > 0 {
		g.lastIndex = ready.Entries[n-1].GetIndex()
	}
	g.appends = append(g.appends, pending)
	m.out.u8(recordAppend)
	m.out.u32(g.handle)
	m.out.u64(pending.seq)
	m.out.u8(flags)
	if flags&appendHasHardState != 0 {
		m.out.u64(ready.HardState.GetTerm())
		m.out.u64(ready.HardState.GetVote())
		m.out.u64(ready.HardState.GetCommit())
	}
	if pending.snapshot != nil {
		m.out.snapshot(pending.snapshot)
	}
	m.out.entryList(pending.entries, false)
}

// writeApply: seq u64, entries.
func (m *machine) writeApply(g *group, message *pb.Message) {
	g.applySeq++
	g.applies = append(g.applies, pendingApply{
		seq: g.applySeq, entries: message.GetEntries(), responses: message.GetResponses(),
	})
	m.out.u8(recordApply)
	m.out.u32(g.handle)
	m.out.u64(g.applySeq)
	m.out.entryList(message.GetEntries(), true)
}

// writeMessage: destination u64, length u32, message.
func (m *machine) writeMessage(g *group, message *pb.Message) {
	m.out.u8(recordMessage)
	m.out.u32(g.handle)
	m.out.u64(message.GetTo())
	at := len(m.out.data)
	m.out.u32(0)
	m.out.message(message)
	patchLength(m.out.data, at)
}

// writeStatus: term, vote, commit, applied, leader u64, role u8, first and last index u64, then at
// the leader its peers: count u32; replica, match, next u64, state u8, learner u8, active u8.
func (m *machine) writeStatus(g *group) {
	status := g.node.BasicStatus()
	m.out.u8(recordStatus)
	m.out.u32(g.handle)
	m.out.u64(status.GetTerm())
	m.out.u64(status.GetVote())
	m.out.u64(status.GetCommit())
	m.out.u64(status.Applied)
	m.out.u64(status.Lead)
	m.out.u8(uint8(status.RaftState))
	m.out.u64(g.log.startIndex + 1)
	m.out.u64(g.lastIndex)
	at := len(m.out.data)
	m.out.u32(0)
	if status.RaftState != raft.StateLeader {
		return
	}
	var count uint32
	g.node.WithProgress(func(id uint64, kind raft.ProgressType, progress tracker.Progress) {
		if id == g.id {
			return
		}
		count++
		m.out.u64(id)
		m.out.u64(progress.Match)
		m.out.u64(progress.Next)
		m.out.u8(uint8(progress.State))
		m.out.bool(kind == raft.ProgressTypeLearner)
		m.out.bool(progress.RecentActive)
	})
	patch(m.out.data, at, count)
}
