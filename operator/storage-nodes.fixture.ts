import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { json } from 'node:stream/consumers';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { TableDescription, TagShown } from '../dataplane/kubernetes/table-description.ts';
import type { JsonObject } from '../dataplane/kubernetes/table-resource.ts';
import type { KeyPair } from './certificates/authority.ts';
import { ADMIN_PORT } from './table/names.ts';
import type { ReplicaAnswer } from './table/node-answer.ts';

/** As real tables begin. */
const PARTITIONS_COUNT = 4;
/** How long a table is CREATING. */
const CREATION_MS = 500;

/** A pod, as its node needs to know it. */
export interface StorageNode {
  readonly pod: string;
  /** The Table's uid. */
  readonly clusterId: string;
  readonly slot: number;
  readonly slotsCount: number;
}

export interface StorageNodesOptions {
  /** On which all nodes listen, at the admin port: the name that is asked for tells which is meant. */
  readonly address: string;
  /** What nodes trust, PEM, and the certificate of a pod. */
  readonly identityOf: (pod: string) => Promise<KeyPair & { readonly ca: string }>;
}

/** What a table's nodes hold together. */
interface Cluster {
  isFounded: boolean;
  table: CreatedTable | undefined;
  tags: readonly TagShown[];
}

interface CreatedTable {
  readonly request: CreateTableRequest;
  readonly id: string;
  readonly createdMs: number;
}

interface CreateTableRequest extends JsonObject {
  readonly TableName: string;
  readonly BillingMode: string;
}

/**
 * The admin interfaces of any number of storage nodes in one server: each answers as a sound node of its
 * table would, as far as the operator asks (`table/node-answer.ts`). There is no data.
 */
export class StorageNodes {
  readonly #options: StorageNodesOptions;
  readonly #server: Server;
  readonly #nodes = new Map<string, StorageNode>();
  readonly #clusters = new Map<string, Cluster>();
  readonly #contexts = new Map<string, Promise<SecureContext>>();
  readonly #draining = new Set<string>();
  requestsCount = 0;

  static async listen(options: StorageNodesOptions): Promise<StorageNodes> {
    const nodes = new StorageNodes(options);
    nodes.#server.listen(ADMIN_PORT, options.address);
    await once(nodes.#server, 'listening');
    return nodes;
  }

  private constructor(options: StorageNodesOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: 'TLSv1.3',
        SNICallback: (name, done) => {
          this.#context(name).then((context) => done(null, context), done);
        },
      },
      (request, response) => {
        // Who asked may have gone meanwhile.
        this.#serve(request, response).catch(() => request.socket.destroy());
      },
    );
  }

  get address(): string {
    return this.#options.address;
  }

  add(node: StorageNode): void {
    this.#nodes.set(node.pod, node);
  }

  tagsOf(clusterId: string): readonly TagShown[] {
    return this.#cluster(clusterId).tags;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #context(pod: string): Promise<SecureContext> {
    const known = this.#contexts.get(pod);
    if (known !== undefined) return known;
    const made = this.#options
      .identityOf(pod)
      .then(({ ca, certificate: cert, key }) => createSecureContext({ ca, cert, key }));
    this.#contexts.set(pod, made);
    // Asked for again at the next connection.
    made.catch(() => this.#contexts.delete(pod));
    return made;
  }

  #cluster(clusterId: string): Cluster {
    const known = this.#clusters.get(clusterId);
    if (known !== undefined) return known;
    const made: Cluster = { isFounded: false, table: undefined, tags: [] };
    this.#clusters.set(clusterId, made);
    return made;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requestsCount += 1;
    const node = this.#nodes.get(request.headers.host ?? '');
    // As a machine without such a pod.
    if (node === undefined) return void request.socket.destroy();
    // Requests of this project's own operator.
    const body = request.method === 'GET' ? {} : ((await json(request)) as JsonObject);
    const { status, answer } = this.#answer(node, `${request.method} ${request.url}`, body);
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer));
  }

  #answer(node: StorageNode, what: string, body: JsonObject): Answer {
    const cluster = this.#cluster(node.clusterId);
    switch (what) {
      case 'GET /status':
        return done({
          clusterId: node.clusterId,
          isDraining: this.#draining.has(node.pod),
          tables: cluster.table === undefined ? [] : [[1, 0, configuration()]],
        });
      case 'GET /partitions':
        return done({ node: node.pod, partitions: this.#replicas(node, cluster) });
      case 'POST /bootstrap':
        cluster.isFounded = true;
        return done({});
      case 'POST /drain':
        this.#draining.add(node.pod);
        return done({ isDraining: true });
      case 'DELETE /drain':
        this.#draining.delete(node.pod);
        return done({ isDraining: false });
      default:
        return operate(cluster, what.slice('POST /operations/'.length), body);
    }
  }

  #replicas(node: StorageNode, cluster: Cluster): readonly ReplicaAnswer[] {
    if (!cluster.isFounded) return [];
    const { table } = cluster;
    const owners = table === undefined ? [] : partitionIds();
    return [
      this.#replica(node, '0', null),
      ...owners.map((id) => this.#replica(node, id, table?.request.TableName ?? null)),
    ];
  }

  #replica(node: StorageNode, partitionId: string, table: string | null): ReplicaAnswer {
    const base = node.pod.slice(0, -`-z${node.slot}-0`.length);
    const voters = Array.from({ length: node.slotsCount }, (_, slot) => `${base}-z${slot}-0`);
    const leader = voters[Number(partitionId) % node.slotsCount] ?? node.pod;
    return {
      ...{ partitionId, table, index: null },
      ...{ role: leader === node.pod ? 'leader' : 'follower', term: 1, leader, isReady: true },
      ...{ appliedIndex: 1, lastIndex: 1, voters, learners: [], items: 0, bytes: 0, failure: null },
    };
  }
}

