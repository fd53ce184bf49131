import type { Socket } from 'node:net';
import type { Scheduler } from '../scheduler.ts';
import {
  CHECKSUM_BYTES,
  type FrameKind,
  frameChecksum,
  HEADER_BYTES,
  writeHeader,
} from './frame.ts';
import { encodeBody } from './message-pack.ts';
import type { TransportLimits } from './options.ts';

/** Frames are gathered in blocks of this size. */
const BLOCK_BYTES = 64 * 1024;
/** A bulkier frame gets a block of its own, so that of any block at most a quarter lies idle. */
const GATHERED_BYTES_MAX = BLOCK_BYTES / 4;
const BLOCKS_KEPT = 2;
/** The socket is handed more while it holds less than this: what it holds cannot be called back. */
const SOCKET_BYTES_MAX = 256 * 1024;

/** A body that is too large for a frame. */
export class BodyTooLarge extends Error {
  constructor(bodyBytes: number) {
    super(`a body of ${bodyBytes} bytes does not fit into a frame`);
    this.name = 'BodyTooLarge';
  }
}

export interface OutboxOptions {
  readonly socket: Socket;
  readonly scheduler: Scheduler;
  readonly limits: TransportLimits;
  readonly hasChecksum: boolean;
  /** Told when less waits, or is being written, than before. */
  readonly onProgress: () => void;
  /** For tests. */
  readonly faults: OutboxFaults | undefined;
}

/** What a test does to writes. */
export interface OutboxFaults {
  /** Whether what is handed over now is lost. */
  isLost(): boolean;
  /** Calls `write`, now or later, in the order in which it was given them. */
  delay(write: () => void): void;
}

