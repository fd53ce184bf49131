import type { RolloutStatus } from '../../dataplane/kubernetes/table-types.ts';
import type { BrokenLink } from './links.ts';

/** A pod that is not ready after this time stops the rollout. */
export const READY_MS_MAX = 5 * 60_000;
/** A pod whose leaderships have not all gone by then is restarted all the same. */
export const DRAIN_MS_MAX = 60_000;
/** A pod has to stay well for so long before the next one is touched. */
export const SOAK_MS = 10_000;
/** A pod that has been neither ready nor answering for so long has nothing to lose. */
export const DEAD_MS = 60_000;
const LOOK_AGAIN_MS = 2_000;
const WAIT_FOR_OTHERS_MS = 15_000;

/** One slot, as a rollout looks at it. */
export interface RolloutSlot {
  readonly slot: number;
  readonly pod: string;
  /** As it is: 1 keeps the pod's revision, 0 lets it take the newest. */
  readonly partition: 0 | 1;
  /** Whether the StatefulSet has the template that is wished. */
  readonly isTemplateCurrent: boolean;
  /** Whether its controller has seen it. */
  readonly isObserved: boolean;
  readonly currentRevision: string | undefined;
  readonly updateRevision: string | undefined;
  /** Undefined: there is no pod. */
  readonly podRevision: string | undefined;
  readonly podUid: string | undefined;
  readonly isPodReady: boolean;
  readonly isTerminating: boolean;
  readonly podCreatedMs: number;
  /** Since when it has been ready, or not ready. */
  readonly sinceMs: number;
  /** Whether its admin interface answers. */
  readonly isAnswering: boolean;
  readonly leaderships: number | undefined;
  readonly isDraining: boolean;
  /** What the kubelet says about a container that does not run. */
  readonly complaint: string | undefined;
}

export interface RolloutInput {
  readonly slots: readonly RolloutSlot[];
  /** Whether every partition has all its replicas, up to date. */
  readonly isFull: boolean;
  /** The same, but for what is missing on one pod. */
  readonly isFullBut: (pod: string) => boolean;
  readonly brokenLinks: readonly BrokenLink[];
  /** Whether the table's cluster has ever lived. */
  readonly isFounded: boolean;
  /** Why no pod may be taken away at present: a zone is lost, volumes are being changed. */
  readonly hindrance: string | undefined;
  /** Another table is rolling: its name. */
  readonly blockedBy: string | undefined;
  readonly previous: RolloutStatus | undefined;
  readonly nowMs: number;
}

export type RolloutPhase = 'Pending' | 'Draining' | 'Restarting' | 'Soaking' | 'Stopped';

/** What is to be done about it now. */
export interface RolloutPlan {
  /** Of the slots that were looked at. */
  readonly partitions: ReadonlyMap<number, 0 | 1>;
  /** Pods that are to hand their leaderships over; all others take part. */
  readonly draining: ReadonlySet<string>;
  /** Pods that are stuck at a revision that nobody wants any more. */
  readonly deletions: readonly { readonly pod: string; readonly uid: string }[];
  /** Undefined: all pods are as they are to be. */
  readonly status: (RolloutStatus & { readonly phase: RolloutPhase }) | undefined;
  /** What it is doing or waiting for, for people. */
  readonly message: string;
  readonly requeueAfterMs: number | undefined;
}

/**
 * The next step of bringing all pods of a table to the newest template, one at a time: what a pod is
 * at follows from its revision, so there is no half step, and a template that changes midway is only
 * another goal.
 * @see reference/operator.md §3.5
 */
export function planRollout(input: RolloutInput): RolloutPlan {
  const { slots } = input;
  if (slots.some(({ isTemplateCurrent }) => !isTemplateCurrent)) return takeTemplates(input);
  // A set without a pod is a new one: its pod comes at the newest template.
  if (slots.some(({ isObserved, podUid }) => !isObserved && podUid !== undefined)) {
    return awaitController(input);
  }
  const deletions = slots.flatMap(obsolete);
  if (deletions.length > 0) {
    const message = `replacing ${deletions.map(({ pod }) => pod).join(', ')}, stuck at an old template`;
    return { ...step(input, { phase: 'Restarting', message }), deletions };
  }
  const released = slots.find(({ partition }) => partition === 0);
  if (released !== undefined) return follow(input, released);
  const outdated = slots.filter(isOutdated);
  if (outdated.length === 0) return ended(input);
  const dead = outdated.filter((slot) => isDead(slot, input));
  if (dead.length > 0) return releaseDead(input, dead);
  return takeNext(input, outdated);
}

