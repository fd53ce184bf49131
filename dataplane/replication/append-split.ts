import { ENTRY_HEAD_BYTES, KIND_CONF, KIND_NORMAL } from './core/shared-fields.ts';

/** Where the fields of a message stand; all little-endian (`core/README.md`). */
const HEAD_BYTES = 64;
const COUNT_AT = 4;
const INDEX_AT = 32;
const LOG_TERM_AT = 40;
const WORD = 2 ** 32;

/** An append message, and how many of the original's payloads go with it. */
export interface AppendPart {
  readonly message: Uint8Array;
  readonly payloadsCount: number;
}

/** Entries in an append message; 0: it only tells of what is committed. */
export function appendedEntriesCount(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset, message.byteLength).getUint32(
    COUNT_AT,
    true,
  );
}

/**
 * Cuts an append message into several that say the same one after the other, each with at most
 * `bytesMax` of payload, or one entry. To raft they are messages that the leader might have sent.
 */
export function splitAppend(message: Uint8Array, bytesMax: number): AppendPart[] {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const count = view.getUint32(COUNT_AT, true);
  const parts: AppendPart[] = [];
  let before = { index: readU64(view, INDEX_AT), term: readU64(view, LOG_TERM_AT) };
  let start = HEAD_BYTES;
  let part = { entries: 0, payloads: 0, bytes: 0 };
  let previousTerm = before.term;
  let at = start;
  const cut = () => {
    parts.push({
      message: partOf(message, { start, end: at, count: part.entries, before }),
      payloadsCount: part.payloads,
    });
    before = { index: before.index + part.entries, term: previousTerm };
    start = at;
    part = { entries: 0, payloads: 0, bytes: 0 };
  };
  for (let i = 0; i < count; i += 1) {
    const kind = view.getUint8(at + 8);
    const length = view.getUint32(at + 9, true);
    const payloadBytes = kind === KIND_NORMAL ? view.getUint32(at + 13, true) : 0;
    if (part.entries > 0 && part.bytes + payloadBytes > bytesMax) cut();
    part.entries += 1;
    part.payloads += kind === KIND_NORMAL ? 1 : 0;
    part.bytes += payloadBytes;
    previousTerm = readU64(view, at);
    at += ENTRY_HEAD_BYTES + (kind === KIND_CONF ? length : 0);
  }
  if (parts.length === 0) return [{ message, payloadsCount: part.payloads }];
  cut();
  return parts;
}

function partOf(
  message: Uint8Array,
  part: {
    readonly start: number;
    readonly end: number;
    readonly count: number;
    readonly before: { readonly index: number; readonly term: number };
  },
): Uint8Array {
  const { start, end, count, before } = part;
  const bytes = new Uint8Array(HEAD_BYTES + end - start);
  bytes.set(message.subarray(0, HEAD_BYTES));
  bytes.set(message.subarray(start, end), HEAD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(COUNT_AT, count, true);
  writeU64(view, INDEX_AT, before.index);
  writeU64(view, LOG_TERM_AT, before.term);
  return bytes;
}

function readU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * WORD + view.getUint32(at, true);
}

function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % WORD, true);
  view.setUint32(at + 4, Math.floor(value / WORD), true);
}
