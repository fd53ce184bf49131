package main

import (
	"errors"
	"slices"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/confchange"
	pb "go.etcd.io/raft/v3/raftpb"
	"go.etcd.io/raft/v3/tracker"
)

var errConfPending = errors.New("an earlier configuration change is not applied yet")

// The kinds of changes and the transitions, as numbered in commands.
var (
	changeKinds = [...]pb.ConfChangeType{
		pb.ConfChangeAddNode, pb.ConfChangeAddLearnerNode, pb.ConfChangeRemoveNode,
	}
	transitions = [...]pb.ConfChangeTransition{
		pb.ConfChangeTransitionAuto,
		pb.ConfChangeTransitionJointImplicit,
		pb.ConfChangeTransitionJointExplicit,
	}
)

// changeConf reads transition u8, changes (count u32; kind u8, replica u64), length of the context
// u32, context. No changes: leave a joint configuration.
func (g *group) changeConf(body *reader) error {
	transition := body.u8()
	changes := make([]*pb.ConfChangeSingle, body.count(9))
	for i := range changes {
		kind, replica := body.u8(), body.u64()
		if int(kind) >= len(changeKinds) || replica == 0 {
			return errMalformed
		}
		changes[i] = &pb.ConfChangeSingle{Type: changeKinds[kind].Enum(), NodeId: new(replica)}
	}
	context := body.bytes(body.u32())
	if !body.isDone() || int(transition) >= len(transitions) {
		return errMalformed
	}
	change := &pb.ConfChangeV2{Transition: transitions[transition].Enum(), Changes: changes}
	if len(context) > 0 {
		change.Context = context
	}
	if change.Transition.Number() != 0 && len(changes) == 0 {
		return errMalformed
	}
	if err := g.tryChange(change); err != nil {
		return err
	}
	kind, data, err := pb.MarshalConfChange(change)
	if err != nil {
		return err
	}
	message := &pb.Message{
		Type:    messageProposal.Enum(),
		Entries: []*pb.Entry{{Type: kind.Enum(), Data: data}},
	}
	if err := g.node.Step(message); err != nil {
		return err
	}
	if message.GetEntries()[0].GetType() == pb.EntryNormal {
		// Raft put an empty entry in its place.
		return errConfPending
	}
	return nil
}

// tryChange refuses a change that does not fit the configuration: once in the log it would stop
// every replica that applies it. Raft admits no second change before the first is applied, so that
// the configuration is still this one then.
func (g *group) tryChange(change *pb.ConfChangeV2) error {
	status := g.node.Status()
	if status.RaftState != raft.StateLeader {
		return raft.ErrProposalDropped
	}
	progress := tracker.ProgressMap{}
	for id, p := range status.Progress {
		progress[id] = &p
	}
	changer := confchange.Changer{
		Tracker:   tracker.ProgressTracker{Config: status.Config, Progress: progress, MaxInflight: 1},
		LastIndex: g.lastIndex,
	}
	var err error
	if change.LeaveJoint() {
		_, _, err = changer.LeaveJoint()
	} else if autoLeave, isJoint := change.EnterJoint(); isJoint {
		_, _, err = changer.EnterJoint(autoLeave, change.Changes...)
	} else {
		_, _, err = changer.Simple(change.Changes...)
	}
	return err
}

// applyConfChange puts a committed change in force and tells the configuration.
func (m *machine) applyConfChange(g *group, entry *pb.Entry) {
	g.conf = g.node.ApplyConfChange(confChangeOf(entry))
	// A new member would ignore a snapshot whose configuration lacks it.
	g.log.offer = nil
	m.out.u8(recordConf)
	m.out.u32(g.handle)
	m.out.u64(entry.GetIndex())
	m.out.confState(g.conf)
}

// coversMembers tells whether every member of current is one in offered.
func coversMembers(offered, current *pb.ConfState) bool {
	members := slices.Concat(offered.GetVoters(), offered.GetLearners(), offered.GetVotersOutgoing())
	for _, id := range slices.Concat(current.GetVoters(), current.GetLearners(), current.GetVotersOutgoing()) {
		if !slices.Contains(members, id) {
			return false
		}
	}
	return true
}
