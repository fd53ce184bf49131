import { CompiledSchema } from '../partition/compiled-schema.ts';
import { type Counters, decodeCounters, zeroCounters } from '../partition/counters.ts';
import { mapKey } from '../partition/in-flight.ts';
import { countersKey, keptTogether, metaKey, spacePrefix } from '../partition/key-space.ts';
import type { PartitionRange } from '../partition/schema.ts';
import type { Replica, ReplicaListener } from '../replication/replica.ts';
import { pause } from '../replication/scheduler.ts';
import { CATALOG_PARTITION_ID } from '../routing/cluster-map.ts';
import {
  decodePartitionConfiguration,
  type PartitionConfiguration,
  rangeOfPartition,
} from '../routing/table-configuration.ts';
import { type Effect, StoreError } from '../storage/store.ts';
import { type BackfillProgress, backfillsIn } from './backfill-progress.ts';
import { IndexLeader } from './index-leader.ts';
import { LeaderPartition } from './leader-partition.ts';
import { Leadership } from './leadership.ts';
import { newMetrics } from './metrics.ts';
import { type NodeContext, retryMs } from './node-context.ts';

/** A leader whose state cannot be made so often in a row is not fit to lead. */
const UNFIT_FAILURES = 3;

export interface HostedPartitionEvents {
  /** What is reported of it has changed, other than counts. */
  readonly onChange: () => void;
  /** It leads now, or does not any more. */
  readonly onLeadership: () => void;
  /** Its data was found not to match its checksum, for the first time. */
  readonly onDamage: () => void;
  /** It leads, and cannot: another member had better. */
  readonly onUnfit: () => void;
}

/**
 * One replica on this node and what the node keeps for it: its configuration, and while it leads the
 * state of its leader. Everything is computed from the store under the replica's storage id, and
 * given up when a snapshot brings another one.
 */
export class HostedPartition {
  readonly replica: Replica;
  readonly metrics = newMetrics();
  readonly #node: NodeContext;
  readonly #events: HostedPartitionEvents;
  #space: StorageSpace;
  #configuration: PartitionConfiguration | undefined;
  #compiled: CompiledSchema | undefined;
  #leader: LeaderPartition | IndexLeader | undefined;
  /** Counts leaderships, so that work for an earlier one knows that it is. */
  #epoch = 0;
  #isLeading = false;
  #stalledTransactions = 0;
  #damage: StoreError | undefined;
  #isHosted = true;

  constructor(node: NodeContext, replica: Replica, events: HostedPartitionEvents) {
    this.#node = node;
    this.#events = events;
    this.replica = replica;
    this.#space = new StorageSpace(replica.storageId);
    replica.listener = this.#listener();
    if (replica.isReady) this.#onLeader();
  }

  get isHosted(): boolean {
    return this.#isHosted;
  }

  /** As applied here; undefined before there is a state, and when it cannot be read. */
  get configuration(): PartitionConfiguration | undefined {
    this.#configuration ??= this.#readConfiguration();
    return this.#configuration;
  }

  /** The schema as applied here. */
  get compiled(): CompiledSchema | undefined {
    const { configuration } = this;
    if (configuration === undefined) return undefined;
    this.#compiled ??= new CompiledSchema(configuration.table.layout.schema);
    return this.#compiled;
  }

  /** The hashes that are this partition's. */
  get range(): PartitionRange | undefined {
    const { configuration } = this;
    return configuration && rangeOfPartition(configuration.table, this.replica.partitionId)?.range;
  }

  get itemPrefix(): Buffer {
    return this.#space.itemPrefix;
  }

  /** State of the leader, while it can take calls. */
  get leader(): LeaderPartition | IndexLeader | undefined {
    return this.#leader;
  }

  /**
   * While it leads: transactions here that wait for somebody to finish them, as of the last look.
   */
  get stalledTransactions(): number {
    return this.#leader === undefined ? 0 : this.#stalledTransactions;
  }

