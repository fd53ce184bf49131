package main

import (
	"errors"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

var (
	errMalformed        = errors.New("malformed command")
	errMalformedMessage = errors.New("malformed message")
	errMisdirected      = errors.New("message for another replica")
	errNoGroup          = errors.New("no such group")
	errGroupExists      = errors.New("group exists")
	errTokenZero        = errors.New("token is 0")
	errUnknownSeq       = errors.New("acknowledged what was not asked for")
	errNoLeader         = errors.New("no leader")
	errNotLeader        = errors.New("not the leader")
	errNotVoter         = errors.New("not another voter of the group")
	errBeyondApplied    = errors.New("index is not applied yet")
	errSnapshotPlace    = errors.New("snapshot does not fit the log")
	errSnapshotMembers  = errors.New("configuration of the snapshot lacks a member")
	errLimits           = errors.New("limits must be above 0")
	errRestored         = errors.New("state to start from contradicts itself")
)

const messageProposal = pb.MsgProp

// Committed entries handed out for applying and not acknowledged: about this many, or as many as a
// message carries if that is more.
const applyingEntriesMax = 4096

type proposal struct {
	number, token, payloadBytes uint32
}

// pendingAppend is an append record that the caller has not acknowledged.
type pendingAppend struct {
	seq       uint64
	snapshot  *pb.Snapshot
	entries   []*pb.Entry
	responses []*pb.Message
}

// pendingApply is an apply record that the caller has not acknowledged.
type pendingApply struct {
	seq       uint64
	entries   []*pb.Entry
	responses []*pb.Message
}

// group is one Raft group's replica.
type group struct {
	handle uint32
	id     uint64
	node   *raft.RawNode
	log    *memoryLog

	// The configuration in force, and the index of the snapshot it came from if a snapshot replaced
	// it: changes up to there are part of it.
	conf          *pb.ConfState
	restoredIndex uint64

	appends             []pendingAppend
	applies             []pendingApply
	appendSeq, applySeq uint64

	proposals, proposalArray []proposal
	proposalsPerMessage      int

	// Of the last entry or snapshot in an append record.
	lastIndex uint64
	// Of the last soft record.
	softTerm uint64

	isTouched, isBusy, isGone, isStatusWanted bool
	// snapWanted has been written since the last tick or offer.
	isSnapshotTold bool
}

// newGroup reads the body of create: replica id u64, election ticks u32, heartbeat ticks u32,
// entries of a message u32, messages in flight u32, uncommitted entries u32, applied u64, term,
// vote, commit u64, start of the log: index, term u64, ConfState, entries.
func newGroup(handle uint32, body *reader) (*group, error) {
	id := body.u64()
	electionTicks, heartbeatTicks := body.u32(), body.u32()
	messageEntries, inflight, uncommitted := body.u32(), body.u32(), body.u32()
	applied := body.u64()
	term, vote, commit := body.u64(), body.u64(), body.u64()
	startIndex, startTerm := body.u64(), body.u64()
	conf := body.confState()
	first := body.u64()
	entries := body.entries(body.count(entryHeadBytes), startIndex+1)
	if !body.isDone() || (len(entries) > 0 && first != startIndex+1) {
		return nil, errMalformed
	}
	if messageEntries == 0 || inflight == 0 || uncommitted == 0 {
		return nil, errLimits
	}
	if term == 0 && len(entries) == 0 {
		// A group that starts from a made-up snapshot.
		term = startTerm
	}
	log := &memoryLog{startIndex: startIndex, startTerm: startTerm, entries: entries, conf: conf}
	// The commit index is written without sync and may be behind what was applied.
	commit = max(commit, applied, startIndex)
	if applied < startIndex || commit > log.lastIndex() || !areTermsOrdered(startTerm, entries, term) {
		return nil, errRestored
	}
	log.hardState = &pb.HardState{Term: new(term), Vote: new(vote), Commit: new(commit)}
	messageBytes := uint64(messageEntries) * entryProtoBytesMin
	node, err := raft.NewRawNode(&raft.Config{
		ID:                        id,
		ElectionTick:              int(electionTicks),
		HeartbeatTick:             int(heartbeatTicks),
		Storage:                   log,
		Applied:                   applied,
		AsyncStorageWrites:        true,
		MaxSizePerMsg:             messageBytes,
		MaxCommittedSizePerReady:  max(messageBytes, applyingEntriesMax*entryProtoBytesMin),
		MaxUncommittedEntriesSize: uint64(uncommitted) * normalDataBytes,
		MaxInflightMsgs:           int(inflight),
		CheckQuorum:               true,
		PreVote:                   true,
		ReadOnlyOption:            raft.ReadOnlySafe,
		Logger:                    silentLogger{},
		DisableProposalForwarding: true,
		StepDownOnRemoval:         true,
	})
	if err != nil {
		return nil, err
	}
	return &group{
		handle: handle, id: id, node: node, log: log, conf: conf,
		lastIndex: log.lastIndex(), softTerm: term,
		proposalsPerMessage: max(1, int(messageBytes/entryProtoBytesMax)),
	}, nil
}

func (g *group) queueProposal(c *command) error {
	token, payloadBytes := c.body.u32(), c.body.u32()
	if !c.body.isDone() {
		return errMalformed
	}
	if token == 0 {
		return errTokenZero
	}
	g.proposals = append(g.proposals, proposal{number: c.number, token: token, payloadBytes: payloadBytes})
	g.proposalArray = g.proposals
	return nil
}

// control executes the commands that are neither proposals nor messages.
func (m *machine) control(g *group, c *command) error {
	switch c.op {
	case opAppendAck, opApplyAck, opTransfer, opUnreachable, opReadIndex, opCompact:
		number := c.body.u64()
		if !c.body.isDone() {
			return errMalformed
		}
		return m.controlNumber(g, c.op, number)
	case opReportSnapshot:
		replica, isWell := c.body.u64(), c.body.u8() == 1
		if !c.body.isDone() {
			return errMalformed
		}
		status := raft.SnapshotFailure
		if isWell {
			status = raft.SnapshotFinish
		}
		g.node.ReportSnapshot(replica, status)
		return nil
	case opConfChange:
		return g.changeConf(&c.body)
	case opOfferSnapshot:
		return g.offerSnapshot(&c.body)
	}
	if !c.body.isDone() {
		return errMalformed
	}
	switch c.op {
	case opCampaign:
		return g.node.Campaign()
	case opForgetLeader:
		return g.node.ForgetLeader()
	case opStatus:
		g.isStatusWanted = true
		return nil
	}
	return errMalformed
}

// controlNumber executes the commands whose body is one number.
func (m *machine) controlNumber(g *group, op uint8, number uint64) error {
	switch op {
	case opAppendAck:
		return m.ackAppend(g, number)
	case opApplyAck:
		return m.ackApply(g, number)
	case opTransfer:
		return g.transfer(number)
	case opUnreachable:
		g.node.ReportUnreachable(number)
	case opReadIndex:
		// Raft drops it without a word.
		if g.node.BasicStatus().Lead == raft.None {
			return errNoLeader
		}
		if number == 0 {
			return errMalformed
		}
		g.node.ReadIndex(contextOf(number))
	case opCompact:
		if number > g.node.BasicStatus().Applied || number > g.log.lastIndex() {
			return errBeyondApplied
		}
		g.log.compact(number)
	}
	return nil
}

// ackAppend: all append records up to seq are on disk. Only now does the log take their entries,
// and only now do the responses that vouch for them leave.
func (m *machine) ackAppend(g *group, seq uint64) error {
	if seq > g.appendSeq {
		return errUnknownSeq
	}
	for len(g.appends) > 0 && g.appends[0].seq <= seq {
		pending := g.appends[0]
		g.appends[0] = pendingAppend{}
		g.appends = g.appends[1:]
		g.log.store(pending.snapshot, pending.entries)
		for _, response := range pending.responses {
			if response.GetTo() == g.id {
				// An error only says that this replica is no member any more.
				_ = g.node.Step(response)
			} else {
				m.writeMessage(g, response)
			}
		}
	}
	return nil
}

// ackApply: all apply records up to seq have been applied.
func (m *machine) ackApply(g *group, seq uint64) error {
	if seq > g.applySeq {
		return errUnknownSeq
	}
	for len(g.applies) > 0 && g.applies[0].seq <= seq {
		pending := g.applies[0]
		g.applies[0] = pendingApply{}
		g.applies = g.applies[1:]
		for _, entry := range pending.entries {
			if entry.GetType() != pb.EntryNormal && entry.GetIndex() > g.restoredIndex {
				m.applyConfChange(g, entry)
			}
		}
		for _, response := range pending.responses {
			_ = g.node.Step(response)
		}
	}
	return nil
}

// transfer is for the leader alone: a follower would forward the request, and the leader's caller
// would not know that its lease ends.
func (g *group) transfer(to uint64) error {
	status := g.node.Status()
	if status.RaftState != raft.StateLeader {
		return errNotLeader
	}
	progress, isMember := status.Progress[to]
	if !isMember || progress.IsLearner || to == g.id {
		return errNotVoter
	}
	g.node.TransferLeader(to)
	return nil
}

// offerSnapshot reads index u64, term u64, ConfState.
func (g *group) offerSnapshot(body *reader) error {
	snapshot := body.snapshot()
	if !body.isDone() {
		return errMalformed
	}
	index := snapshot.GetMetadata().GetIndex()
	if index > g.node.BasicStatus().Applied {
		return errBeyondApplied
	}
	term, err := g.log.Term(index)
	if err != nil || index == 0 || term != snapshot.GetMetadata().GetTerm() {
		return errSnapshotPlace
	}
	if !coversMembers(snapshot.GetMetadata().GetConfState(), g.conf) {
		return errSnapshotMembers
	}
	g.log.offer = snapshot
	g.isSnapshotTold = false
	return nil
}
