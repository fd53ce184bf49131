import type { Store, StoreSnapshot } from '../storage/store.ts';
import { decodeCheckedNumber } from './checked-number.ts';
import { metaKey } from './key-space.ts';
import { decodeMark } from './mark-record.ts';
import type { PartitionState, PlacedKey } from './partition-state.ts';
import { StoredItem } from './record.ts';
import type { PartitionRange } from './schema.ts';
import type { TransactionItem, TransactionReadAnswer, TransactionReadCall } from './transaction.ts';
import { placeIn } from './transaction-actions.ts';
import { markKey } from './transaction-keys.ts';
import { isReadConflict, stalledMark } from './transaction-rules.ts';

export interface TransactionReaderParts {
  readonly range: PartitionRange;
  readonly store: Pick<Store, 'snapshot'>;
  readonly state: PartitionState;
}

/** Items beyond this are not read out: a request that asks for more is refused, and told the size. */
const READ_BYTES_MAX = 4 * 1024 * 1024;
/** Reads items of a partition for transactions. */
export class TransactionReader {
  readonly #parts: TransactionReaderParts;

  constructor(parts: TransactionReaderParts) {
    this.#parts = parts;
  }

  /**
   * All keys as of one moment: what the store held then. That may be a write whose group is not known
   * here to be durable yet; it is told when that is.
   */
  async read({ keys }: TransactionReadCall): Promise<TransactionReadAnswer> {
    const { store, state, range } = this.#parts;
    const deletedKey = metaKey(range.id, 'deleted');
    const snapshot = store.snapshot();
    const items: TransactionItem[] = [];
    const open: Promise<void>[] = [];
    try {
      const deleted = snapshot.get(deletedKey);
      const absentState = `absent ${deleted === undefined ? 0 : decodeCheckedNumber(deleted)}`;
      let bytes = 0;
      for (const key of keys) {
        const placed = placeIn(state, key);
        const group = state.groupOf(placed.name);
        if (group !== undefined) open.push(group.done);
        const item = this.#readItem(snapshot, placed, absentState);
        if (item.kind === 'item') bytes += item.bytes;
        const isShown = item.kind === 'conflict' || bytes <= READ_BYTES_MAX;
        items.push(isShown ? item : { ...item, json: undefined });
      }
    } finally {
      await snapshot.close();
    }
    await Promise.all(open);
    return { items };
  }

  #readItem(snapshot: StoreSnapshot, { itemKey }: PlacedKey, absent: string): TransactionItem {
    const { state } = this.#parts;
    const encoded = snapshot.get(markKey(state.prefixes.transaction, itemKey));
    const mark = encoded === undefined ? undefined : decodeMark(encoded);
    if (isReadConflict(mark)) {
      return { kind: 'conflict', stalled: stalledMark(mark, state.nowMs) };
    }
    const record = snapshot.get(itemKey);
    if (record === undefined) return { kind: 'item', json: undefined, bytes: 0, state: absent };
    const stored = StoredItem.read(record);
    const { json, bytes, version } = stored;
    return { kind: 'item', json, bytes, state: `version ${version}` };
  }
}