function isOutdated({ podRevision, updateRevision }: RolloutSlot): boolean {
  return podRevision !== undefined && podRevision !== updateRevision;
}

/** New templates come with all pods held where they are. */
function takeTemplates(input: RolloutInput): RolloutPlan {
  const partitions = bySlot(input.slots, ({ isTemplateCurrent, partition }) =>
    isTemplateCurrent ? partition : 1,
  );
  return { ...step(input, { phase: 'Pending', message: 'writing the new template' }), partitions };
}

function awaitController(input: RolloutInput): RolloutPlan {
  const { phase = 'Pending', slot, pod } = (input.previous ?? {}) as Partial<StepParts>;
  const message = 'waiting for the StatefulSet controller to see the change';
  return step(input, { phase, message, ...at(slot, pod) });
}

function at(slot: number | undefined, pod: string | undefined) {
  return { ...(slot === undefined ? {} : { slot }), ...(pod === undefined ? {} : { pod }) };
}

function obsolete(slot: RolloutSlot) {
  const { pod, podUid, podRevision, currentRevision, isPodReady, isTerminating } = slot;
  if (podUid === undefined || isPodReady || isTerminating) return [];
  return isOutdated(slot) && podRevision !== currentRevision ? [{ pod, uid: podUid }] : [];
}

/** A pod was let go: it takes the newest template, becomes well, and stays so for a while. */
function follow(input: RolloutInput, slot: RolloutSlot): RolloutPlan {
  const { nowMs, slots } = input;
  const { pod } = slot;
  const here = { slot: slot.slot, pod };
  if (slot.podRevision !== slot.updateRevision || slot.isTerminating || !slot.isPodReady) {
    const isNew = slot.podRevision === slot.updateRevision && !slot.isTerminating;
    const sinceMs = isNew ? slot.podCreatedMs : startedMs(input, 'Restarting', slot.slot);
    const { previous } = input;
    const wasStopped = previous?.phase === 'Stopped' && previous.slot === slot.slot;
    if (wasStopped || nowMs - sinceMs > READY_MS_MAX) return stopped(input, slot);
    return step(input, {
      ...here,
      phase: 'Restarting',
      message: `waiting for ${pod} to become ready${because(slot)}`,
    });
  }
  if (!input.isFull && input.isFounded) {
    return step(input, {
      ...here,
      phase: 'Restarting',
      message: `waiting until all partitions have all replicas again after ${pod}`,
    });
  }
  const [broken] = input.brokenLinks;
  if (broken !== undefined && input.isFounded) {
    return step(input, { ...here, phase: 'Restarting', message: untilLinked(broken) });
  }
  if (nowMs - slot.sinceMs < SOAK_MS && input.isFounded) {
    return step(input, {
      ...here,
      phase: 'Soaking',
      message: `${pod} is ready; looking whether it stays so`,
    });
  }
  if (slot.currentRevision !== slot.updateRevision) {
    return step(input, {
      ...here,
      phase: 'Soaking',
      message: `waiting for the StatefulSet controller to complete ${pod}`,
    });
  }
  const partitions = bySlot(slots, (each) => (each === slot ? 1 : each.partition));
  return { ...step(input, { ...here, phase: 'Soaking', message: `${pod} is done` }), partitions };
}

function stopped(input: RolloutInput, slot: RolloutSlot): RolloutPlan {
  const minutes = READY_MS_MAX / 60_000;
  const message =
    `${slot.pod} is not ready ${minutes} minutes after it got the new template${because(slot)}; the other pods keep ` +
    'the old one. Correct the image or the podTemplate: the rollout then goes on by itself';
  return step(input, { slot: slot.slot, pod: slot.pod, phase: 'Stopped', message });
}

function untilLinked([one, other]: BrokenLink): string {
  return `waiting until ${one} and ${other} are connected with each other: has the network let a new pod in?`;
}

function because({ complaint }: RolloutSlot): string {
  return complaint === undefined ? '' : ` (${complaint})`;
}

/** Neither ready nor answering: it votes on nothing, and a new template may be what it needs. */
function isDead(slot: RolloutSlot, { nowMs, isFounded }: RolloutInput): boolean {
  if (slot.isPodReady || slot.isAnswering || slot.isTerminating) return false;
  return !isFounded || nowMs - slot.sinceMs > DEAD_MS;
}

function releaseDead(input: RolloutInput, dead: readonly RolloutSlot[]): RolloutPlan {
  const partitions = bySlot(input.slots, (slot) => (dead.includes(slot) ? 0 : slot.partition));
  const [first] = dead;
  const message = `giving the new template to ${dead.map(({ pod }) => pod).join(', ')}, which did not run`;
  const here = first === undefined ? {} : { slot: first.slot, pod: first.pod };
  return { ...step(input, { ...here, phase: 'Restarting', message }), partitions };
}

