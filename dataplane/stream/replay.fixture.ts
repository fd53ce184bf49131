import type { Item } from '../item/attribute-value.ts';
import { equalMaps } from '../item/equality.ts';

/** A record of GetRecords, as far as replaying needs it; of a stream with both images. */
export interface ReplayedRecord {
  readonly eventID: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly dynamodb: {
    readonly Keys: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    readonly SequenceNumber: string;
  };
}

/**
 * The items that a stream's records lead to, by their keys, from `items` on. Each record must begin
 * where the one before it of its item has ended, change something, and be there once.
 * @throws Error that tells of the record that does not fit
 */
export class Replay {
  readonly items = new Map<string, Item>();
  readonly #seen = new Set<string>();

  get recordsCount(): number {
    return this.#seen.size;
  }

  /** Records of one shard, in their order; all of its parent have been taken. */
  take(records: readonly ReplayedRecord[]): void {
    let last = '';
    for (const record of records) {
      if (record.dynamodb.SequenceNumber <= last) throw new Error(`order: ${show(record)}`);
      last = record.dynamodb.SequenceNumber;
      this.#apply(record);
    }
  }

  #apply(record: ReplayedRecord): void {
    const { eventID, eventName, dynamodb } = record;
    const { Keys, NewImage, OldImage } = dynamodb;
    if (this.#seen.has(eventID)) throw new Error(`twice: ${show(record)}`);
    this.#seen.add(eventID);
    const name = nameOf(Keys);
    const before = this.items.get(name);
    if (!isSame(before, OldImage)) {
      throw new Error(`does not follow ${JSON.stringify(before)}: ${show(record)}`);
    }
    if (isSame(OldImage, NewImage)) throw new Error(`changes nothing: ${show(record)}`);
    const expected =
      OldImage === undefined ? 'INSERT' : NewImage === undefined ? 'REMOVE' : 'MODIFY';
    if (eventName !== expected) throw new Error(`is no ${eventName}: ${show(record)}`);
    if (NewImage === undefined) this.items.delete(name);
    else this.items.set(name, NewImage);
  }
}

/** An item, or key attributes, as one text, whatever the order of attributes at any depth. */
export function nameOf(item: Item): string {
  return JSON.stringify(item, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

function isSame(a: Item | undefined, b: Item | undefined): boolean {
  return a === undefined || b === undefined ? a === b : equalMaps(a, b);
}

function show(record: ReplayedRecord): string {
  return JSON.stringify(record);
}
