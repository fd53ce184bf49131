import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { isPaused } from '../pause.ts';
import { isFounded, lostZones, slotFacts, zoneChoice } from './bindings.ts';
import { namesOf } from './children.ts';
import { childSteps } from './children-plan.ts';
import { type DataPlan, planData } from './data-plan.ts';
import { planDeletion } from './deletion-plan.ts';
import { brokenLinks } from './links.ts';
import { planLostVolumes } from './lost-volumes.ts';
import { CLEANUP_FINALIZER } from './names.ts';
import { answering } from './node-answer.ts';
import type { ObservedTable } from './observed.ts';
import { isFull, isFullBut, type PartitionView, partitionsOf } from './partitions.ts';
import { overlayFault, storageRules } from './pod-overlay.ts';
import { planRollout, type RolloutPlan } from './rollout.ts';
import { rolloutSlots } from './rollout-slots.ts';
import { certificateSteps, type Step, type TableEvent } from './steps.ts';
import { planStorage, type SlotStorage, storageSteps } from './storage-plan.ts';
import { type VolumeFill, volumeEvents, volumeFills } from './volume-fill.ts';
import { NO_RESTART, planVolumeRestart, type VolumeRestart } from './volume-restart.ts';

/** When nothing is under way, the data plane is asked again after this time. */
export const SETTLED_MS = 30_000;
const UNDER_WAY_MS = 1_500;
const BACKFILL_MS = 5_000;
const UNWELL_MS = 5_000;
/** Of what only a person, or time, can help; changes of objects are seen at once anyway. */
const STALLED_MS = 60_000;

export type StalledReason =
  | 'TableNameConflict'
  | 'InvalidPodTemplate'
  | 'StorageClassNotFound'
  | 'WaitingForZones'
  | 'RolloutStopped'
  | 'RequestRefused'
  | 'CertificatesBroken'
  | 'DataLost';

export interface Stall {
  readonly reason: StalledReason;
  readonly message: string;
}

/** What to do now, and what was found out on the way, which the status tells. */
export interface TablePlan {
  /** In order; the first that fails ends the pass. */
  readonly steps: readonly Step[];
  readonly events: readonly TableEvent[];
  readonly requeueAfterMs: number;
  readonly isPaused: boolean;
  readonly stalls: readonly Stall[];
  /** By slot; undefined while they are not chosen. */
  readonly zones: readonly string[] | undefined;
  /** Those that are without any machine, by slot. */
  readonly lostZones: ReadonlyMap<number, string>;
  readonly partitions: readonly PartitionView[];
  readonly isFounded: boolean;
  readonly rollout: RolloutPlan | undefined;
  readonly storage: readonly SlotStorage[];
  readonly volumes: readonly VolumeFill[];
  /** What of the table is being made or changed, for people. */
  readonly changes: readonly string[];
  readonly lostVolumes: readonly string[];
  /** What the deletion is at; undefined: the Table is not being deleted. */
  readonly deletion: string | undefined;
}

/**
 * What to do next for a table. Everything it knows is in its argument, and it remembers nothing: after
 * a crash between any two steps the next plan begins with what is left.
 */
export function planTable(observed: ObservedTable): TablePlan {
  const { table, rivals } = observed;
  const base: TablePlan = {
    ...EMPTY,
    partitions: partitionsOf(observed.nodeViews),
    isFounded: isFounded(observed),
  };
  if (table.metadata.deletionTimestamp !== undefined) {
    const plan = { ...base, ...planDeletion(observed), requeueAfterMs: UNDER_WAY_MS };
    return isPaused(table) ? paused(observed, plan) : plan;
  }
  const winner = rivals.find((rival) => isOlder(rival, table));
  if (winner !== undefined) return stalled(base, conflict(table, winner));
  const plan = planLiving(observed, base);
  return isPaused(table) ? paused(observed, plan) : plan;
}

const EMPTY: TablePlan = {
  steps: [],
  events: [],
  requeueAfterMs: SETTLED_MS,
  isPaused: false,
  stalls: [],
  zones: undefined,
  lostZones: new Map(),
  partitions: [],
  isFounded: false,
  rollout: undefined,
  storage: [],
  volumes: [],
  changes: [],
  lostVolumes: [],
  deletion: undefined,
};

