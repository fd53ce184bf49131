import { countOf, partsOf, readValues } from '../findings/command-line.ts';

export const partNames = ['latency', 'throughput', 'memory'] as const;
export type PartName = (typeof partNames)[number];

export const usage = `Measures a DAX node beside the tables that it stands before, in one run.

Usage: hack/dax-bench [options]

  --quick         fewer rounds, 100,000 items in memory instead of 1,000,000
  --only LIST     parts, default all: ${partNames.join(', ')}
  --rounds N      interleaved rounds, default 9 (5 with --quick)
  --calls N       calls of one kind in a round, default 3000 (1000 with --quick)
  --items N       items in memory, default 1000000 (100000 with --quick)
  --json FILE     write all findings there
  --help          this text

It is a tool, not a test: nothing fails when a machine is slow. It needs Linux (/proc).
`;

export interface Options {
  readonly parts: readonly PartName[];
  readonly rounds: number;
  readonly callsCount: number;
  readonly itemsCount: number;
  readonly jsonFile: string | undefined;
}

const config = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
  rounds: { type: 'string' },
  calls: { type: 'string' },
  items: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** Undefined: help is asked for. @throws UsageError */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = readValues(args, config);
  if (values.help) return undefined;
  const { quick } = values;
  return {
    parts: partsOf(partNames, values.only),
    rounds: countOf('rounds', values.rounds ?? (quick ? '5' : '9')),
    callsCount: countOf('calls', values.calls ?? (quick ? '1000' : '3000')),
    itemsCount: countOf('items', values.items ?? (quick ? '100000' : '1000000')),
    jsonFile: values.json,
  };
}
