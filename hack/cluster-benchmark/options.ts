import { parseArgs } from 'node:util';

export const partNames = ['reads', 'writes', 'latency', 'failover', 'idle', 'catch-up'] as const;
export type PartName = (typeof partNames)[number];

export const usage = `Measures a cluster of three nodes and a router beside the embedded server.

Usage: hack/cluster-bench [options]

  --quick         fewer rounds, 10 failovers, 100 MB to catch up with: minutes instead of half an hour
  --only LIST     parts, default all: ${partNames.join(', ')}
  --rounds N      interleaved rounds of reads and writes, default 7 (5 with --quick)
  --seconds N     length of one of their measurements, default 3 (1.5 with --quick)
  --kills N       failovers, default 50 (10 with --quick)
  --megabytes N   that the wiped node held, default 1024 (100 with --quick)
  --json FILE     write all findings there
  --help          this text

It is a tool, not a test: nothing fails when a machine is slow. It needs Linux (/proc).
`;

export interface Options {
  readonly parts: readonly PartName[];
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly killsCount: number;
  readonly megabytes: number;
  readonly jsonFile: string | undefined;
}

/** A wrong command line; its message is for people. */
export class UsageError extends Error {}

/** Undefined: help is asked for. @throws UsageError */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const { quick } = values;
  return {
    parts: partsOf(partNames, values.only),
    isQuick: quick,
    rounds: Math.ceil(numberOf('rounds', values.rounds ?? (quick ? '5' : '7'))),
    seconds: numberOf('seconds', values.seconds ?? (quick ? '1.5' : '3')),
    killsCount: Math.ceil(numberOf('kills', values.kills ?? (quick ? '10' : '50'))),
    megabytes: numberOf('megabytes', values.megabytes ?? (quick ? '100' : '1024')),
    jsonFile: values.json,
  };
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        kills: { type: 'string' },
        megabytes: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

/**
 * The parts that a list like `reads,idle` names; all without one.
 * @throws UsageError
 */
export function partsOf<Name extends string>(
  names: readonly Name[],
  text: string | undefined,
): readonly Name[] {
  if (text === undefined) return names;
  return text.split(',').map((word) => {
    const part = names.find((name) => name === word.trim());
    if (part === undefined) throw new UsageError(`not one of ${names.join(', ')}: ${word}`);
    return part;
  });
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`--${name} needs a number above 0, not '${text}'`);
}