function planLiving(observed: ObservedTable, base: TablePlan): TablePlan {
  const choice = zoneChoice(observed);
  if (choice.kind === 'wait') {
    return stalled(base, { reason: 'WaitingForZones', message: choice.message });
  }
  const { zones } = choice;
  const { table } = observed;
  const overlay = table.spec.podTemplate ?? {};
  const invalid = overlayFault(overlay, namesOf(table).slotLabels(0), storageRules);
  const storage = planStorage(observed);
  const volumes = volumeFills(observed);
  const found = { ...base, zones, storage, volumes, lostZones: lostZones(observed, zones) };
  const rollout = invalid === undefined ? rolloutOf(observed, found) : undefined;
  const data = planData(observed, base.isFounded);
  const lost = planLostVolumes(observed, zones, base.partitions);
  const restart = volumeRestart(observed, found, rollout);
  const stalls = stallsOf(observed, { invalid, rollout, data });
  const plan: TablePlan = {
    ...found,
    rollout,
    stalls,
    changes: data.messages,
    lostVolumes: lost.messages,
    events: [
      ...lost.events,
      ...rolloutEvents(table, rollout),
      ...restart.events,
      ...volumeEvents(observed, volumes),
    ],
    steps: [
      ...finalizerStep(table),
      ...certificateSteps(observed),
      ...drainSteps(observed, [rollout?.draining, restart.draining]),
      ...(rollout === undefined ? [] : childrenOf(observed, found, rollout)),
      ...deletionsOf(rollout),
      ...restart.steps,
      ...storageSteps(storage),
      ...lost.steps,
      ...data.steps,
    ],
  };
  return { ...plan, requeueAfterMs: requeueMs(observed, plan) };
}

type Found = TablePlan & { readonly zones: readonly string[] };

function rolloutOf(observed: ObservedTable, found: Found): RolloutPlan {
  const { partitions, zones } = found;
  const replicasCount = zones.length;
  return planRollout({
    slots: rolloutSlots(observed, slotFacts(observed, zones, [])),
    isFull: areFull(partitions, replicasCount),
    isFullBut: (pod) =>
      partitions.length > 0 && partitions.every((each) => isFullBut(each, replicasCount, pod)),
    brokenLinks: brokenLinks(observed.nodeViews),
    isFounded: found.isFounded,
    hindrance: hindranceOf(found),
    blockedBy: observed.rollingElsewhere,
    previous: observed.table.status?.rollout,
    nowMs: observed.nowMs,
  });
}

/** Only while no rollout and no lost zone takes pods away. */
function volumeRestart(
  observed: ObservedTable,
  { partitions, lostZones: lost }: Found,
  rollout: RolloutPlan | undefined,
): VolumeRestart {
  const isQuiet = rollout !== undefined && rollout.status === undefined && lost.size === 0;
  if (!isQuiet || observed.rollingElsewhere !== undefined) return NO_RESTART;
  const isLinked = brokenLinks(observed.nodeViews).length === 0;
  return planVolumeRestart(observed, isLinked && areFull(partitions, observed.slots.length));
}

/** All partitions that nodes tell of, if they tell of any. */
function areFull(partitions: readonly PartitionView[], replicasCount: number): boolean {
  return partitions.length > 0 && partitions.every((each) => isFull(each, replicasCount));
}

function hindranceOf({ lostZones: lost, storage }: Found): string | undefined {
  const [zone] = lost.values();
  if (zone !== undefined) return `waiting until zone ${zone} is back`;
  if (storage.some(({ kind }) => kind === 'growing')) return 'waiting until the volumes have grown';
  return undefined;
}

function childrenOf(observed: ObservedTable, found: Found, rollout: RolloutPlan): readonly Step[] {
  const partitions = partitionsBySlot(observed, rollout);
  const slots = slotFacts(observed, found.zones, partitions);
  return childSteps(observed, { slots, isFounded: found.isFounded });
}

/** A rollout knows the StatefulSets that exist; new ones begin held. */
function partitionsBySlot({ slots }: ObservedTable, rollout: RolloutPlan): readonly (0 | 1)[] {
  return slots.map((_, slot) => rollout.partitions.get(slot) ?? 1);
}

function deletionsOf(rollout: RolloutPlan | undefined): readonly Step[] {
  return (rollout?.deletions ?? []).map(({ pod, uid }) => ({ kind: 'deletePod', name: pod, uid }));
}

/** Pods take part unless they are about to be restarted; one that ends by itself is left alone. */
function drainSteps(
  { slots, nodeViews }: ObservedTable,
  draining: readonly (ReadonlySet<string> | undefined)[],
): readonly Step[] {
  return answering(nodeViews).flatMap(({ pod, isDraining }) => {
    const isWished = draining.some((pods) => pods?.has(pod) === true);
    const live = slots.find((slot) => slot.pod?.metadata.name === pod)?.pod;
    const isLeaving = live?.metadata.deletionTimestamp !== undefined;
    if (isDraining === isWished || isLeaving) return [];
    return [{ kind: 'drain', pod, isWished }];
  });
}

function finalizerStep({ metadata, spec }: TableResource): readonly Step[] {
  const isWished = spec.deletionPolicy === 'Delete';
  const isThere = metadata.finalizers?.includes(CLEANUP_FINALIZER) === true;
  return isWished === isThere ? [] : [{ kind: 'setFinalizer', isWished }];
}

