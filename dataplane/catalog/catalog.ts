import { randomBytes, randomUUID } from 'node:crypto';
import {
  arnFaults,
  tableFaults,
  tableLimitFaults,
  tagFaults,
  timeToLiveFaults,
} from '../errors/tables.ts';
import type { TriggerSchema, TriggerSpecification } from '../partition/trigger.ts';
import { type Scheduler, systemScheduler } from '../replication/scheduler.ts';
import type { ManagedTable, TableHost } from '../routing/table.ts';
import type { Store } from '../storage/store.ts';
import { checkAccountUnits } from './account-quota.ts';
import { type Place, tableArn, tableNameOf, taggedTableName } from './arn.ts';
import { BackgroundWork, type Log } from './background-work.ts';
import { CatalogState, type TableEntry } from './catalog-state.ts';
import { CatalogStore } from './catalog-store.ts';
import { type ControlPlane, type TableNamesPage, tableNamesPage } from './control-plane.ts';
import { checkCreateTable, planCreateTable } from './create-plan.ts';
import {
  describeCreatedTable,
  describeDeletedTable,
  describeTable,
  onDemandMembers,
  type TableDescription,
} from './description.ts';
import {
  type TableDescriptor,
  type Tag,
  type TimeToLiveSetting,
  tableStatus,
} from './descriptor.ts';
import { ExpirySweeper, SWEEP_IDLE_MS } from './expiry-sweeper.ts';
import { activeTimeToLiveAttribute, layoutOf, throughputOf } from './layout.ts';
import {
  CONCURRENT_OPERATIONS_COUNT_MAX,
  LIST_TABLES_PAGE_COUNT_MAX,
  TABLES_COUNT_MAX,
} from './limits.ts';
import { Settler } from './settler.ts';
import { StreamCatalog } from './stream-catalog.ts';
import { latestStream } from './stream-rules.ts';
import { StreamTrimmer, TRIM_IDLE_MS } from './stream-trimmer.ts';
import type { CreateTableRequest, UpdateTableRequest } from './table-request.ts';
import { checkTagKeys, checkTags, type TagInput, withoutTags, withTags } from './tag-rules.ts';
import { saysSomething } from './throughput-rules.ts';
import { planTimeToLive, type TimeToLiveSpecification } from './time-to-live-rules.ts';
import { planTriggers } from './trigger-plan.ts';
import { planUpdateTable } from './update-plan.ts';
import { checkUpdateTable } from './update-request-rules.ts';

export interface CatalogOptions {
  readonly store: Store;
  readonly router: TableHost;
  readonly region: string;
  readonly accountId: string;
  readonly clock: { nowMs(): number };
  readonly log?: Log | undefined;
  /** Between two looks for expired items where none was found; 2 s unless a test is in a hurry. */
  readonly sweepIdleMs?: number | undefined;
  /** Between two looks for change records that are past their time; a minute by default. */
  readonly trimIdleMs?: number | undefined;
  /** Whether expired items are deleted from here; by default so. Nodes of a cluster do it themselves. */
  readonly sweepsExpired?: boolean | undefined;
  /** Of waits and turns; by default the system's. */
  readonly scheduler?: Scheduler | undefined;
  /** By default the system's. */
  readonly identifiers?: Identifiers | undefined;
}

/** What makes a table like no other. */
export interface Identifiers {
  newTableId(): string;
  /** 32 bytes. */
  newHashSecret(): Uint8Array;
}

const systemIdentifiers: Identifiers = {
  newTableId: randomUUID,
  newHashSecret: () => randomBytes(32),
};

/** How a change is asked for. */
export interface ChangeOptions {
  /** Checks and answers are those of the change, and nothing changes (see `CatalogRehearsal`). */
  readonly isDryRun?: boolean;
}

/** A table, and how the caller has called it. */
interface TaggedTable {
  readonly name: string;
  readonly arn: string | undefined;
}

/** Ids of partitions that will not be. */
const noPartitionId = () => 0n;

/**
 * All tables of the installation: what they are, and the control plane's operations on them.
 *
 * Methods throw ClientFault for what the caller did wrong, and then nothing has changed; StoreError
 * when the store fails, and then the change holds if it is on disk all the same, from when the store
 * takes writes again. A change that takes time answers when it is durable and is finished
 * afterwards, at the latest when the catalog is opened again.
 */
export class Catalog implements ControlPlane {
  readonly #state: CatalogState;
  readonly #settler: Settler;
  readonly #work: BackgroundWork;
  readonly #sweeper: ExpirySweeper;
  readonly #trimmer: StreamTrimmer;
  /** The streams of all tables. */
  readonly streams: StreamCatalog;
  readonly #place: Place;
  readonly #clock: { nowMs(): number };
  readonly #identifiers: Identifiers;

