import { crc32 } from 'node:zlib';
import type { PartitionRange } from '../partition/schema.ts';
import { StoreError } from '../storage/store.ts';
import type { GlobalIndex, RetiredTable, TableDescriptor } from './descriptor.ts';

/**
 * Records of the catalog at rest: JSON `{"version": 1, "checksum": <CRC-32 of the body's JSON>,
 * "body": ...}`. Bytes are hex text, partition ids are decimal text.
 */
const VERSION = 1;

/** What a descriptor looks like in JSON: like itself, but for partitions and the secret. */
type Stored<T> = Omit<T, 'partitions'> & { readonly partitions: readonly StoredRange[] };
type StoredDescriptor = Omit<Stored<TableDescriptor>, 'hashSecret' | 'globalIndexes'> & {
  readonly hashSecret: string;
  readonly globalIndexes: readonly Stored<GlobalIndex>[];
};

type LaterMember = 'stream' | 'endedStreams' | 'streamPending';
type EarlierDescriptor = Omit<StoredDescriptor, LaterMember> &
  Partial<Pick<StoredDescriptor, LaterMember>>;

interface StoredRange {
  readonly id: string;
  readonly start: string;
  /** Absent at the end of the hash space. */
  readonly end?: string;
}

export function encodeDescriptor(table: TableDescriptor): Buffer {
  return encodeRecord(storedDescriptor(table));
}

function storedDescriptor(table: TableDescriptor): StoredDescriptor {
  return {
    ...table,
    hashSecret: Buffer.from(table.hashSecret).toString('hex'),
    partitions: table.partitions.map(storedRange),
    globalIndexes: table.globalIndexes.map((index) => ({
      ...index,
      partitions: index.partitions.map(storedRange),
    })),
  };
}

/** @throws StoreError `damaged` or `newerFormat`. */
export function decodeDescriptor(bytes: Uint8Array): TableDescriptor {
  // The checksum vouches that this is what encodeDescriptor wrote.
  return descriptorOf(decodeRecord(bytes) as StoredDescriptor);
}

export function encodeRetired({ table, ...rest }: RetiredTable): Buffer {
  return encodeRecord({ ...rest, table: storedDescriptor(table) });
}

/** @throws StoreError `damaged` or `newerFormat`. */
export function decodeRetired(bytes: Uint8Array): RetiredTable {
  // The checksum vouches that this is what encodeRetired wrote.
  const stored = decodeRecord(bytes) as Omit<RetiredTable, 'table'> & { table: StoredDescriptor };
  return { ...stored, table: descriptorOf(stored.table) };
}

/** Members that earlier releases did not write have their defaults. */
function descriptorOf(stored: EarlierDescriptor): TableDescriptor {
  return {
    ...stored,
    stream: stored.stream,
    endedStreams: stored.endedStreams ?? [],
    streamPending: stored.streamPending ?? false,
    hashSecret: Buffer.from(stored.hashSecret, 'hex'),
    partitions: stored.partitions.map(rangeOf),
    globalIndexes: stored.globalIndexes.map((index) => ({
      ...index,
      partitions: index.partitions.map(rangeOf),
    })),
  };
}

export function encodeIds(ids: readonly bigint[]): Buffer {
  return encodeRecord(ids.map(String));
}

/** @throws StoreError `damaged` or `newerFormat`. */
export function decodeIds(bytes: Uint8Array): readonly bigint[] {
  const stored = decodeRecord(bytes) as readonly string[]; // The checksum vouches for its form.
  return stored.map(BigInt);
}

/** The record of a body that JSON holds. */
export function encodeRecord(body: unknown): Buffer {
  const checksum = crc32(JSON.stringify(body));
  return Buffer.from(JSON.stringify({ version: VERSION, checksum, body }), 'utf8');
}

/**
 * The body, which is what `encodeRecord` was given: the checksum vouches for it.
 * @throws StoreError `damaged` or `newerFormat`.
 */
export function decodeRecord(bytes: Uint8Array): unknown {
  const record = parse(bytes);
  if (record.version !== VERSION) {
    throw new StoreError('newerFormat', `catalog record of version ${String(record.version)}`);
  }
  if (record.checksum !== crc32(JSON.stringify(record.body))) throw damaged();
  return record.body;
}

function parse(bytes: Uint8Array): { version?: unknown; checksum?: unknown; body?: unknown } {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value === 'object' && value !== null && 'body' in value) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw damaged();
}

function damaged(): StoreError {
  return new StoreError('damaged', 'a catalog record does not match its checksum');
}

function storedRange({ id, start, end }: PartitionRange): StoredRange {
  const range = { id: String(id), start: Buffer.from(start).toString('hex') };
  return end === undefined ? range : { ...range, end: Buffer.from(end).toString('hex') };
}

function rangeOf({ id, start, end }: StoredRange): PartitionRange {
  return {
    id: BigInt(id),
    start: Buffer.from(start, 'hex'),
    end: end === undefined ? undefined : Buffer.from(end, 'hex'),
  };
}
