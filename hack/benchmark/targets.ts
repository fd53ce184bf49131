import type { EndpointName } from './endpoint.ts';
import type { Measurement, Setting } from './measure.ts';
import type { StreamMeasurement } from './streams.ts';
import type { OperationName } from './workload.ts';

/** All that one run of the benchmark found. */
export interface Results {
  /** What the targets look at: the first of each list of options. */
  readonly base: Pick<Setting, 'connections' | 'itemCount'>;
  readonly measurements: readonly Measurement[];
  readonly starts: readonly StartMeasurement[];
  readonly streams: readonly StreamMeasurement[];
  readonly large: readonly LargeMeasurement[];
}

/** Medians over several starts of an empty endpoint. */
export interface StartMeasurement {
  readonly endpoint: EndpointName;
  readonly startMs: number;
  readonly idleMb: number;
}

/** An endpoint that holds many items, after GetItem of random ones. */
export interface LargeMeasurement {
  readonly endpoint: EndpointName;
  readonly itemCount: number;
  readonly itemBytes: number;
  readonly fillPerSecond: number;
  readonly residentMb: number;
  readonly withoutFilesMb: number;
  /** GetItem a second, and the same at the base number of items in interleaved rounds. */
  readonly perSecond: number;
  readonly basePerSecond: number;
  /** The larger of the spreads of both. */
  readonly spread: number;
}

/** One line of the project's targets. */
export interface Target {
  readonly what: string;
  readonly unit: '×' | 'ms' | 'MB';
  readonly bound: number;
  readonly side: 'at least' | 'at most';
  /** Undefined when the run did not measure what it takes. */
  find(results: Results): Found | undefined;
}

/** A value, and how far the rounds that it comes from were apart (0 where there are no rounds). */
export interface Found {
  readonly value: number;
  readonly spread: number;
}

const SMALL = 400;
const LARGE = 4096;