function takeNext(input: RolloutInput, outdated: readonly RolloutSlot[]): RolloutPlan {
  const { previous, nowMs, slots } = input;
  const wait = (message: string) => ({
    ...step(input, { phase: 'Pending', message }),
    requeueAfterMs: WAIT_FOR_OTHERS_MS,
  });
  if (input.blockedBy !== undefined)
    return wait(`waiting for the rollout of table ${input.blockedBy}`);
  if (input.hindrance !== undefined) return wait(input.hindrance);
  const next = nextOf(outdated, previous);
  const isAllowed = next.isPodReady ? input.isFull : input.isFullBut(next.pod);
  if (!isAllowed) return wait('waiting until all partitions have all their replicas');
  const broken = input.brokenLinks.find((link) => !link.includes(next.pod));
  if (broken !== undefined) return wait(untilLinked(broken));
  const here = { slot: next.slot, pod: next.pod };
  const isAlone = slots.length === 1;
  const sinceMs = startedMs(input, 'Draining', next.slot);
  const isDrained = next.isDraining && next.leaderships === 0;
  if (isAlone || !next.isAnswering || isDrained || nowMs - sinceMs > DRAIN_MS_MAX) {
    const partitions = bySlot(slots, (slot) => (slot === next ? 0 : slot.partition));
    return {
      ...step(input, { ...here, phase: 'Restarting', message: `restarting ${next.pod}` }),
      partitions,
    };
  }
  return step(input, {
    ...here,
    phase: 'Draining',
    message: `${next.pod} hands its leaderships over`,
  });
}

/** The one that was begun with, else one that is down anyway, else the one that leads least. */
function nextOf(
  outdated: readonly RolloutSlot[],
  previous: RolloutStatus | undefined,
): RolloutSlot {
  const rank = (slot: RolloutSlot) =>
    previous?.phase === 'Draining' && previous.slot === slot.slot ? -2 : slot.isPodReady ? 0 : -1;
  const [next] = outdated.toSorted(
    (a, b) => rank(a) - rank(b) || (a.leaderships ?? 0) - (b.leaderships ?? 0) || a.slot - b.slot,
  );
  if (next === undefined) throw new Error('there is an outdated pod');
  return next;
}

function ended({ slots }: RolloutInput): RolloutPlan {
  return {
    partitions: bySlot(slots, ({ partition }) => partition),
    draining: new Set(),
    deletions: [],
    status: undefined,
    message: '',
    requeueAfterMs: undefined,
  };
}

function bySlot(
  slots: readonly RolloutSlot[],
  partitionOf: (slot: RolloutSlot) => 0 | 1,
): ReadonlyMap<number, 0 | 1> {
  return new Map(slots.map((each) => [each.slot, partitionOf(each)]));
}

interface StepParts {
  readonly phase: RolloutPhase;
  readonly message: string;
  readonly slot?: number;
  readonly pod?: string;
}

/** Everything stays as it is, but for what the caller adds. */
function step(input: RolloutInput, { phase, message, slot, pod }: StepParts): RolloutPlan {
  const startedAt = new Date(startedMs(input, phase, slot)).toISOString();
  return {
    partitions: bySlot(input.slots, ({ partition }) => partition),
    draining: new Set(
      input.slots.flatMap((each) => (isToDrain(each, { phase, slot }) ? [each.pod] : [])),
    ),
    deletions: [],
    status: {
      phase,
      ...at(slot, pod),
      startedAt,
    },
    message,
    requeueAfterMs: phase === 'Stopped' ? WAIT_FOR_OTHERS_MS : LOOK_AGAIN_MS,
  };
}

/** A pod that is about to go takes no leaderships until another process is in its place. */
function isToDrain(
  each: RolloutSlot,
  { phase, slot }: { readonly phase: RolloutPhase; readonly slot: number | undefined },
): boolean {
  if (each.partition === 0 && isOutdated(each)) return true;
  return each.slot === slot && isOutdated(each) && (phase === 'Draining' || phase === 'Restarting');
}

/** Since when the rollout has been doing this. */
function startedMs({ previous, nowMs }: RolloutInput, phase: RolloutPhase, slot?: number): number {
  if (previous?.phase !== phase || previous.slot !== slot) return nowMs;
  const ms = Date.parse(previous.startedAt ?? '');
  return Number.isNaN(ms) ? nowMs : ms;
}
