import { accountIdOf } from '../../dataplane/kubernetes/account.ts';
import type { IndexDescription, UnitsShown } from '../../dataplane/kubernetes/table-description.ts';
import type {
  GlobalSecondaryIndexStatus,
  PartitionStatus,
  ProvisionedThroughputStatus,
  SlotStatus,
  TableStatus,
} from '../../dataplane/kubernetes/table-types.ts';
import { rfc3339, timedConditions, withoutUndefined } from '../findings.ts';
import { isSameJson } from './canonical.ts';
import { namesOf, topologyNodes } from './children.ts';
import { findingsOf } from './conditions.ts';
import { backfillPercent } from './index-backfill.ts';
import { API_PORT, NO_ZONE, ROUTER_SERVICE } from './names.ts';
import { isReady } from './objects.ts';
import type { ObservedTable } from './observed.ts';
import { dataPartitions, isFull, type PartitionView } from './partitions.ts';
import type { Stall, TablePlan } from './plan.ts';
import type { Refusal } from './steps.ts';
import { committedSize, smallestCapacity } from './storage-plan.ts';
import { almostFullPods } from './volume-fill.ts';

/** More partitions are shown by the data plane's admin interface: a status must stay small. */
const PARTITIONS_LISTED_MAX = 64;

/** What the status of the Table is to be after this pass. */
export function statusOf(
  observed: ObservedTable,
  plan: TablePlan,
  refusals: readonly Refusal[],
): TableStatus {
  const { table } = observed;
  const stalls: readonly Stall[] = [
    ...plan.stalls,
    ...refusals.map(({ operation, message }): Stall => {
      return { reason: 'RequestRefused', message: `${operation} is refused: ${message}` };
    }),
  ];
  return withoutUndefined({
    observedGeneration: table.metadata.generation,
    conditions: timedConditions(table, findingsOf(observed, plan, stalls), observed.nowMs),
    ...identity(observed, plan),
    ...described(observed, plan),
    ...partitionsStatus(observed, plan),
    ...(plan.zones === undefined ? {} : placementStatus(observed, plan.zones)),
    storage: storageStatus(observed, plan),
    rollout: plan.rollout?.status,
  });
}

/** Whether the two tell people anything else: counts of items and bytes change all the time. */
export function isSameButCounts(a: TableStatus, b: TableStatus): boolean {
  return isSameJson(withoutCounts(a), withoutCounts(b));
}

function withoutCounts({ itemCount: _, tableSizeBytes: __, ...status }: TableStatus): object {
  return {
    ...status,
    globalSecondaryIndexes: status.globalSecondaryIndexes?.map(
      ({ itemCount: ___, indexSizeBytes: ____, ...index }) => index,
    ),
    partitionList: status.partitionList?.map(({ sizeBytes: _____, ...partition }) => partition),
    storage: withoutShare(status.storage),
  };
}

function withoutShare({ usedPercent: _, ...storage }: StorageStatus = {}): object {
  return storage;
}

type StorageStatus = NonNullable<TableStatus['storage']>;

function identity(observed: ObservedTable, plan: TablePlan): TableStatus {
  const { table, install, catalog } = observed;
  const { namespace } = namesOf(table).identity;
  const isRival = plan.stalls.some(({ reason }) => reason === 'TableNameConflict');
  const { tableName } = table.spec;
  return {
    ...statusText(observed, plan),
    // Not before there is one: the ARN of a name that another Table has is that Table's.
    ...(isRival
      ? {}
      : {
          tableARN:
            catalog.kind === 'present'
              ? catalog.described.table.TableArn
              : `arn:aws:dynamodb:${install.region}:${accountIdOf(namespace)}:table/${tableName}`,
          endpoint: `http://${ROUTER_SERVICE}.${namespace}.svc:${API_PORT}`,
        }),
  };
}

function statusText(
  { catalog }: ObservedTable,
  { deletion, zones, isFounded }: TablePlan,
): TableStatus {
  if (deletion !== undefined) return { tableStatus: 'DELETING' };
  if (catalog.kind === 'present') return { tableStatus: catalog.described.table.TableStatus };
  return zones === undefined && !isFounded ? {} : { tableStatus: 'CREATING' };
}

