import { decodeCheckedNumber, encodeCheckedNumber } from '../partition/checked-number.ts';
import type { IndexChange } from '../partition/index-change.ts';
import { IndexBatch, IndexPartition } from '../partition/index-partition.ts';
import { metaKey } from '../partition/key-space.ts';
import type { FedChange, FeedCall } from '../routing/protocol.ts';
import {
  encodePartitionConfiguration,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import { type Effect, StoreError } from '../storage/store.ts';
import { failureOf, overloaded } from './failures.ts';
import type { Leadership } from './leadership.ts';
import { LoadGate } from './load-gate.ts';
import type { PartitionMetrics } from './metrics.ts';
import type { NodeContext } from './node-context.ts';

export interface IndexLeaderParts {
  readonly node: NodeContext;
  readonly leadership: Leadership;
  readonly metrics: PartitionMetrics;
  readonly indexId: number;
  /** As committed. */
  readonly table: TableConfiguration;
  /** Told of data that does not match its checksum. */
  readonly onDamage: (error: StoreError) => void;
}

interface WaitingCall {
  readonly basePartitionId: bigint;
  readonly changes: readonly FedChange[];
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const CALL_OVERHEAD_BYTES = 256;
const CHANGE_OVERHEAD_BYTES = 64;

/**
 * A partition of a global index at the leader of its group: takes changes that base partitions feed,
 * one proposal at a time, several calls in one. Lives as long as its `Leadership`.
 *
 * Invariant: with its changes a proposal writes, for each base partition, the sequence of the last
 * one taken. So all up to that is in the index exactly when it says so, and comes to nothing when it
 * is fed again. What is computed looks at committed state alone.
 */
export class IndexLeader {
  readonly kind = 'index';
  readonly leadership: Leadership;
  readonly #parts: IndexLeaderParts;
  readonly #partition: IndexPartition;
  readonly #gate: LoadGate;
  /** Committed watermarks by base partition. */
  readonly #taken = new Map<bigint, number>();
  #waiting: WaitingCall[] = [];
  #running: Promise<void> | undefined;
  #table: TableConfiguration;
  #configuring: Promise<void> = Promise.resolve();

  /** @throws StoreError when the state here cannot be read */
  constructor(parts: IndexLeaderParts) {
    const { node, leadership, table } = parts;
    const { limits, store } = node;
    this.#parts = parts;
    this.leadership = leadership;
    this.#table = table;
    this.#partition = new IndexPartition(wholeRange(leadership.replica.storageId), store);
    this.#gate = new LoadGate({ countMax: limits.fedCallsMax, bytesMax: limits.fedBytesMax });
  }

  /** The table as it is going to be. */
  get table(): TableConfiguration {
    return this.#table;
  }

  /**
   * Resolves when all changes of the call are in the index for good.
   * @throws RemoteFailure
   */
  async feed([, basePartitionId, changes]: FeedCall): Promise<void> {
    const { metrics } = this.#parts;
    this.leadership.assertLive();
    metrics.feeds += 1;
    const bytes = bytesOf(changes);
    if (!this.#gate.enter(bytes)) {
      metrics.shed += 1;
      throw overloaded('changes of this index');
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ basePartitionId, changes, bytes, resolve, reject });
    this.#running ??= this.#runSoon();
    try {
      await promise;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'damaged') this.#parts.onDamage(error);
      throw failureOf(error, this.leadership.replica, { mayBeDone: true });
    } finally {
      this.#gate.leave(bytes);
    }
  }

  /**
   * Takes over a newer configuration of the table. Resolves when it, or a newer one, is committed.
   * @throws ProposalError
   */
  async configure(table: TableConfiguration): Promise<void> {
    const { partitionId, storageId } = this.leadership.replica;
    this.leadership.assertLive();
    if (table.version > this.#table.version) {
      const key = metaKey(storageId, 'configuration');
      const { indexId } = this.#parts;
      const value = encodePartitionConfiguration({ partitionId, indexId, table });
      this.#configuring = this.leadership.commit([{ key, value }]);
      this.#configuring.catch(() => {}); // whoever waits for it hears of its failure
      this.#table = table;
    }
    await this.#configuring;
  }

  /** Its leadership has ended: calls that wait are refused by the next proposal. */
  close(): void {}

  /** Resolves when nothing that it proposed is open. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#running, this.#configuring]);
  }

  /** What arrives in this turn shares a proposal. */
  #runSoon(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#parts.node.scheduler.soon(() => {
      this.#run().then(resolve);
    });
    return promise;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const calls = this.#nextCalls();
      try {
        await this.#take(calls);
        for (const { resolve } of calls) resolve();
      } catch (error) {
        for (const { reject } of calls) reject(error);
      }
    }
    this.#running = undefined;
  }

  #nextCalls(): readonly WaitingCall[] {
    const { fedBatchChangesMax, fedBatchBytesMax } = this.#parts.node.limits;
    let changes = 0;
    let bytes = 0;
    let count = 0;
    for (const call of this.#waiting) {
      changes += call.changes.length;
      bytes += call.bytes;
      if (count > 0 && (changes > fedBatchChangesMax || bytes > fedBatchBytesMax)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #take(calls: readonly WaitingCall[]): Promise<void> {
    const { node, metrics } = this.#parts;
    const { storageId } = this.leadership.replica;
    const batch = new IndexBatch(node.store, () => this.#partition);
    const reached = new Map<bigint, number>();
    for (const { basePartitionId, changes } of calls) {
      let last = reached.get(basePartitionId) ?? this.#takenOf(basePartitionId);
      for (const change of changes) {
        if (change[0] <= last) {
          metrics.repeatedChanges += 1;
          continue;
        }
        last = change[0];
        metrics.fedChanges += 1;
        batch.add(changeOf(change, this.#parts.indexId));
        reached.set(basePartitionId, last);
      }
    }
    if (reached.size === 0) {
      node.probe('repeatedFeed');
      return; // All of it is committed here, whoever leads now.
    }
    const marks = [...reached].map(
      ([id, sequence]): Effect => ({
        key: metaKey(storageId, 'fed', idBytes(id)),
        value: encodeCheckedNumber(sequence),
      }),
    );
    await this.leadership.commit([...batch.effects(), ...marks]);
    batch.committed();
    for (const [id, sequence] of reached) this.#taken.set(id, sequence);
  }

  #takenOf(basePartitionId: bigint): number {
    let taken = this.#taken.get(basePartitionId);
    if (taken === undefined) {
      const key = metaKey(this.leadership.replica.storageId, 'fed', idBytes(basePartitionId));
      const value = this.#parts.node.store.get(key);
      taken = value === undefined ? 0 : decodeCheckedNumber(value);
      this.#taken.set(basePartitionId, taken);
    }
    return taken;
  }
}

/** Which hashes are the partition's is for those who feed it to know. */
function wholeRange(id: bigint) {
  return { id, start: Buffer.alloc(0), end: undefined };
}

function changeOf(
  [sequence, version, removedKey, putKey, putRecord]: FedChange,
  indexId: number,
): IndexChange {
  return {
    indexId,
    sequence,
    version,
    removedKey: removedKey === null ? undefined : bufferOf(removedKey),
    put:
      putKey === null || putRecord === null
        ? undefined
        : { key: bufferOf(putKey), record: bufferOf(putRecord) },
  };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bytesOf(changes: readonly FedChange[]): number {
  let bytes = CALL_OVERHEAD_BYTES;
  for (const [, , removedKey, putKey, putRecord] of changes) {
    bytes += CHANGE_OVERHEAD_BYTES + (removedKey?.length ?? 0);
    bytes += (putKey?.length ?? 0) + (putRecord?.length ?? 0);
  }
  return bytes;
}

function idBytes(id: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(id);
  return bytes;
}
