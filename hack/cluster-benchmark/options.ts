import { countOf, numberOf, partsOf, readValues } from '../findings/command-line.ts';

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

const config = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  kills: { type: 'string' },
  megabytes: { type: 'string' },
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
    isQuick: quick,
    rounds: countOf('rounds', values.rounds ?? (quick ? '5' : '7')),
    seconds: numberOf('seconds', values.seconds ?? (quick ? '1.5' : '3')),
    killsCount: countOf('kills', values.kills ?? (quick ? '10' : '50')),
    megabytes: numberOf('megabytes', values.megabytes ?? (quick ? '100' : '1024')),
    jsonFile: values.json,
  };
}
