import type { Effect, Store } from '../storage/store.ts';
import { InFlight, type InFlightGroup } from './in-flight.ts';
import { keptTogether, metaKey } from './key-space.ts';
import type { PartitionRange } from './schema.ts';
import { SHARD_AGE_MS, type StreamSchema } from './stream.ts';
import { decodeShards, encodeShards, openShardOf, type ShardList } from './stream-shards.ts';

/**
 * The shards of a partition's streams, as writes see them: durable ones, and changes in flight that
 * become durable or fail with their group.
 */
export class ShardBook<Group extends InFlightGroup> {
  /** No other partition of the table has it, at the same time or before: see `ShardPoint`. */
  readonly tag: number;
  readonly #store: Pick<Store, 'get'>;
  readonly #key: Buffer;
  readonly #inFlight = new InFlight<ShardList, Group>();
  #durable: ShardList;

  constructor(range: PartitionRange, store: Pick<Store, 'get'>) {
    this.tag = Buffer.from(range.start).readUInt32BE(0);
    this.#store = store;
    this.#key = keptTogether(metaKey(range.id, 'shards'));
    this.#durable = decodeShards(store.get(this.#key));
  }

  /** With all changes made so far. */
  get list(): ShardList {
    return this.#inFlight.get(ONLY)?.value ?? this.#durable;
  }

  /** Of the last change, while it is in flight. */
  get group(): Group | undefined {
    return this.#inFlight.get(ONLY)?.group;
  }

  /** Whether a write under this schema finds its shard as it should be. On the path of every write. */
  isReady(stream: StreamSchema, nowMs: number): boolean {
    const open = openShardOf(this.list);
    return open?.streamId === stream.id && nowMs < open.startedMs + SHARD_AGE_MS;
  }

  /** Takes up a change that becomes durable with the group; returns its effect. */
  change(list: ShardList, group: Group): Effect {
    this.#inFlight.set(ONLY, list, group);
    return { key: this.#key, value: encodeShards(list) };
  }

  settle(group: Group): void {
    this.#inFlight.settle(group, (_, list) => {
      this.#durable = list;
    });
  }

  discard(group: Group): void {
    this.#inFlight.discard(group);
  }

  /** Takes up what the store holds. @throws StoreError */
  reload(): void {
    this.#durable = decodeShards(this.#store.get(this.#key));
  }
}

/** There is one value. */
const ONLY = '';
