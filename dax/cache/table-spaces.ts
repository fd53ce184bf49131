import type { TableInfo } from '../tables/table-descriptions.ts';
import type { Clock } from './clock.ts';
import { INDEX_SETTLE_MS, TABLES_COUNT_MAX } from './limits.ts';

/** What a node knows of a table whose items it caches. */
export class TableSpace {
  readonly tableId: string;
  /**
   * Four one-byte characters at the start of all cache keys of the table. Another one makes all that
   * is cached of the table unreachable at once, also what is only on its way into the cache; it is
   * evicted in its time.
   */
  prefix: string;
  /** As last described, if it was. */
  info: TableInfo | undefined;
  /** False: other nodes may still take another table for it, and do not tell of its keys then. */
  mayKeep = true;
  /** Another node has told of it. */
  isHeardOf = false;
  /** Writes to the table that have begun on this node and are not answered yet. */
  #writesCount = 0;
  #indexesSettledAtMs: number;

  /** Writes of the time before the table was known are not: its indexes count as just written. */
  constructor(tableId: string, prefix: string, nowMs: number) {
    this.tableId = tableId;
    this.prefix = prefix;
    this.#indexesSettledAtMs = nowMs + INDEX_SETTLE_MS;
  }

  /** Global indexes had every write that is known, all the time since `sinceMs`. */
  areIndexesSettled(sinceMs: number): boolean {
    return this.#writesCount === 0 && this.#indexesSettledAtMs <= sinceMs;
  }

  beginWrite(): void {
    this.#writesCount += 1;
  }

  /** @param appliedByMs when the table has the write, at the latest: now, or the end of a hold */
  endWrite(appliedByMs: number): void {
    this.#writesCount -= 1;
    this.noteWrite(appliedByMs);
  }

  /** A write through another node. */
  noteWrite(appliedByMs: number): void {
    this.#indexesSettledAtMs = Math.max(this.#indexesSettledAtMs, appliedByMs + INDEX_SETTLE_MS);
  }
}

/** Tables by id, each with its own part of the keys of the caches. */
export class TableSpaces {
  readonly #clock: Clock;
  readonly #spaces = new Map<string, TableSpace>();
  #lastNumber = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(tableId: string): TableSpace {
    return this.#spaces.get(tableId) ?? this.#add(tableId);
  }

  #add(tableId: string): TableSpace {
    if (this.#spaces.size >= TABLES_COUNT_MAX) {
      for (const oldest of this.#spaces.keys()) {
        this.#spaces.delete(oldest);
        break;
      }
    }
    const space = new TableSpace(tableId, this.#nextPrefix(), this.#clock.nowMs());
    this.#spaces.set(tableId, space);
    return space;
  }

  /** Nothing that was cached of the table is found any more. */
  renew(tableId: string): void {
    const space = this.#spaces.get(tableId);
    if (space !== undefined) space.prefix = this.#nextPrefix();
  }

  /** Those that were last described under this name. */
  named(nameOrArn: string): readonly TableSpace[] {
    return [...this.#spaces.values()].filter(
      ({ info }) => info !== undefined && (info.name === nameOrArn || info.arn === nameOrArn),
    );
  }

  /** As `renew`, for all tables. */
  renewAll(): void {
    for (const space of this.#spaces.values()) space.prefix = this.#nextPrefix();
  }

  #nextPrefix(): string {
    this.#lastNumber = (this.#lastNumber + 1) % 2 ** 32;
    prefixBytes.writeUInt32BE(this.#lastNumber);
    return prefixBytes.toString('latin1');
  }
}

const prefixBytes = Buffer.allocUnsafe(4);

/**
 * Cache key of an item: the table's prefix and canonical key bytes, one-byte characters in one
 * piece (two strings joined would be a rope, flattened at each look-up).
 */
export function cacheKeyOf(space: TableSpace, key: Buffer): string {
  const length = PREFIX_LENGTH + key.length;
  const bytes = length <= scratch.length ? scratch : Buffer.allocUnsafe(length);
  bytes.write(space.prefix, 0, PREFIX_LENGTH, 'latin1');
  bytes.set(key, PREFIX_LENGTH);
  return bytes.toString('latin1', 0, length);
}

/** Of what all cache keys and tags of a table begin with. */
export const PREFIX_LENGTH = 4;
/** Longer than any key of the API (2048 and 1024 bytes). */
const scratch = Buffer.allocUnsafeSlow(4096);

/** What all pages of an item collection are about. */
export function collectionTag(space: TableSpace, hash: Buffer): string {
  return collectionTagOf(space, hash.toString('latin1'));
}

/** @param hash its bytes as latin1 */
export function collectionTagOf({ prefix }: TableSpace, hash: string): string {
  return `${prefix}c${hash}`;
}

/** What all other pages of a table are about: those that may have items of any collection. */
export function tableTag({ prefix }: TableSpace): string {
  return `${prefix}t`;
}
