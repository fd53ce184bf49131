import { parseArgs } from 'node:util';

export const usage = `Breaks a cluster of real processes at random while clients use it, and checks what they saw.

Usage: hack/chaos [options]
       hack/chaos check FILE      checks the history of an earlier run again

  --minutes N       how long faults go on (30)
  --seed TEXT       of faults and load; the machine's part is not repeatable (random)
  --gap SECONDS     between two faults, on average (8)
  --fault SECONDS   a fault lasts from a tenth of this up to this (15)
  --clients N       that send operations at the same time, in 3 processes (12)
  --think MS        between an answer and a client's next operation, on average (40)
  --keys N          items that are written to at the same time (40)
  --epoch SECONDS   then other items take over (60)
  --keep            keep the cluster's folder, as when something is wrong
  --verbose         a line for every fault
  --help            this text

Three nodes in three zones and a router are started on ports of their own, with their data below
.cache. Status 1: something is wrong; the folder with histories, logs and data is kept.
`;

/** How a run goes; times in ms. */
export interface RunOptions {
  readonly kind: 'run';
  readonly seed: string;
  readonly durationMs: number;
  readonly gapMs: number;
  readonly faultMsMax: number;
  readonly clientsCount: number;
  readonly thinkMs: number;
  readonly keysCount: number;
  readonly epochMs: number;
  readonly isKept: boolean;
  readonly isVerbose: boolean;
}

export type Options = RunOptions | { readonly kind: 'check'; readonly file: string } | HelpOption;

interface HelpOption {
  readonly kind: 'help';
}

/** A wrong command line; its message is for people. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseOptions(args: readonly string[], newSeed: () => string): Options {
  const { values, positionals } = parse(args);
  if (values.help) return { kind: 'help' };
  const [command, file, further] = positionals;
  if (command === 'check' && file !== undefined && further === undefined) {
    return { kind: 'check', file };
  }
  if (command !== undefined) throw new UsageError(`not understood: ${positionals.join(' ')}`);
  return {
    kind: 'run',
    seed: values.seed ?? newSeed(),
    durationMs: numberOf('minutes', values.minutes) * 60_000,
    gapMs: numberOf('gap', values.gap) * 1_000,
    faultMsMax: numberOf('fault', values.fault) * 1_000,
    clientsCount: Math.ceil(numberOf('clients', values.clients)),
    thinkMs: numberOf('think', values.think),
    keysCount: Math.ceil(numberOf('keys', values.keys)),
    epochMs: numberOf('epoch', values.epoch) * 1_000,
    isKept: values.keep,
    isVerbose: values.verbose,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        minutes: { type: 'string', default: '30' },
        seed: { type: 'string' },
        gap: { type: 'string', default: '8' },
        fault: { type: 'string', default: '15' },
        clients: { type: 'string', default: '12' },
        think: { type: 'string', default: '40' },
        keys: { type: 'string', default: '40' },
        epoch: { type: 'string', default: '60' },
        keep: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`--${name} needs a number above 0, not '${text}'`);
}