interface Answer {
  readonly status: number;
  readonly answer: object;
}

function done(answer: object): Answer {
  return { status: 200, answer };
}

function partitionIds(): readonly string[] {
  return Array.from({ length: PARTITIONS_COUNT }, (_, index) => String(index + 1));
}

function configuration(): object {
  const width = 2n ** 128n / BigInt(PARTITIONS_COUNT);
  const edge = (index: number) => (width * BigInt(index)).toString(16).padStart(32, '0');
  const partitions = partitionIds().map((id, index) => ({
    id,
    start: edge(index),
    end: index === PARTITIONS_COUNT - 1 ? null : edge(index + 1),
  }));
  return { partitions, indexPartitions: [] };
}

function operate(cluster: Cluster, operation: string, body: JsonObject): Answer {
  if (operation === 'CreateTable') {
    const request = body as CreateTableRequest; // As the operator makes it.
    cluster.table ??= { request, id: randomUUID(), createdMs: performance.now() };
  }
  const { table } = cluster;
  if (table === undefined) {
    const __type = 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException';
    return { status: 400, answer: { __type, message: 'Requested resource not found' } };
  }
  switch (operation) {
    case 'CreateTable':
      return done({ TableDescription: described(table) });
    case 'DescribeTable':
      return done({ Table: described(table) });
    case 'DescribeTimeToLive':
      return done({ TimeToLiveDescription: { TimeToLiveStatus: 'DISABLED' } });
    case 'ListTagsOfResource':
      return done({ Tags: cluster.tags });
    case 'TagResource':
      cluster.tags = [...cluster.tags, ...(body.Tags as readonly TagShown[])];
      return done({});
    default: {
      const message = `these nodes have no ${operation}`;
      return { status: 400, answer: { __type: 'ValidationException', message } };
    }
  }
}

/** Of a table on demand without indexes. */
function described({ request, id, createdMs }: CreatedTable): TableDescription {
  const { TableName, AttributeDefinitions, KeySchema, BillingMode } = request;
  const isCreating = performance.now() - createdMs < CREATION_MS;
  const description = {
    ...{ TableName, AttributeDefinitions, KeySchema },
    TableArn: `arn:aws:dynamodb:eu-central-1:000000000000:table/${TableName}`,
    TableId: id,
    TableStatus: isCreating ? ('CREATING' as const) : ('ACTIVE' as const),
    CreationDateTime: Math.floor((performance.timeOrigin + createdMs) / 1000),
    BillingModeSummary: { BillingMode },
    ProvisionedThroughput: {
      NumberOfDecreasesToday: 0,
      ReadCapacityUnits: 0,
      WriteCapacityUnits: 0,
    },
    WarmThroughput: { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_000, Status: 'ACTIVE' },
    DeletionProtectionEnabled: false,
    ItemCount: 0,
    TableSizeBytes: 0,
  };
  return description as TableDescription; // Its attribute definitions are the request's.
}
