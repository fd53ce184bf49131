import { parseArgs } from 'node:util';
import { type PlantedBug, plantedBugs } from '../../dataplane/simulation/planted-bugs.ts';

export const usage = `Runs a whole cluster in one process from one seed, with faults, and checks what clients saw:
again and again, each time from another seed.

Usage: hack/simulate [options]

  --seeds N     how many seeds (100)
  --start S     the first one, a number (1); the others follow
  --minutes M   stop after so long, however many seeds there were
  --jobs J      processes at the same time (2)
  --bug NAME    makes a mistake on purpose, and stops at the first seed that finds it:
                ${Object.keys(plantedBugs).join(', ')}
  --seed S      this one only, any text
  --trace       with --seed: shows what processes logged and what happened last
  --help        this text

Status 1: a seed failed; with --bug: none did. The same seed of the same commit runs the same.
`;

/** What is to be run. */
export interface RunOptions {
  readonly kind: 'run';
  readonly seedsCount: number;
  readonly firstSeed: number;
  readonly durationMsMax: number;
  readonly jobsCount: number;
  readonly bug: PlantedBug | undefined;
}

export interface SeedOptions {
  readonly kind: 'seed';
  readonly seed: string;
  readonly isTraced: boolean;
  readonly bug: PlantedBug | undefined;
}

export type Options = RunOptions | SeedOptions | { readonly kind: 'help' };

/** A wrong command line; its message is for people. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  const values = parse(args);
  if (values.help) return { kind: 'help' };
  const bug = bugOf(values.bug);
  if (values.seed !== undefined) {
    return { kind: 'seed', seed: values.seed, isTraced: values.trace, bug };
  }
  if (values.trace) throw new UsageError('--trace goes with --seed');
  return {
    kind: 'run',
    seedsCount: wholeOf('seeds', values.seeds),
    firstSeed: wholeOf('start', values.start),
    durationMsMax: wholeOf('minutes', values.minutes) * 60_000,
    jobsCount: wholeOf('jobs', values.jobs),
    bug,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string', default: '100' },
        start: { type: 'string', default: '1' },
        minutes: { type: 'string', default: '100000' },
        jobs: { type: 'string', default: '2' },
        bug: { type: 'string' },
        seed: { type: 'string' },
        trace: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function wholeOf(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`--${name} needs a whole number above 0, not '${text}'`);
}

function bugOf(name: string | undefined): PlantedBug | undefined {
  if (name === undefined) return undefined;
  // Own keys of `plantedBugs` are its names.
  if (Object.hasOwn(plantedBugs, name)) return name as PlantedBug;
  throw new UsageError(`there is no bug '${name}', only ${Object.keys(plantedBugs).join(', ')}`);
}
