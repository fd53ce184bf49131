import type { BackfillProgress } from '../node/backfill-progress.ts';
import type { Replica } from '../replication/replica.ts';
import type { NodeReport, PartitionReport } from '../routing/protocol.ts';
import { decodeTableConfiguration } from '../routing/table-configuration.ts';

/** What a partition is of. */
export interface PartitionOwner {
  readonly table: string;
  /** Undefined: items of the table itself. */
  readonly index: string | undefined;
}

/** By partition id, as far as the node knows the tables of its partitions. */
export function ownersOf(report: NodeReport): ReadonlyMap<bigint, PartitionOwner> {
  const schemas = new Map(
    report.tables.map((encoded) => {
      const { schema } = decodeTableConfiguration(encoded).layout;
      return [schema.tableId, schema] as const;
    }),
  );
  const owners = new Map<bigint, PartitionOwner>();
  for (const { partitionId, tableId, indexId } of report.partitions) {
    const schema = schemas.get(tableId);
    if (schema === undefined) continue;
    const index = schema.globalIndexes.find(({ id }) => id === indexId)?.name;
    owners.set(partitionId, { table: schema.tableName, index });
  }
  return owners;
}

/** What is reported of a node, with tables as JSON instead of bytes. */
export function reportStatus(report: NodeReport): object {
  return { ...report, tables: report.tables.map(jsonOf) };
}

/** How far indexes that are being filled have come, by the partition of their table. */
type Backfills = ReadonlyMap<bigint, readonly BackfillProgress[]>;

/** One line for each replica. A node may have thousands: the report is gone through once. */
export function replicaSummaries(
  replicas: Iterable<Replica>,
  report: NodeReport,
  backfills: Backfills,
): object[] {
  const owners = ownersOf(report);
  const reports = new Map(report.partitions.map((each) => [each.partitionId, each]));
  return Array.from(replicas, (replica) => {
    const { partitionId } = replica;
    const summary = summaryOf(replica, owners.get(partitionId), reports.get(partitionId));
    return { ...summary, backfills: backfills.get(partitionId) ?? [] };
  });
}

function summaryOf(
  replica: Replica,
  owner: PartitionOwner | undefined,
  reported: PartitionReport | undefined,
): object {
  return {
    partitionId: replica.partitionId,
    replicaId: replica.replicaId,
    table: owner?.table ?? null,
    index: owner?.index ?? null,
    role: replica.role,
    term: replica.term,
    leader: replica.leader?.node ?? null,
    isReady: replica.isReady,
    appliedIndex: replica.appliedIndex,
    lastIndex: replica.lastIndex,
    followers: replica.role === 'leader' ? followersOf(replica) : null,
    voters: replica.membership.members.filter(({ kind }) => kind === 'voter').map(nodeOf),
    learners: replica.membership.members.filter(({ kind }) => kind === 'learner').map(nodeOf),
    items: reported?.items ?? null,
    bytes: reported?.bytes ?? null,
    failure: replica.failure ?? null,
  };
}

/** All that is known of one replica. */
export function replicaStatus(replica: Replica, report: NodeReport): object {
  const reported = reportOf(replica, report);
  const configuration = configurationOf(reported, report);
  return {
    ...summaryOf(replica, ownersOf(report).get(replica.partitionId), reported),
    storageId: replica.storageId,
    commitIndex: replica.commitIndex,
    stalenessMs: Math.round(replica.stalenessMs()),
    membership: replica.membership,
    localIndexes: reported?.localIndexes ?? [],
    configuration: configuration === undefined ? null : jsonOf(configuration),
  };
}

/**
 * How far the other members of the group are, as the leader knew it within the last second or so.
 * Nothing when nobody has asked it for a while: it begins to look then.
 */
function followersOf(replica: Replica): object {
  const nodes = new Map(
    replica.membership.members.map((member) => [member.replicaId, member.node]),
  );
  return replica.progress().flatMap((follower) => {
    const node = nodes.get(follower.replicaId);
    // One that was removed since.
    if (node === undefined) return [];
    return [
      { ...follower, node, lagEntries: Math.max(0, replica.lastIndex - follower.matchIndex) },
    ];
  });
}

function nodeOf({ node }: { readonly node: string }): string {
  return node;
}

function reportOf({ partitionId }: Replica, report: NodeReport): PartitionReport | undefined {
  return report.partitions.find((partition) => partition.partitionId === partitionId);
}

function configurationOf(
  reported: PartitionReport | undefined,
  report: NodeReport,
): Uint8Array | undefined {
  if (reported === undefined) return undefined;
  return report.tables.find(
    (encoded) => decodeTableConfiguration(encoded).layout.schema.tableId === reported.tableId,
  );
}

function jsonOf(encoded: Uint8Array): unknown {
  return JSON.parse(Buffer.from(encoded).toString('utf8'));
}
