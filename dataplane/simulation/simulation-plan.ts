import type { RepairOptions } from '../control/repair.ts';
import type { NodeLimits } from '../node/limits.ts';
import type { ReplicationLimits } from '../replication/limits.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import { faultSchedule } from './fault-schedule.ts';
import { defaultFaultWeights, type FaultCause, type TimedFault } from './faults.ts';
import type { SimRandom } from './random.ts';
import type { TransactionWorkloadOptions } from './transaction-workload.ts';
import type { WorkloadOptions } from './workload.ts';

/** What one seed makes of a run: everything but the course it takes. */
export interface SimulationPlan {
  readonly nodes: readonly NodeId[];
  readonly routers: readonly NodeId[];
  readonly zoneOf: (id: NodeId) => string;
  /** Partitions of the table, and of its global index. */
  readonly partitionsCount: number;
  readonly hasStream: boolean;
  readonly limits: {
    readonly replication: Partial<ReplicationLimits>;
    readonly node: Partial<NodeLimits>;
  };
  readonly repair: RepairOptions;
  readonly workload: WorkloadOptions;
  readonly transactions: TransactionWorkloadOptions;
  /** How likely the process of a router is killed or paused at a message of a transaction. */
  readonly coordinatorFaultPart: number;
  readonly weights: Readonly<Partial<Record<FaultCause, number>>>;
  readonly faults: readonly TimedFault[];
  /** When everything is healed: virtual ms since the world began. */
  readonly healedMs: number;
}

/** What is not left to the seed. */
export interface SimulationTuning {
  readonly weights?: SimulationPlan['weights'];
  /** Between two faults, on average, and how long one lasts at most. */
  readonly faultGapMs?: number;
  readonly faultMsMax?: number;
  readonly workload?: Partial<WorkloadOptions>;
  readonly transactions?: Partial<TransactionWorkloadOptions>;
  readonly coordinatorFaultPart?: number;
  readonly replication?: Partial<ReplicationLimits>;
}

/**
 * Draws the shape of a cluster, its bounds, its load and what goes wrong with it. Every seed leaves
 * out some kinds of faults and operations, so that those that are left come often.
 */
export function simulationPlan(random: SimRandom, tuning: SimulationTuning = {}): SimulationPlan {
  const nodes = ['n1', 'n2', 'n3', 'n4'].slice(0, random.weighted({ 3: 3, 4: 2 }) === '3' ? 3 : 4);
  const routers = ['r1', 'r2'];
  const healedMs = random.between(8_000, 12_000);
  const drawn = someOf(random, defaultFaultWeights);
  const weights = tuning.weights ?? drawn;
  const transactions = {
    ...transactionOptions(random.fork('transactions')),
    ...tuning.transactions,
  };
  return {
    nodes,
    routers,
    zoneOf: (id) => `z${(Number(id.slice(1)) - 1) % 3}`,
    partitionsCount: random.chance(0.3) ? 2 : 1,
    hasStream: random.fork('stream').chance(0.5),
    limits: {
      replication: { ...replicationLimits(random), ...tuning.replication },
      node: nodeLimits(random),
    },
    repair: random.chance(0.3) ? { replaceAfterMs: random.between(3_000, 8_000) } : {},
    workload: { ...withRoomFor(transactions, workloadOptions(random)), ...tuning.workload },
    transactions,
    coordinatorFaultPart:
      tuning.coordinatorFaultPart ?? random.fork('coordinators').pick([0, 0.002, 0.01, 0.03]),
    weights,
    faults: faultSchedule(random.fork('faults'), {
      nodes,
      routers,
      startMs: random.between(1_500, 3_500),
      endMs: healedMs,
      gapMs: tuning.faultGapMs ?? random.logBetween(100, 1_000),
      durationMsMax: tuning.faultMsMax ?? random.pick([1_500, 4_000, 8_000]),
      downMax: random.chance(0.2) ? 2 : 1,
      afterglowMs: random.pick([200, 1_500]),
      repairMs: 6_000,
      weights,
    }),
    healedMs,
  };
}

