import { parseArgs } from 'node:util';
import { type EndpointName, endpointNames } from './endpoint.ts';
import { type OperationName, operationNames } from './workload.ts';

/** What one run of the benchmark measures. */
export interface Options {
  readonly endpoints: readonly EndpointName[];
  readonly operations: readonly OperationName[];
  /** DynamoDB's count of bytes of one item. All connection counts are measured with the first. */
  readonly itemBytes: readonly number[];
  /** The first is measured with every item size, and is what the targets look at. */
  readonly connectionCounts: readonly number[];
  /** Items stored. Everything is measured with the first; GetItem again with each of the others. */
  readonly itemCounts: readonly number[];
  /** Which endpoints are measured again with the larger item counts. */
  readonly largeEndpoints: readonly EndpointName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly isPinned: boolean;
  readonly dynoxide: string | undefined;
  readonly before: string | undefined;
  readonly jsonFile: string | undefined;
}

const usage = `Compares this server with a bare node:http server and with its peers, side by side.

Usage: hack/bench [options]

  --quick               16 connections, 400 B and 4 KB, short rounds: what the targets need, in minutes
  --peers LIST          endpoints, default all: ${endpointNames.join(', ')}
  --operations LIST     default all: ${operationNames.join(', ')}
  --connections LIST    default 16,1,32,128 (the first is what the targets look at)
  --sizes LIST          bytes of an item, default 400,4096
  --items LIST          items stored, default 10k,1M (from the second on: GetItem only, --large only)
  --large LIST          endpoints measured with the larger numbers of items, default trestle
  --rounds N            interleaved rounds, of which medians are shown, default 3 (5 with --quick)
  --seconds N           length of one measurement, default 2 (1 with --quick)
  --pin                 give the load generator the last core and servers the others (taskset)
  --dynoxide FILE       a dynoxide binary (else the cache, then PATH, then cargo builds one)
  --before DIR          another clone of this repository, installed: measured as trestle-before
  --json FILE           write all results there
  --help                this text
`;

/** Reads the command line. Prints and exits for --help and for what it does not understand. */
export function readOptions(args: readonly string[]): Options {
  try {
    return parseOptions(args);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.error(`${error.message}\nhack/bench --help lists the options.`);
    process.exit(2);
  }
}

function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      peers: { type: 'string' },
      operations: { type: 'string' },
      connections: { type: 'string' },
      sizes: { type: 'string' },
      items: { type: 'string' },
      large: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      pin: { type: 'boolean', default: false },
      dynoxide: { type: 'string' },
      before: { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const quick = values.quick;
  return {
    endpoints: names(values.peers, endpointNames),
    operations: names(values.operations, operationNames),
    connectionCounts: counts(values.connections ?? (quick ? '16' : '16,1,32,128')),
    itemBytes: counts(values.sizes ?? '400,4096'),
    itemCounts: counts(values.items ?? '10k,1M'),
    largeEndpoints: names(values.large ?? 'trestle', endpointNames),
    rounds: count(values.rounds ?? (quick ? '5' : '3')),
    seconds: seconds(values.seconds ?? (quick ? '1' : '2')),
    isPinned: values.pin,
    dynoxide: values.dynoxide,
    before: values.before,
    jsonFile: values.json,
  };
}

function names<Name extends string>(text: string | undefined, known: readonly Name[]): Name[] {
  if (text === undefined) return [...known];
  return text.split(',').map((word) => {
    const name = known.find((candidate) => candidate === word.trim());
    if (name === undefined) throw new Error(`Not one of ${known.join(', ')}: ${word}`);
    return name;
  });
}

function counts(text: string): number[] {
  return text.split(',').map(count);
}

function count(text: string): number {
  const match = /^([1-9][0-9]*)([kM]?)$/.exec(text.trim());
  if (match === null) throw new Error(`Not a positive number (such as 16, 10k, 1M): ${text}`);
  const factor = match[2] === 'M' ? 1_000_000 : match[2] === 'k' ? 1000 : 1;
  return Number(match[1]) * factor;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`Not a number of seconds: ${text}`);
  return value;
}
