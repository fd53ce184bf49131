import assert from 'node:assert/strict';
import { spacePrefix } from '../partition/key-space.ts';
import { RETRY_WINDOW_MS } from '../routing/protocol.ts';
import { walkSpace } from '../routing/space-walk.ts';
import type { Effect } from '../storage/store.ts';
import type { NodeContext } from './node-context.ts';
import {
  type DoneWrite,
  encodeRequestRecord,
  type RememberedAnswer,
  readAnswer,
  readRequestIds,
  rememberedBytes,
  requestKey,
} from './request-record.ts';

/** A generation takes writes for so long; all of it is forgotten at once. */
const GENERATION_MS = RETRY_WINDOW_MS / 5;
/** Records deleted along with one group, and at once when nothing is written. */
const TRIMMED_WITH_GROUP = 32;
const TRIMMED_WHEN_IDLE = 1_000;
const PAGE_RECORDS = 200;

/** Writes that came in one stretch of time. */
interface Generation {
  readonly startedMs: number;
  /** Version of the record, by request id. */
  readonly versions: Map<string, number>;
  readonly records: number[];
}

/**
 * Which writes a partition has done of late, so that one that is sent again is answered and not done
 * again. The answers are in the store, committed with the writes (`request-record.ts`); in memory is
 * only which record has them.
 *
 * Invariants: it is as durable as the writes, so the next leader knows of every write that was
 * committed. An entry is kept for RETRY_WINDOW_MS at least after this leader first saw it, by its
 * monotonic clock; a leader that takes over sees all it finds at that moment.
 */
export class RequestLog {
  readonly #node: NodeContext;
  readonly #storageId: bigint;
  /** The oldest first; the last takes what comes. */
  #generations: Generation[] = [];
  /** Records whose time is over, and which are still in the store. */
  #expired: number[] = [];
  /** Writes that have joined the group that is committed next. */
  #gathered: DoneWrite[] = [];
  #isLoaded = false;
  #isClosed = false;

  constructor(node: NodeContext, storageId: bigint) {
    this.#node = node;
    this.#storageId = storageId;
  }

  /** What earlier leaders have done is known too. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /**
   * Takes up what is in the store; no write may be evaluated before that.
   * @throws StoreError
   */
  async load(): Promise<void> {
    const { store, scheduler } = this.#node;
    this.#forgetAll(); // of a load that failed half-way
    const found = this.#newGeneration(scheduler.monotonicMs());
    const prefix = spacePrefix(this.#storageId, 'request');
    for await (const pairs of walkSpace(store, prefix, PAGE_RECORDS)) {
      if (this.#isClosed) return;
      for (const [key, record] of pairs) {
        const version = Number(key.readBigUInt64BE(prefix.length));
        this.#add(found, readRequestIds(record), version);
      }
    }
    if (this.#isClosed) return;
    // The window begins when all has been seen.
    this.#newGeneration(scheduler.monotonicMs());
    this.#isLoaded = true;
  }

  /**
   * The answer of a write done before; undefined when there was none. Not to be asked for one that
   * is under way.
   * @throws StoreError
   */
  find(id: string): RememberedAnswer | undefined {
    for (let index = this.#generations.length - 1; index >= 0; index--) {
      const version = this.#generations[index]?.versions.get(id);
      if (version === undefined) continue;
      const record = this.#node.store.get(requestKey(this.#storageId, version));
      const answer = record === undefined ? undefined : readAnswer(record, id);
      assert(answer !== undefined, 'a write is remembered as long as its record is there');
      return answer;
    }
    return undefined;
  }

  /** Takes a write that has joined a group; the bytes it adds to that. */
  gather(id: string, answer: RememberedAnswer): number {
    this.#gathered.push({ id, answer });
    return rememberedBytes(answer);
  }

  /** Adds the record of the group's writes to its effects, and deletes some that are too old. */
  beforeCommit(effects: Effect[], version: number): void {
    const writes = this.#gathered;
    if (writes.length > 0) {
      this.#gathered = [];
      const key = requestKey(this.#storageId, version);
      effects.push({ key, value: encodeRequestRecord(writes) });
      this.#add(this.#currentGeneration(), idsOf(writes), version);
    }
    for (const effect of this.#trim(TRIMMED_WITH_GROUP)) effects.push(effect);
  }

  /** Deletions of what is too old, for when nothing is written; a bounded number. */
  trimWhenIdle(): readonly Effect[] {
    if (!this.#isLoaded) return [];
    // One that is empty may last: what comes into it late is kept for longer.
    if (this.#generations.at(-1)?.records.length === 0) {
      this.#expire(this.#node.scheduler.monotonicMs());
    } else {
      this.#currentGeneration();
    }
    return this.#trim(TRIMMED_WHEN_IDLE);
  }

  close(): void {
    this.#isClosed = true;
    this.#forgetAll();
  }

  #add(generation: Generation, ids: readonly string[], version: number): void {
    const { versions, records } = generation;
    const sizeBefore = versions.size;
    for (const id of ids) versions.set(id, version);
    records.push(version);
    this.#node.remembered.count += versions.size - sizeBefore;
  }

  /** Begins a new generation when it is time, and gives up those that have ended long enough ago. */
  #currentGeneration(): Generation {
    const nowMs = this.#node.scheduler.monotonicMs();
    const current = this.#generations.at(-1);
    if (current !== undefined && nowMs - current.startedMs < GENERATION_MS) return current;
    this.#expire(nowMs);
    return this.#newGeneration(nowMs);
  }

  /** A generation ends when the next begins. */
  #expire(nowMs: number): void {
    for (;;) {
      const [oldest, next] = this.#generations;
      if (oldest === undefined || next === undefined) return;
      if (nowMs - next.startedMs < RETRY_WINDOW_MS) return;
      this.#generations.shift();
      this.#node.remembered.count -= oldest.versions.size;
      for (const version of oldest.records) this.#expired.push(version);
    }
  }

  #newGeneration(startedMs: number): Generation {
    const generation: Generation = { startedMs, versions: new Map(), records: [] };
    this.#generations.push(generation);
    return generation;
  }

  #trim(count: number): Effect[] {
    if (this.#expired.length === 0) return [];
    return this.#expired
      .splice(-count)
      .map((version) => ({ key: requestKey(this.#storageId, version), value: undefined }));
  }

  #forgetAll(): void {
    for (const { versions } of this.#generations) this.#node.remembered.count -= versions.size;
    this.#generations = [];
  }
}

function idsOf(writes: readonly DoneWrite[]): readonly string[] {
  return writes.map(({ id }) => id);
}
