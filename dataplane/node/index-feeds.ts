import type { IndexChange } from '../partition/index-change.ts';
import { afterPrefix, indexIdBytes, joinKey, readPendingKey } from '../partition/key-space.ts';
import type { Partition } from '../partition/partition.ts';
import { pause } from '../replication/scheduler.ts';
import { walk } from '../routing/space-walk.ts';
import type { TableConfiguration } from '../routing/table-configuration.ts';
import { StoreError } from '../storage/store.ts';
import { IndexFeed } from './index-feed.ts';
import { type NodeContext, retryMs } from './node-context.ts';

export interface IndexFeedsParts {
  readonly node: NodeContext;
  readonly partition: Pick<Partition, 'prefixes' | 'include' | 'settled' | 'range'>;
  readonly basePartitionId: bigint;
}

const DISCARDED_AT_ONCE = 500;

/** The feeds of a base partition at its leader, one for each global index that the table has. */
export class IndexFeeds {
  readonly #parts: IndexFeedsParts;
  readonly #feeds = new Map<number, IndexFeed>();
  #isStopped = false;

  /** Goes on with what earlier leaders have left; forgets what waits for indexes that are no more. */
  constructor(parts: IndexFeedsParts, table: TableConfiguration) {
    this.#parts = parts;
    this.#add(table, { isLoading: true });
    void this.#discardUnknown();
  }

  /**
   * Follows a change of the table: to be called when no write is evaluated on the former one any
   * more. Nothing waits for an index that is new.
   */
  configure(table: TableConfiguration): void {
    const { schema } = table.layout;
    for (const [id, feed] of this.#feeds) {
      if (schema.globalIndexes.some((index) => index.id === id)) continue;
      this.#feeds.delete(id);
      feed.stop();
      // Writes evaluated before the change may still bring pending changes.
      void this.#parts.partition.settled().then(() => this.#discardUnknown());
    }
    this.#add(table, { isLoading: false });
  }

  /** Takes changes that are committed, in order. */
  enqueue(changes: readonly IndexChange[]): void {
    const [first] = changes;
    if (first === undefined) return;
    if (changes.every(({ indexId }) => indexId === first.indexId)) {
      this.#feeds.get(first.indexId)?.enqueue(changes);
      return;
    }
    for (const [id, ofIndex] of Map.groupBy(changes, ({ indexId }) => indexId)) {
      this.#feeds.get(id)?.enqueue(ofIndex);
    }
  }

  feed(indexId: number): IndexFeed | undefined {
    return this.#feeds.get(indexId);
  }

  /** An index is so far behind that writes have to wait. */
  get isFull(): boolean {
    for (const feed of this.#feeds.values()) if (feed.isFull) return true;
    return false;
  }

  /** Whether all indexes had room before the time was up. */
  async room(timeoutMs: number): Promise<boolean> {
    const { scheduler } = this.#parts.node;
    const deadlineMs = scheduler.monotonicMs() + timeoutMs;
    while (this.isFull && !this.#isStopped) {
      for (const feed of [...this.#feeds.values()]) {
        if (!(await feed.room(deadlineMs - scheduler.monotonicMs()))) return false;
      }
    }
    return true;
  }

  stop(): void {
    this.#isStopped = true;
    for (const feed of this.#feeds.values()) feed.stop();
  }

  #add({ layout }: TableConfiguration, { isLoading }: { readonly isLoading: boolean }): void {
    for (const { id: indexId } of layout.schema.globalIndexes) {
      if (this.#feeds.has(indexId)) continue;
      const ranges = layout.indexPartitions.get(indexId) ?? [];
      this.#feeds.set(indexId, new IndexFeed({ ...this.#parts, indexId, ranges }, { isLoading }));
    }
  }

  /** Tried again until nothing is left, or this leader has ended. Never rejects. */
  async #discardUnknown(): Promise<void> {
    const { node } = this.#parts;
    for (let failures = 0; !this.#isStopped; ) {
      try {
        return await this.#discardAll();
      } catch (error) {
        // Failed commits end this leader.
        if (!(error instanceof StoreError)) return;
        failures += 1;
        await pause(node.scheduler, retryMs(node, failures));
      }
    }
  }

  async #discardAll(): Promise<void> {
    const { partition } = this.#parts;
    const prefix = partition.prefixes.pendingIndex;
    for (let start = prefix; !this.#isStopped; ) {
      const indexId = await this.#firstIndexFrom(start);
      if (indexId === undefined) return;
      const ofIndex = joinKey(prefix, indexIdBytes(indexId));
      if (!this.#feeds.has(indexId)) await this.#discard(ofIndex);
      start = afterPrefix(ofIndex);
    }
  }

  async #firstIndexFrom(start: Buffer): Promise<number | undefined> {
    const { partition, node } = this.#parts;
    const range = { start, end: afterPrefix(partition.prefixes.pendingIndex) };
    for await (const [pair] of walk(node.store, range, 1)) {
      if (pair !== undefined) return readPendingKey(pair[0]).indexId;
    }
    return undefined;
  }

  async #discard(prefix: Buffer): Promise<void> {
    const { partition, node } = this.#parts;
    const range = { start: prefix, end: afterPrefix(prefix) };
    for await (const pairs of walk(node.store, range, DISCARDED_AT_ONCE)) {
      if (this.#isStopped) return;
      await partition.include(pairs.map(([key]) => ({ key, value: undefined })));
    }
  }
}
