import { StoreError, type StoreSnapshot } from '../storage/store.ts';
import type { ReplicationContext } from './context.ts';
import type { ReplicaId } from './core/consensus-core.ts';
import type { DelayTrend } from './delay-trend.ts';
import { STORAGE_ID_BYTES, storageIdBytes } from './effects-codec.ts';
import type { Group } from './group.ts';
import type { RateLimit } from './rate-limit.ts';
import type { LogPlace } from './replica-records.ts';
import { ChunkWriter, type SnapshotChunk } from './snapshot-chunk.ts';
import {
  type BeginAnswer,
  type EndAnswer,
  SNAPSHOT_METHOD,
  type SnapshotRequest,
} from './snapshot-protocol.ts';
import { stateEnd } from './state-storage.ts';
import { type NodeId, RemoteFailure, RequestFailed } from './transport/transport.ts';

/** Pairs asked of the store at once. */
const PAGE_PAIRS = 64;

export interface StreamOptions {
  /** Of all streams of the node, and what they tell it. */
  readonly rate: RateLimit;
  readonly chunkDelay: DelayTrend;
  readonly snapshot: StoreSnapshot;
  readonly storageId: bigint;
  readonly place: LogPlace;
  readonly group: Group;
  readonly node: NodeId;
  readonly to: ReplicaId;
  readonly message: Uint8Array;
}

export interface StreamOutcome {
  readonly failure: string | undefined;
  readonly bytes: number;
  readonly pairsCount: number;
  readonly ms: number;
}

/** Sends one state to one node, a few chunks at a time. */
export class SnapshotStream {
  readonly #context: ReplicationContext;
  readonly #options: StreamOptions;
  readonly #aborting = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #bytes = 0;
  #pairs = 0;
  #chunks = 0;
  ended: Promise<StreamOutcome> | undefined;

  constructor(context: ReplicationContext, options: StreamOptions) {
    this.#context = context;
    this.#options = options;
  }

  get group(): Group {
    return this.#options.group;
  }

  get to(): ReplicaId {
    return this.#options.to;
  }

  /** Never rejects. Closes the view of the store. */
  run(): Promise<StreamOutcome> {
    this.ended ??= this.#run();
    return this.ended;
  }

  abort(reason: string): void {
    this.#aborting.abort(new RequestFailed('unknown', reason));
  }

  async #run(): Promise<StreamOutcome> {
    const { scheduler } = this.#context;
    const startMs = scheduler.monotonicMs();
    let failure: string | undefined;
    try {
      await this.#send();
    } catch (error) {
      if (!isExpected(error)) throw error;
      failure = error.message;
    } finally {
      await this.#options.snapshot.close().catch((error: unknown) => {
        if (!(error instanceof StoreError)) throw error;
      });
    }
    const ms = scheduler.monotonicMs() - startMs;
    return { failure, bytes: this.#bytes, pairsCount: this.#pairs, ms };
  }

  async #send(): Promise<void> {
    const { group, place, to, message } = this.#options;
    const { partitionId, replicaId: from } = group;
    const begun = (await this.#request({
      op: 'begin',
      partitionId,
      from,
      to,
      index: place.index,
      term: place.term,
    })) as BeginAnswer;
    const { stage } = begun;
    try {
      await this.#sendChunks(stage);
      const { signal } = this.#aborting;
      signal.throwIfAborted();
      const chunksCount = this.#chunks;
      const pairsCount = this.#pairs;
      const copy = Buffer.from(message);
      const end = { op: 'end', stage, chunksCount, pairsCount, message: copy } as const;
      const answer = (await this.#request(end)) as EndAnswer;
      if (!answer.isInstalled) this.#context.probe('snapshotNotWanted');
    } catch (error) {
      await Promise.allSettled(this.#underWay);
      // A courtesy: the receiver gives up by itself, too.
      void this.#request({ op: 'cancel', stage }).catch(() => undefined);
      throw error;
    }
  }

  async #sendChunks(stage: number): Promise<void> {
    const { snapshot, storageId } = this.#options;
    const { store, limits } = this.#context;
    const writer = new ChunkWriter(limits.snapshotChunkBytes);
    const iterator = store.iterate({
      start: storageIdBytes(storageId),
      end: stateEnd(storageId),
      reverse: false,
      limit: undefined,
      snapshot,
    });
    try {
      for (;;) {
        const page = await iterator.next(PAGE_PAIRS);
        if (page.length === 0) break;
        for (const [key, value] of page) {
          const keyInState = key.subarray(STORAGE_ID_BYTES);
          this.#check(keyInState, value);
          writer.add(keyInState, value);
          if (writer.isFull) await this.#sendChunk(stage, writer.take());
        }
      }
      if (!writer.isEmpty) await this.#sendChunk(stage, writer.take());
      await Promise.all(this.#underWay);
    } finally {
      await iterator.close();
    }
  }

  /** What is damaged stays here, and the owner learns of it: another member is to lead, and to send. */
  #check(key: Buffer, value: Buffer): void {
    const { checkPair, probe } = this.#context;
    try {
      checkPair(key, value);
    } catch (error) {
      if (error instanceof StoreError && error.code === 'damaged') {
        probe('snapshotOfDamage');
        this.#options.group.listener?.onDamaged(error);
      }
      throw error;
    }
  }

  /** Resolves when there is room for a further chunk; rejects when one before failed. */
  async #sendChunk(stage: number, chunk: SnapshotChunk): Promise<void> {
    const { signal } = this.#aborting;
    const { group, rate, chunkDelay } = this.#options;
    await rate.pass(chunk.data.length, signal);
    const { limits, metrics, scheduler } = this.#context;
    while (this.#underWay.size >= limits.snapshotWindow) {
      await Promise.race(this.#underWay);
    }
    if (!group.isLeader) this.abort('leadership was lost');
    signal.throwIfAborted();
    const number = this.#chunks;
    this.#chunks += 1;
    this.#pairs += chunk.pairsCount;
    this.#bytes += chunk.data.length;
    metrics.snapshotBytesSent += chunk.data.length;
    const { data, checksum } = chunk;
    const sent = this.#request({ op: 'chunk', stage, number, checksum, data }).then(() => {});
    // A failure is met when the window is waited for.
    sent.catch(() => undefined);
    const sentAtMs = scheduler.monotonicMs();
    const tracked = sent.then(() => {
      chunkDelay.observe(scheduler.monotonicMs() - sentAtMs);
      this.#underWay.delete(tracked);
    });
    tracked.catch(() => undefined);
    this.#underWay.add(tracked);
  }

  #request(body: SnapshotRequest): Promise<unknown> {
    const { transport, limits } = this.#context;
    const options = { timeoutMs: limits.snapshotTimeoutMs };
    const isLast = body.op === 'cancel';
    return transport.request(this.#options.node, SNAPSHOT_METHOD, body, {
      ...options,
      ...(isLast ? {} : { signal: this.#aborting.signal }),
    });
  }
}

function isExpected(error: unknown): error is Error {
  return (
    error instanceof RequestFailed ||
    error instanceof RemoteFailure ||
    error instanceof StoreError ||
    (error instanceof Error && error.name === 'AbortError')
  );
}