  /** Looks again at which transactions are stalled. */
  lookForStalled(): void {
    const leader = this.#leader;
    const count = leader?.kind === 'base' ? leader.transactions.stalledCount : 0;
    if (count === this.#stalledTransactions) return;
    this.#stalledTransactions = count;
    this.#events.onChange();
  }

  /** Live totals as applied here. */
  get counters(): Counters {
    try {
      return decodeCounters(this.#node.store.get(this.#space.countersKey));
    } catch (error) {
      this.#onUnreadable(error);
      return zeroCounters;
    }
  }

  /** How far indexes that are being filled have come, as applied here. */
  get backfills(): readonly BackfillProgress[] {
    const { configuration } = this;
    if (configuration === undefined) return [];
    try {
      return backfillsIn(this.#node.store, this.replica.storageId, configuration);
    } catch (error) {
      this.#onUnreadable(error);
      return [];
    }
  }

  /** It is not hosted any more, or the node stops. */
  close(): void {
    this.#isHosted = false;
    this.replica.listener = undefined;
    this.#isLeading = false;
    this.#endLeader();
  }

  /** Why the replica is to be replaced; undefined while it is sound. */
  get failure(): Error | undefined {
    return this.replica.failure ?? this.#damage;
  }

  /**
   * Data of this replica does not match its checksum. The log says so once, the report from then on,
   * so that it is replaced; meanwhile another member had better lead.
   */
  reportDamage(error: StoreError): void {
    if (this.#damage !== undefined) return;
    this.#damage = error;
    this.#log('replicaDamaged', { message: error.message });
    this.#events.onDamage();
  }

  #listener(): ReplicaListener {
    return {
      onLeader: () => this.#onLeader(),
      onLostLeadership: () => this.#onLostLeadership(),
      onApplied: (effects) => this.#onApplied(effects),
      onInstalled: () => this.#onInstalled(),
      onChange: () => this.#events.onChange(),
      onDamaged: (error) => this.#onUnfitToCopy(error),
    };
  }

  /**
   * A leader that cannot copy its state to a new member. Its damage may be known, and leadership
   * have come back since: without another leader the member never gets a state.
   */
  #onUnfitToCopy(error: StoreError): void {
    if (this.#damage === undefined) this.reportDamage(error);
    else this.#events.onUnfit();
  }

  #onLeader(): void {
    if (this.#isLeading) return;
    this.#isLeading = true;
    this.#epoch += 1;
    void this.#lead(this.#epoch);
    this.#events.onLeadership();
  }

  #onLostLeadership(): void {
    this.#isLeading = false;
    this.#endLeader();
    this.#events.onLeadership();
  }

  #onApplied(effects: readonly Effect[]): void {
    const { configurationKey, itemPrefix } = this.#space;
    // A leader keeps the cache itself, of what it has proposed.
    const isForgetting = this.#leader?.leadership.isLive !== true;
    for (const { key, value } of effects) {
      if (isForgetting && startsWith(key, itemPrefix)) this.#node.cache.forget(mapKeyOf(key));
      if (key.length === configurationKey.length && startsWith(key, configurationKey)) {
        this.#onConfiguration(value);
      }
    }
  }

  #onConfiguration(value: Uint8Array | undefined): void {
    this.#configuration = value === undefined ? undefined : this.#decodeConfiguration(value);
    this.#compiled = undefined;
    this.#events.onChange();
  }

