import type { Item } from '../item/attribute-value.ts';
import { capacityOfList } from '../partition/capacity.ts';
import type { Capacity, WriteResult, WriteReturns } from '../partition/command.ts';
import type { WriteAnswer } from './protocol.ts';

const BEFORE = 1;
const AFTER = 2;

/** The `returns` of a WriteCall. */
export function returnFlags(returns: WriteReturns | undefined): number {
  if (returns === undefined) return BEFORE | AFTER;
  return (returns.before ? BEFORE : 0) | (returns.after ? AFTER : 0);
}

/** The result that an answer tells of; its items are parsed when they are looked at. */
export function writeResultOf([
  kind,
  wireCapacity,
  collectionBytes,
  before,
  after,
]: WriteAnswer): WriteResult {
  const capacity = capacityOfList(wireCapacity);
  return kind === 'applied'
    ? new AppliedWrite(capacity, collectionBytes ?? undefined, { before, after })
    : new FailedWrite(capacity, before);
}

class AppliedWrite {
  readonly kind = 'applied';
  readonly capacity: Capacity;
  readonly collectionBytes: number | undefined;
  readonly #before: Uint8Array | null;
  readonly #after: Uint8Array | null;

  constructor(
    capacity: Capacity,
    collectionBytes: number | undefined,
    items: { readonly before: Uint8Array | null; readonly after: Uint8Array | null },
  ) {
    this.capacity = capacity;
    this.collectionBytes = collectionBytes;
    this.#before = items.before;
    this.#after = items.after;
  }

  get before(): Item | undefined {
    return itemOf(this.#before);
  }

  get after(): Item | undefined {
    return itemOf(this.#after);
  }
}

class FailedWrite {
  readonly kind = 'conditionFailed';
  readonly capacity: Capacity;
  readonly #before: Uint8Array | null;

  constructor(capacity: Capacity, before: Uint8Array | null) {
    this.capacity = capacity;
    this.#before = before;
  }

  get before(): Item | undefined {
    return itemOf(this.#before);
  }
}

/** The node's bytes are what JSON.stringify made of a validated item. */
export function itemOf(json: Uint8Array | null): Item | undefined {
  if (json === null) return undefined;
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString();
  return JSON.parse(text) as Item;
}
