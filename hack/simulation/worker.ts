import { type PlantedBug, plantedBugs } from '../../dataplane/simulation/planted-bugs.ts';
import { type SimulationReport, simulate } from '../../dataplane/simulation/simulation-run.ts';

/** One seed for a worker process. */
export interface Job {
  readonly seed: string;
  readonly bug: PlantedBug | undefined;
}

/** What it sends back. */
export interface SeedResult
  extends Pick<SimulationReport, 'seed' | 'failures' | 'eventsCount' | 'virtualMs' | 'hash'> {
  readonly operations: readonly (readonly [string, number])[];
  readonly faults: readonly (readonly [string, number])[];
  readonly probes: readonly (readonly [string, number])[];
  /** CPU time that it took. */
  readonly cpuMs: number;
}

export async function runJob({ seed, bug }: Job): Promise<SeedResult> {
  const before = process.cpuUsage();
  const report = await simulate(seed, bug === undefined ? {} : plantedBugs[bug]);
  const { user, system } = process.cpuUsage(before);
  const { failures, eventsCount, virtualMs, hash } = report;
  return {
    seed,
    failures,
    eventsCount,
    virtualMs,
    hash,
    operations: [...report.operations],
    faults: [...report.faults],
    probes: [...report.probes],
    cpuMs: (user + system) / 1_000,
  };
}

if (process.send !== undefined) {
  process.on('message', (job: Job) => {
    void runJob(job).then((result) => process.send?.(result));
  });
  process.on('disconnect', () => process.exit());
}
