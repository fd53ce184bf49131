import type { AccessDenials } from '../dataplane/access/denials.ts';
import { addExpiryMetric, type LoadedTls } from '../dataplane/admin/certificate-report.ts';
import type { MetricsPage } from '../dataplane/admin/metrics-page.ts';
import type { OperationCount } from '../dataplane/admin/operation-counts.ts';
import type { CacheCounters, CacheSizes } from './cache/counters.ts';
import type { CoherenceMetrics } from './cluster/peer-coherence.ts';
import { LabelledPage } from './labelled-page.ts';
import { type DaxCounters, operationOf } from './server/counters.ts';
import type { TableCallMetrics } from './tables/http-table-calls.ts';

/** Where the numbers are read when somebody asks. */
export interface DaxMetricsSources {
  readonly clusterName: string;
  readonly nodeId: number;
  readonly cache: () => CacheCounters;
  readonly sizes: () => CacheSizes;
  readonly dax: () => DaxCounters;
  readonly http: () => HttpDoorCounts;
  readonly tables: () => TableCallMetrics;
  readonly cluster: () => ClusterState;
  /** Undefined for a node that is alone. */
  readonly coherence: (() => CoherenceMetrics) | undefined;
  readonly loadedTls: () => readonly LoadedTls[];
}

export interface HttpDoorCounts {
  readonly operations: readonly OperationCount[];
  readonly denials: AccessDenials;
  readonly connectionsCount: number;
}

export interface ClusterState {
  readonly membersCount: number;
  /** This node may give out what it has cached. */
  readonly isActive: boolean;
  readonly redis: 'none' | 'up' | 'down';
}

const THROTTLES: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);
/** What the DAX door answers when something is not the caller's fault. */
const FAULTS: ReadonlySet<string> = new Set(['InternalServerError', 'ServiceUnavailableException']);

/**
 * The metrics of a node, by CloudWatch's names for DAX where it has them; README.md has the table. Each has the
 * labels `cluster` and `node`: a cluster's is the sum over its nodes.
 */
export function daxMetricsPage(sources: DaxMetricsSources): MetricsPage {
  const page = new LabelledPage({
    cluster: sources.clusterName,
    node: String(sources.nodeId),
  });
  addCounters(page, CACHE_COUNTERS, sources.cache);
  addGauges(page, CACHE_SIZES, sources.sizes);
  addCounters(page, TABLE_CALL_COUNTERS, sources.tables);
  page.gauge('table_calls_in_flight', 'Under way.', () => sources.tables().inFlightCount);
  addRequestMetrics(page, sources);
  addClusterMetrics(page, sources);
  addExpiryMetric(page.page, sources.loadedTls);
  return page.page;
}

type CountOf<T> = readonly [name: string, help: string, pick: (of: T) => number];

const CACHE_COUNTERS: readonly CountOf<CacheCounters>[] = [
  ['item_cache_hits', 'Keys found in the item cache, "no such item" too.', (c) => c.itemHits],
  ['item_cache_misses', 'Keys that were not in it.', (c) => c.itemMisses],
  ['query_cache_hits', 'Queries answered from the query cache.', (c) => c.queryHits],
  ['query_cache_misses', 'Queries that were not in it.', (c) => c.queryMisses],
  ['scan_cache_hits', 'Scans answered from the query cache.', (c) => c.scanHits],
  ['scan_cache_misses', 'Scans that were not in it.', (c) => c.scanMisses],
  ['joined_reads', 'Misses that waited for a read that was under way.', (c) => c.joinedReads],
  ['reads_through', 'Reads of the tables that were not to be kept.', (c) => c.readsThrough],
  ['evicted_bytes', 'Dropped for want of room.', (c) => c.evictedBytes],
  ['evictions', 'Items and pages dropped so.', (c) => c.itemEvictions + c.pageEvictions],
  ['expirations', 'Items and pages found too old.', (c) => c.itemExpirations + c.pageExpirations],
  ['invalidated_keys', 'Keys dropped as another node wrote them.', (c) => c.invalidatedKeys],
  ['invalidated_tables', 'Whole tables dropped so.', (c) => c.invalidatedTables],
  ['writes', 'Writes of items through this node.', (c) => c.writes],
  ['writes_dropping', 'Of these: dropped their keys, instead of storing.', (c) => c.droppedKeys],
  ['writes_failed', 'Of these: refused by the tables.', (c) => c.failedWrites],
  ['writes_uncertain', 'Of these: nobody knows if they were done.', (c) => c.uncertainWrites],
  ['l2_hits', 'Keys that were in Redis.', (c) => c.l2Hits],
  ['l2_misses', 'Keys that were not.', (c) => c.l2Misses],
  ['l2_losses', 'Times that Redis was given up for a while.', (c) => c.l2Losses],
  ['l2_withholdings', 'Times that nobody was to look in Redis.', (c) => c.l2Withholdings],
];

