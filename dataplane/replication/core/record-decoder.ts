import type { CoreRecord, GroupHandle, GroupStatus, RaftRole } from './consensus-core.ts';
import { FieldReader, MalformedMessage } from './field-bytes.ts';
import { readMessageFreight } from './message-head.ts';
import { readConfState, readEntryList, readSnapshotMeta } from './shared-fields.ts';

/** Kind u8, group u32, body. */
const KIND_ERROR = 1;
const KIND_APPEND = 2;
const KIND_MESSAGE = 3;
const KIND_APPLY = 4;
const KIND_CONF = 5;
const KIND_READ = 6;
const KIND_SOFT = 7;
const KIND_SNAPSHOT_WANTED = 8;
const KIND_FAILED = 9;
const KIND_STATUS = 10;

const APPEND_MUST_SYNC = 1;
const APPEND_HAS_HARD_STATE = 2;
const APPEND_HAS_SNAPSHOT = 4;

const ROLES: readonly RaftRole[] = ['follower', 'candidate', 'leader', 'preCandidate'];
const PROGRESS_STATES = ['probe', 'replicate', 'snapshot'] as const;
const PROGRESS_BYTES = 27;

const text = new TextDecoder();

/**
 * Reads the records of one run. Messages and conf entries are views of the bytes, which must not be
 * written to afterwards.
 * @throws MalformedMessage when the bytes are no records: the core is not to be trusted any more
 */
export function decodeRecords(bytes: Uint8Array): CoreRecord[] {
  const reader = new FieldReader(bytes);
  const records: CoreRecord[] = [];
  while (!reader.isAtEnd) {
    const kind = reader.u8();
    records.push(decodeRecord(reader, kind, reader.u32()));
  }
  return records;
}

function decodeRecord(reader: FieldReader, kind: number, group: GroupHandle): CoreRecord {
  switch (kind) {
    case KIND_MESSAGE:
      return decodeMessage(reader, group);
    case KIND_APPEND:
      return decodeAppend(reader, group);
    case KIND_APPLY:
      return { kind: 'apply', group, seq: reader.u64(), entries: readEntryList(reader, true) };
    case KIND_READ:
      return { kind: 'read', group, index: reader.u64(), context: reader.u64() };
    case KIND_SOFT:
      return {
        kind: 'soft',
        group,
        leader: reader.u64(),
        role: nameOf(ROLES, reader.u8()),
        term: reader.u64(),
      };
    case KIND_CONF:
      return { kind: 'conf', group, index: reader.u64(), conf: readConfState(reader) };
    case KIND_SNAPSHOT_WANTED:
      return { kind: 'snapWanted', group };
    case KIND_ERROR:
      return { kind: 'error', group, command: reader.u32(), message: readText(reader) };
    case KIND_FAILED:
      return { kind: 'failed', group, message: readText(reader) };
    case KIND_STATUS:
      return { kind: 'status', group, status: decodeStatus(reader) };
    default:
      throw new MalformedMessage(`a record is of no known kind: ${kind}`);
  }
}

function decodeMessage(reader: FieldReader, group: GroupHandle): CoreRecord {
  const to = reader.u64();
  const message = reader.bytes(reader.u32());
  const { type, payloads, snapshot } = readMessageFreight(message);
  return { kind: 'msg', group, to, type, message, payloads, snapshot };
}

function decodeAppend(reader: FieldReader, group: GroupHandle): CoreRecord {
  const seq = reader.u64();
  const flags = reader.u8();
  const hasHardState = (flags & APPEND_HAS_HARD_STATE) !== 0;
  return {
    kind: 'append',
    group,
    seq,
    mustSync: (flags & APPEND_MUST_SYNC) !== 0,
    hardState: hasHardState
      ? { term: reader.u64(), vote: reader.u64(), commit: reader.u64() }
      : undefined,
    snapshot: (flags & APPEND_HAS_SNAPSHOT) !== 0 ? readSnapshotMeta(reader) : undefined,
    entries: readEntryList(reader, false),
  };
}

function decodeStatus(reader: FieldReader): GroupStatus {
  return {
    term: reader.u64(),
    vote: reader.u64(),
    commit: reader.u64(),
    applied: reader.u64(),
    leader: reader.u64(),
    role: nameOf(ROLES, reader.u8()),
    firstIndex: reader.u64(),
    lastIndex: reader.u64(),
    progress: decodeProgress(reader),
  };
}

function decodeProgress(reader: FieldReader): GroupStatus['progress'] {
  const count = reader.count(PROGRESS_BYTES);
  return Array.from({ length: count }, () => ({
    replicaId: reader.u64(),
    match: reader.u64(),
    next: reader.u64(),
    state: nameOf(PROGRESS_STATES, reader.u8()),
    isLearner: reader.u8() === 1,
    isRecentlyActive: reader.u8() === 1,
  }));
}

function nameOf<Name>(names: readonly Name[], number: number): Name {
  const name = names[number];
  if (name === undefined) {
    throw new MalformedMessage(`there is no name for ${number}`);
  }
  return name;
}

function readText(reader: FieldReader): string {
  return text.decode(reader.bytes(reader.u32()));
}
