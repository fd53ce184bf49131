import { parseArgs } from 'node:util';
import { partsOf, UsageError } from '../cluster-benchmark/options.ts';

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

/** A wrong command line; its message is for people. */
/** Undefined: help is asked for. @throws UsageError */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
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

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        tables: { type: 'string', default: '1000' },
        'idle-seconds': { type: 'string', default: '120' },
        'outage-tables': { type: 'string', default: '20' },
        'outage-seconds': { type: 'string', default: '120' },
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

function countOf(name: string, text: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
  throw new UsageError(`--${name} needs a whole number above 0, not '${text}'`);
}
