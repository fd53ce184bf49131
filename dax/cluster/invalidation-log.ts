import assert from 'node:assert/strict';
import type { CoherenceLimits } from './coherence-limits.ts';

/** One thing that all other members have to know before a write is acknowledged. */
export interface LogEntry {
  readonly seq: number;
  readonly frame: Buffer;
  /** Of all entries up to this one, since the beginning. */
  readonly endBytes: number;
}

interface PendingEntry extends LogEntry {
  readonly deadlineMs: number;
  /** Undefined when nobody waits for it any more. It is delivered all the same. */
  waiting: Waiting | undefined;
}

export interface Waiting {
  resolve(): void;
  reject(reason: string): void;
}

/**
 * Invalidations in the order of their writes, until every other member has acknowledged them.
 *
 * Invariants: `seq` has no gaps; an entry leaves the log only at its front; what leaves it was acknowledged by all who were
 * members then. So a new member needs exactly what is in the log.
 */
export class InvalidationLog {
  readonly #limits: Pick<CoherenceLimits, 'logEntriesMax' | 'logBytesMax'>;
  #entries: (PendingEntry | undefined)[] = [];
  /** Of `#entries`: those before it are gone, and undefined. */
  #head = 0;
  #lastSeq = 0;
  #endBytes = 0;
  #goneBytes = 0;

  constructor(limits: Pick<CoherenceLimits, 'logEntriesMax' | 'logBytesMax'>) {
    this.#limits = limits;
  }

  /** Of the latest entry; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** All entries up to it have left the log. */
  get goneSeq(): number {
    return this.#lastSeq - this.count;
  }

  get goneBytes(): number {
    return this.#goneBytes;
  }

  get count(): number {
    return this.#entries.length - this.#head;
  }

  get isFull(): boolean {
    const { logEntriesMax, logBytesMax } = this.#limits;
    return this.count >= logEntriesMax || this.#endBytes - this.#goneBytes >= logBytesMax;
  }

  /** @param encode the frame, given its number */
  add(encode: (seq: number) => Buffer, deadlineMs: number, waiting: Waiting | undefined): LogEntry {
    this.#lastSeq += 1;
    const frame = encode(this.#lastSeq);
    this.#endBytes += frame.length;
    const entry = { seq: this.#lastSeq, frame, endBytes: this.#endBytes, deadlineMs, waiting };
    this.#entries.push(entry);
    return entry;
  }

  /** The entry of that number, which has to be in the log. */
  at(seq: number): LogEntry {
    const entry = this.#entries[this.#head + seq - this.goneSeq - 1];
    assert(entry?.seq === seq, 'the log has no gaps');
    return entry;
  }

  /** All up to `seq` are acknowledged by everybody. */
  settle(seq: number): void {
    for (let entry = this.#entries[this.#head]; entry !== undefined && entry.seq <= seq; ) {
      this.#entries[this.#head] = undefined;
      this.#head += 1;
      this.#goneBytes = entry.endBytes;
      entry.waiting?.resolve();
      entry = this.#entries[this.#head];
    }
    this.#compact();
  }

  /** Tells those whose time is up. Their entries stay. */
  expire(nowMs: number): void {
    for (let index = this.#head; index < this.#entries.length; index += 1) {
      const entry = this.#entries[index];
      if (entry === undefined || entry.deadlineMs > nowMs) break;
      entry.waiting?.reject('other nodes, or the registry, did not answer in time');
      entry.waiting = undefined;
    }
  }

  /** Tells everybody who still waits. */
  failAll(reason: string): void {
    for (const entry of this.#entries.slice(this.#head)) {
      entry?.waiting?.reject(reason);
      if (entry !== undefined) entry.waiting = undefined;
    }
  }

  #compact(): void {
    if (this.#head < COMPACT_COUNT || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }
}

const COMPACT_COUNT = 1_024;
