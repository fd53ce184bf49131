import type { Partition } from '../partition/partition.ts';
import type { TriggerSchema } from '../partition/trigger.ts';
import type { TableConfiguration } from '../routing/table-configuration.ts';
import type { StoreError } from '../storage/store.ts';
import { PartitionTriggers } from '../trigger/partition-triggers.ts';
import type { TriggerContext } from '../trigger/trigger-context.ts';
import { PartitionSource } from '../trigger/trigger-source.ts';
import type { Leadership } from './leadership.ts';
import type { NodeContext } from './node-context.ts';

export interface LeaderTriggersParts {
  readonly node: NodeContext;
  readonly leadership: Leadership;
  readonly partition: Partition;
  /** Told of data that does not match its checksum. */
  readonly onDamage: (error: StoreError) => void;
}

const none: readonly TriggerSchema[] = [];

/**
 * The triggers of a table at the leader of one of its partitions. They end with the leadership, and
 * with them the events under way: how far they came is committed through the leadership, so nothing
 * is saved once it has ended, and the next leader delivers again what was not saved.
 */
export class LeaderTriggers {
  readonly #parts: LeaderTriggersParts;
  #table: TableConfiguration;
  /** Most tables have no triggers: made for the first one. */
  #triggers: PartitionTriggers | undefined;

  constructor(parts: LeaderTriggersParts, table: TableConfiguration) {
    this.#parts = parts;
    this.#table = table;
    this.#follow();
  }

  /**
   * Follows a change of the table. To be called in the turn of the event loop in which the change is
   * proposed: where triggers begin that are new is in the same proposal.
   */
  configure(table: TableConfiguration): void {
    this.#table = table;
    this.#follow();
    this.#triggers?.wake();
  }

  /** Change records are committed. */
  wake(): void {
    this.#triggers?.wake();
  }

  stop(): void {
    this.#triggers?.stop();
  }

  #follow(): void {
    const { triggers: context } = this.#parts.node;
    if (context === undefined) return;
    const { triggers = none, retiredAtMs } = this.#table.layout;
    const wanted = retiredAtMs === undefined ? triggers : none;
    if (wanted.length === 0 && this.#triggers === undefined) return;
    this.#triggers ??= this.#newTriggers(context);
    this.#triggers.configure(wanted);
  }

  #newTriggers(context: TriggerContext): PartitionTriggers {
    const { node, leadership, partition, onDamage } = this.#parts;
    const { partitionId, storageId } = leadership.replica;
    const { tableName, tableArn, key } = this.#table.layout.schema;
    const lastSequence = () => partition.counters.version;
    const source = new PartitionSource({
      partitionId,
      storageId,
      store: node.store,
      layout: () => this.#table.layout,
      lastSequence,
      nowMs: () => node.scheduler.nowMs(),
      include: (effects) => partition.include(effects),
      onDamage,
    });
    const table = {
      name: tableName,
      arn: tableArn,
      partitionKey: key.hash[0]?.name ?? '',
      hasLastingIds: true,
    };
    return new PartitionTriggers({ context, table, source, lastSequence });
  }
}
