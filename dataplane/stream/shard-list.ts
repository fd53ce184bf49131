import type { StreamShard } from '../partition/stream.ts';
import type { OpenStream, StreamStatus } from './streams.ts';

/** A shard, and where it is. */
export interface PlacedShard extends StreamShard {
  readonly partitionId: bigint;
  /** Of its partition: LATEST is behind it. */
  readonly lastSequence: number;
}

/** All shards of a stream by their ids, which is also the order of their beginnings. */
export async function shardsOf({ table, id }: OpenStream): Promise<readonly PlacedShard[]> {
  const lists = await Promise.all(
    table.partitions.map(({ id: partitionId }) => shardsOfPartition(table, partitionId, id)),
  );
  return lists.flat().sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** One shard. `partitionId`: the only place to look, where it is known. */
export async function findShard(
  stream: OpenStream,
  shardId: string,
  partitionId: bigint | undefined,
): Promise<PlacedShard | undefined> {
  const shards =
    partitionId === undefined
      ? await shardsOf(stream)
      : await shardsOfPartition(stream.table, partitionId, stream.id);
  return shards.find(({ id }) => id === shardId);
}

/** The stream's status as its partitions have it: in a cluster not all hear of a change at once. */
export function statusOf(
  { status, table }: OpenStream,
  shards: readonly PlacedShard[],
): StreamStatus {
  const open = shards.filter(({ last }) => last === undefined);
  switch (status) {
    case 'ENABLED':
      return open.length === table.partitions.length ? 'ENABLED' : 'ENABLING';
    case 'DISABLED':
      return open.length === 0 ? 'DISABLED' : 'DISABLING';
    default:
      return status;
  }
}

/** A page of DescribeStream: those behind `startId`, at most `limit`. */
export interface ShardPage {
  readonly shards: readonly PlacedShard[];
  /** Set when there are more. */
  readonly lastId: string | undefined;
}

export function shardPage(
  shards: readonly PlacedShard[],
  { startId, limit, parentId }: ShardPageOptions,
): ShardPage {
  const left = shards.filter(
    (shard) =>
      (startId === undefined || shard.id > startId) &&
      (parentId === undefined || shard.parentId === parentId),
  );
  const page = left.slice(0, limit);
  return { shards: page, lastId: left.length > page.length ? page.at(-1)?.id : undefined };
}

interface ShardPageOptions {
  readonly startId: string | undefined;
  readonly limit: number;
  /** Children of this shard alone. */
  readonly parentId: string | undefined;
}

async function shardsOfPartition(
  table: OpenStream['table'],
  partitionId: bigint,
  streamId: number,
): Promise<readonly PlacedShard[]> {
  const { shards, lastSequence } = await table.stream(partitionId, { kind: 'shards', streamId });
  return shards.map((shard) => ({ ...shard, partitionId, lastSequence }));
}
