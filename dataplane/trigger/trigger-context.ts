import type { TriggerTarget } from '../partition/trigger.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import type { PostResult } from './batch-answer.ts';
import type { TriggerRegister } from './trigger-counts.ts';

export interface EventPost {
  readonly target: TriggerTarget;
  readonly body: Buffer;
  /** Until the whole answer is there. */
  readonly timeoutMs: number;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/** Sends events to addresses. */
export interface EventPoster {
  /** Never rejects. */
  post(post: EventPost): Promise<PostResult>;
}

/** What all triggers of a process share. */
export interface TriggerContext {
  readonly poster: EventPoster;
  readonly scheduler: Scheduler;
  /** Of [0, 1). */
  readonly random: () => number;
  readonly log: (event: string, fields: object) => void;
  readonly register: TriggerRegister;
  readonly memory: BufferMemory;
}

/** Bounds the records that wait in memory, of all triggers at all partitions together. */
export class BufferMemory {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number = BUFFERED_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Who holds nothing may go on all the same: else all might wait for each other. */
  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  remove(bytes: number): void {
    this.#bytes -= bytes;
  }
}

const BUFFERED_BYTES_MAX = 64 * 1024 * 1024;
