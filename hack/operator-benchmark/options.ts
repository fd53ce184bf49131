import { countOf, partsOf, readValues } from '../findings/command-line.ts';

export const partNames = ['tables', 'outage'] as const;
export type PartName = (typeof partNames)[number];

export const usage = `Measures the operator with many Tables, beside a real API server and nodes that are played.

Usage: hack/operator-bench [options]

  --only LIST           parts, default all: ${partNames.join(', ')}
  --tables N            default 1000
  --idle-seconds N      how long the idle operator is watched, default 120
  --outage-tables N     default 20
  --outage-seconds N    how long the API server is away, default 120
  --json FILE           write all findings there
  --help                this text

It is a tool, not a test: nothing fails when a machine is slow. It needs Linux (/proc).
`;

export interface Options {
  readonly parts: readonly PartName[];
  readonly tablesCount: number;
  readonly idleSeconds: number;
  readonly outageTablesCount: number;
  readonly outageSeconds: number;
  readonly jsonFile: string | undefined;
}

const config = {
  only: { type: 'string' },
  tables: { type: 'string', default: '1000' },
  'idle-seconds': { type: 'string', default: '120' },
  'outage-tables': { type: 'string', default: '20' },
  'outage-seconds': { type: 'string', default: '120' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** Undefined: help is asked for. @throws UsageError */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = readValues(args, config);
  if (values.help) return undefined;
  return {
    parts: partsOf(partNames, values.only),
    tablesCount: countOf('tables', values.tables),
    idleSeconds: countOf('idle-seconds', values['idle-seconds']),
    outageTablesCount: countOf('outage-tables', values['outage-tables']),
    outageSeconds: countOf('outage-seconds', values['outage-seconds']),
    jsonFile: values.json,
  };
}