/**
 * Frames on their way to one peer. What is added in one turn of the event loop leaves in one
 * write; while the socket is behind, frames wait here, where they count as not sent.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  /** In order; of the first a part may be with the socket, the last one is being filled. */
  #blocks: Block[] = [];
  readonly #spare: Block[] = [];
  #isFlushPlanned = false;
  #isClosed = false;
  /** Frames that wait here, and their bytes. */
  #queuedFrames = 0;
  #queuedBytes = 0;
  #handedFrames = 0;
  #answerBytes = 0;
  /** Writes that the socket has not finished. */
  #writesCount = 0;
  #writtenCount = 0;
  #handedMs: number;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#handedMs = options.scheduler.monotonicMs();
  }

  get queuedFrames(): number {
    return this.#queuedFrames;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Frames that the socket was given, since the connection came up. */
  get handedFrames(): number {
    return this.#handedFrames;
  }

  /** Of answers, what is not written yet. */
  get answerBytes(): number {
    return this.#answerBytes;
  }

  /** When the socket last was given anything. */
  get handedMs(): number {
    return this.#handedMs;
  }

  /** Whether the socket is at a write. */
  get isWriting(): boolean {
    return this.#writesCount > 0;
  }

  /** Writes that the socket has finished, since the connection came up. */
  get writtenCount(): number {
    return this.#writtenCount;
  }

  /** Whether the queue is filled to this share of its bounds. */
  isFilled(share: number): boolean {
    const { queueBytesMax, queueFramesMax } = this.#options.limits;
    return (
      this.#queuedBytes > queueBytesMax * share || this.#queuedFrames >= queueFramesMax * share
    );
  }

  /**
   * Adds a frame with a body.
   * @throws BodyTooLarge, or what the encoder throws for values that it does not know
   */
  add(kind: FrameKind, id: number, body: unknown): QueuedFrame {
    const frame = encodeBody(body);
    const bodyBytes = frame.length - HEADER_BYTES;
    if (bodyBytes > this.#options.limits.bodyBytesMax) throw new BodyTooLarge(bodyBytes);
    return this.#add({ kind, id, bodyBytes }, frame, false);
  }

  /** Adds an answer, which counts as such until it is written. Throws as `add` does. */
  addAnswer(kind: FrameKind, id: number, body: unknown): void {
    const frame = encodeBody(body);
    const bodyBytes = frame.length - HEADER_BYTES;
    if (bodyBytes > this.#options.limits.bodyBytesMax) throw new BodyTooLarge(bodyBytes);
    this.#add({ kind, id, bodyBytes }, frame, true);
  }

  /** Adds a frame that has no body. */
  addBare(kind: FrameKind, id: number): void {
    this.#add({ kind, id, bodyBytes: 0 }, Buffer.allocUnsafe(HEADER_BYTES), false);
  }

  /** Hands everything to the socket, however far behind it is, and takes nothing more. */
  end(): void {
    this.#flush(Number.POSITIVE_INFINITY);
    this.#isClosed = true;
  }

  /** Forgets what waits. */
  close(): void {
    this.#isClosed = true;
    this.#blocks = [];
  }

  #add(
    header: { readonly kind: FrameKind; readonly id: number; readonly bodyBytes: number },
    frame: Buffer,
    isAnswer: boolean,
  ): QueuedFrame {
    const place = this.#handedFrames + this.#queuedFrames;
    if (this.#isClosed) return { place, bytes: 0 };
    writeHeader(frame, header);
    const checksum = this.#options.hasChecksum ? frameChecksum(frame) : undefined;
    const bytes = frame.length + (checksum === undefined ? 0 : CHECKSUM_BYTES);
    const block = this.#blockFor(bytes);
    block.append(frame, checksum);
    if (isAnswer) {
      block.answerBytes += bytes;
      this.#answerBytes += bytes;
    }
    this.#queuedFrames += 1;
    this.#queuedBytes += bytes;
    this.#planFlush();
    return { place, bytes };
  }

  #blockFor(bytes: number): Block {
    const last = this.#blocks.at(-1);
    if (last?.hasRoomFor(bytes) === true) return last;
    const block =
      bytes > GATHERED_BYTES_MAX ? new Block(bytes) : (this.#spare.pop() ?? new Block());
    this.#blocks.push(block);
    return block;
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.#options.scheduler.soon(() => {
      this.#isFlushPlanned = false;
      this.#flush(SOCKET_BYTES_MAX);
    });
  }

  #flush(socketBytesMax: number): void {
    const { socket } = this.#options;
    if (this.#isClosed || socket.writableLength >= socketBytesMax) return;
    const isSeveral = this.#blocks.length > 1;
    if (isSeveral) socket.cork();
    while (socket.writableLength < socketBytesMax) {
      const [block] = this.#blocks;
      if (block === undefined) break;
      this.#hand(block);
    }
    if (isSeveral) socket.uncork();
  }

  /** Hands the next part of a block to the socket: all of it, but for a bulky frame. */
  #hand(block: Block): void {
    const { socket, faults } = this.#options;
    this.#handedMs = this.#options.scheduler.monotonicMs();
    if (block.handedBytes === 0) {
      this.#queuedFrames -= block.frames;
      this.#handedFrames += block.frames;
      block.isLost = faults?.isLost() === true;
    }
    const part = block.nextPart();
    this.#queuedBytes -= part.length;
    if (block.isHanded) this.#blocks.shift();
    this.#writesCount += 1;
    const isLast = block.isHanded;
    const onWritten = () => this.#onWritten(block, isLast);
    const write = () => {
      if (block.isLost || !socket.writable) onWritten();
      else socket.write(part, onWritten);
    };
    if (faults === undefined) write();
    else faults.delay(write);
  }

  #onWritten(block: Block, isLast: boolean): void {
    if (this.#isClosed) return;
    this.#writtenCount += 1;
    this.#writesCount -= 1;
    if (isLast) this.#letGo(block);
    if (this.#blocks.length > 0) this.#planFlush();
    this.#options.onProgress();
  }

  #letGo(block: Block): void {
    this.#answerBytes -= block.answerBytes;
    if (!block.isStandard || this.#spare.length >= BLOCKS_KEPT) return;
    block.empty();
    this.#spare.push(block);
  }
}

/** Where a frame is in the order of all, and how large it is. */
export interface QueuedFrame {
  readonly place: number;
  readonly bytes: number;
}

/** Frames back to back; nothing is added once a part was handed over. */
class Block {
  frames = 0;
  answerBytes = 0;
  isLost = false;
  #used = 0;
  #handedBytes = 0;
  readonly #buffer: Buffer;

  constructor(bytes = BLOCK_BYTES) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  get isStandard(): boolean {
    return this.#buffer.length === BLOCK_BYTES;
  }

  get handedBytes(): number {
    return this.#handedBytes;
  }

  get isHanded(): boolean {
    return this.#handedBytes === this.#used;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#handedBytes === 0 && this.#buffer.length - this.#used >= bytes;
  }

  append(frame: Buffer, checksum: number | undefined): void {
    this.#buffer.set(frame, this.#used);
    this.#used += frame.length;
    if (checksum !== undefined) this.#used = this.#buffer.writeUInt32BE(checksum, this.#used);
    this.frames += 1;
  }

  /** So much that a slow connection shows progress before its frame is through. */
  nextPart(): Buffer {
    const start = this.#handedBytes;
    this.#handedBytes = Math.min(this.#used, start + SOCKET_BYTES_MAX);
    return this.#buffer.subarray(start, this.#handedBytes);
  }

  empty(): void {
    this.frames = 0;
    this.answerBytes = 0;
    this.isLost = false;
    this.#used = 0;
    this.#handedBytes = 0;
  }
}
