import {
  type FaultScheduleOptions,
  faultSchedule,
} from '../../dataplane/simulation/fault-schedule.ts';
import type { FaultCause, TimedFault } from '../../dataplane/simulation/faults.ts';
import { SimRandom } from '../../dataplane/simulation/random.ts';

export interface ChaosScheduleOptions {
  readonly seed: string;
  readonly nodes: readonly string[];
  readonly routers: readonly string[];
  readonly durationMs: number;
  /** Between two faults, on average. */
  readonly gapMs: number;
  /** A fault lasts from a tenth of this up to this. */
  readonly faultMsMax: number;
}

/** Of the causes that the simulation knows, those that can be had with processes, as they are. */
const WEIGHTS: Partial<Record<FaultCause, number>> = {
  crash: 6,
  shutdown: 1.5,
  pause: 6,
  partition: 3,
  block: 3,
  outage: 0.4,
  leaderTransfer: 1,
  wipe: 2.5,
};

/** Before the first fault: clients connect, and meet a cluster that is whole. */
const START_MS = 1_000;
/** Between two lost data folders, at least; that all is whole again is looked at besides. */
const REPAIR_MS = 20_000;
/** How long a process counts as out behind the end of its fault: others wait for so long. */
const AFTERGLOW_MS = 3_000;

/** The same for the same seed: what goes wrong, and when. The last entry heals everything. */
export function chaosSchedule({
  seed,
  nodes,
  routers,
  durationMs,
  gapMs,
  faultMsMax,
}: ChaosScheduleOptions): readonly TimedFault[] {
  const options: FaultScheduleOptions = {
    nodes,
    routers,
    startMs: START_MS,
    endMs: durationMs,
    gapMs,
    durationMsMax: faultMsMax,
    downMax: 1,
    repairMs: REPAIR_MS,
    afterglowMs: AFTERGLOW_MS,
    weights: WEIGHTS,
  };
  return faultSchedule(new SimRandom(seed).fork('faults'), options);
}
