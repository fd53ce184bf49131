import { plantedBugs } from '../../dataplane/simulation/planted-bugs.ts';
import { simulate } from '../../dataplane/simulation/simulation-run.ts';
import { parseOptions, type RunOptions, type SeedOptions, UsageError, usage } from './options.ts';
import { Tally } from './tally.ts';
import type { Job, SeedResult } from './worker.ts';
import { WorkerLost, WorkerPool } from './worker-pool.ts';

/** Between two lines that tell how far it is. */
const PROGRESS_MS = 10_000;
const FAILURES_SHOWN = 3;

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    switch (options.kind) {
      case 'help':
        process.stdout.write(usage);
        return 0;
      case 'seed':
        return await runSeed(options);
      case 'run':
        return await runSeeds(options);
    }
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof WorkerLost)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function runSeeds(options: RunOptions): Promise<number> {
  const { bug, jobsCount } = options;
  const tally = new Tally();
  let toldMs = performance.now();
  await new WorkerPool(jobsCount).run(jobsOf(options), (result) => {
    tally.take(result);
    if (result.failures.length > 0) process.stdout.write(`${failureText(result)}\n`);
    if (performance.now() - toldMs > PROGRESS_MS) {
      toldMs = performance.now();
      process.stdout.write(`${tally.line}\n`);
    }
    return bug === undefined || result.failures.length === 0;
  });
  process.stdout.write(`${tally.text}\n`);
  if (bug === undefined) return tally.failed.length === 0 ? 0 : 1;
  const [found] = tally.failed;
  process.stdout.write(
    found === undefined
      ? `The bug ${bug} was not found.\n`
      : `The bug ${bug} was found by seed ${found.seed}, after ${tally.seedsCount} seeds.\n`,
  );
  return found === undefined ? 1 : 0;
}

function* jobsOf({ firstSeed, seedsCount, durationMsMax, bug }: RunOptions): Generator<Job> {
  const endMs = performance.now() + durationMsMax;
  for (let seed = firstSeed; seed < firstSeed + seedsCount; seed += 1) {
    if (performance.now() >= endMs) return;
    yield { seed: String(seed), bug };
  }
}

function failureText({ seed, failures }: SeedResult): string {
  const shown = failures.slice(0, FAILURES_SHOWN).map((failure) => indented(failure));
  const left = failures.length - shown.length;
  return [`Seed ${seed} failed:`, ...shown, ...(left > 0 ? [`  and ${left} more`] : [])].join('\n');
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}

async function runSeed({ seed, isTraced, bug }: SeedOptions): Promise<number> {
  const report = await simulate(seed, bug === undefined ? {} : plantedBugs[bug]);
  if (isTraced) {
    for (const { atMs, event, fields } of report.log) {
      process.stdout.write(`${atMs.toFixed(3).padStart(10)} ${event} ${jsonOf(fields)}\n`);
    }
  }
  const { failures, operations, faults, probes, hash, eventsCount, virtualMs } = report;
  for (const failure of failures) process.stdout.write(`${failure}\n\n`);
  for (const counts of [operations, faults, probes]) {
    process.stdout.write(`${[...counts].map(([name, count]) => `${name} ${count}`).join(', ')}\n`);
  }
  const ms = Math.round(virtualMs);
  const verdict = failures.length === 0 ? 'as it should be' : `${failures.length} failures`;
  process.stdout.write(`Seed ${seed}: ${verdict}; ${eventsCount} events, ${ms} ms, hash ${hash}\n`);
  return failures.length === 0 ? 0 : 1;
}

function jsonOf(fields: object): string {
  return JSON.stringify(fields, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    return value instanceof Error ? value.stack : value;
  });
}

process.exit(await main(process.argv.slice(2)));