export const targets: readonly Target[] = [
  ratio('GetItem, 400 B', 'get', SMALL, 'trestle', 'bare', 0.55),
  ratio('GetItem, 4 KB', 'get', LARGE, 'trestle', 'bare', 0.55),
  ratio('GetItem, 400 B', 'get', SMALL, 'trestle', 'dynoxide-disk', 1.1),
  ratio('GetItem, 400 B', 'get', SMALL, 'trestle-memory', 'dynoxide', 1.1),
  ratio('GetItem, 4 KB', 'get', LARGE, 'trestle', 'dynoxide-disk', 2.5),
  ratio('GetItem, 4 KB', 'get', LARGE, 'trestle-memory', 'dynoxide', 2.5),
  ratio('GetItem, 400 B', 'get', SMALL, 'trestle', 'dynamodb-local-disk', 3),
  ratio('GetItem, 400 B', 'get', SMALL, 'trestle-memory', 'dynamodb-local', 3),
  ratio('GetItem, 4 KB', 'get', LARGE, 'trestle', 'dynamodb-local-disk', 3),
  ratio('GetItem, 4 KB', 'get', LARGE, 'trestle-memory', 'dynamodb-local', 3),
  ratio('Query of 10 items, 400 B', 'query', SMALL, 'trestle', 'bare', 0.28),
  ratio('Query of 10 items, 400 B', 'query', SMALL, 'trestle', 'dynoxide-disk', 1.8),
  ratio('Query of 10 items, 400 B', 'query', SMALL, 'trestle-memory', 'dynoxide', 1.8),
  ratio('BatchGetItem 25, 400 B', 'batch-get', SMALL, 'trestle', 'bare', 0.28),
  ratio('BatchGetItem 25, 400 B', 'batch-get', SMALL, 'trestle', 'dynoxide-disk', 2.5),
  ratio('BatchGetItem 25, 400 B', 'batch-get', SMALL, 'trestle-memory', 'dynoxide', 2.5),
  ratio('PutItem, 400 B', 'put', SMALL, 'trestle', 'bare', 0.25),
  ratio('PutItem, 400 B', 'put', SMALL, 'trestle', 'dynoxide-disk', 3),
  ratio('PutItem, 400 B', 'put', SMALL, 'trestle', 'dynamodb-local-disk', 10),
  ratio('UpdateItem ADD, 400 B', 'update', SMALL, 'trestle', 'bare', 0.28),
  ratio('UpdateItem ADD, 400 B', 'update', SMALL, 'trestle', 'dynoxide-disk', 3),
  ratio('UpdateItem ADD, 400 B', 'update', SMALL, 'trestle', 'dynamodb-local-disk', 10),
  ratio('BatchWriteItem 25, 400 B', 'batch-write', SMALL, 'trestle', 'bare', 0.06),
  ratio('BatchWriteItem 25, 400 B', 'batch-write', SMALL, 'trestle', 'dynoxide-disk', 6),
  ratio('GetItem, 400 B', 'get', SMALL, 'trestle-signed', 'trestle', 0.7),
  ratio('Query of 10 items, 400 B', 'query', SMALL, 'trestle-signed', 'trestle', 0.7),
  ratio('BatchGetItem 25, 400 B', 'batch-get', SMALL, 'trestle-signed', 'trestle', 0.7),
  ratio('PutItem, 400 B', 'put', SMALL, 'trestle-signed', 'trestle', 0.7),
  ratio('UpdateItem ADD, 400 B', 'update', SMALL, 'trestle-signed', 'trestle', 0.7),
  ratio('BatchWriteItem 25, 400 B', 'batch-write', SMALL, 'trestle-signed', 'trestle', 0.7),
  ...(['get', 'get-strong', 'query', 'put', 'update'] as const).map((operation) =>
    ratio(operation, operation, SMALL, 'trestle', 'trestle-before', 0.95),
  ),
  {
    what: 'GetItem at 1 M items, of that at 10 k',
    unit: '×',
    bound: 0.75,
    side: 'at least',
    find: (results) => {
      const million = millionItems(results);
      if (million === undefined) return undefined;
      return { value: million.perSecond / million.basePerSecond, spread: million.spread };
    },
  },
  {
    what: 'start to first answer',
    unit: 'ms',
    bound: 500,
    side: 'at most',
    find: ({ starts }) => steady(starts.find(isTrestle)?.startMs),
  },
  {
    what: 'from a write to its record in the stream, median',
    unit: 'ms',
    bound: 100,
    side: 'at most',
    find: ({ streams }) => steady(streams.find(isTrestle)?.visibleMs),
  },
  {
    what: 'memory idle',
    unit: 'MB',
    bound: 110,
    side: 'at most',
    find: ({ starts }) => steady(starts.find(isTrestle)?.idleMb),
  },
  {
    what: 'memory at 1 M items of 400 B',
    unit: 'MB',
    bound: 400,
    side: 'at most',
    find: (results) => steady(millionItems(results)?.residentMb),
  },
];

function ratio(
  what: string,
  operation: OperationName,
  itemBytes: number,
  endpoint: EndpointName,
  reference: EndpointName,
  bound: number,
): Target {
  return {
    what: `${what}: ${endpoint} of ${reference}`,
    unit: '×',
    bound,
    side: 'at least',
    find: ({ base, measurements }) => {
      const measured = (name: EndpointName): Measurement | undefined =>
        measurements.find(
          (measurement) =>
            measurement.endpoint === name &&
            measurement.operation === operation &&
            measurement.itemBytes === itemBytes &&
            measurement.connections === base.connections &&
            measurement.itemCount === base.itemCount,
        );
      const above = measured(endpoint);
      const below = measured(reference);
      if (above === undefined || below === undefined) return undefined;
      return {
        value: above.perSecond / below.perSecond,
        spread: Math.max(above.spread, below.spread),
      };
    },
  };
}

function steady(value: number | undefined): Found | undefined {
  return value === undefined ? undefined : { value, spread: 0 };
}

function isTrestle({ endpoint }: { readonly endpoint: string }): boolean {
  return endpoint === 'trestle';
}

function millionItems({ large }: Results): LargeMeasurement | undefined {
  return large.find(
    (found) => isTrestle(found) && found.itemCount === 1_000_000 && found.itemBytes === SMALL,
  );
}
