import { type Finding, stalledOf } from '../findings.ts';
import { PAUSED_PODS_MESSAGE, PAUSED_REASON } from '../pause.ts';
import { indexesOf } from './index-backfill.ts';
import { NO_ZONE } from './names.ts';
import { answering } from './node-answer.ts';
import { isReady } from './objects.ts';
import type { ObservedTable } from './observed.ts';
import { isFull, type PartitionView } from './partitions.ts';
import type { Stall, TablePlan } from './plan.ts';
import { complaintOf } from './rollout-slots.ts';
import { storageMessage, storageOf } from './storage-condition.ts';

/** What the conditions of a Table say, in kstatus' terms: Reconciling and Stalled only while they are so. */
export function findingsOf(
  observed: ObservedTable,
  plan: TablePlan,
  stalls: readonly Stall[],
): readonly Finding[] {
  const all: (Finding | undefined)[] = [
    readyOf(observed, plan, stalls),
    plan.isPaused ? undefined : reconcilingOf(observed, plan, stalls),
    stalledOf(stalls),
  ];
  if (plan.zones !== undefined) {
    all.push(
      quorumOf(observed, plan),
      zoneSpreadOf(observed, plan, plan.zones),
      storageOf(observed, plan),
      indexesOf(observed, plan.partitions),
      certificatesOf(observed),
    );
  }
  return all.filter((finding) => finding !== undefined);
}

function readyOf(observed: ObservedTable, plan: TablePlan, stalls: readonly Stall[]): Finding {
  const type = 'Ready';
  const no = (reason: string, message: string): Finding => ({
    type,
    status: 'False',
    reason,
    message,
  });
  if (plan.isPaused) {
    const held =
      plan.deletion === undefined ? '' : `; the Table is to be deleted (${plan.deletion})`;
    return {
      type,
      status: 'Unknown',
      reason: PAUSED_REASON,
      message: `${PAUSED_PODS_MESSAGE}${held}`,
    };
  }
  if (plan.deletion !== undefined) return no('Deleting', plan.deletion);
  if (!plan.isFounded) {
    const [stall] = stalls;
    if (stall !== undefined) return no('Pending', stall.message);
    return no('Creating', creationMessage(observed, plan));
  }
  const lost = stalls.find(({ reason }) => reason === 'DataLost');
  if (lost !== undefined) return no('QuorumLost', lost.message);
  const leaderless = plan.partitions.filter(({ leader }) => leader === undefined);
  const silent = observed.slots.length - answering(observed.nodeViews).length;
  if (silent > observed.slots.length / 2) return unreached(observed, silent);
  if (leaderless.length > 0) {
    return no(
      'QuorumLost',
      `${leaderless.length} of ${plan.partitions.length} partitions have no leader`,
    );
  }
  const { catalog } = observed;
  if (catalog.kind === 'unknown') {
    return { type, status: 'Unknown', reason: 'CatalogUnknown', message: catalog.reason };
  }
  const refused = stalls.find(({ reason }) => reason === 'RequestRefused');
  if (catalog.kind === 'absent') return no('Creating', refused?.message ?? 'creating the table');
  const { TableStatus: status } = catalog.described.table;
  if (status === 'CREATING') return no('Creating', 'the partitions of the table are being made');
  return { type, status: 'True', reason: 'Active', message: 'the table serves reads and writes' };
}

/** The nodes may serve all the same: clients do not take the operator's way. */
function unreached({ slots, nodeViews }: ObservedTable, silentCount: number): Finding {
  const readyCount = slots.filter(({ pod }) => isReady(pod)).length;
  const details = nodeViews.flatMap((node) =>
    node.kind === 'silent'
      ? [`${node.pod}: ${complaintAbout(slots, node.pod) ?? node.reason}`]
      : [],
  );
  const message = `${silentCount} of ${slots.length} nodes do not answer (${details.join('; ')})`;
  return readyCount > slots.length / 2
    ? { type: 'Ready', status: 'Unknown', reason: 'NodesUnreachable', message }
    : { type: 'Ready', status: 'False', reason: 'QuorumLost', message };
}

function creationMessage({ slots }: ObservedTable, { changes }: TablePlan): string {
  const complaints = slots.flatMap(({ pod }) => {
    const complaint = complaintAbout(slots, pod?.metadata.name);
    return complaint === undefined ? [] : [`${pod?.metadata.name}: ${complaint}`];
  });
  return [...changes, ...complaints].join('; ') || 'making the objects of the table';
}

/** What keeps a pod from running, in the words of who should run it. */
function complaintAbout(
  slots: ObservedTable['slots'],
  name: string | undefined,
): string | undefined {
  const pod = slots.find((slot) => slot.pod?.metadata.name === name)?.pod;
  return pod === undefined ? undefined : complaintOf(pod);
}