function stallsOf(
  observed: ObservedTable,
  {
    invalid,
    rollout,
    data,
  }: {
    readonly invalid: string | undefined;
    readonly rollout: RolloutPlan | undefined;
    readonly data: DataPlan;
  },
): readonly Stall[] {
  const { certificates, storageClass, slots } = observed;
  const isBound = slots.every(({ claim }) => claim?.status?.phase === 'Bound');
  const stalls: (Stall | undefined)[] = [
    data.loss === undefined ? undefined : { reason: 'DataLost', message: data.loss },
    invalid === undefined ? undefined : { reason: 'InvalidPodTemplate', message: invalid },
    certificates.kind === 'broken'
      ? { reason: 'CertificatesBroken', message: certificates.reason }
      : undefined,
    storageClass.kind === 'missing' && !isBound
      ? { reason: 'StorageClassNotFound', message: missingClass(storageClass.name) }
      : undefined,
    rollout?.status?.phase === 'Stopped'
      ? { reason: 'RolloutStopped', message: rollout.message }
      : undefined,
  ];
  return stalls.filter((stall) => stall !== undefined);
}

function missingClass(name: string | undefined): string {
  return name === undefined
    ? 'there is no default StorageClass: mark one as default, or create the Table again with storage.storageClassName'
    : `there is no StorageClass ${name} (storage.storageClassName): create it, or create the Table again with another one`;
}

function rolloutEvents(
  { status }: TableResource,
  rollout: RolloutPlan | undefined,
): readonly TableEvent[] {
  const before = status?.rollout;
  const now = rollout?.status;
  if (before?.phase === now?.phase && before?.slot === now?.slot) return [];
  const message = rollout?.message ?? '';
  switch (now?.phase) {
    case 'Draining':
      return [{ type: 'Normal', reason: 'RolloutStarted', message }];
    case 'Restarting':
      return [{ type: 'Normal', reason: 'PodReleased', message }];
    case 'Stopped':
      return [{ type: 'Warning', reason: 'RolloutStopped', message }];
    case undefined:
      return before === undefined
        ? []
        : [
            {
              type: 'Normal',
              reason: 'RolloutCompleted',
              message: 'all pods have the newest template',
            },
          ];
    default:
      return [];
  }
}

function requeueMs(observed: ObservedTable, plan: TablePlan): number {
  const { catalog, slots, nodeViews } = observed;
  const waits = [plan.rollout?.requeueAfterMs ?? SETTLED_MS];
  const isDone =
    plan.isFounded &&
    catalog.kind === 'present' &&
    catalog.described.table.TableStatus === 'ACTIVE';
  if (!isDone || plan.changes.length > 0) waits.push(UNDER_WAY_MS);
  if (catalog.kind === 'present') {
    const indexes = catalog.described.table.GlobalSecondaryIndexes ?? [];
    if (indexes.some(({ IndexStatus }) => IndexStatus !== 'ACTIVE')) waits.push(BACKFILL_MS);
  }
  const isWell =
    answering(nodeViews).length === slots.length &&
    plan.partitions.every((partition) => isFull(partition, slots.length));
  if (!isWell && plan.isFounded) waits.push(UNWELL_MS);
  if (plan.storage.some(({ kind }) => kind !== 'settled')) waits.push(UNWELL_MS);
  return Math.min(...waits);
}

function conflict({ spec }: TableResource, winner: TableResource): Stall {
  const { name } = winner.metadata;
  return {
    reason: 'TableNameConflict',
    message:
      `the Table ${name} of this namespace is older and has the tableName ${spec.tableName}: delete this Table ` +
      'and create it with another tableName, or delete the other one',
  };
}

/** Which of two Tables of one tableName has it. */
function isOlder(a: TableResource, b: TableResource): boolean {
  const left = a.metadata.creationTimestamp ?? '';
  const right = b.metadata.creationTimestamp ?? '';
  if (left !== right) return left < right;
  return (a.metadata.uid ?? '') < (b.metadata.uid ?? '');
}

function stalled(base: TablePlan, stall: Stall): TablePlan {
  return { ...base, stalls: [stall], requeueAfterMs: STALLED_MS };
}

/** A rollout that goes on for nobody holds nobody's turn; where it was is read from the pods later. */
function paused(observed: ObservedTable, plan: TablePlan): TablePlan {
  const requeueAfterMs = SETTLED_MS;
  const hasPods = observed.slots.some(({ pod }) => pod !== undefined);
  const steps = hasPods ? certificateSteps(observed) : [];
  return { ...plan, steps, events: [], rollout: undefined, isPaused: true, requeueAfterMs };
}
