import { rangeOfPrefix } from '../partition/key-range.ts';
import { metaKey } from '../partition/key-space.ts';
import type { TableLayout } from '../partition/schema.ts';
import type { StreamAnswerTo, StreamCall, StreamSchema } from '../partition/stream.ts';
import { StreamReader } from '../partition/stream-reader.ts';
import { walk } from '../routing/space-walk.ts';
import { type Effect, type Store, StoreError } from '../storage/store.ts';
import {
  decodeTriggerProgress,
  encodeTriggerProgress,
  type TriggerProgress,
  triggerProgressKey,
} from './progress-record.ts';

/** By name of the trigger; undefined: it is no more. */
export type ProgressChanges = ReadonlyMap<string, TriggerProgress | undefined>;

/** One partition, as its triggers see it. */
export interface TriggerSource {
  /** For the log. */
  readonly partitionId: bigint;
  /** Streams of the table by age: the last one takes records if `isEnabled`. */
  streams(): { readonly all: readonly StreamSchema[]; readonly isEnabled: boolean };
  /** @throws StoreError */
  read<Call extends StreamCall>(call: Call): Promise<StreamAnswerTo<Call>>;
  /** @throws StoreError */
  progress(name: string): TriggerProgress | undefined;
  /** Names of all triggers that have a progress here. @throws StoreError */
  names(): Promise<readonly string[]>;
  /**
   * Sets and forgets how far triggers have come; durable when it resolves. Rejects when the partition
   * is not ours any more, or the store fails.
   */
  save(changes: ProgressChanges): Promise<void>;
}

export interface PartitionSourceParts {
  readonly partitionId: bigint;
  readonly store: Pick<Store, 'get' | 'iterate'>;
  /** By which the partition's keys begin in this store. */
  readonly storageId: bigint;
  readonly layout: () => Pick<TableLayout, 'schema' | 'endedStreams'>;
  /** Sequence of the last write that is durable. */
  readonly lastSequence: () => number;
  readonly nowMs: () => number;
  /** Commits effects in order with the partition's writes. */
  readonly include: (effects: readonly Effect[]) => Promise<void>;
  /** Told of data that does not match its checksum. */
  readonly onDamage?: ((error: StoreError) => void) | undefined;
}

/** A partition whose state is in a store of this process. */
export class PartitionSource implements TriggerSource {
  readonly #parts: PartitionSourceParts;
  readonly #reader: StreamReader;

  constructor(parts: PartitionSourceParts) {
    const { store, storageId, lastSequence, nowMs } = parts;
    this.#parts = parts;
    this.#reader = new StreamReader({ store, partitionId: storageId, lastSequence, nowMs });
  }

  get partitionId(): bigint {
    return this.#parts.partitionId;
  }

  streams() {
    const { schema, endedStreams = [] } = this.#parts.layout();
    const { stream } = schema;
    const all = stream === undefined ? endedStreams : [...endedStreams, stream];
    return { all, isEnabled: stream !== undefined };
  }

  async read<Call extends StreamCall>(call: Call): Promise<StreamAnswerTo<Call>> {
    try {
      return await this.#reader.answer(call);
    } catch (error) {
      const isDamage = error instanceof StoreError && error.code === 'damaged';
      if (isDamage) this.#parts.onDamage?.(error);
      throw error;
    }
  }

  progress(name: string): TriggerProgress | undefined {
    const value = this.#parts.store.get(triggerProgressKey(this.#parts.storageId, name));
    return value && decodeTriggerProgress(value);
  }

  async names(): Promise<readonly string[]> {
    const { store, storageId } = this.#parts;
    const prefix = metaKey(storageId, 'trigger');
    const names: string[] = [];
    for await (const pairs of walk(store, rangeOfPrefix(prefix), PAGE_NAMES)) {
      for (const [key] of pairs) names.push(key.toString('utf8', prefix.length));
    }
    return names;
  }

  save(changes: ProgressChanges): Promise<void> {
    return this.#parts.include(progressEffects(this.#parts.storageId, changes));
  }
}

/** What makes progress durable, in a partition whose keys begin with the storage id. */
export function progressEffects(storageId: bigint, changes: ProgressChanges): Effect[] {
  return Array.from(changes, ([name, progress]) => ({
    key: triggerProgressKey(storageId, name),
    value: progress && encodeTriggerProgress(progress),
  }));
}

const PAGE_NAMES = 100;
