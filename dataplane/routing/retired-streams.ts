import { decodeCounters } from '../partition/counters.ts';
import { countersKey } from '../partition/key-space.ts';
import type { PartitionRange, TableLayout } from '../partition/schema.ts';
import type { StreamAnswerTo, StreamCall } from '../partition/stream.ts';
import { StreamReader } from '../partition/stream-reader.ts';
import type { Store } from '../storage/store.ts';
import type { StreamTable } from './table.ts';

/** The streams of a table that was deleted, in this process's store. */
export class RetiredStreams implements StreamTable {
  readonly partitions: readonly PartitionRange[];
  readonly #readers: ReadonlyMap<bigint, StreamReader>;

  constructor(
    store: Store,
    clock: { nowMs(): number },
    { partitions, retiredAtMs }: Pick<TableLayout, 'partitions' | 'retiredAtMs'>,
  ) {
    this.partitions = partitions;
    this.#readers = new Map(
      partitions.map(({ id: partitionId }) => {
        const at = countersKey(partitionId);
        const reader = new StreamReader({
          store,
          partitionId,
          lastSequence: () => decodeCounters(store.get(at)).version,
          nowMs: () => clock.nowMs(),
          endedAtMs: retiredAtMs,
        });
        return [partitionId, reader];
      }),
    );
  }

  async stream<Call extends StreamCall>(
    partitionId: bigint,
    call: Call,
  ): Promise<StreamAnswerTo<Call>> {
    const reader = this.#readers.get(partitionId);
    if (reader === undefined) throw new Error(`the table has no partition ${partitionId}`);
    return reader.answer(call);
  }
}
