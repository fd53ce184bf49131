import { ClientFault } from '../errors/client-fault.ts';
import { throughputFaults } from '../errors/items.ts';
import { listCapacity } from '../partition/capacity.ts';
import type { WriteResult } from '../partition/command.ts';
import { decodeWriteCommand } from '../partition/command-codec.ts';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { ownsItemKey } from '../partition/key-range.ts';
import { metaKey } from '../partition/key-space.ts';
import { Partition } from '../partition/partition.ts';
import type { PartitionRange, TableSchema } from '../partition/schema.ts';
import { pause } from '../replication/scheduler.ts';
import {
  CALL_AGE_MS_MAX,
  type CallTime,
  type WriteAnswer,
  type WriteCall,
} from '../routing/protocol.ts';
import {
  encodePartitionConfiguration,
  rangeOfPartition,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import { admitUnlessExhausted } from '../routing/transaction-admission.ts';
import { type Effect, StoreError } from '../storage/store.ts';
import { backfillCursorKey } from './backfill-progress.ts';
import { CommitPacer } from './commit-pacer.ts';
import { failure, failureOf, overloaded, retired } from './failures.ts';
import { IndexFeeds } from './index-feeds.ts';
import { LeaderTransactions } from './leader-transactions.ts';
import { LeaderTriggers } from './leader-triggers.ts';
import type { Leadership } from './leadership.ts';
import { LoadGate } from './load-gate.ts';
import type { PartitionMetrics } from './metrics.ts';
import { type NodeContext, resolvesWithin, retryMs } from './node-context.ts';
import { RequestLog } from './request-log.ts';
import { type RememberedAnswer, requestIdText } from './request-record.ts';

export interface LeaderPartitionParts {
  readonly node: NodeContext;
  readonly leadership: Leadership;
  readonly metrics: PartitionMetrics;
  /** As committed. */
  readonly table: TableConfiguration;
  /** Of this partition, in the table's layout. */
  readonly range: PartitionRange;
  /** Told of data that does not match its checksum. */
  readonly onDamage: (error: StoreError) => void;
}

/** What a write takes up beside its command. */
const WRITE_OVERHEAD_BYTES = 512;

const RETURNS_BEFORE = 1;
const RETURNS_AFTER = 2;

/**
 * A partition of a table at the leader of its group: evaluates writes, proposes their effects, does
 * each request once, and feeds the global indexes. Lives as long as its `Leadership`.
 */
export class LeaderPartition {
  readonly kind = 'base';
  readonly leadership: Leadership;
  readonly partition: Partition;
  readonly feeds: IndexFeeds;
  readonly transactions: LeaderTransactions;
  readonly #parts: LeaderPartitionParts;
  readonly #gate: LoadGate;
  readonly #triggers: LeaderTriggers;
  readonly #requests: RequestLog;
  readonly #running = new Map<string, Promise<WriteAnswer>>();
  #table: TableConfiguration;
  #compiled: CompiledSchema;
  #configuring: Promise<void> = Promise.resolve();
  readonly #loading: Promise<void>;
  #isLoaded = false;
  /** Why no write can be evaluated. */
  #failure: StoreError | undefined;

  /** @throws StoreError, RangeError when the state here cannot be read */
  constructor(parts: LeaderPartitionParts) {
    const { node, leadership, table, range } = parts;
    const { limits, scheduler } = node;
    const { replica } = leadership;
    this.#parts = parts;
    this.leadership = leadership;
    this.#table = table;
    this.#compiled = new CompiledSchema(table.layout.schema);
    this.#gate = new LoadGate(
      { countMax: limits.partitionWritesMax, bytesMax: limits.partitionWriteBytesMax },
      node.writes,
    );
    this.#requests = new RequestLog(node, replica.storageId);
    const pacer = new CommitPacer(scheduler, limits.groupsUnderWayMax);
    this.partition = new Partition({
      range: { ...range, id: replica.storageId },
      compiled: this.#compiled,
      store: node.store,
      cache: node.cache,
      commit: (effects) => pacer.run(() => leadership.commit(effects)),
      nowMs: () => scheduler.nowMs(),
      monotonicMs: () => scheduler.monotonicMs(),
      schedule: (flush) => pacer.schedule(flush),
      collectionBytesMax: limits.collectionBytesMax,
      beforeCommit: (effects, version) => {
        // Groups of a leadership that has ended are refused; they leave nothing behind.
        if (leadership.isLive) this.#requests.beforeCommit(effects, version);
      },
      onIndexChanges: (changes) => this.feeds.enqueue(changes),
      onStreamRecords: () => this.#triggers.wake(),
    });
    const { partitionId: basePartitionId } = replica;
    this.feeds = new IndexFeeds({ node, partition: this.partition, basePartitionId }, table);
    // What founders begin with has a stream, perhaps, and no shard.
    this.partition.alignShards().catch(() => {}); // The next leader does it, or the sweeper.
    const { partition } = this;
    const { onDamage } = parts;
    this.#triggers = new LeaderTriggers({ node, leadership, partition, onDamage }, table);
    this.transactions = this.#newTransactions();
    this.#loading = this.#load();
  }

  /** What earlier leaders have done and left is known: writes can be evaluated. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** The table as writes see it from now on. */
  get table(): TableConfiguration {
    return this.#table;
  }

  get schema(): TableSchema {
    return this.#table.layout.schema;
  }

  /**
   * Does a write once, however often it is sent.
   * @throws RemoteFailure
   */
  async write(call: WriteCall): Promise<WriteAnswer> {
    const { metrics } = this.#parts;
    const [, , requestId, time, command] = call;
    this.#assertInTime(time);
    const id = requestIdText(requestId);
    const running = this.#running.get(id);
    if (running !== undefined) {
      metrics.repeatedWrites += 1;
      return running;
    }
    const bytes = command.length + WRITE_OVERHEAD_BYTES;
    if (this.#isAtBound || !this.#gate.enter(bytes)) {
      metrics.shed += 1;
      throw overloaded('writes');
    }
    const writing = this.#write(id, call);
    this.#running.set(id, writing);
    try {
      return await writing;
    } finally {
      this.#running.delete(id);
      this.#gate.leave(bytes);
    }
  }

  /**
   * Takes over a newer configuration of the table, in order with the writes: those evaluated from
   * this call on follow it. Resolves when it, or a newer one, is committed.
   * @throws ProposalError
   */
  async configure(table: TableConfiguration): Promise<void> {
    const { partitionId, storageId } = this.leadership.replica;
    this.leadership.assertLive();
    const isListed = rangeOfPartition(table, partitionId)?.indexId === 0;
    if (table.version > this.#table.version && isListed) {
      const value = encodePartitionConfiguration({ partitionId, indexId: 0, table });
      this.#configuring = this.partition.include([
        { key: metaKey(storageId, 'configuration'), value },
        ...droppedCursors(storageId, this.#table, table),
      ]);
      this.#table = table;
      this.#compiled = new CompiledSchema(table.layout.schema);
      this.partition.compiled = this.#compiled;
      this.feeds.configure(table);
      this.#triggers.configure(table);
      // In the same proposal: who has the configuration has the shards that it asks for.
      const aligned = this.partition.alignShards();
      this.#configuring = Promise.all([this.#configuring, aligned]).then(() => undefined);
      this.#configuring.catch(() => {}); // whoever waits for it hears of its failure
    }
    await this.#configuring;
  }

  /** Deletes records of requests that are too old, when no writes come that would take them along. */
  trimRequests(): void {
    const effects = this.#requests.trimWhenIdle();
    // A failure ends the leadership; the next leader finds the records again.
    if (effects.length > 0) this.partition.include(effects).catch(() => {});
  }

  /** Its leadership has ended. */
  close(): void {
    this.feeds.stop();
    this.#triggers.stop();
    this.#requests.close();
  }

  /** Resolves when nothing that it proposed is open. */
  settled(): Promise<void> {
    return this.partition.settled();
  }

  /** No more can be taken on, whatever the gate says. */
  get #isAtBound(): boolean {
    const { limits, remembered } = this.#parts.node;
    return this.#hasMuchProposed || remembered.count >= limits.requestsRememberedMax;
  }

  get #hasMuchProposed(): boolean {
    return this.leadership.proposedBytes >= this.#parts.node.limits.proposedBytesMax;
  }

  async #write(id: string, call: WriteCall): Promise<WriteAnswer> {
    const { leadership, feeds } = this;
    const { metrics, node } = this.#parts;
    metrics.writes += 1;
    const waiting = this.#ready();
    if (waiting !== undefined) await waiting;
    const remembered = this.#remembered(id);
    if (remembered !== undefined) {
      metrics.repeatedWrites += 1;
      node.probe('repeatedWrite');
      return this.#answer('applied', remembered);
    }
    if (feeds.isFull) {
      const hasRoom = await feeds.room(node.limits.roomMsMax);
      if (!hasRoom) metrics.shed += 1;
      if (!hasRoom) throw failure('overloaded', 'a global index is too far behind');
      leadership.assertLive();
      this.#assertInTime(call[3]);
    }
    return this.#evaluate(id, call);
  }

  /**
   * Undefined when writes can be evaluated, else resolves when they can.
   * @throws RemoteFailure when they cannot, also by rejecting
   */
  #ready(): Promise<void> | undefined {
    const { leadership } = this;
    leadership.assertLive();
    if (this.#table.layout.retiredAtMs !== undefined) throw retired(leadership.replica);
    return this.#isLoaded ? undefined : this.#waitUntilLoaded();
  }

  async #waitUntilLoaded(): Promise<void> {
    const { leadership } = this;
    const { node } = this.#parts;
    const { roomMsMax } = node.limits;
    const isDone = await resolvesWithin(node.scheduler, roomMsMax, this.#loading);
    leadership.assertLive();
    if (this.#failure !== undefined) throw this.#refusal(this.#failure, false);
    if (!isDone) throw failure('unavailable', 'the writes of earlier leaders are still being read');
  }

  #newTransactions(): LeaderTransactions {
    const { node, metrics } = this.#parts;
    return new LeaderTransactions({
      node,
      metrics,
      leadership: this.leadership,
      partition: this.partition,
      feeds: this.feeds,
      gate: this.#gate,
      compiled: () => this.#compiled,
      isAtBound: (call) => (call === 'new' ? this.#isAtBound : this.#hasMuchProposed),
      ready: () => this.#ready(),
      assertInTime: (time) => this.#assertInTime(time),
      indexFault: this.#indexFault,
      refusal: (error, mayBeDone) => this.#refusal(error, mayBeDone),
    });
  }

  #remembered(id: string): RememberedAnswer | undefined {
    try {
      return this.#requests.find(id);
    } catch (error) {
      throw this.#refusal(error, false);
    }
  }

  async #evaluate(id: string, call: WriteCall): Promise<WriteAnswer> {
    const [, , , , encoded, returns, exhaustedIndexes] = call;
    const { partition, leadership } = this;
    const command = decodeWriteCommand(encoded);
    const placed = partition.place(this.#compiled.itemKey(command.key));
    if (!ownsItemKey(partition.range, placed.itemKey)) {
      throw failure('noReplica', `the item is not in partition ${leadership.replica.partitionId}`);
    }
    const admit = admitUnlessExhausted(exhaustedIndexes, this.#indexFault);
    let answer: RememberedAnswer | undefined;
    try {
      const result = await partition.write(command, placed, admit, (appended) => {
        answer = rememberedOf(appended, returns);
        return this.#requests.gather(id, answer);
      });
      // What has no effects was decided on local state, and nothing was committed that would prove it.
      if (answer === undefined) await leadership.confirm();
      return this.#answer(result.kind, answer ?? rememberedOf(result, returns));
    } catch (error) {
      // So was a fault; it may tell of an item that is not there any more.
      if (error instanceof ClientFault) await leadership.confirm();
      throw this.#refusal(error, answer !== undefined);
    }
  }

  #answer(kind: WriteAnswer[0], remembered: RememberedAnswer): WriteAnswer {
    const { metrics, node } = this.#parts;
    const [capacity, collectionBytes, before, after] = remembered;
    metrics.writeUnits += capacity[0];
    return [kind, capacity, collectionBytes, before, after, node.scheduler.monotonicMs()];
  }

  /** An index that lacks throughput holds up the writes that would change it. */
  readonly #indexFault = (name: string): ClientFault => {
    const { writeThrottles } = this.#parts.metrics;
    writeThrottles.set(name, (writeThrottles.get(name) ?? 0) + 1);
    const arn = `${this.schema.tableArn}/index/${name}`;
    const resource = { arn, kind: 'Index', operation: 'Write' } as const;
    return this.#table.throughput.mode === 'provisioned'
      ? throughputFaults.provisioned(resource)
      : throughputFaults.onDemandMaximum(resource);
  };

  /** @throws RemoteFailure for a call that may have been done, and forgotten, long ago */
  #assertInTime([processId, sentMs]: CallTime): void {
    const { node } = this.#parts;
    const ageMs = node.scheduler.monotonicMs() - sentMs;
    if (processId === node.processId && Math.abs(ageMs) <= CALL_AGE_MS_MAX) return;
    node.probe('expiredCall');
    throw failure('expired', 'the call was sent too long ago, or to another process');
  }

  #refusal(error: unknown, mayBeDone: boolean): unknown {
    if (error instanceof StoreError && error.code === 'damaged') this.#parts.onDamage(error);
    return failureOf(error, this.leadership.replica, { mayBeDone });
  }

  /** Rejects for bugs only. */
  async #load(): Promise<void> {
    const { node } = this.#parts;
    for (let failures = 0; this.leadership.isLive; ) {
      try {
        await this.#requests.load();
        await this.partition.load();
        this.#isLoaded = true;
        return;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        if (error.code === 'damaged') {
          this.#failure = error;
          return;
        }
        failures += 1;
        await pause(node.scheduler, retryMs(node, failures));
      }
    }
  }
}

/** How far backfills of indexes came that are no more. */
function droppedCursors(
  storageId: bigint,
  before: TableConfiguration,
  after: TableConfiguration,
): Effect[] {
  const left = new Set(after.layout.schema.globalIndexes.map(({ id }) => id));
  return before.layout.schema.globalIndexes
    .filter(({ id }) => !left.has(id))
    .map(({ id }) => ({ key: backfillCursorKey(storageId, id), value: undefined }));
}

function rememberedOf(result: WriteResult, returns: number): RememberedAnswer {
  const isApplied = result.kind === 'applied';
  const before = (returns & RETURNS_BEFORE) === 0 ? undefined : result.beforeJson;
  const after = isApplied && (returns & RETURNS_AFTER) !== 0 ? result.afterJson : undefined;
  const collectionBytes = isApplied ? (result.collectionBytes ?? null) : null;
  return [listCapacity(result.capacity), collectionBytes, before ?? null, after ?? null];
}