/** What DescribeTable shows; while it cannot be asked, what it showed last. */
function described({ catalog, table }: ObservedTable, { partitions }: TablePlan): TableStatus {
  if (catalog.kind !== 'present') {
    const {
      tableID,
      creationDateTime,
      itemCount,
      tableSizeBytes,
      latestStreamARN,
      latestStreamLabel,
      provisionedThroughput,
      globalSecondaryIndexes,
    } = table.status ?? {};
    return withoutUndefined({
      tableID,
      creationDateTime,
      itemCount,
      tableSizeBytes,
      latestStreamARN,
      latestStreamLabel,
      provisionedThroughput,
      globalSecondaryIndexes,
    });
  }
  const description: CountedDescription = catalog.described.table;
  return withoutUndefined({
    tableID: description.TableId,
    creationDateTime: timeOf(description.CreationDateTime),
    itemCount: description.ItemCount,
    tableSizeBytes: description.TableSizeBytes,
    latestStreamARN: description.LatestStreamArn,
    latestStreamLabel: description.LatestStreamLabel,
    provisionedThroughput: throughputStatus(description.ProvisionedThroughput),
    globalSecondaryIndexes: description.GlobalSecondaryIndexes?.map((index) =>
      indexStatus(index, {
        partitions,
        before: table.status?.globalSecondaryIndexes?.find(
          ({ indexName }) => indexName === index.IndexName,
        ),
      }),
    ),
  });
}

/** Further members that DescribeTable shows. */
interface CountedDescription {
  readonly TableId?: string;
  /** Seconds. */
  readonly CreationDateTime?: number;
  readonly ItemCount?: number;
  readonly TableSizeBytes?: number;
  readonly LatestStreamArn?: string;
  readonly LatestStreamLabel?: string;
  readonly ProvisionedThroughput?: TimedUnits;
  readonly GlobalSecondaryIndexes?: readonly CountedIndex[];
}

interface CountedIndex extends IndexDescription {
  readonly IndexArn?: string;
  readonly ItemCount?: number;
  readonly IndexSizeBytes?: number;
}

interface TimedUnits extends UnitsShown {
  readonly LastIncreaseDateTime?: number;
  readonly LastDecreaseDateTime?: number;
  readonly NumberOfDecreasesToday?: number;
}

function indexStatus(
  index: CountedIndex,
  {
    partitions,
    before,
  }: {
    readonly partitions: readonly PartitionView[];
    readonly before: GlobalSecondaryIndexStatus | undefined;
  },
): GlobalSecondaryIndexStatus {
  const isBackfilling = index.Backfilling === true && index.IndexStatus === 'CREATING';
  const percent = isBackfilling
    ? (backfillPercent(partitions, index.IndexName ?? '') ?? before?.backfillPercent)
    : undefined;
  return withoutUndefined({
    indexName: index.IndexName,
    indexARN: index.IndexArn,
    indexStatus: index.IndexStatus,
    backfilling: index.Backfilling,
    backfillPercent: percent,
    itemCount: index.ItemCount,
    indexSizeBytes: index.IndexSizeBytes,
    provisionedThroughput: throughputStatus(index.ProvisionedThroughput),
  });
}

function throughputStatus(units: TimedUnits | undefined): ProvisionedThroughputStatus | undefined {
  return (
    units &&
    withoutUndefined({
      readCapacityUnits: units.ReadCapacityUnits,
      writeCapacityUnits: units.WriteCapacityUnits,
      lastIncreaseDateTime: timeOf(units.LastIncreaseDateTime),
      lastDecreaseDateTime: timeOf(units.LastDecreaseDateTime),
      numberOfDecreasesToday: units.NumberOfDecreasesToday,
    })
  );
}

