import type { ConfChangeKind, CoreCommand, GroupConfig, GroupHandle } from './consensus-core.ts';
import type { FieldWriter } from './field-bytes.ts';
import { writeConfState, writeEntryList } from './shared-fields.ts';

/** Numbers of the commands: op u8, group u32, length of the body u32, body. */
const OPS: Readonly<Record<CoreCommand['op'], number>> = {
  create: 1,
  destroy: 2,
  tick: 3,
  tickAll: 4,
  propose: 5,
  step: 6,
  appendAck: 7,
  applyAck: 8,
  confChange: 9,
  transfer: 10,
  campaign: 11,
  forgetLeader: 12,
  unreachable: 13,
  reportSnapshot: 14,
  readIndex: 15,
  offerSnapshot: 16,
  compact: 17,
  status: 18,
};

const CHANGES: Readonly<Record<ConfChangeKind, number>> = { addVoter: 0, addLearner: 1, remove: 2 };

const TRANSITIONS = { auto: 0, jointImplicit: 1, jointExplicit: 2 } as const;

/**
 * Appends one command.
 * @throws RangeError when a number does not fit its field: a fault of the caller
 */
export function encodeCommand(writer: FieldWriter, command: CoreCommand): void {
  const group: GroupHandle = command.op === 'tickAll' ? 0 : command.group;
  writer.u8(OPS[command.op]);
  writer.u32(group);
  const lengthAt = writer.length;
  writer.u32(0);
  encodeBody(writer, command);
  writer.patchLength(lengthAt);
}

function encodeBody(writer: FieldWriter, command: CoreCommand): void {
  switch (command.op) {
    case 'propose':
      writer.u32(command.token);
      writer.u32(command.payloadBytes);
      return;
    case 'step':
      writer.bytes(command.message);
      return;
    case 'appendAck':
    case 'applyAck':
      writer.u64(command.seq);
      return;
    case 'transfer':
      writer.u64(command.to);
      return;
    case 'unreachable':
      writer.u64(command.replicaId);
      return;
    case 'readIndex':
      writer.u64(command.context);
      return;
    case 'compact':
      writer.u64(command.index);
      return;
    case 'reportSnapshot':
      writer.u64(command.replicaId);
      writer.u8(command.ok ? 1 : 0);
      return;
    case 'offerSnapshot':
      writer.u64(command.index);
      writer.u64(command.term);
      writeConfState(writer, command.conf);
      return;
    case 'confChange':
      encodeConfChange(writer, command);
      return;
    case 'create':
      encodeConfig(writer, command.config);
      return;
    case 'destroy':
    case 'tick':
    case 'tickAll':
    case 'campaign':
    case 'forgetLeader':
    case 'status':
      return;
  }
}

function encodeConfChange(
  writer: FieldWriter,
  command: Extract<CoreCommand, { op: 'confChange' }>,
): void {
  if (command.leaveJoint !== (command.changes.length === 0)) {
    throw new RangeError('a configuration change has changes or leaves a joint configuration');
  }
  writer.u8(TRANSITIONS[command.transition ?? 'auto']);
  writer.u32(command.changes.length);
  for (const change of command.changes) {
    writer.u8(CHANGES[change.kind]);
    writer.u64(change.replicaId);
  }
  writer.u32(command.context.length);
  writer.bytes(command.context);
}

function encodeConfig(writer: FieldWriter, config: GroupConfig): void {
  writer.u64(config.replicaId);
  writer.u32(config.electionTicks);
  writer.u32(config.heartbeatTicks);
  writer.u32(config.messageEntriesMax);
  writer.u32(config.inflightMessagesMax);
  writer.u32(config.uncommittedEntriesMax);
  writer.u64(config.applied);
  writer.u64(config.hardState.term);
  writer.u64(config.hardState.vote);
  writer.u64(config.hardState.commit);
  writer.u64(config.logStart.index);
  writer.u64(config.logStart.term);
  writeConfState(writer, config.conf);
  writeEntryList(writer, config.entries);
}