const CACHE_SIZES: readonly CountOf<CacheSizes>[] = [
  ['items', 'Keys in the item cache.', (now) => now.itemsCount],
  ['pages', 'Pages in the query cache.', (now) => now.pagesCount],
  ['estimated_db_size_bytes', 'What both hold.', (now) => now.itemBytes + now.pageBytes],
  [
    'cache_memory_utilization_percent',
    'Of --cache-bytes.',
    (now) => (100 * (now.itemBytes + now.pageBytes)) / (now.itemBytesMax + now.pageBytesMax),
  ],
];

const TABLE_CALL_COUNTERS: readonly CountOf<TableCallMetrics>[] = [
  ['table_calls', 'Calls of the tables.', (calls) => calls.callsCount],
  ['table_call_retries', 'Tries of these beyond the first.', (calls) => calls.retriesCount],
  ['table_call_errors', 'Calls that got no answer.', (calls) => calls.errorsCount],
];

const COHERENCE_COUNTERS: readonly CountOf<CoherenceMetrics>[] = [
  ['invalidations_sent', 'To other nodes.', (c) => c.sentCount],
  ['invalidations_received', 'From other nodes.', (c) => c.receivedCount],
  ['invalidations_acknowledged', 'By all other nodes.', (c) => c.settledCount],
  [
    'invalidation_wait_seconds',
    'Time that writes waited for that in sum: its rate by theirs is the latency.',
    (c) => c.settledMsTotal / 1_000,
  ],
  [
    'invalidations_failed',
    'Writes answered as uncertain, as other nodes did not acknowledge in time.',
    (c) => c.failedCount,
  ],
  ['joins', 'Times that this node became a member.', (c) => c.joinsCount],
  ['exclusions', 'Nodes excluded by this one.', (c) => c.exclusionsCount],
];

function addCounters<T>(page: LabelledPage, counters: readonly CountOf<T>[], read: () => T): void {
  for (const [name, help, pick] of counters) page.counter(name, help, () => pick(read()));
}

function addGauges<T>(page: LabelledPage, gauges: readonly CountOf<T>[], read: () => T): void {
  for (const [name, help, pick] of gauges) page.gauge(name, help, () => pick(read()));
}

/** What one door counts. */
interface DoorCounts {
  readonly connectionsCount: number;
  /** By operation, in DynamoDB's words. */
  readonly requests: Iterable<readonly [operation: string, count: number]>;
  /** By type. */
  readonly errors: Iterable<readonly [type: string, count: number]>;
  readonly denials: AccessDenials;
}

