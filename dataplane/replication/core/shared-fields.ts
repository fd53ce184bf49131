import type { ConfState, EntryMeta, ReplicaId, SnapshotMeta } from './consensus-core.ts';
import { type FieldReader, type FieldWriter, MalformedMessage } from './field-bytes.ts';

/** The fields that commands, records and messages have in common: configurations and entries. */

/** How an entry begins, wherever it stands: term u64, kind u8, a u32, b u32. */
export const ENTRY_HEAD_BYTES = 17;

export const KIND_EMPTY = 0;
export const KIND_NORMAL = 1;
export const KIND_CONF = 2;

const NO_BYTES = new Uint8Array(0);
const NO_DATA = { data: undefined, context: undefined };

export function readConfState(reader: FieldReader): ConfState {
  return {
    voters: readIds(reader),
    learners: readIds(reader),
    votersOutgoing: readIds(reader),
    learnersNext: readIds(reader),
    autoLeave: reader.u8() === 1,
  };
}

export function writeConfState(writer: FieldWriter, conf: ConfState): void {
  writeIds(writer, conf.voters);
  writeIds(writer, conf.learners);
  writeIds(writer, conf.votersOutgoing);
  writeIds(writer, conf.learnersNext);
  writer.u8(conf.autoLeave ? 1 : 0);
}

function readIds(reader: FieldReader): ReplicaId[] {
  const count = reader.count(8);
  const ids: ReplicaId[] = [];
  for (let i = 0; i < count; i += 1) {
    ids.push(reader.u64());
  }
  return ids;
}

function writeIds(writer: FieldWriter, ids: readonly ReplicaId[]): void {
  writer.u32(ids.length);
  for (const id of ids) {
    writer.u64(id);
  }
}

export function readSnapshotMeta(reader: FieldReader): SnapshotMeta {
  return { index: reader.u64(), term: reader.u64(), conf: readConfState(reader) };
}

/** First index u64, count u32, entries: as in append and apply records and in create. */
export function readEntryList(reader: FieldReader, isApply: boolean): EntryMeta[] {
  const first = reader.u64();
  const count = reader.count(ENTRY_HEAD_BYTES);
  const entries: EntryMeta[] = [];
  for (let i = 0; i < count; i += 1) {
    entries.push(readEntry(reader, first + i, isApply));
  }
  return entries;
}

/** Conf entries have a context in apply records only. */
export function readEntry(reader: FieldReader, index: number, isApply: boolean): EntryMeta {
  const term = reader.u64();
  const kind = reader.u8();
  const a = reader.u32();
  const b = reader.u32();
  if (kind === KIND_NORMAL) {
    if (a === 0) {
      throw new MalformedMessage('a token is 0');
    }
    return { index, term, kind: 'normal', token: a, payloadBytes: b, ...NO_DATA };
  }
  if (kind === KIND_EMPTY && a === 0 && b === 0) {
    return { index, term, kind: 'empty', token: 0, payloadBytes: 0, ...NO_DATA };
  }
  if (kind !== KIND_CONF || (b !== 0 && !isApply)) {
    throw new MalformedMessage('an entry is of no known kind');
  }
  const data = reader.bytes(a);
  const context = reader.bytes(b);
  return {
    index,
    term,
    kind: 'conf',
    token: 0,
    payloadBytes: 0,
    data,
    context: isApply ? context : undefined,
  };
}

export function writeEntryList(writer: FieldWriter, entries: readonly EntryMeta[]): void {
  const first = entries[0]?.index ?? 0;
  writer.u64(first);
  writer.u32(entries.length);
  for (const [i, entry] of entries.entries()) {
    if (entry.index !== first + i) {
      throw new RangeError(`entry ${entry.index} does not follow: ${first + i} is missing`);
    }
    writeEntry(writer, entry);
  }
}

function writeEntry(writer: FieldWriter, entry: EntryMeta): void {
  writer.u64(entry.term);
  switch (entry.kind) {
    case 'normal':
      writer.u8(KIND_NORMAL);
      writer.u32(entry.token);
      writer.u32(entry.payloadBytes);
      return;
    case 'empty':
      writer.u8(KIND_EMPTY);
      writer.u32(0);
      writer.u32(0);
      return;
    case 'conf': {
      const data = entry.data ?? NO_BYTES;
      writer.u8(KIND_CONF);
      writer.u32(data.length);
      writer.u32(0);
      writer.bytes(data);
      return;
    }
  }
}
