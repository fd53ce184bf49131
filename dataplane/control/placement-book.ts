import { afterPrefix } from '../partition/key-space.ts';
import type { Effect, Store } from '../storage/store.ts';
import {
  type DroppedRecord,
  decodeDropped,
  decodeFounding,
  decodePlacement,
  decodeTable,
  decodeTime,
  droppedKey,
  encodeDropped,
  encodeFounding,
  encodePlacement,
  encodeTable,
  encodeTime,
  type FoundingRecord,
  foundingKey,
  kindPrefix,
  type Placement,
  placementKey,
  type recordKinds,
  type TableRecord,
  tableKey,
} from './placement-records.ts';

const READ_COUNT = 100;
/** A table of very many partitions is written in several commits. */
const COMMIT_BYTES_MAX = 2 * 1024 * 1024;

/** Changes that become durable together, unless they are very many. */
export interface BookChange {
  readonly table?: TableRecord;
  readonly founding?: FoundingRecord;
  /** The table's time of creation, when it is new. */
  readonly createdAtMs?: number;
  readonly placements?: readonly Placement[];
}

/** What a placement becomes, evaluated in turn. */
type PlacementChange = (placement: Placement) => Placement;

/**
 * The control plane's records, in memory and durably: memory changes only after the store has. One
 * writer, the leader of the catalog; its changes are made one after the other.
 */
export class PlacementBook {
  readonly #store: Store;
  readonly #placements = new Map<bigint, Placement>();
  readonly #tables = new Map<string, TableRecord>();
  readonly #foundings = new Map<string, FoundingRecord>();
  readonly #dropped = new Map<bigint, DroppedRecord>();
  #createdAtMs = 0;
  #version = 0;
  #turn: Promise<unknown> = Promise.resolve();
  /** Changes of single placements that wait for their turn, to be written together. */
  #updates: { partitionId: bigint; change: PlacementChange }[] = [];
  #updated: Promise<void> | undefined;

  private constructor(store: Store) {
    this.#store = store;
  }

