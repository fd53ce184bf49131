import { readUint53, writeUint53 } from '../partition/key-space.ts';
import type { ReplicaId } from './core/consensus-core.ts';
import { MalformedMessage } from './core/field-bytes.ts';

/**
 * Messages of many groups to one node, as one body of the transport: an array of the bytes below and
 * the payloads of all messages, in order. Big-endian.
 *
 * | bytes | field |
 * |---|---|
 * | 1 | version, 1 |
 * | per message: 8 | partition id |
 * | 8, 8 | replica it is from; replica it is for |
 * | 8 | commit index of the sender, uncut (see `staleness.ts`) |
 * | 8 | from a leader: the index up to which all members have the log; 0 else |
 * | 4 | payloads |
 * | 4 | n |
 * | n | the message, as the core made it |
 */
const VERSION = 1;
const HEAD_BYTES = 48;
const BUFFER_BYTES = 16 * 1024;

export const NO_PAYLOADS: readonly Buffer[] = Object.freeze([]);

export interface FramedMessage {
  readonly partitionId: bigint;
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly commit: number;
  readonly floor: number;
  readonly message: Uint8Array;
  readonly payloads: readonly Buffer[];
}

/** Gathers messages for one node. */
export class FrameWriter {
  #bytes = Buffer.allocUnsafe(BUFFER_BYTES);
  #length = 0;
  #payloads: Buffer[] = [];
  #payloadBytes = 0;
  #count = 0;

  /** Bytes so far, payloads included. */
  get bytes(): number {
    return this.#length + this.#payloadBytes;
  }

  get count(): number {
    return this.#count;
  }

  add(framed: FramedMessage): void {
    const { message, payloads } = framed;
    if (this.#length === 0) {
      this.#bytes[0] = VERSION;
      this.#length = 1;
    }
    this.#reserve(HEAD_BYTES + message.length);
    const bytes = this.#bytes;
    const at = this.#length;
    bytes.writeBigUInt64BE(framed.partitionId, at);
    writeUint53(bytes, framed.from, at + 8);
    writeUint53(bytes, framed.to, at + 16);
    writeUint53(bytes, framed.commit, at + 24);
    writeUint53(bytes, framed.floor, at + 32);
    bytes.writeUInt32BE(payloads.length, at + 40);
    bytes.writeUInt32BE(message.length, at + 44);
    bytes.set(message, at + HEAD_BYTES);
    this.#length = at + HEAD_BYTES + message.length;
    for (const payload of payloads) {
      this.#payloads.push(payload);
      this.#payloadBytes += payload.length;
    }
    this.#count += 1;
  }

  /** The body, which belongs to the caller, who begins another. */
  take(): Buffer[] {
    const body = [Buffer.from(this.#bytes.subarray(0, this.#length)), ...this.#payloads];
    if (this.#bytes.length > BUFFER_BYTES * 16) this.#bytes = Buffer.allocUnsafe(BUFFER_BYTES);
    this.#length = 0;
    this.#payloads = [];
    this.#payloadBytes = 0;
    this.#count = 0;
    return body;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/**
 * The messages of a body; bytes are views of it.
 * @throws MalformedMessage
 */
export function* readFrame(body: unknown): Generator<FramedMessage> {
  if (!Array.isArray(body) || !body.every((part) => Buffer.isBuffer(part))) {
    throw new MalformedMessage('a frame is no array of buffers');
  }
  const [bytes, ...payloads] = body;
  if (bytes === undefined || bytes[0] !== VERSION) {
    throw new MalformedMessage('a frame of no known version');
  }
  let payloadsTaken = 0;
  let at = 1;
  while (at < bytes.length) {
    if (at + HEAD_BYTES > bytes.length) throw new MalformedMessage('a frame is cut off');
    const payloadsCount = bytes.readUInt32BE(at + 40);
    const end = at + HEAD_BYTES + bytes.readUInt32BE(at + 44);
    if (end > bytes.length || payloadsTaken + payloadsCount > payloads.length) {
      throw new MalformedMessage('a frame is cut off');
    }
    yield {
      partitionId: bytes.readBigUInt64BE(at),
      from: readUint53(bytes, at + 8),
      to: readUint53(bytes, at + 16),
      commit: readUint53(bytes, at + 24),
      floor: readUint53(bytes, at + 32),
      message: bytes.subarray(at + HEAD_BYTES, end),
      payloads:
        payloadsCount === 0
          ? NO_PAYLOADS
          : payloads.slice(payloadsTaken, payloadsTaken + payloadsCount),
    };
    payloadsTaken += payloadsCount;
    at = end;
  }
}