  #onInstalled(): void {
    this.#space = new StorageSpace(this.replica.storageId);
    this.#configuration = undefined;
    this.#compiled = undefined;
    this.#damage = undefined;
    this.#endLeader();
    this.#events.onChange();
  }

  /** Makes the state of the leader; tried again while the store cannot be read. Never rejects. */
  async #lead(epoch: number): Promise<void> {
    // The catalog keeps its own state, in the process that opens it (control/).
    if (this.replica.partitionId === CATALOG_PARTITION_ID) return;
    for (let failures = 0; this.#leadsIn(epoch); ) {
      try {
        this.#leader = this.#newLeader();
        return;
      } catch (error) {
        failures += 1;
        if (failures === 1) this.#onUnreadable(error);
        if (failures % UNFIT_FAILURES === 0) this.#events.onUnfit();
        await pause(this.#node.scheduler, retryMs(this.#node, failures));
      }
    }
  }

  #newLeader(): LeaderPartition | IndexLeader {
    const { configuration, metrics, range } = this;
    if (configuration === undefined) throw new RangeError('the replica has no configuration');
    const { indexId, table } = configuration;
    const node = this.#node;
    const leadership: Leadership = new Leadership(node, this.replica, (error) =>
      this.#onFailed(leadership, error),
    );
    const onDamage = (error: StoreError) => this.reportDamage(error);
    const common = { node, leadership, metrics, table, onDamage };
    if (indexId !== 0) return new IndexLeader({ ...common, indexId });
    if (range === undefined) throw new RangeError('the table does not list the partition');
    return new LeaderPartition({ ...common, range });
  }

  /** A proposal failed: if leading goes on, the state is made anew from what the store holds. */
  #onFailed(leadership: Leadership, error: unknown): void {
    const failed = this.#leader;
    if (failed === undefined || failed.leadership !== leadership) return;
    this.#leader = undefined;
    failed.close();
    void this.#rebuild(failed, error, this.#epoch);
  }

  async #rebuild(failed: LeaderPartition | IndexLeader, error: unknown, epoch: number) {
    await failed.settled();
    await this.#barrier(epoch);
    if (!this.#leadsIn(epoch)) return;
    this.metrics.rebuilds += 1;
    this.#node.probe('leaderRebuilt');
    const reason = error instanceof Error ? error.message : String(error);
    this.#log('leaderRebuilt', { reason });
    await this.#lead(epoch);
  }

  /**
   * What may still be committed of the failed proposals is in front of this one. And what refused
   * them (leadership that is being handed over, too much that waits) has passed when it goes through:
   * else the new state would fail at once, again and again.
   */
  async #barrier(epoch: number): Promise<void> {
    for (let failures = 0; this.#leadsIn(epoch); ) {
      try {
        return await this.replica.propose([]);
      } catch {
        // Also of unknown outcome: then leadership is about to be lost.
        failures += 1;
        await pause(this.#node.scheduler, retryMs(this.#node, failures));
      }
    }
  }

  #leadsIn(epoch: number): boolean {
    return this.#isLeading && this.#epoch === epoch;
  }

  #endLeader(): void {
    const leader = this.#leader;
    this.#leader = undefined;
    leader?.leadership.end();
    leader?.close();
  }

  #readConfiguration(): PartitionConfiguration | undefined {
    try {
      const value = this.#node.store.get(this.#space.configurationKey);
      return value === undefined ? undefined : this.#decodeConfiguration(value);
    } catch (error) {
      this.#onUnreadable(error);
      return undefined;
    }
  }

  #decodeConfiguration(value: Uint8Array): PartitionConfiguration | undefined {
    try {
      const configuration = decodePartitionConfiguration(value);
      return { ...configuration, table: this.#node.tables.share(configuration.table) };
    } catch {
      this.reportDamage(new StoreError('damaged', 'The configuration is not one.'));
      return undefined;
    }
  }

  #onUnreadable(error: unknown): void {
    if (error instanceof StoreError) {
      if (error.code === 'damaged') this.reportDamage(error);
      return;
    }
    // The table's configuration does not fit the partition: it cannot be led until it is replaced.
    if (!(error instanceof RangeError)) throw error;
    this.#log('replicaNotLed', { message: error.message });
  }

  #log(event: string, fields: object): void {
    this.#node.log(event, { partitionId: `${this.replica.partitionId}`, ...fields });
  }
}

/** Keys of a state, by the id under which it is stored. */
class StorageSpace {
  readonly itemPrefix: Buffer;
  readonly countersKey: Buffer;
  readonly configurationKey: Buffer;

  constructor(storageId: bigint) {
    this.itemPrefix = keptTogether(spacePrefix(storageId, 'item'));
    this.countersKey = keptTogether(countersKey(storageId));
    this.configurationKey = keptTogether(metaKey(storageId, 'configuration'));
  }
}

/** The space first: it differs, while partition ids rarely do. */
function startsWith(key: Uint8Array, prefix: Buffer): boolean {
  for (let index = prefix.length - 1; index >= 0; index--) {
    if (key[index] !== prefix[index]) return false;
  }
  return true;
}

function mapKeyOf(key: Uint8Array): string {
  return mapKey(Buffer.from(key.buffer, key.byteOffset, key.byteLength));
}
