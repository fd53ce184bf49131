import type { MessageHead, MessageType, ReplicaId, SnapshotMeta } from './consensus-core.ts';
import { FieldReader, MalformedMessage, putU64, u64At } from './field-bytes.ts';
import { KIND_CONF, KIND_EMPTY, KIND_NORMAL, readSnapshotMeta } from './shared-fields.ts';

/** Raft's numbers of the messages that replicas send each other; the rest is never sent. */
const MESSAGE_TYPES: readonly (MessageType | undefined)[] = [
  undefined,
  undefined,
  undefined,
  'append',
  'appendResponse',
  'vote',
  'other',
  'snapshot',
  'heartbeat',
  'heartbeatResponse',
  undefined,
  undefined,
  undefined,
  undefined,
  'timeoutNow',
  'other',
  'other',
  'preVote',
  'other',
];

/** Of each message, before what it carries. */
export const MESSAGE_HEAD_BYTES = 64;
const TYPE_AT = 0;
const COUNT_AT = 4;
const FROM_AT = 8;
const TO_AT = 16;
const TERM_AT = 24;
const COMMIT_AT = 48;
const EXTRA_AT = 56;

const HEARTBEAT = 8;
const HEARTBEAT_RESPONSE = 9;

const FLAG_TRANSFER = 2;
const FLAG_SNAPSHOT = 4;
const FLAGS_ALL = 7;

type Payloads = MessageHead['payloads'];
const NO_PAYLOADS: Payloads = Object.freeze([]);

/** What a message carries beside numbers: what the sender must put with it. */
export interface MessageFreight {
  readonly type: MessageType;
  readonly payloads: Payloads;
  readonly snapshot: SnapshotMeta | undefined;
}

/**
 * Reads the head of a message and enumerates its entries, without stepping it.
 * @throws MalformedMessage when the bytes are no whole message; the core would refuse it too
 */
export function readMessageHead(message: Uint8Array): MessageHead {
  const reader = new FieldReader(message);
  const type = messageType(reader.u8());
  const flags = reader.u8();
  if (flags > FLAGS_ALL || reader.u8() !== 0 || reader.u8() !== 0) {
    throw new MalformedMessage('a message has unknown flags');
  }
  const count = reader.u32();
  const from = reader.u64();
  const to = reader.u64();
  const term = reader.u64();
  const index = reader.u64();
  reader.u64();
  const commit = reader.u64();
  reader.u64();
  if (type !== 'append' && count !== 0) {
    throw new MalformedMessage('a message of this type has no entries');
  }
  if ((type === 'snapshot') !== ((flags & FLAG_SNAPSHOT) !== 0)) {
    throw new MalformedMessage('a snapshot is missing or out of place');
  }
  const snapshot = type === 'snapshot' ? readSnapshotMeta(reader) : undefined;
  const payloads = count === 0 ? NO_PAYLOADS : readPayloads(reader, count, index + 1);
  if (!reader.isAtEnd) {
    throw new MalformedMessage('bytes are left behind the message');
  }
  const hasCommit = type === 'append' || type === 'heartbeat';
  return {
    type,
    from,
    to,
    term,
    commit: hasCommit ? commit : 0,
    isTransfer: (flags & FLAG_TRANSFER) !== 0,
    payloads,
    snapshot,
  };
}

/** As `readMessageHead`, for messages of the own core, most of which carry nothing. */
export function readMessageFreight(message: Uint8Array): MessageFreight {
  const type = readMessageType(message);
  const isBare =
    type !== 'snapshot' &&
    message[COUNT_AT] === 0 &&
    message[COUNT_AT + 1] === 0 &&
    message[COUNT_AT + 2] === 0 &&
    message[COUNT_AT + 3] === 0;
  return isBare ? { type, payloads: NO_PAYLOADS, snapshot: undefined } : readMessageHead(message);
}

/** @throws MalformedMessage */
export function readMessageType(message: Uint8Array): MessageType {
  return messageType(message[TYPE_AT] ?? 0);
}

/** @throws MalformedMessage */
export function readTerm(message: Uint8Array): number {
  if (message.length < MESSAGE_HEAD_BYTES) throw new MalformedMessage('a message is not whole');
  return u64At(message, TERM_AT);
}

/** A heartbeat that no read index round rides on. */
export interface PlainHeartbeat {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly term: number;
  readonly commit: number;
}

/**
 * Reads a heartbeat; undefined if it is another message, or its answer would confirm a read index.
 * @throws MalformedMessage when it is not whole
 */
export function readPlainHeartbeat(message: Uint8Array): PlainHeartbeat | undefined {
  if (message[TYPE_AT] !== HEARTBEAT) return undefined;
  if (message.length !== MESSAGE_HEAD_BYTES) {
    throw new MalformedMessage('a heartbeat is not whole');
  }
  if (u64At(message, EXTRA_AT) !== 0) return undefined;
  return {
    from: u64At(message, FROM_AT),
    to: u64At(message, TO_AT),
    term: u64At(message, TERM_AT),
    commit: u64At(message, COMMIT_AT),
  };
}

/**
 * The answer that raft gives to a heartbeat of its leader, byte for byte as the core writes it.
 * @param into - `MESSAGE_HEAD_BYTES`
 */
export function writeHeartbeatAnswer(
  into: Uint8Array,
  { from, to, term }: PlainHeartbeat,
): Uint8Array {
  into.fill(0);
  into[TYPE_AT] = HEARTBEAT_RESPONSE;
  putU64(into, FROM_AT, to);
  putU64(into, TO_AT, from);
  putU64(into, TERM_AT, term);
  return into;
}

function messageType(number: number): MessageType {
  const type = MESSAGE_TYPES[number];
  if (type === undefined) {
    throw new MalformedMessage('a message is of no known type');
  }
  return type;
}

function readPayloads(reader: FieldReader, count: number, first: number): Payloads {
  if (!Number.isSafeInteger(first + count)) {
    throw new MalformedMessage('an integer is 2^53 or more');
  }
  const payloads: { index: number; term: number; payloadBytes: number }[] = [];
  for (let i = 0; i < count; i += 1) {
    const term = reader.u64();
    const kind = reader.u8();
    const a = reader.u32();
    const b = reader.u32();
    if (kind === KIND_NORMAL) {
      payloads.push({ index: first + i, term, payloadBytes: b });
    } else if (kind === KIND_CONF) {
      reader.bytes(a);
    } else if (kind !== KIND_EMPTY) {
      throw new MalformedMessage('an entry is of no known kind');
    }
  }
  return payloads;
}
