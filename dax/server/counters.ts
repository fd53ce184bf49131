import { AccessDenials } from '../../dataplane/access/denials.ts';
import { LatencyHistogram } from '../../dataplane/admin/latency-histogram.ts';
import type { ProtocolErrorReason } from '../protocol/protocol-error.ts';
import type { MethodName } from '../protocol/requests.ts';

/** What has happened at a door since it was opened; plain numbers, to be read by metrics. */
export interface DaxCounters {
  /** Open now. */
  connectionsCount: number;
  connectionsAccepted: number;
  /** Closed at once, as there were too many. */
  connectionsRefused: number;
  /** Whole requests, whatever became of them. */
  readonly requests: Record<MethodName, number>;
  /** Of those of known callers: from a request's last byte to its answer, good or bad, in ms. */
  readonly latencyMs: ReadonlyMap<MethodName, LatencyHistogram>;
  /** Error replies by their error code (`ValidationException`). */
  readonly errors: Map<string, number>;
  /** Handshakes that did not hold. */
  authorisationFailures: number;
  /** Requests refused for want of a handshake that holds, or by a policy; by operation. */
  readonly denials: AccessDenials;
  /** Connections closed for what was on them, by reason. */
  readonly protocolErrors: Map<ProtocolErrorReason, number>;
  /** Connections closed as they, or all together, waited or held too much. */
  connectionsCut: number;
  bytesIn: number;
  bytesOut: number;
}

const measuredMethods: readonly MethodName[] = [
  'getItem',
  'putItem',
  'updateItem',
  'deleteItem',
  'query',
  'scan',
  'batchGetItem',
  'batchWriteItem',
  'transactGetItems',
  'transactWriteItems',
];

export function newCounters(): DaxCounters {
  return {
    connectionsCount: 0,
    connectionsAccepted: 0,
    connectionsRefused: 0,
    requests: {
      authorizeConnection: 0,
      endpoints: 0,
      defineKeySchema: 0,
      defineAttributeListId: 0,
      defineAttributeList: 0,
      getItem: 0,
      putItem: 0,
      updateItem: 0,
      deleteItem: 0,
      query: 0,
      scan: 0,
      batchGetItem: 0,
      batchWriteItem: 0,
      transactGetItems: 0,
      transactWriteItems: 0,
    },
    latencyMs: new Map(measuredMethods.map((method) => [method, new LatencyHistogram()])),
    errors: new Map(),
    authorisationFailures: 0,
    denials: new AccessDenials(),
    protocolErrors: new Map(),
    connectionsCut: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/** @param method a `MethodName` @returns its operation, as DynamoDB spells it */
export function operationOf(method: string): string {
  return method.charAt(0).toUpperCase() + method.slice(1);
}

/** Keys are of fixed sets: fault types and reasons. */
export function addOne<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