function reconcilingOf(
  observed: ObservedTable,
  plan: TablePlan,
  stalls: readonly Stall[],
): Finding | undefined {
  const yes = (reason: string, message: string): Finding => {
    return { type: 'Reconciling', status: 'True', reason, message };
  };
  if (plan.deletion !== undefined) return yes('Deleting', plan.deletion);
  if (plan.zones === undefined) return undefined;
  const { catalog, certificates } = observed;
  const status = catalog.kind === 'present' ? catalog.described.table.TableStatus : undefined;
  if (!plan.isFounded || catalog.kind === 'absent' || status === 'CREATING') {
    return stalls.length > 0 ? undefined : yes('Creating', creationMessage(observed, plan));
  }
  const { rollout, storage, changes, partitions, lostVolumes } = plan;
  if (rollout?.status !== undefined && rollout.status.phase !== 'Stopped') {
    return yes('RollingOut', rollout.message);
  }
  const growing = storage.find(
    ({ kind }) => kind !== 'settled' && kind !== 'unsupported' && kind !== 'failed',
  );
  if (growing !== undefined) return yes('ResizingStorage', storageMessage(growing));
  if (changes.length > 0 && !stalls.some(({ reason }) => reason === 'RequestRefused')) {
    return yes('Updating', changes.join('; '));
  }
  const moving = partitions.filter(({ learners }) => learners.length > 0);
  if (moving.length > 0 || lostVolumes.length > 0) {
    const message = `${moving.length} partitions get a new replica`;
    return yes(
      'MovingReplica',
      [...lostVolumes, ...(moving.length > 0 ? [message] : [])].join('; '),
    );
  }
  return certificates.kind === 'due' ? yes('RotatingCertificates', certificates.reason) : undefined;
}

function quorumOf({ slots }: ObservedTable, { partitions, isFounded }: TablePlan): Finding {
  const type = 'QuorumHealthy';
  if (!isFounded || partitions.length === 0) {
    const message = isFounded ? 'no node tells of its partitions' : 'the table is being made';
    return { type, status: 'Unknown', reason: 'Unknown', message };
  }
  const leaderless = partitions.filter(({ leader }) => leader === undefined);
  if (leaderless.length > 0) {
    return {
      type,
      status: 'False',
      reason: 'LeaderlessPartitions',
      message: `without a leader: ${idsOf(leaderless)}`,
    };
  }
  const lacking = partitions.filter((partition) => !isFull(partition, slots.length));
  if (lacking.length > 0) {
    const pods = [...new Set(lacking.flatMap(({ ailing }) => ailing))].sort();
    const which = pods.map((pod) => {
      const complaint = complaintAbout(slots, pod);
      return complaint === undefined ? pod : `${pod} (${complaint})`;
    });
    const where = pods.length === 0 ? '' : `; missing or behind on ${which.join(', ')}`;
    const message = `not all replicas of partitions ${idsOf(lacking)} are up to date${where}`;
    return { type, status: 'False', reason: 'UnderReplicated', message };
  }
  return {
    type,
    status: 'True',
    reason: 'AllVoters',
    message: 'all partitions have all their replicas',
  };
}

const IDS_SHOWN_MAX = 10;

function idsOf(partitions: readonly PartitionView[]): string {
  const ids = partitions.map(({ id }) => id);
  const more = ids.length - IDS_SHOWN_MAX;
  return more > 0 ? `${ids.slice(0, IDS_SHOWN_MAX).join(', ')} and ${more} more` : ids.join(', ');
}

function zoneSpreadOf(
  { slots }: ObservedTable,
  { lostZones, partitions }: TablePlan,
  zones: readonly string[],
): Finding {
  const type = 'ZoneSpread';
  const no = (reason: string, message: string): Finding => ({
    type,
    status: 'False',
    reason,
    message,
  });
  if (zones.length === 1)
    return no('SingleReplica', 'the table has one replica (placement.replicationFactor)');
  const lost = [...lostZones].filter(([slot]) => !isReady(slots[slot]?.pod));
  if (lost.length > 0) {
    const pods = lost.map(([slot, zone]) => `${zone} (slot ${slot})`);
    return no(
      'ZoneLost',
      `no machine is ready in zone ${pods.join(', ')}: ${partitions.length} partitions lack a replica until it is back`,
    );
  }
  if (zones.every((zone) => zone === NO_ZONE)) {
    return no('NoZoneLabels', `nodes have no zone labels; ${machinesMessage(slots)}`);
  }
  const distinct = new Set(zones).size;
  if (distinct < zones.length) {
    const shared = distinct === 1 ? `zone ${zones[0]}` : `${distinct} zones`;
    return no(
      'InsufficientZones',
      `${zones.length} replicas share ${shared}: one zone less may stop the table; ${machinesMessage(slots)}`,
    );
  }
  return {
    type,
    status: 'True',
    reason: 'Spread',
    message: `one replica in each of ${zones.join(', ')}`,
  };
}

/** How much a table loses with one machine. */
function machinesMessage(slots: ObservedTable['slots']): string {
  const machines = slots.map(({ pod }) => pod?.spec.nodeName);
  const placed = machines.filter((machine) => machine !== undefined);
  if (placed.length < slots.length) return 'replicas are spread over machines as far as possible';
  const byMachine = Map.groupBy(placed, (machine) => machine);
  const [fullest, onIt] = [...byMachine].reduce((most, each) =>
    each[1].length > most[1].length ? each : most,
  );
  if (onIt.length <= slots.length / 2) return `replicas are on ${byMachine.size} nodes`;
  const which =
    onIt.length === slots.length ? `all ${slots.length}` : `${onIt.length} of ${slots.length}`;
  return `${which} replicas are on node ${fullest}: the table stops when it does`;
}

/** Of a table, or of whatever has certificates of the namespace's authority. */
export function certificatesOf({ certificates }: Pick<ObservedTable, 'certificates'>): Finding {
  const type = 'CertificatesReady';
  switch (certificates.kind) {
    case 'issued': {
      const until = new Date(certificates.notAfterMs).toISOString().slice(0, 10);
      return {
        type,
        status: 'True',
        reason: 'Issued',
        message: `valid until ${until}; renewed by itself before`,
      };
    }
    case 'due':
      return { type, status: 'False', reason: 'Issuing', message: certificates.reason };
    case 'broken':
      return { type, status: 'False', reason: 'AuthorityBroken', message: certificates.reason };
  }
}
