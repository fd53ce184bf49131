import type { Identifiers } from '../catalog/catalog.ts';
import type { CreateTableRequest } from '../catalog/table-request.ts';
import { type NodeId, RemoteFailure } from '../replication/transport/transport.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import type { Store } from '../storage/store.ts';
import { CatalogLeader } from './catalog-leader.ts';
import type { CallOptions, NodeCalls } from './cluster-view.ts';
import { FakeCluster } from './fake-cluster.fixture.ts';
import { FakeReplica0 } from './fake-replica.fixture.ts';
import type { RepairOptions } from './repair.ts';
import { VirtualTime } from './virtual-time.fixture.ts';

/**
 * The life of one process that leads the catalog: it can end before any of its steps, which are its
 * commits, its calls on their way to a node, and their answers on the way back.
 */
class Life implements NodeCalls {
  /** How many steps are left. */
  stepsLeft = Number.POSITIVE_INFINITY;
  /** Told before each step. */
  onStep: () => void = () => {};
  readonly #cluster: FakeCluster;
  readonly #late = Promise.withResolvers<void>();

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster;
  }

  get isDead(): boolean {
    return this.stepsLeft <= 0;
  }

  /** Calls that were on their way when it died arrive now. */
  arrive(): void {
    this.#late.resolve();
  }

  /** Never resolves for the dead. */
  async step(): Promise<void> {
    this.onStep();
    this.stepsLeft -= 1;
    if (this.stepsLeft < 0) await new Promise(() => {});
  }

  async callNode(node: NodeId, method: string, body: unknown, options: CallOptions) {
    await this.#leave();
    const answer = await this.#cluster.callNode(node, method, body, options);
    await this.step();
    return answer;
  }

  async callLeader(partitionId: bigint, method: string, body: unknown, options: CallOptions) {
    await this.#leave();
    const answer = await this.#cluster.callLeader(partitionId, method, body, options);
    await this.step();
    return answer;
  }

  async #leave(): Promise<void> {
    this.onStep();
    this.stepsLeft -= 1;
    if (this.stepsLeft < 0) await this.#late.promise;
  }
}

export const threeZones = { n1: 'a', n2: 'b', n3: 'c' } as const;

/** One leader of the catalog over a scripted cluster; another one can follow on what it left. */
export class ControlPlane {
  readonly time: VirtualTime;
  readonly cluster: FakeCluster;
  readonly store: Store;
  replica: FakeReplica0;
  leader: CatalogLeader;
  life: Life;
  /** Of leaders to come. */
  repair: RepairOptions = {};
  /** Of the leader before. */
  died: Life | undefined;
  readonly logged: string[] = [];
  readonly #identifiers = countedIdentifiers();

  private constructor(time: VirtualTime, cluster: FakeCluster, store: Store) {
    this.time = time;
    this.cluster = cluster;
    this.store = store;
    ({ replica: this.replica, leader: this.leader, life: this.life } = this.#newLeader());
  }

  /** Leads at once. */
  static async open(zones: Readonly<Record<string, string>> = threeZones): Promise<ControlPlane> {
    const time = new VirtualTime();
    const cluster = new FakeCluster(time, zones);
    const plane = new ControlPlane(time, cluster, await MemoryStore.open());
    await plane.lead();
    return plane;
  }

  async lead(): Promise<void> {
    this.leader.leaderChanged(this.replica);
    await this.time.until(() => this.leader.isOpen);
  }

  /**
   * Another process takes over what is durable. The one before loses its leadership; or, if it has
   * died, nothing is heard of it any more but what it has on its way already.
   */
  async failOver(): Promise<void> {
    if (!this.life.isDead) this.leader.leaderChanged(undefined);
    this.died = this.life;
    ({ replica: this.replica, leader: this.leader, life: this.life } = this.#newLeader());
    await this.lead();
  }

  /** The response of an operation. @throws RemoteFailure */
  async call(
    operation: string,
    body: object,
    { isDryRun = false }: { readonly isDryRun?: boolean } = {},
  ): Promise<Record<string, unknown>> {
    const json = Buffer.from(JSON.stringify(body));
    const call = { operation, body: json, host: 'localhost', isDryRun };
    const answer = await this.time.during(this.leader.control(call, this.replica));
    return JSON.parse(Buffer.from(answer).toString('utf8'));
  }

  /** How the call is refused: the failure's code, and of a fault its type. */
  async refusalOf(operation: string, body: object): Promise<string> {
    try {
      await this.call(operation, body);
    } catch (error) {
      if (!(error instanceof RemoteFailure)) throw error;
      const data = error.data as { type?: string } | undefined; // Of a fault.
      return error.code === 'fault' ? `fault ${data?.type}` : error.code;
    }
    return 'none';
  }

  async describe(name = 'Music'): Promise<TableShown> {
    const { Table } = await this.call('DescribeTable', { TableName: name });
    return Table as TableShown; // What the operation answers.
  }

  /** Waits until the table and all its indexes are ACTIVE. */
  async untilActive(name = 'Music'): Promise<void> {
    for (let tries = 0; tries < 600; tries++) {
      const { TableStatus, GlobalSecondaryIndexes = [] } = await this.describe(name);
      const all = [TableStatus, ...GlobalSecondaryIndexes.map((index) => index.IndexStatus)];
      if (all.every((status) => status === 'ACTIVE')) return;
      await this.time.pass(100);
    }
    throw new Error(`${name} is not ACTIVE within a minute`);
  }

  /** Partition ids that have a placement with a group that lives. */
  partitions(): readonly bigint[] {
    const ids = new Set(this.cluster.groups.map(({ partitionId }) => partitionId));
    return [...ids].filter((id) => this.cluster.groupOf(id) !== undefined);
  }

  #newLeader() {
    const replica = new FakeReplica0(this.store);
    const life = new Life(this.cluster);
    replica.beforeCommit = () => life.step();
    const leader = new CatalogLeader({
      store: this.store,
      openView: () => this.cluster,
      calls: life,
      nodes: () => [...this.cluster.all.keys()],
      region: 'eu-test-1',
      accountId: '123456789012',
      scheduler: this.time,
      identifiers: this.#identifiers,
      repair: this.repair,
      log: (event, fields) => this.logged.push(`${event} ${JSON.stringify(fields)}`),
    });
    return { replica, leader, life };
  }
}

export interface TableShown {
  readonly TableStatus: string;
  readonly TableId: string;
  readonly GlobalSecondaryIndexes?: readonly { IndexName: string; IndexStatus: string }[];
}

function countedIdentifiers(): Identifiers {
  let count = 0;
  return {
    newTableId: () => {
      count += 1;
      return `table-${count}`;
    },
    newHashSecret: () => Buffer.alloc(32, count),
  };
}

/** An on-demand table with the partition key `pk`: four partitions. */
export function table(more: Partial<CreateTableRequest> = {}): CreateTableRequest {
  return {
    TableName: 'Music',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
    ...more,
  };
}

const genre = { AttributeName: 'genre', AttributeType: 'S' as const };
const byGenre = {
  IndexName: 'by-genre',
  KeySchema: [{ AttributeName: 'genre', KeyType: 'HASH' as const }],
  Projection: { ProjectionType: 'ALL' as const },
};

export const tableWithIndex = table({
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }, genre],
  GlobalSecondaryIndexes: [byGenre],
});

export const newIndex = {
  TableName: 'Music',
  AttributeDefinitions: [genre],
  GlobalSecondaryIndexUpdates: [{ Create: byGenre }],
};