  /** @throws StoreError */
  static async open(store: Store): Promise<PlacementBook> {
    const book = new PlacementBook(store);
    for (const value of await book.#readAll('placement')) {
      const placement = decodePlacement(value);
      book.#placements.set(placement.partitionId, placement);
    }
    for (const value of await book.#readAll('table')) {
      const table = decodeTable(value);
      book.#tables.set(table.tableId, table);
    }
    for (const value of await book.#readAll('founding')) {
      const founding = decodeFounding(value);
      book.#foundings.set(foundingName(founding), founding);
    }
    for (const value of await book.#readAll('dropped')) {
      const dropped = decodeDropped(value);
      book.#dropped.set(dropped.partitionId, dropped);
    }
    for (const value of await book.#readAll('createdAt')) book.#createdAtMs = decodeTime(value);
    return book;
  }

  /** Another number whenever anything here may be otherwise. */
  get version(): number {
    return this.#version;
  }

  placement(partitionId: bigint): Placement | undefined {
    return this.#placements.get(partitionId);
  }

  placements(): Iterable<Placement> {
    return this.#placements.values();
  }

  table(tableId: string): TableRecord | undefined {
    return this.#tables.get(tableId);
  }

  /** The configuration that the founders of a placement begin with. */
  founding({ tableId, foundingVersion }: Placement): FoundingRecord | undefined {
    return this.#foundings.get(foundingName({ tableId, version: foundingVersion }));
  }

  dropped(): Iterable<DroppedRecord> {
    return this.#dropped.values();
  }

  /** Times of creation rise whatever clocks say: the newest of two tables of a name is the one. */
  nextCreatedAtMs(nowMs: number): number {
    return Math.max(nowMs, this.#createdAtMs + 1);
  }

  /**
   * Makes changes durable, then visible. A placement is durable after the configuration that its
   * founders begin with.
   * @throws StoreError
   */
  save(change: BookChange): Promise<void> {
    return this.#inTurn(() => this.#save(change));
  }

  async #save(change: BookChange): Promise<void> {
    const { table, founding, createdAtMs, placements = [] } = change;
    const effects: Effect[] = [];
    if (table !== undefined)
      effects.push({ key: tableKey(table.tableId), value: encodeTable(table) });
    if (founding !== undefined) {
      const key = foundingKey(founding.tableId, founding.version);
      effects.push({ key, value: encodeFounding(founding) });
    }
    if (createdAtMs !== undefined) {
      effects.push({ key: kindPrefix('createdAt'), value: encodeTime(createdAtMs) });
    }
    for (const placement of placements) {
      effects.push({ key: placementKey(placement.partitionId), value: encodePlacement(placement) });
    }
    for (const batch of batchesOf(effects)) await this.#store.commit(batch);
    if (table !== undefined) this.#tables.set(table.tableId, table);
    if (founding !== undefined) this.#foundings.set(foundingName(founding), founding);
    if (createdAtMs !== undefined) this.#createdAtMs = createdAtMs;
    for (const placement of placements) this.#placements.set(placement.partitionId, placement);
  }

  /**
   * Changes one placement; many such changes share a commit.
   * @returns the placement as it is then; undefined when there is none
   * @throws StoreError
   */
  async update(partitionId: bigint, change: PlacementChange): Promise<Placement | undefined> {
    this.#updates.push({ partitionId, change });
    this.#updated ??= this.#inTurn(async () => {
      const updates = this.#updates;
      this.#updates = [];
      this.#updated = undefined;
      const changed = new Map<bigint, Placement>();
      for (const { partitionId, change } of updates) {
        const before = changed.get(partitionId) ?? this.#placements.get(partitionId);
        if (before !== undefined) changed.set(partitionId, change(before));
      }
      await this.#save({ placements: [...changed.values()] });
    });
    await this.#updated;
    return this.#placements.get(partitionId);
  }

  /**
   * Forgets configurations that no founder is to begin with any more.
   * @throws StoreError
   */
  forgetFoundings(tableId: string): Promise<void> {
    return this.#inTurn(() => this.#forgetFoundings(tableId));
  }

  async #forgetFoundings(tableId: string): Promise<void> {
    const needed = new Set<string>();
    for (const placement of this.#placements.values()) {
      if (placement.tableId !== tableId || !hasOpenFounders(placement)) continue;
      needed.add(foundingName({ tableId, version: placement.foundingVersion }));
    }
    const idle = [...this.#foundings.values()].filter(
      (founding) => founding.tableId === tableId && !needed.has(foundingName(founding)),
    );
    await this.#store.commit(
      idle.map(({ version }) => ({ key: foundingKey(tableId, version), value: undefined })),
    );
    for (const founding of idle) this.#foundings.delete(foundingName(founding));
  }

  /**
   * Forgets partitions of which no replica is left, and tables without any.
   * @throws StoreError
   */
  drop(partitionIds: readonly bigint[], nowMs: number): Promise<void> {
    return this.#inTurn(() => this.#drop(partitionIds, nowMs));
  }

  async #drop(partitionIds: readonly bigint[], nowMs: number): Promise<void> {
    const gone = partitionIds.filter((id) => this.#placements.has(id));
    const isGone = new Set(gone);
    const left = new Set<string>();
    for (const { partitionId, tableId } of this.#placements.values()) {
      if (!isGone.has(partitionId)) left.add(tableId);
    }
    const tables = [...this.#tables.keys()].filter(
      (id) => !left.has(id) && gone.some((gone) => this.#placements.get(gone)?.tableId === id),
    );
    const dropped = gone.map((partitionId) => ({ partitionId, droppedAtMs: nowMs }));
    await this.#store.commit([
      ...dropped.map((record) => ({
        key: droppedKey(record.partitionId),
        value: encodeDropped(record),
      })),
      ...gone.map((id) => ({ key: placementKey(id), value: undefined })),
      ...tables.map((id) => ({ key: tableKey(id), value: undefined })),
    ]);
    for (const record of dropped) this.#dropped.set(record.partitionId, record);
    for (const id of gone) this.#placements.delete(id);
    for (const id of tables) {
      this.#tables.delete(id);
      await this.#forgetFoundings(id);
    }
  }

  /** Forgets partitions that were dropped before that time. @throws StoreError */
  forgetDropped(beforeMs: number): Promise<void> {
    return this.#inTurn(() => this.#forgetDropped(beforeMs));
  }

  async #forgetDropped(beforeMs: number): Promise<void> {
    const old = [...this.#dropped.values()].filter(({ droppedAtMs }) => droppedAtMs < beforeMs);
    await this.#store.commit(
      old.map(({ partitionId }) => ({ key: droppedKey(partitionId), value: undefined })),
    );
    for (const { partitionId } of old) this.#dropped.delete(partitionId);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(change).finally(() => {
      this.#version += 1;
    });
    this.#turn = result.catch(() => {}); // The caller has the error; the next change goes on.
    return result;
  }

  async #readAll(kind: keyof typeof recordKinds): Promise<readonly Buffer[]> {
    const start = kindPrefix(kind);
    const range = { start, end: afterPrefix(start), reverse: false, limit: undefined };
    const iterator = this.#store.iterate(range);
    try {
      const values: Buffer[] = [];
      for (;;) {
        const pairs = await iterator.next(READ_COUNT);
        if (pairs.length === 0) return values;
        values.push(...pairs.map(([, value]) => value));
      }
    } finally {
      await iterator.close();
    }
  }
}

/** Whether a founder is still to be created. */
export function hasOpenFounders({ founders }: Placement): boolean {
  return founders.some(({ state }) => state === 'open');
}

function foundingName({ tableId, version }: Pick<FoundingRecord, 'tableId' | 'version'>): string {
  return `${tableId} ${version}`;
}

function* batchesOf(effects: readonly Effect[]): Iterable<readonly Effect[]> {
  let batch: Effect[] = [];
  let bytes = 0;
  for (const effect of effects) {
    batch.push(effect);
    bytes += effect.key.length + (effect.value?.length ?? 0);
    if (bytes < COMMIT_BYTES_MAX) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
