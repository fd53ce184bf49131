import type { AccessDenials } from '../access/denials.ts';
import type { MetricsPage } from './metrics-page.ts';
import type { OperationCount, OperationCounts } from './operation-counts.ts';

/** What was asked by the API, and refused, at an endpoint. */
export interface OperationMetricsSources {
  readonly operations: OperationCounts;
  readonly denials: AccessDenials;
}

const THROTTLES: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);

/** The metrics of whatever serves the API; README.md lists them. */
export function addOperationMetrics(page: MetricsPage, sources: OperationMetricsSources): void {
  const { all } = sources.operations;
  const labels = ['operation'];
  const each = (pick: (count: OperationCount) => number) => () =>
    all.map((count) => ({ labels: { operation: count.name }, value: pick(count) }));
  page.histogram(
    {
      name: 'successful_request_latency_seconds',
      help: 'Requests of the API that succeeded, from their body to their answer.',
    },
    1e-3,
    () => all.map((count) => ({ labels: { operation: count.name }, histogram: count.latencyMs })),
  );
  page.counter(
    { name: 'user_errors_total', help: 'Requests answered with a fault of the client.', labels },
    each((count) => faultsCount(count, () => true)),
  );
  page.counter(
    { name: 'throttled_requests_total', help: 'Of these: refused for want of units.', labels },
    each((count) => faultsCount(count, (type) => THROTTLES.has(type))),
  );
  page.counter(
    {
      name: 'conditional_check_failed_requests_total',
      help: 'Of these: their condition did not hold.',
      labels,
    },
    each((count) => faultsCount(count, (type) => type === 'ConditionalCheckFailedException')),
  );
  page.counter(
    { name: 'system_errors_total', help: 'Requests answered with status 500.', labels },
    each((count) => count.systemErrors),
  );
  page.gauge(
    { name: 'requests_in_flight', help: 'Requests that are not answered yet.', labels },
    each((count) => count.inFlight),
  );
  page.counter(
    {
      name: 'access_denials_total',
      help: 'Requests refused before they were looked at, and statements of batches: for their signature, its time (expired), an unknown key (token), or by a policy.',
      labels: ['operation', 'reason'],
    },
    () =>
      sources.denials.all.map(({ operation, reason, count }) => ({
        labels: { operation, reason },
        value: count,
      })),
  );
}

function faultsCount({ faults }: OperationCount, isCounted: (type: string) => boolean): number {
  let sum = 0;
  for (const [type, count] of faults) if (isCounted(type)) sum += count;
  return sum;
}
