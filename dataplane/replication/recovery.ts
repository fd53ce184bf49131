import { readUint53 } from '../partition/key-space.ts';
import type { Store } from '../storage/store.ts';
import { readApplied } from './applied-record.ts';
import { RecordDamaged } from './checked-record.ts';
import type { EntryMeta, ReplicaId } from './core/consensus-core.ts';
import { storageIdBytes } from './effects-codec.ts';
import { decodeEntry, ENTRY_OVERHEAD_BYTES } from './entry-record.ts';
import type { ReplicaOnDisk } from './group.ts';
import { LogExtent } from './log-extent.ts';
import {
  LogKeys,
  NODE_SPACE_ID,
  STORAGE_ID_END,
  STORAGE_ID_MIN,
  storageCounterKey,
} from './log-keys.ts';
import { foundingConfiguration } from './membership-change.ts';
import {
  decodeHardState,
  decodeLogPlace,
  decodeReplica,
  decodeStorageCounter,
  type LogPlace,
  type ReplicaRecord,
} from './replica-records.ts';

/** Pairs read at once from a log. */
const PAGE_PAIRS = 256;
/** Keys of a log's entries end with the index. */
const INDEX_BYTES = 8;

/** The states on one node's disk. */
export interface StoragesOnDisk {
  readonly storageIds: ReadonlySet<bigint>;
  /** No id from here on was ever given out. */
  readonly storageIdNext: bigint;
}

/** @throws StoreError */
export async function readStorages(store: Store): Promise<StoragesOnDisk> {
  const storageIds = new Set<bigint>();
  let next = STORAGE_ID_MIN;
  for await (const storageId of idsIn(store, STORAGE_ID_MIN, STORAGE_ID_END)) {
    storageIds.add(storageId);
    next = storageId + 1n;
  }
  const counted = decodeStorageCounter(store.get(storageCounterKey)) ?? STORAGE_ID_MIN;
  return { storageIds, storageIdNext: counted > next ? counted : next };
}

/** What replication has on one node's disk, beside the replicas that can take part. */
export interface ReplicasOnDisk {
  /** Dropped: the highest replica id that was here, by partition. */
  readonly tombstones: ReadonlyMap<bigint, ReplicaId>;
  /** Replicas that cannot take part, and why. */
  readonly damaged: readonly {
    /** What can be told of it; ids of 0 if nothing can. */
    readonly replica: ReplicaOnDisk;
    readonly error: RecordDamaged;
  }[];
  /** Storage ids of replicas; undefined if there is one whose id cannot be read. */
  readonly used: ReadonlySet<bigint> | undefined;
}

/** Reads all replicas and shows them one by one. @throws StoreError */
export async function readReplicas(
  store: Store,
  visit: (replica: ReplicaOnDisk) => void,
): Promise<ReplicasOnDisk> {
  const tombstones = new Map<bigint, ReplicaId>();
  const damaged: ReplicasOnDisk['damaged'][number][] = [];
  const used = new Set<bigint>();
  for await (const partitionId of idsIn(store, 0n, NODE_SPACE_ID)) {
    const { replica: key } = new LogKeys(partitionId);
    let record: ReplicaRecord | undefined;
    try {
      record = decodeReplica(key, store.get(key));
      if (record.state === 'dropped') {
        tombstones.set(partitionId, record.replicaId);
        continue;
      }
      used.add(record.storageId);
      visit(await readReplica(store, partitionId, record));
    } catch (error) {
      if (!(error instanceof RecordDamaged)) throw error;
      damaged.push({ replica: unreadable(partitionId, record), error });
    }
  }
  const isSure = damaged.every(({ replica }) => replica.storageId !== 0n);
  return { tombstones, damaged, used: isSure ? used : undefined };
}

/** Reads one replica. @throws RecordDamaged, StoreError */
export async function readReplica(
  store: Store,
  partitionId: bigint,
  record?: ReplicaRecord,
): Promise<ReplicaOnDisk> {
  const keys = new LogKeys(partitionId);
  const replica = record ?? decodeReplica(keys.replica, store.get(keys.replica));
  if (replica.state !== 'active') throw new RecordDamaged('the replica was dropped');
  const { replicaId, storageId, founders } = replica;
  const start = decodeLogPlace(keys.logStart, store.get(keys.logStart));
  const stored = decodeHardState(keys.hardState, store.get(keys.hardState));
  const { place, configuration } = readApplied(store, storageId);
  const log = new LogExtent(start);
  const entries = await readEntries(store, keys, { start, log });
  const { lastIndex } = log;
  if (place.index < start.index || place.index > lastIndex) {
    throw new RecordDamaged(
      `state at ${place.index} does not fit a log from ${start.index} to ${lastIndex}`,
    );
  }
  // What is applied is committed; a commit index beyond the log was written before its entries were.
  const commit = Math.max(Math.min(stored.commit, lastIndex), place.index);
  return {
    partitionId,
    replicaId,
    storageId,
    founders,
    hardState: { ...stored, commit },
    appliedIndex: place.index,
    configuration,
    log,
    entries,
  };
}

function unreadable(partitionId: bigint, record: ReplicaRecord | undefined): ReplicaOnDisk {
  const isKnown = record?.state === 'active';
  return {
    partitionId,
    replicaId: record?.replicaId ?? 0,
    storageId: isKnown ? record.storageId : 0n,
    founders: isKnown ? record.founders : [],
    hardState: { term: 0, vote: 0, commit: 0 },
    appliedIndex: 0,
    configuration: foundingConfiguration([]),
    log: new LogExtent({ index: 0, term: 0 }),
    entries: [],
  };
}

async function readEntries(
  store: Store,
  keys: LogKeys,
  { start, log }: { readonly start: LogPlace; readonly log: LogExtent },
): Promise<EntryMeta[]> {
  const entries: EntryMeta[] = [];
  const iterator = store.iterate({ ...keys.entries, reverse: false, limit: undefined });
  try {
    for (;;) {
      const page = await iterator.next(PAGE_PAIRS);
      if (page.length === 0) return entries;
      for (const [key, value] of page) {
        const index = readUint53(key, key.length - INDEX_BYTES);
        if (index <= start.index) continue;
        if (index !== log.lastIndex + 1) throw new RecordDamaged(`entry ${index} has a gap before`);
        const { meta } = decodeEntry(key, index, value);
        // The page's bytes are not to be kept for the sake of a few.
        const data = meta.data === undefined ? undefined : Buffer.from(meta.data);
        entries.push({ ...meta, data });
        log.append(index, value.length + ENTRY_OVERHEAD_BYTES);
      }
    }
  } finally {
    await iterator.close();
  }
}

/** The partition and storage ids in use, ascending: one seek each. */
async function* idsIn(store: Store, from: bigint, to: bigint): AsyncGenerator<bigint> {
  let next = from;
  while (next < to) {
    const end = to === STORAGE_ID_END ? LAST_KEY : storageIdBytes(to);
    const iterator = store.iterate({ start: storageIdBytes(next), end, reverse: false, limit: 1 });
    try {
      const [first] = await iterator.next(1);
      if (first === undefined) return;
      next = first[0].readBigUInt64BE(0);
    } finally {
      await iterator.close();
    }
    yield next;
    next += 1n;
  }
}

/** Above all keys. */
const LAST_KEY = Buffer.alloc(9, 0xff);
