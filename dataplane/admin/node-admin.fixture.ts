import { pino } from 'pino';
import type { Replica } from '../replication/replica.ts';
import { LinkFaults } from '../replication/transport/link-faults.ts';
import type { ForwardedCall } from '../routing/control-forwarder.ts';
import type { NodeReport } from '../routing/protocol.ts';
import {
  encodeTableConfiguration,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import { AdminServer } from './admin-server.ts';
import { LinkSwitch } from './link-switch.ts';
import type { NodeAdmin } from './node-admin.ts';
import { addNodeRoutes } from './node-routes.ts';

/** A table of one partition, 7, with a global index, whose partition is 8. */
export const configuration: TableConfiguration = {
  version: 3,
  createdAtMs: 1_000,
  layout: {
    schema: {
      tableName: 'Music',
      tableId: 'table-1',
      tableArn: 'arn:aws:dynamodb:us-east-1:123456789012:table/Music',
      key: { hash: [{ name: 'Artist', type: 'S' }], range: [] },
      localIndexes: [],
      globalIndexes: [],
      timeToLiveAttribute: undefined,
      stream: undefined,
      hashSecret: Buffer.alloc(32),
    },
    partitions: [{ id: 7n, start: Buffer.alloc(16), end: undefined }],
    indexPartitions: new Map(),
  },
  throughput: {
    mode: 'onDemand',
    table: { readUnits: undefined, writeUnits: undefined },
    globalIndexes: new Map(),
  },
};

const members = [
  { replicaId: 1, node: 'a-1', kind: 'voter' },
  { replicaId: 2, node: 'b-1', kind: 'voter' },
  { replicaId: 3, node: 'c-1', kind: 'learner' },
] as const;

const membership = { members, replicaIdNext: 4, epoch: 2, isJoint: false };

/** The leader of partition 7, as far as the admin interface looks at it. */
export const replica: Replica = {
  partitionId: 7n,
  replicaId: 1,
  storageId: 2n ** 63n + 5n,
  role: 'leader',
  term: 4,
  leader: members[0],
  membership,
  appliedIndex: 90,
  commitIndex: 95,
  lastIndex: 100,
  isReady: true,
  failure: undefined,
  listener: undefined,
  propose: () => Promise.resolve(),
  holdsLease: () => true,
  confirmLeadership: () => Promise.resolve(),
  stalenessMs: () => Number.POSITIVE_INFINITY,
  changeMembers: () => Promise.resolve(membership),
  transferLeadership: () => Promise.resolve(),
  progress: () => [
    { replicaId: 2, matchIndex: 98, isRecentlyActive: true, isInSnapshot: false },
    { replicaId: 3, matchIndex: 0, isRecentlyActive: true, isInSnapshot: true },
    // Not a member any more.
    { replicaId: 9, matchIndex: 5, isRecentlyActive: false, isInSnapshot: false },
  ],
};

export const report: NodeReport = {
  node: 'a-1',
  zone: 'a',
  storeId: 'store-1',
  processId: 'process-1',
  version: 1,
  monotonicMs: 5,
  routersCount: 1,
  halted: undefined,
  partitions: [
    {
      partitionId: 7n,
      tableId: 'table-1',
      indexId: 0,
      membership,
      term: 4,
      leader: 'a-1',
      replica: { replicaId: 1, isReadyLeader: true, appliedIndex: 90, failure: undefined },
      items: 12,
      bytes: 345,
      localIndexes: [],
      configurationVersion: 3,
    },
  ],
  isWhole: true,
  removedPartitions: [],
  tables: [encodeTableConfiguration(configuration)],
};

/** A node that does nothing but remember what it was told. */
export class FakeNode implements NodeAdmin {
  readonly clusterId = 'cluster-1';
  readonly nodeId = 'a-1';
  readonly zone = 'a';
  readonly storeId = 'store-1';
  readonly processId = 'process-1';
  readonly linkFaults = new LinkFaults();
  readonly faults: LinkSwitch | undefined;
  readonly calls: (readonly [method: string, body: unknown])[] = [];
  readonly bootstraps: unknown[] = [];
  readonly operations: ForwardedCall[] = [];
  reasons: readonly string[] = [];
  isDraining = false;
  /** What the next calls come to. */
  outcome: () => unknown = () => undefined;

  constructor(hasFaultInjection: boolean) {
    this.faults = hasFaultInjection
      ? new LinkSwitch(this.linkFaults, () => ['b-1', 'c-1', 'router-1'])
      : undefined;
  }

  unreadyReasons() {
    return this.reasons;
  }
  loadedTls() {
    return [];
  }
  identity() {
    const { clusterId, nodeId, zone, storeId } = this;
    const nodes = [{ id: nodeId, zone, host: 'a-1.music.default.svc', port: 8002 }];
    return { clusterId, nodeId, zone, storeId, tableName: 'Music', nodes };
  }
  report() {
    return Promise.resolve(report);
  }
  backfills() {
    return new Map([[7n, [{ index: 'ByYear', walkedShare: 0.25 }]]]);
  }
  volume() {
    return { usedBytes: 900, availableBytes: 100, writesRefused: undefined };
  }
  peers() {
    return [{ id: 'b-1', isConnected: false, failure: 'connect ECONNREFUSED' }];
  }
  replicas() {
    return [replica];
  }
  async call(method: string, body: unknown) {
    this.calls.push([method, body]);
    return this.outcome();
  }
  async operate(call: ForwardedCall) {
    this.operations.push(call);
    const answer = this.outcome();
    return answer instanceof Uint8Array ? answer : Buffer.from(JSON.stringify(answer));
  }
  setDraining(isDraining: boolean) {
    this.isDraining = isDraining;
  }
  async bootstrap(nodes: readonly string[] | undefined) {
    this.bootstraps.push(nodes);
    return { isFounded: true };
  }
  metrics() {
    return Promise.resolve({ contentType: 'text/plain', text: 'trestle_up 1\n' });
  }
}

export interface RunningAdmin {
  readonly node: FakeNode;
  /** Status and parsed body. */
  ask(method: string, path: string, body?: unknown): Promise<readonly [number, unknown]>;
  /** As `fetch`, for requests that are not as they should be. */
  send(path: string, init: RequestInit): Promise<Response>;
  close(): Promise<void>;
}

/** A fake node behind the real HTTP server, on a free port. */
export async function serveFakeNode(hasFaultInjection = true): Promise<RunningAdmin> {
  const node = new FakeNode(hasFaultInjection);
  const server = await AdminServer.listen({
    host: '127.0.0.1',
    port: 0,
    log: pino({ level: 'silent' }),
    tls: undefined,
    takesChanges: true,
    routes: (app) => addNodeRoutes(app, node),
  });
  const send = (path: string, init: RequestInit) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return {
    node,
    send,
    close: () => server.close(),
    ask: async (method, path, body) => {
      const hasBody = method === 'POST' || method === 'PUT';
      const response = await send(path, {
        method,
        headers: hasBody ? { 'content-type': 'application/json' } : {},
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return [response.status, JSON.parse(text)];
    },
  };
}
