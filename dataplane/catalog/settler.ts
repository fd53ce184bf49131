import { STREAM_RETENTION_MS } from '../partition/stream.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { ManagedTable, TableHost } from '../routing/table.ts';
import type { BackgroundWork } from './background-work.ts';
import type { CatalogState, RetiredEntry } from './catalog-state.ts';
import type { GarbageRecord } from './catalog-store.ts';
import {
  type GlobalIndex,
  partitionIds,
  type RetiredTable,
  type TableDescriptor,
} from './descriptor.ts';
import { encodeDescriptor } from './descriptor-codec.ts';
import type { ExpirySweeper } from './expiry-sweeper.ts';
import { layoutOf, retiredLayoutOf, throughputOf } from './layout.ts';
import {
  finishBackfill,
  finishCreation,
  finishSettings,
  finishStream,
  finishTimeToLive,
  hasPendingSettings,
  removeIndex,
  retiredTable,
  startBackfill,
} from './transitions.ts';

interface SettlerParts {
  readonly state: CatalogState;
  readonly router: TableHost;
  readonly work: BackgroundWork;
  readonly sweeper: ExpirySweeper;
  readonly clock: { nowMs(): number };
  readonly scheduler: Scheduler;
}

/**
 * Finishes what was accepted: brings each table from what its descriptor says is under way to rest.
 *
 * It looks only at durable state, so it does the same after an answer and after a crash. Each step
 * is durable before the next begins; the order inside a step is stated where it matters.
 */
export class Settler {
  readonly #state: CatalogState;
  readonly #router: TableHost;
  readonly #work: BackgroundWork;
  readonly #sweeper: ExpirySweeper;
  readonly #clock: { nowMs(): number };
  readonly #scheduler: Scheduler;
  /** Long work that has ended well and is not yet written down. */
  readonly #done = new Set<string>();
  /** By table: resolved once it is settled. */
  readonly #settling = new Map<string, Promise<void>>();

  constructor({ state, router, work, sweeper, clock, scheduler }: SettlerParts) {
    this.#state = state;
    this.#router = router;
    this.#work = work;
    this.#sweeper = sweeper;
    this.#clock = clock;
    this.#scheduler = scheduler;
  }

