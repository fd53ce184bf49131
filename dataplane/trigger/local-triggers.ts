import type { TableLayout } from '../partition/schema.ts';
import type { TriggerSchema } from '../partition/trigger.ts';
import type { TableWatch, WatchedTable } from '../routing/table-watch.ts';
import { PartitionTriggers } from './partition-triggers.ts';
import type { TriggerContext } from './trigger-context.ts';
import { PartitionSource } from './trigger-source.ts';

/** How long events under way may take to be answered when a table closes. */
const GRACE_MS = 5_000;

/** By table name. */
export type TriggersByTable = ReadonlyMap<string, readonly TriggerSchema[]>;

/**
 * The triggers of a process that has all its tables in its own store. They are not in the tables'
 * descriptors, so they are told apart by their names alone.
 */
export class LocalTriggers {
  readonly #context: TriggerContext;
  readonly #tables = new Set<TableTriggers>();
  #triggers: TriggersByTable;

  constructor(context: TriggerContext, triggers: TriggersByTable) {
    this.#context = context;
    this.#triggers = triggers;
  }

  /** Follows an open table; see `WatchTable`. */
  readonly watch = (table: WatchedTable): TableWatch => {
    const onClose = () => this.#tables.delete(triggers);
    const triggers = new TableTriggers(this.#context, table, onClose);
    this.#tables.add(triggers);
    triggers.configure(this.#of(triggers));
    return triggers;
  };

  /** Triggers that are new, changed, or gone. */
  configure(triggers: TriggersByTable): void {
    this.#triggers = triggers;
    for (const table of this.#tables) table.configure(this.#of(table));
  }

  #of({ tableName }: TableTriggers): readonly TriggerSchema[] {
    return this.#triggers.get(tableName) ?? [];
  }
}

/** The triggers of one open table, at all its partitions. */
class TableTriggers implements TableWatch {
  readonly tableName: string;
  readonly #partitions: ReadonlyMap<bigint, PartitionTriggers>;
  readonly #onClose: () => void;
  #layout: TableLayout;

  constructor(context: TriggerContext, table: WatchedTable, onClose: () => void) {
    const { store, layout, partitions } = table;
    const { tableName, tableArn, key } = layout.schema;
    this.tableName = tableName;
    this.#layout = layout;
    this.#onClose = onClose;
    const triggered = {
      name: tableName,
      arn: tableArn,
      partitionKey: key.hash[0]?.name ?? '',
      hasLastingIds: false,
    };
    const newTriggers = (partition: WatchedTable['partitions'][number]) => {
      const lastSequence = () => partition.counters.version;
      const source = new PartitionSource({
        partitionId: partition.range.id,
        storageId: partition.range.id,
        store,
        layout: () => this.#layout,
        lastSequence,
        nowMs: () => context.scheduler.nowMs(),
        include: (effects) => partition.include(effects),
      });
      return new PartitionTriggers({ context, table: triggered, source, lastSequence });
    };
    this.#partitions = new Map(
      partitions.map((partition) => [partition.range.id, newTriggers(partition)]),
    );
  }

  configure(triggers: readonly TriggerSchema[]): void {
    for (const partition of this.#partitions.values()) partition.configure(triggers);
  }

  onStreamRecords(partitionId: bigint): void {
    this.#partitions.get(partitionId)?.wake();
  }

  onLayout(layout: TableLayout): void {
    this.#layout = layout;
    for (const partition of this.#partitions.values()) partition.wake();
  }

  async close(isDeleted: boolean): Promise<void> {
    this.#onClose();
    const partitions = [...this.#partitions.values()];
    await Promise.all(partitions.map((partition) => partition.finish(isDeleted ? 0 : GRACE_MS)));
  }
}