function addRequestMetrics(page: LabelledPage, { dax, http }: DaxMetricsSources): void {
  const doors = () => [['dax', daxDoor(dax())] as const, ['http', httpDoor(http())] as const];
  const each = (count: (door: DoorCounts) => number) => () =>
    doors().map(([door, counts]) => ({ labels: { door }, value: count(counts) }));
  const failures = (name: string, help: string, isCounted: (type: string) => boolean) =>
    page.counter(
      name,
      help,
      each(({ errors }) => sumOf(errors, isCounted)),
      ['door'],
    );
  page.counter(
    'requests',
    'Requests, by door and operation.',
    () =>
      doors().flatMap(([door, { requests }]) =>
        Array.from(requests, ([operation, value]) => ({ labels: { door, operation }, value })),
      ),
    ['door', 'operation'],
  );
  failures('failed_requests', 'Answered with an error.', () => true);
  failures('error_requests', 'Of these: a fault of the caller.', (type) => !FAULTS.has(type));
  failures('fault_requests', 'Of these: no fault of the caller.', (type) => FAULTS.has(type));
  failures('throttled_requests', 'Of these: for want of units.', (type) => THROTTLES.has(type));
  page.counter(
    'access_denials',
    'Refused for their signature, its time (expired), an unknown key (token), or by a policy.',
    () =>
      doors().flatMap(([door, { denials }]) =>
        denials.all.map(({ operation, reason, count }) => ({
          labels: { door, operation, reason },
          value: count,
        })),
      ),
    ['door', 'operation', 'reason'],
  );
  const connections = each(({ connectionsCount }) => connectionsCount);
  page.gauge('client_connections', 'Open now.', connections, ['door']);
  addCounters(page, DAX_DOOR_COUNTERS, dax);
  page.histogram(
    'request_latency_seconds',
    'Requests of known callers at the DAX door, from their last byte to their answer, errors too.',
    () =>
      Array.from(dax().latencyMs, ([method, histogram]) => ({
        labels: { operation: operationOf(method) },
        histogram,
      })),
  );
  page.histogram(
    'http_request_latency_seconds',
    'Requests at the JSON door that succeeded, from their body to their answer.',
    () =>
      http().operations.map(({ name, latencyMs }) => ({
        labels: { operation: name },
        histogram: latencyMs,
      })),
  );
}

const DAX_DOOR_COUNTERS: readonly CountOf<DaxCounters>[] = [
  ['network_bytes_in', 'Through the DAX door.', (door) => door.bytesIn],
  ['network_bytes_out', 'Through the DAX door.', (door) => door.bytesOut],
  ['authorisation_failures', 'Handshakes there that did not hold.', (d) => d.authorisationFailures],
];

function daxDoor({ connectionsCount, requests, errors, denials }: DaxCounters): DoorCounts {
  const operations = Object.entries(requests).map(
    ([method, count]) => [operationOf(method), count] as const,
  );
  return { connectionsCount, requests: operations, errors, denials };
}

function httpDoor({ operations, connectionsCount, denials }: HttpDoorCounts): DoorCounts {
  const requests = operations.map(
    (count) =>
      [count.name, count.latencyMs.count + sumOf(count.faults) + count.systemErrors] as const,
  );
  const errors = operations.flatMap((count) => [
    ...count.faults,
    ['InternalServerError', count.systemErrors] as const,
  ]);
  return { connectionsCount, requests, errors, denials };
}

function sumOf(
  counts: Iterable<readonly [type: string, count: number]>,
  isCounted: (type: string) => boolean = () => true,
): number {
  let sum = 0;
  for (const [type, count] of counts) if (isCounted(type)) sum += count;
  return sum;
}

function addClusterMetrics(page: LabelledPage, sources: DaxMetricsSources): void {
  const { cluster, coherence } = sources;
  page.gauge('members', 'Nodes that clients are told of.', () => cluster().membersCount);
  page.gauge('is_active', '1: this node may give out what it has cached.', () =>
    Number(cluster().isActive),
  );
  page.gauge('l2_up', '1: Redis is in use; 0: it is away. Nothing where there is none.', () => {
    const { redis } = cluster();
    return redis === 'none' ? [] : [{ value: Number(redis === 'up') }];
  });
  if (coherence === undefined) return;
  addCounters(page, COHERENCE_COUNTERS, coherence);
  page.gauge('peers_connected', 'Other nodes with a connection.', () => {
    return coherence().connectedPeersCount;
  });
  page.gauge('invalidations_pending', 'Not acknowledged by all nodes yet.', () => {
    return coherence().pendingCount;
  });
}