  private constructor(options: CatalogOptions, state: CatalogState) {
    this.#state = state;
    this.#place = { region: options.region, accountId: options.accountId };
    this.#clock = options.clock;
    const log = options.log ?? (() => {});
    const { router, clock, scheduler = systemScheduler } = options;
    this.#identifiers = options.identifiers ?? systemIdentifiers;
    this.#work = new BackgroundWork(log, scheduler);
    const idleMs = options.sweepIdleMs ?? SWEEP_IDLE_MS;
    const tables = () => expiringTables(state);
    this.#sweeper = new ExpirySweeper({ clock, idleMs, log, scheduler, tables });
    const { sweeper, work } = { sweeper: this.#sweeper, work: this.#work };
    this.#settler = new Settler({ state, router, work, sweeper, clock, scheduler });
    this.#trimmer = new StreamTrimmer({
      idleMs: options.trimIdleMs ?? TRIM_IDLE_MS,
      log,
      scheduler,
      tables: () => streamedTables(state),
      dropRetired: () => this.#settler.dropRetired(),
    });
    this.streams = new StreamCatalog({ state, place: this.#place, clock });
  }

  /** Reads the catalog, opens all tables, and has unfinished changes finished. @throws StoreError */
  static async open(options: CatalogOptions): Promise<Catalog> {
    const store = new CatalogStore(options.store);
    const records = await store.read();
    const catalog = new Catalog(options, new CatalogState(store, records));
    for (const descriptor of records.tables) {
      if (descriptor.status === 'ACTIVE') await catalog.#settler.open(descriptor);
      else catalog.#state.adopt({ descriptor, table: undefined });
    }
    options.store.onReopened(() => catalog.#settler.recover());
    for (const { name } of records.tables) catalog.#settler.soon(name);
    for (const garbage of records.garbage) catalog.#settler.clear(garbage);
    for (const retired of records.retired) catalog.#settler.retire(retired);
    catalog.#work.start('trim streams', (signal) => catalog.#trimmer.run(signal));
    if (options.sweepsExpired ?? true) {
      catalog.#work.start('sweep expired items', (signal) => catalog.#sweeper.run(signal));
    }
    return catalog;
  }

  /** Stops background work where it stands and closes all tables. The store stays open. */
  async close(): Promise<void> {
    const stopped = this.#work.close();
    // Long work may be waiting for an index: closing the tables ends that.
    await this.#closeTables();
    await stopped;
    await this.#state.idle();
    await this.#closeTables(); // One more may have been created meanwhile.
  }

  /** The table for the data plane. On the path of every request: one look-up for a plain name. */
  openTable(nameOrArn: string): ManagedTable {
    const table =
      this.#state.readableTable(nameOrArn) ??
      this.#state.readableTable(tableNameOf(nameOrArn, this.#place));
    if (table === undefined) throw tableFaults.notReadable();
    return table;
  }

  /** Whether this very table is there, in whatever state. */
  hasTable({ tableId, tableName }: { readonly tableId: string; readonly tableName: string }) {
    return this.#state.entry(tableName)?.descriptor.id === tableId;
  }

  async createTable(
    request: CreateTableRequest,
    { isDryRun = false }: ChangeOptions = {},
  ): Promise<TableDescription> {
    const { region } = this.#place;
    checkCreateTable(request, region);
    const name = tableNameOf(request.TableName, this.#place);
    return this.#state.exclusively(async () => {
      this.#checkNameIsFree(name);
      if (this.#state.tablesCount >= TABLES_COUNT_MAX) {
        throw tableLimitFaults.tables(TABLES_COUNT_MAX);
      }
      this.#checkConcurrentOperations();
      const nowMs = this.#clock.nowMs();
      const descriptor = planCreateTable(request, {
        name,
        arn: tableArn(this.#place, name),
        region,
        nowMs,
        streamIdMin: this.streams.nextIdOf(name),
        newTableId: () => this.#identifiers.newTableId(),
        newHashSecret: () => this.#identifiers.newHashSecret(),
        nextPartitionId: isDryRun ? noPartitionId : this.#state.nextPartitionId,
      });
      checkAccountUnits({ region, before: undefined, after: descriptor, all: this.#descriptors() });
      if (!isDryRun) {
        await this.#state.save(descriptor);
        this.#settler.soon(name);
      }
      const warmRequested = saysSomething(request.WarmThroughput);
      return describeCreatedTable(descriptor, { nowMs, statistics: undefined, warmRequested });
    });
  }

  /** Resolves when what was asked of a table is done as far as it takes no long work, or after `msMax`. */
  settled(name: string, msMax: number): Promise<void> {
    return this.#settler.settled(name, msMax);
  }

  describeTable(nameOrArn: string): TableDescription {
    return this.#describe(this.#entry(nameOrArn));
  }

  async updateTable(
    request: UpdateTableRequest,
    { isDryRun = false }: ChangeOptions = {},
  ): Promise<TableDescription> {
    checkUpdateTable(request);
    const name = tableNameOf(request.TableName, this.#place);
    return this.#state.exclusively(async () => {
      const { descriptor: before, table } = this.#entry(name);
      const nowMs = this.#clock.nowMs();
      const { region } = this.#place;
      const nextPartitionId = isDryRun ? noPartitionId : this.#state.nextPartitionId;
      const streamIdMin = this.streams.nextIdOf(name);
      const context = { region, nowMs, streamIdMin, nextPartitionId };
      const plan = planUpdateTable(before, request, context);
      const after = plan.table;
      checkAccountUnits({ region, before, after, all: this.#descriptors() });
      if (after !== before) this.#checkConcurrentOperations();
      if (after !== before && !isDryRun) {
        await this.#state.save(after);
        // Maximums hold at once; units once they are settled.
        if (plan.onDemandEcho !== undefined) await table?.setThroughput(throughputOf(after));
        this.#settler.soon(name);
      }
      const shown = this.#describe({ descriptor: after, table });
      return {
        ...shown,
        TableStatus: plan.showsUpdating ? 'UPDATING' : shown.TableStatus,
        OnDemandThroughput:
          plan.onDemandEcho === undefined
            ? shown.OnDemandThroughput
            : onDemandMembers(plan.onDemandEcho),
      };
    });
  }

  async deleteTable(
    nameOrArn: string,
    { isDryRun = false }: ChangeOptions = {},
  ): Promise<TableDescription> {
    const name = tableNameOf(nameOrArn, this.#place);
    return this.#state.exclusively(async () => {
      const entry = this.#entry(name);
      checkDeletable(entry.descriptor);
      this.#checkConcurrentOperations();
      const statistics = entry.table?.statistics();
      const descriptor: TableDescriptor = { ...entry.descriptor, status: 'DELETING' };
      if (!isDryRun) {
        await this.#state.save(descriptor);
        this.#settler.soon(name);
      }
      return describeDeletedTable(descriptor, { nowMs: this.#clock.nowMs(), statistics });
    });
  }

  /** Names in byte order, after `startName`. */
  listTables(
    startName: string | undefined,
    limit: number = LIST_TABLES_PAGE_COUNT_MAX,
  ): TableNamesPage {
    const names = Array.from(this.#descriptors(), ({ name }) => name);
    return tableNamesPage(names, startName, limit);
  }

  async updateTimeToLive(
    nameOrArn: string,
    wanted: TimeToLiveSpecification,
    { isDryRun = false }: ChangeOptions = {},
  ): Promise<void> {
    const name = tableNameOf(nameOrArn, this.#place);
    await this.#state.exclusively(async () => {
      const { descriptor, table } = this.#entry(name);
      if (descriptor.status !== 'ACTIVE') throw tableFaults.notFound(name);
      const timeToLive = planTimeToLive(descriptor.timeToLive, wanted, this.#clock.nowMs());
      if (isDryRun) return;
      const changed = { ...descriptor, timeToLive };
      await this.#state.save(changed);
      // From here on writes keep their expiry; items that exist follow in the background.
      await table?.reconfigure(layoutOf(changed));
      this.#settler.soon(name);
    });
  }

  triggersOf(nameOrArn: string): readonly TriggerSchema[] {
    return this.#entry(nameOrArn).descriptor.triggers ?? [];
  }

  /** Gives a table these triggers and no others; see `planTriggers`. */
  async updateTriggers(
    nameOrArn: string,
    wanted: readonly TriggerSpecification[],
  ): Promise<readonly TriggerSchema[]> {
    const name = tableNameOf(nameOrArn, this.#place);
    return this.#state.exclusively(async () => {
      const { descriptor, table } = this.#entry(name);
      if (descriptor.status !== 'ACTIVE') throw tableFaults.notFound(name);
      const changed = { ...descriptor, ...planTriggers(descriptor, wanted, this.#clock.nowMs()) };
      const { triggers = [] } = changed;
      if (JSON.stringify(triggers) === JSON.stringify(this.triggersOf(name))) return triggers;
      await this.#state.save(changed);
      await table?.reconfigure(layoutOf(changed));
      return triggers;
    });
  }

  describeTimeToLive(nameOrArn: string): TimeToLiveSetting {
    const { descriptor } = this.#entry(nameOrArn);
    if (descriptor.status !== 'ACTIVE') throw timeToLiveFaults.notReadable(descriptor.status);
    return descriptor.timeToLive;
  }

  async tagResource(
    arn: string | undefined,
    tags: readonly TagInput[],
    options: ChangeOptions = {},
  ): Promise<void> {
    const name = taggedTableName(arn, this.#place);
    if (tags.length === 0) throw tagFaults.none();
    const added = checkTags(tags);
    await this.#changeTags({ name, arn }, (current) => withTags(current, added), options);
  }

  async untagResource(
    arn: string | undefined,
    keys: readonly string[],
    options: ChangeOptions = {},
  ): Promise<void> {
    const name = taggedTableName(arn, this.#place);
    if (keys.length === 0) throw tagFaults.noKeys();
    checkTagKeys(keys);
    await this.#changeTags({ name, arn }, (current) => withoutTags(current, keys), options);
  }

  tagsOfResource(arn: string | undefined): readonly Tag[] {
    return this.#taggedEntry(taggedTableName(arn, this.#place), arn).descriptor.tags;
  }

  async #changeTags(
    { name, arn }: TaggedTable,
    change: (tags: readonly Tag[]) => readonly Tag[],
    { isDryRun = false }: ChangeOptions,
  ): Promise<void> {
    await this.#state.exclusively(async () => {
      const { descriptor } = this.#taggedEntry(name, arn);
      if (descriptor.status === 'CREATING') throw tableFaults.beingCreated(name);
      if (descriptor.status === 'DELETING') throw tableFaults.beingDeleted(name);
      const tags = change(descriptor.tags);
      if (!isDryRun) await this.#state.save({ ...descriptor, tags });
    });
  }

  #taggedEntry(name: string, arn: string | undefined): TableEntry {
    const entry = this.#state.entry(name);
    if (entry === undefined) throw arnFaults.notFound(arn ?? '');
    return entry;
  }

  #entry(nameOrArn: string): TableEntry {
    const name = tableNameOf(nameOrArn, this.#place);
    const entry = this.#state.entry(name);
    if (entry === undefined) throw tableFaults.notFound(name);
    return entry;
  }

  #describe({ descriptor, table }: TableEntry): TableDescription {
    const statistics = table?.statistics();
    return describeTable(descriptor, { nowMs: this.#clock.nowMs(), statistics });
  }

  *#descriptors(): Iterable<TableDescriptor> {
    for (const { descriptor } of this.#state.entries()) yield descriptor;
  }

  async #closeTables(): Promise<void> {
    await Promise.all([...this.#state.entries()].map(({ table }) => table?.close()));
  }

  #checkNameIsFree(name: string): void {
    const existing = this.#state.entry(name)?.descriptor;
    if (existing === undefined) return;
    throw existing.status === 'CREATING'
      ? tableFaults.beingCreated(name)
      : tableFaults.alreadyExists(name);
  }

  #checkConcurrentOperations(): void {
    let count = 0;
    for (const descriptor of this.#descriptors()) {
      if (tableStatus(descriptor) !== 'ACTIVE') count++;
    }
    if (count >= CONCURRENT_OPERATIONS_COUNT_MAX) {
      throw tableLimitFaults.concurrentOperations(CONCURRENT_OPERATIONS_COUNT_MAX);
    }
  }
}

/** Open tables with time to live enabled. */
function* expiringTables(state: CatalogState): Iterable<ManagedTable> {
  for (const { descriptor, table } of state.entries()) {
    if (table !== undefined && activeTimeToLiveAttribute(descriptor) !== undefined) yield table;
  }
}

/** Open tables that have, or had, a stream. */
function* streamedTables(state: CatalogState): Iterable<ManagedTable> {
  for (const { descriptor, table } of state.entries()) {
    if (table !== undefined && latestStream(descriptor) !== undefined) yield table;
  }
}

/** Only a table at rest is deleted. @throws ClientFault */
function checkDeletable(table: TableDescriptor): void {
  if (table.status === 'CREATING') throw tableFaults.beingCreated(table.name);
  if (table.status === 'DELETING') throw tableFaults.beingDeleted(table.name);
  if (table.deletionProtection.enabled) throw tableFaults.deletionProtected();
  if (table.globalIndexes.some(({ status }) => status !== 'ACTIVE')) {
    throw tableFaults.deleteDuringIndexes();
  }
  if (table.pending !== undefined || table.warmPending !== undefined) {
    throw tableFaults.beingUpdated(table.name);
  }
}
