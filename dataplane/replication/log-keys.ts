import { keptTogether, PREFIX_BYTES, spacePrefix, writeUint53 } from '../partition/key-space.ts';

/**
 * Keys of one partition's log space, `[partition id u64][0x08]` and a letter:
 *
 * | letter | behind it | value |
 * |---|---|---|
 * | `e` | index u64 | an entry (`entry-record.ts`) |
 * | `h` | | hard state (`replica-records.ts`; so are the others) |
 * | `s` | | start of the log: the place before its first entry |
 * | `r` | | the replica itself, or what is left of it |
 */
export class LogKeys {
  readonly #prefix: Buffer;
  readonly hardState: Buffer;
  readonly logStart: Buffer;
  readonly replica: Buffer;

  constructor(partitionId: bigint) {
    this.#prefix = keptTogether(spacePrefix(partitionId, 'log'));
    this.hardState = keptTogether(this.#named(HARD_STATE));
    this.logStart = keptTogether(this.#named(LOG_START));
    this.replica = keptTogether(this.#named(REPLICA));
  }

  entry(index: number): Buffer {
    const key = Buffer.allocUnsafe(PREFIX_BYTES + 1 + INDEX_BYTES);
    key.set(this.#prefix);
    key[PREFIX_BYTES] = ENTRY;
    writeUint53(key, index, PREFIX_BYTES + 1);
    return key;
  }

  /** All entries: [start, end). */
  get entries(): { readonly start: Buffer; readonly end: Buffer } {
    return { start: this.#named(ENTRY), end: this.#named(ENTRY + 1) };
  }

  #named(letter: number): Buffer {
    const key = Buffer.allocUnsafe(PREFIX_BYTES + 1);
    key.set(this.#prefix);
    key[PREFIX_BYTES] = letter;
    return key;
  }
}

const INDEX_BYTES = 8;
const ENTRY = 0x65;
const HARD_STATE = 0x68;
const REPLICA = 0x72;
const LOG_START = 0x73;

/** Under this partition id, which no partition has, a node keeps what belongs to none of them. */
export const NODE_SPACE_ID = 2n ** 63n - 1n;

/** Value: the next storage id, u64 (`replica-records.ts`). */
export const storageCounterKey: Buffer = Buffer.concat([
  spacePrefix(NODE_SPACE_ID, 'log'),
  Buffer.of(0x6e),
]);

/** States of replicas are kept under ids from here on. */
export const STORAGE_ID_MIN = 2n ** 63n;
export const STORAGE_ID_END = 2n ** 64n;
