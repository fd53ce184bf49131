package main

import (
	"fmt"
	"slices"
)

// Commands: op u8, group u32, length of the body u32, body.
const (
	opCreate = iota + 1
	opDestroy
	opTick
	opTickAll
	opPropose
	opStep
	opAppendAck
	opApplyAck
	opConfChange
	opTransfer
	opCampaign
	opForgetLeader
	opUnreachable
	opReportSnapshot
	opReadIndex
	opOfferSnapshot
	opCompact
	opStatus
)

// A panic's text is cut to this many bytes.
const failureBytesMax = 1000

// machine executes commands on groups and gathers records.
type machine struct {
	groups map[uint32]*group
	// In order of creation: maps have none.
	order []*group
	// Groups to be asked for what is ready at the end of the run, each once.
	touched []*group
	out     writer
	// Where the records of the command or group at hand begin: they are dropped if it panics.
	mark int

	proposals proposalBatch
}

func newMachine() *machine { return &machine{groups: map[uint32]*group{}} }

// run executes the commands, then collects what every touched group has ready.
func (m *machine) run(input []byte) {
	if cap(m.out.data) > bufferBytesKept {
		m.out.data = nil
	}
	m.out.data = m.out.data[:0]
	commands := reader{data: input}
	for number := uint32(0); len(commands.data) > 0; number++ {
		op, handle := commands.u8(), commands.u32()
		body := commands.take(int(commands.u32()))
		if commands.bad {
			m.fail(handle, number, errMalformed)
			break
		}
		m.dispatch(command{op: op, handle: handle, number: number, body: reader{data: body}})
	}
	for i := 0; i < len(m.touched); i++ {
		m.collect(m.touched[i])
	}
	clear(m.touched)
	m.touched = m.touched[:0]
}

// command is one command, its place in the list and what is left of its body.
type command struct {
	op     uint8
	handle uint32
	number uint32
	body   reader
}

func (m *machine) dispatch(c command) {
	switch c.op {
	case opTickAll:
		for _, g := range slices.Clone(m.order) {
			m.tick(g)
		}
		return
	case opCreate:
		if err := m.create(&c); err != nil {
			m.fail(c.handle, c.number, err)
		}
		return
	}
	g := m.groups[c.handle]
	if g == nil {
		m.fail(c.handle, c.number, errNoGroup)
		return
	}
	switch c.op {
	case opDestroy:
		m.remove(g)
	case opTick:
		m.tick(g)
	default:
		m.touch(g, true)
		if err := m.execute(g, &c); err != nil {
			m.fail(c.handle, c.number, err)
		}
	}
}

// touch remembers to ask the group for what is ready. A group that has only been ticked mostly has
// nothing and is asked the cheap question first.
func (m *machine) touch(g *group, isBusy bool) {
	g.isBusy = g.isBusy || isBusy
	if !g.isTouched {
		g.isTouched = true
		m.touched = append(m.touched, g)
	}
}

// create adds a group. Raft panics over a state that makes no sense; there is no group then.
func (m *machine) create(c *command) (err error) {
	if m.groups[c.handle] != nil {
		return errGroupExists
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%s", failureText(cause))
		}
	}()
	g, err := newGroup(c.handle, &c.body)
	if err != nil {
		return err
	}
	m.groups[c.handle] = g
	m.order = append(m.order, g)
	m.touch(g, true)
	return nil
}

func (m *machine) tick(g *group) {
	m.mark = len(m.out.data)
	defer m.recoverGroup(g)
	m.propose(g)
	g.node.Tick()
	g.isSnapshotTold = false
	m.touch(g, false)
}

// execute runs one command of a group; a panic ends the group.
func (m *machine) execute(g *group, c *command) error {
	m.mark = len(m.out.data)
	defer m.recoverGroup(g)
	if c.op == opPropose {
		return g.queueProposal(c)
	}
	m.propose(g)
	if c.op == opStep {
		return m.step(g, c)
	}
	return m.control(g, c)
}

// recoverGroup is deferred around all that raft does for a group.
func (m *machine) recoverGroup(g *group) {
	if cause := recover(); cause != nil {
		m.remove(g)
		m.out.data = m.out.data[:m.mark]
		m.out.u8(recordFailed)
		m.out.u32(g.handle)
		m.out.text(failureText(cause))
	}
}

func failureText(cause any) string {
	text := fmt.Sprint(cause)
	return text[:min(len(text), failureBytesMax)]
}

func (m *machine) remove(g *group) {
	g.isGone = true
	delete(m.groups, g.handle)
	if at := slices.Index(m.order, g); at >= 0 {
		m.order = slices.Delete(m.order, at, at+1)
	}
}

// fail writes an error record.
func (m *machine) fail(handle, number uint32, err error) {
	m.out.u8(recordError)
	m.out.u32(handle)
	m.out.u32(number)
	m.out.text(err.Error())
}

// proposalBatch holds one message with proposals. Raft copies entries of proposals, so that the
// same memory serves for all.
type proposalBatch struct {
	cells   []entryCell
	message messageCell
}

// propose hands over the proposals that wait, many in a message: raft then sends each follower one
// message for all of them.
func (m *machine) propose(g *group) {
	for len(g.proposals) > 0 {
		chunk := g.proposals[:min(len(g.proposals), g.proposalsPerMessage)]
		g.proposals = g.proposals[len(chunk):]
		if m.proposals.step(g, chunk) == nil {
			continue
		}
		// All or nothing: find out which have room.
		for i := range chunk {
			if err := m.proposals.step(g, chunk[i:i+1]); err != nil {
				m.fail(g.handle, chunk[i].number, err)
			}
		}
	}
	g.proposals = g.proposalArray[:0]
}

func (b *proposalBatch) step(g *group, proposals []proposal) error {
	for len(b.cells) < len(proposals) {
		b.cells = append(b.cells, entryCell{})
	}
	message := &b.message
	message.kind = messageProposal
	message.message.Type = &message.kind
	entries := message.message.Entries[:0]
	for i, p := range proposals {
		cell := &b.cells[i]
		putNormalData(cell.data[:], p.token, p.payloadBytes)
		cell.entry.Data = cell.data[:]
		entries = append(entries, &cell.entry)
	}
	message.message.Entries = entries
	return g.node.Step(&message.message)
}

// step hands over a message of another replica.
func (m *machine) step(g *group, c *command) error {
	message, isWell := decodeMessage(c.body.data)
	if !isWell {
		return errMalformedMessage
	}
	if message.GetTo() != g.id {
		return errMisdirected
	}
	if err := g.node.Step(message); err != nil {
		return err
	}
	if message.GetSnapshot() != nil {
		// At once, so that what is acknowledged later in this run meets the new configuration.
		m.collectReady(g)
	}
	return nil
}
