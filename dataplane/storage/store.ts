/**
 * The key-value store of one node: ordered byte keys, atomic durable batches, consistent snapshots.
 *
 * Errors are `StoreError` (below). Every implementation passes `store.contract.ts`.
 */
export interface Store {
  /** The committed value of a key, or undefined. Synchronous: the hot read path waits for nobody. */
  get(key: Uint8Array): Buffer | undefined;

  /**
   * Writes all effects atomically. Resolves once they are durable (as the store's durability says);
   * readers see them from then on and not before. Calls made while a sync is under way share the
   * next one (group commit); batches become durable in the order of the calls. When one fails, those
   * queued behind it fail too, since they may have been computed from it.
   *
   * With `sync: false` it resolves once readers see the effects; they are durable with the next
   * synced commit that was called later, or lost together with all unsynced ones behind them. Unsynced
   * commits keep their order among themselves, and are not ordered against synced ones under way.
   */
  commit(effects: readonly Effect[], options?: CommitOptions): Promise<void>;

  /** Pairs of [start, end) in key order, or backwards. Reads a snapshot taken at the call. */
  iterate(range: KeyRange): StoreIterator;

  /** A stable view; must be closed. */
  snapshot(): StoreSnapshot;

  /**
   * Removes all keys of [start, end) in bounded steps; not atomic, durable when resolved. When the
   * signal fires, stops after the step under way and rejects with the signal's reason.
   */
  clear(start: Uint8Array, end: Uint8Array, signal?: AbortSignal): Promise<void>;

  /** Bytes on disk (or in memory) of [start, end), roughly. */
  approximateBytes(start: Uint8Array, end: Uint8Array): Promise<number>;

  /** Why writes are refused at present (e.g. disk full), or undefined. */
  readonly writesRefused: StoreError | undefined;

  /**
   * Has `recover` called after the store was opened anew because a write failed, and before writes
   * are taken again. What that write held may be on disk or not: whoever keeps state computed from
   * the store reads it again. If `recover` fails, writes stay refused and it is called once more.
   */
  onReopened(recover: () => Promise<void>): void;

  /** Waits for commits under way, then closes. */
  close(): Promise<void>;
}

export interface CommitOptions {
  /** By default true. */
  readonly sync: boolean;
}

/** One change to the key space; `value` undefined deletes. */
export interface Effect {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly reverse: boolean;
  /** Most pairs the caller will take; lets the store stop early. */
  readonly limit: number | undefined;
  readonly snapshot?: StoreSnapshot;
}

export interface StoreIterator {
  /** Up to `count` further pairs (1 or more unless at the end); an empty list means the end. */
  next(count: number): Promise<readonly (readonly [Buffer, Buffer])[]>;
  close(): Promise<void>;
}

export interface StoreSnapshot {
  get(key: Uint8Array): Buffer | undefined;
  close(): Promise<void>;
}

export type StoreErrorCode =
  /** Another process has the folder open. */
  | 'locked'
  /** No space, or too little left to be safe: writes are refused, reads go on. */
  | 'full'
  /** The folder was written by a newer version. */
  | 'newerFormat'
  /** Bytes do not match their checksum, or files are missing. */
  | 'damaged'
  /** Any other failure of the disk. */
  | 'io'
  | 'closed';

/** An operating error of the store (style: kind 2), or corruption (kind 3, code `damaged`). */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}

/** What every store answers after its end. */
export function closedError(): StoreError {
  return new StoreError('closed', 'The store is closed.');
}