function partitionsStatus({ slots, table }: ObservedTable, plan: TablePlan): TableStatus {
  const partitions = dataPartitions(plan.partitions);
  const names = namesOf(table);
  const slotOf = new Map(slots.map((_, slot) => [names.pod(slot), slot]));
  const { length: replicasCount } = slots;
  if (partitions.length === 0) {
    // What nobody can be asked about is as it was.
    const { partitions: counts, partitionList } = table.status ?? {};
    return withoutUndefined({ partitions: counts, partitionList });
  }
  return {
    partitions: {
      total: partitions.length,
      ready: partitions.filter((each) => isFull(each, replicasCount)).length,
      underReplicated: partitions.filter(
        (each) => each.voters.length - each.ailing.length < replicasCount,
      ).length,
      leaderless: partitions.filter(({ leader }) => leader === undefined).length,
    },
    partitionList: partitions
      .slice(0, PARTITIONS_LISTED_MAX)
      .map((partition) => partitionStatus(partition, replicasCount, slotOf)),
  };
}

function partitionStatus(
  partition: PartitionView,
  replicasCount: number,
  slotOf: ReadonlyMap<string, number>,
): PartitionStatus {
  const { id, range, leader, bytes, voters, learners, ailing } = partition;
  const replica = (pod: string, state: string) =>
    withoutUndefined({ pod, slot: slotOf.get(pod), state });
  return withoutUndefined({
    id,
    keyRangeStart: range?.start,
    keyRangeEnd: range?.end ?? undefined,
    state: stateOf(partition, replicasCount),
    leader,
    sizeBytes: bytes,
    replicas: [
      ...voters.map((pod) => replica(pod, ailing.includes(pod) ? 'Missing' : 'Voter')),
      ...learners.map((pod) => replica(pod, 'Learner')),
    ],
  });
}

function stateOf(partition: PartitionView, replicasCount: number): string {
  if (partition.leader === undefined) return 'Leaderless';
  return isFull(partition, replicasCount) ? 'Ready' : 'UnderReplicated';
}

function placementStatus(observed: ObservedTable, zones: readonly string[]): TableStatus {
  const { table, slots } = observed;
  const names = namesOf(table);
  return {
    nodes: topologyNodes(names, zones).map(({ id, zone, host, port }, slot) => ({
      name: id,
      zone,
      host,
      port,
      isReady: isReady(slots[slot]?.pod),
    })),
    slots: slots.map((_, slot) => slotStatus(observed, slot, zones[slot] ?? NO_ZONE)),
  };
}

function slotStatus({ table, slots }: ObservedTable, slot: number, zone: string): SlotStatus {
  const { statefulSet, pod } = slots[slot] ?? {};
  const revision = statefulSet?.status?.updateRevision;
  const podRevision = pod?.metadata.labels?.['controller-revision-hash'];
  return withoutUndefined({
    slot,
    zone: zone === NO_ZONE ? '' : zone,
    statefulSet: namesOf(table).statefulSet(slot),
    replicas: 1,
    readyReplicas: isReady(pod) ? 1 : 0,
    updatedReplicas: podRevision !== undefined && podRevision === revision ? 1 : 0,
    revision,
  });
}

function storageStatus(observed: ObservedTable, plan: TablePlan): TableStatus['storage'] {
  const { storage } = observed.table.status ?? {};
  return withoutUndefined({
    committedSize: committedSize(observed) ?? storage?.committedSize,
    capacity: smallestCapacity(observed) ?? storage?.capacity,
    resizing: plan.storage.some(({ kind }) => kind !== 'settled'),
    ...volumeStatus(observed, plan),
  });
}

/** Of a Table that nobody looks at (it waits for its name or its zones), nothing is known. */
function volumeStatus(observed: ObservedTable, { volumes }: TablePlan): TableStatus['storage'] {
  const almostFull = almostFullPods(observed, volumes);
  return withoutUndefined({
    usedPercent:
      volumes.length === 0
        ? observed.table.status?.storage?.usedPercent
        : Math.max(...volumes.map(({ usedPercent }) => usedPercent)),
    almostFull: almostFull.length === 0 ? undefined : [...almostFull],
  });
}

function timeOf(seconds: number | undefined): string | undefined {
  return seconds === undefined ? undefined : rfc3339(seconds * 1000);
}