/** Each fault with a chance of its own to be left out. */
function someOf(
  random: SimRandom,
  weights: Readonly<Record<FaultCause, number>>,
): Partial<Record<FaultCause, number>> {
  const kept = random.pick([0.3, 0.6, 1]);
  const chosen = Object.entries(weights).filter(() => random.chance(kept));
  return chosen.length === 0 ? weights : Object.fromEntries(chosen);
}

/** Small, so that logs are cut, snapshots sent and messages split all the time. */
function replicationLimits(random: SimRandom): Partial<ReplicationLimits> {
  const isTight = random.chance(0.7);
  if (!isTight) return {};
  return {
    messageEntriesMax: random.pick([2, 8, 256]),
    messageBytesMax: random.pick([1_024, 4_096, 65_536]),
    inflightMessagesMax: random.pick([2, 8, 64]),
    logEntriesMax: random.between(20, 80),
    logBytesMax: random.pick([8_192, 1_048_576]),
    logEntriesKept: random.between(5, 20),
    logSnapshotFactor: random.between(1, 4),
    snapshotChunkBytes: random.pick([512, 4_096]),
    snapshotWindow: random.between(1, 3),
    snapshotStreamsMax: random.between(1, 2),
    snapshotBytesPerSecondMax: random.pick([262_144, 16_777_216]),
    snapshotTimeoutMs: random.pick([1_000, 10_000]),
    payloadCacheBytesMax: random.pick([1, 4_096, 1_048_576]),
    applyBytesMax: random.pick([1, 2_048, 1_048_576]),
    proposalEntriesMax: random.pick([8, 64, 4_096]),
  };
}

function nodeLimits(random: SimRandom): Partial<NodeLimits> {
  const isTight = random.chance(0.5);
  return {
    sweepIdleMs: 1_000,
    streamTrimMs: 2_000,
    drainMsMax: 3_000,
    ...(isTight && {
      partitionWritesMax: random.pick([2, 4, 64]),
      nodeWritesMax: random.pick([3, 64]),
      itemCacheBytes: random.pick([2_048, 1_048_576]),
      feedChangesMax: random.pick([3, 20, 10_000]),
      feedBatchChangesMax: random.pick([1, 500]),
      fedCallsMax: random.pick([1, 1_024]),
      fedBatchChangesMax: random.pick([1, 2_000]),
      nodeConfirmationsMax: random.pick([1, 16_384]),
    }),
  };
}

function workloadOptions(random: SimRandom): WorkloadOptions {
  const mix = {
    get: 5,
    getEventual: 2,
    put: 4,
    putIf: 3,
    add: 4,
    delete: random.pick([0, 1]),
    expiring: random.chance(0.3) ? 1 : 0,
  };
  return {
    clientsCount: random.between(2, 8),
    registersCount: random.between(1, 4),
    countersCount: random.between(1, 2),
    gapMs: random.logBetween(100, 800),
    paddingMax: random.pick([0, 200, 3_000]),
    mix,
  };
}

/** Where there are many transactions, there are few others: a seed costs about the same. */
function withRoomFor(
  { clientsCount }: TransactionWorkloadOptions,
  options: WorkloadOptions,
): WorkloadOptions {
  const singlesMax = SINGLE_CLIENTS_MAX - 2 * clientsCount;
  return { ...options, clientsCount: Math.min(options.clientsCount, singlesMax) };
}

const SINGLE_CLIENTS_MAX = 8;

function transactionOptions(random: SimRandom): TransactionWorkloadOptions {
  const mix = {
    transfer: 4,
    snapshot: 2,
    mixed: 4,
    readModifyWrite: 2,
    skew: 3,
    check: 0.5,
    single: 5,
    repeat: 1.5,
  };
  return {
    clientsCount: random.pick([0, 1, 2, 3]),
    accountsCount: random.between(3, 5),
    documentsCount: random.between(2, 5),
    gapMs: random.logBetween(60, 600),
    paddingMax: random.pick([0, 200, 3_000]),
    mix,
  };
}