  /** Settles a table soon, after what is under way. */
  soon(name: string): void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settling.set(name, promise);
    this.#scheduler.soon(() => {
      this.#work.start(`settle ${name}`, async () => {
        await this.#state.exclusively(() => this.#settle(name));
        resolve();
        if (this.#settling.get(name) === promise) this.#settling.delete(name);
      });
    });
  }

  /** Resolves when the table is settled as far as that takes no long work, or after `msMax`. */
  async settled(name: string, msMax: number): Promise<void> {
    const isLate = new AbortController();
    await Promise.race([this.#settling.get(name), pause(this.#scheduler, msMax, isLate.signal)]);
    isLate.abort();
  }

  /** Opens a table whose partitions exist. */
  async open(descriptor: TableDescriptor): Promise<void> {
    const table = await this.#router.openTable(layoutOf(descriptor), throughputOf(descriptor));
    this.#state.adopt({ descriptor, table });
  }

  /** Clears the data of partitions that no descriptor names any more. */
  clear(garbage: GarbageRecord): void {
    this.#work.start(`clear ${garbage.partitionIds.join(',')}`, async (signal) => {
      await this.#router.dropPartitions(garbage.partitionIds, signal);
      await this.#state.forget(garbage);
    });
  }

  /** Takes up a deleted table whose streams stay, and has all else of it cleared. */
  retire(retired: RetiredTable): void {
    this.#state.adoptRetired(this.#retiredEntry(retired));
    this.#clearRetired(retired);
  }

  /** Gives up deleted tables whose streams are past their time, too. */
  async dropRetired(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    for (const entry of [...this.#state.retiredEntries()]) {
      if (nowMs < entry.retired.retiredAtMs + STREAM_RETENTION_MS) continue;
      await this.#work.stop(clearingOf(entry.retired));
      this.clear(await this.#state.discardRetired(entry));
    }
  }

  /**
   * Takes up what is durable, after writes failed whose outcome was open until now: a change that the
   * caller saw fail may hold. Writes are refused meanwhile, so nothing else changes.
   * @throws StoreError
   */
  async recover(): Promise<void> {
    const { tables, garbage, retired } = await this.#state.readAgain();
    const names = new Set(tables.map(({ name }) => name));
    for (const { descriptor } of [...this.#state.entries()]) {
      if (!names.has(descriptor.name)) this.#state.drop(descriptor);
    }
    for (const descriptor of tables) {
      const entry = this.#state.entry(descriptor.name);
      if (entry !== undefined && isSame(entry.descriptor, descriptor)) continue;
      await this.#takeUp(descriptor, entry?.table);
      this.soon(descriptor.name);
    }
    for (const record of garbage) this.clear(record);
    const retiredIds = new Set(retired.map(({ table }) => table.id));
    for (const { retired: known } of [...this.#state.retiredEntries()]) {
      if (!retiredIds.has(known.table.id)) this.#state.dropRetired(known.table.id);
    }
    for (const each of retired) this.retire(each);
  }

  async #takeUp(descriptor: TableDescriptor, table: ManagedTable | undefined): Promise<void> {
    if (table === undefined && descriptor.status === 'ACTIVE') return this.open(descriptor);
    await table?.reconfigure(layoutOf(descriptor));
    await table?.setThroughput(throughputOf(descriptor));
    this.#state.adopt({ descriptor, table });
  }

  async #settle(name: string): Promise<void> {
    const entry = this.#state.entry(name);
    if (entry === undefined) return;
    if (entry.descriptor.status === 'DELETING') return this.#delete(entry.descriptor, entry.table);
    if (entry.descriptor.status === 'CREATING') return this.#create(entry.descriptor);
    if (entry.table === undefined) throw new Error(`an active table is not open: ${name}`);
    await this.#applySettings(entry.descriptor, entry.table);
    await this.#settleIndexes(name, entry.table);
    await this.#settleStream(this.#descriptor(name), entry.table);
    await this.#settleTimeToLive(this.#descriptor(name), entry.table);
  }

  /** Partitions first: an ACTIVE table can be read. */
  async #create(descriptor: TableDescriptor): Promise<void> {
    const active = finishCreation(descriptor);
    const table = await this.#router.openTable(layoutOf(active), throughputOf(active));
    try {
      await this.#state.save(active);
    } catch (error) {
      await table.close();
      throw error;
    }
    this.#state.adopt({ descriptor: active, table });
  }

  /** Closing the table also ends what its long work may be waiting for. */
  async #delete(descriptor: TableDescriptor, table: ManagedTable | undefined): Promise<void> {
    const stopped = [
      ...descriptor.globalIndexes.map((index) => backfillOf(descriptor, index)),
      expiryOf(descriptor, 'ENABLING'),
      expiryOf(descriptor, 'DISABLING'),
      streamOf(descriptor),
    ].map((key) => this.#work.stop(key));
    if (table !== undefined) {
      await this.#sweeper.release(table);
      await table.closeForDeletion();
    }
    await Promise.all(stopped);
    const retired = retiredTable(descriptor, this.#clock.nowMs());
    if (retired === undefined) {
      this.clear(await this.#state.discardTable(descriptor, partitionIds(descriptor)));
      return;
    }
    const ids = descriptor.globalIndexes.flatMap((index) => index.partitions.map(({ id }) => id));
    const garbage = await this.#state.retireTable(this.#retiredEntry(retired), ids);
    if (garbage !== undefined) this.clear(garbage);
    this.#clearRetired(retired);
  }

  #retiredEntry(retired: RetiredTable): RetiredEntry {
    return { retired, streams: this.#router.retiredTable(retiredLayoutOf(retired)) };
  }

  #clearRetired(retired: RetiredTable): void {
    if (retired.isCleared) return;
    this.#work.start(clearingOf(retired), async (signal) => {
      await this.#router.retireTable(retiredLayoutOf(retired), signal);
      if (signal.aborted) return;
      await this.#state.saveRetired(this.#retiredEntry({ ...retired, isCleared: true }));
    });
  }

  async #applySettings(descriptor: TableDescriptor, table: ManagedTable): Promise<void> {
    if (!hasPendingSettings(descriptor)) return;
    const settled = finishSettings(descriptor, this.#clock.nowMs());
    await this.#state.save(settled);
    await table.setThroughput(throughputOf(settled));
  }

  async #settleIndexes(name: string, table: ManagedTable): Promise<void> {
    for (const { name: indexName } of this.#descriptor(name).globalIndexes) {
      // Each step may have replaced the descriptor.
      const descriptor = this.#descriptor(name);
      const index = descriptor.globalIndexes.find((candidate) => candidate.name === indexName);
      if (index === undefined) continue;
      if (index.status === 'DELETING') await this.#deleteIndex(descriptor, index, table);
      else if (index.backfilling === false) await this.#allocate(descriptor, index, table);
      else if (index.backfilling === true) await this.#backfill(descriptor, index, table);
    }
  }

  /** Writes reach the index before existing items do, so that none is missed. */
  async #allocate(
    descriptor: TableDescriptor,
    index: GlobalIndex,
    table: ManagedTable,
  ): Promise<void> {
    const started = startBackfill(descriptor, index);
    await table.reconfigure(layoutOf(started));
    await table.setThroughput(throughputOf(started));
    await this.#state.save(started);
    await this.#backfill(started, index, table);
  }

  async #backfill(
    descriptor: TableDescriptor,
    index: GlobalIndex,
    table: ManagedTable,
  ): Promise<void> {
    const isDone = this.#workDone(backfillOf(descriptor, index), descriptor.name, (signal) =>
      table.backfillIndex(index.name, signal),
    );
    if (!isDone) return;
    const active = finishBackfill(descriptor, index);
    await this.#state.save(active);
    await table.reconfigure(layoutOf(active));
  }

  /** The table stops feeding the index, then its partitions are given up. */
  async #deleteIndex(
    descriptor: TableDescriptor,
    index: GlobalIndex,
    table: ManagedTable,
  ): Promise<void> {
    const stopped = this.#work.stop(backfillOf(descriptor, index));
    await table.reconfigure(layoutOf(descriptor));
    await stopped;
    this.#done.delete(backfillOf(descriptor, index));
    const ids = index.partitions.map(({ id }) => id);
    const garbage = await this.#state.discardPartitions(removeIndex(descriptor, index.name), ids);
    await table.setThroughput(throughputOf(descriptor));
    this.clear(garbage);
  }

  /** The stream shows ENABLED, or DISABLED, once that is so in all partitions. */
  async #settleStream(descriptor: TableDescriptor, table: ManagedTable): Promise<void> {
    if (!descriptor.streamPending) return;
    await table.reconfigure(layoutOf(descriptor));
    if (table.isReconfigured) return this.#state.save(finishStream(descriptor));
    const key = streamOf(descriptor);
    if (this.#work.isRunning(key)) return;
    this.#work.start(key, async (signal) => {
      await table.reconfigured(signal);
      if (!signal.aborted) this.soon(descriptor.name);
    });
  }

  async #settleTimeToLive(descriptor: TableDescriptor, table: ManagedTable): Promise<void> {
    const { status } = descriptor.timeToLive;
    if (status !== 'ENABLING' && status !== 'DISABLING') return;
    const opposite = status === 'ENABLING' ? 'DISABLING' : 'ENABLING';
    await this.#work.stop(expiryOf(descriptor, opposite));
    this.#done.delete(expiryOf(descriptor, opposite));
    const isDone = this.#workDone(expiryOf(descriptor, status), descriptor.name, (signal) =>
      table.rebuildExpiry(signal),
    );
    if (!isDone) return;
    const timeToLive = finishTimeToLive(descriptor.timeToLive);
    await this.#state.save({ ...descriptor, timeToLive });
  }

  /**
   * Whether long work has been done; starts it when it is not under way. It takes no turn among
   * changes itself (a change may be waiting for it to stop), but has the table settled once more.
   */
  #workDone(key: string, name: string, work: (signal: AbortSignal) => Promise<void>): boolean {
    if (this.#done.delete(key)) return true;
    if (this.#work.isRunning(key)) return false;
    this.#work.start(key, async (signal) => {
      await work(signal);
      if (signal.aborted) return;
      this.#done.add(key);
      this.soon(name);
    });
    return false;
  }

  #descriptor(name: string): TableDescriptor {
    const entry = this.#state.entry(name);
    if (entry === undefined) throw new Error(`no table: ${name}`);
    return entry.descriptor;
  }
}

/** Whether both are the same at rest. */
function isSame(a: TableDescriptor, b: TableDescriptor): boolean {
  return encodeDescriptor(a).equals(encodeDescriptor(b));
}

function clearingOf({ table }: RetiredTable): string {
  return `clear all but streams ${table.id}`;
}

function streamOf({ id }: TableDescriptor): string {
  return `switch the stream of ${id}`;
}

function backfillOf(table: TableDescriptor, index: GlobalIndex): string {
  return `backfill ${table.id} ${index.id}`;
}

function expiryOf(table: TableDescriptor, status: 'ENABLING' | 'DISABLING'): string {
  return `rebuild expiry ${table.id} ${status}`;
}
