import { randomBytes } from 'node:crypto';
import type { Item } from '../item/attribute-value.ts';
import type { WriteCommand } from '../partition/command.ts';
import { encodeCommand } from '../partition/command-codec.ts';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { PREFIX_BYTES } from '../partition/key-space.ts';
import { globalIndex, schemaOf } from '../partition/schema.fixture.ts';
import type { TableSchema } from '../partition/schema.ts';
import type { AnswerTo, TransactionCall } from '../partition/transaction.ts';
import { layoutOf, scanOf, unlimited } from '../routing/local-table.fixture.ts';
import {
  type FailureCode,
  type GetAnswer,
  methods,
  type NodeReport,
  type PageAnswer,
  type ReportCall,
  type TransactAnswer,
  type TransactCall,
  type WriteAnswer,
  type WriteCall,
} from '../routing/protocol.ts';
import {
  encodePartitionConfiguration,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import { decodePageAnswer, encodePageRequest, type PageRequest } from '../routing/wire-page.ts';
import { decodeTransactionAnswer, encodeTransactionCall } from '../routing/wire-transaction.ts';
import { openStore } from '../storage/open.ts';
import type { EventPoster } from '../trigger/trigger-context.ts';
import { FakeNetwork, type FakeTransport } from './fake-network.fixture.ts';
import { type FakeReplica, FakeReplicaHost } from './fake-replica-host.fixture.ts';
import type { NodeLimits } from './limits.ts';
import { ManualScheduler } from './manual-scheduler.fixture.ts';
import { StorageNode } from './storage-node.ts';

/** Hash attribute `p` (S), range attribute `s` (N). */
export const plainSchema = schemaOf();
/** The same with a global index by `g`. */
export const indexedSchema = schemaOf({
  globalIndexes: [globalIndex(2, { hash: 'g:S', range: '' })],
});

export function configurationOf(
  schema: TableSchema,
  { version = 1, partitions = 1 } = {},
): TableConfiguration {
  return { version, createdAtMs: 0, layout: layoutOf(schema, partitions), throughput: unlimited };
}

export const key = (index: number | string): Item => ({ p: { S: 'a' }, s: { N: String(index) } });

export interface WriteOptions {
  readonly id?: Uint8Array;
  readonly returns?: number;
  readonly exhausted?: readonly string[];
  readonly time?: WriteCall[3];
  readonly partitionId?: bigint;
}

/** One storage node on a fake host, a router that calls it, and a clock that the test moves. */
export class TestNode {
  readonly scheduler = new ManualScheduler();
  readonly network = new FakeNetwork();
  readonly router: FakeTransport;
  readonly transport: FakeTransport;
  readonly host: FakeReplicaHost;
  readonly events: { readonly event: string; readonly fields: object }[] = [];
  readonly probes = new Set<string>();
  processId = 'process-1';
  /** Stands between the node and the leaders that it calls. */
  onCallLeader: (partitionId: bigint, call: () => Promise<unknown>) => Promise<unknown> = (
    _,
    call,
  ) => call();
  node: StorageNode;
  readonly #limits: Partial<NodeLimits>;
  readonly #poster: EventPoster | undefined;
  readonly #opened: StorageNode[] = [];

  private constructor(
    host: FakeReplicaHost,
    limits: Partial<NodeLimits>,
    newPoster: ((clock: ManualScheduler) => EventPoster) | undefined,
  ) {
    this.#poster = newPoster?.(this.scheduler);
    this.host = host;
    this.#limits = limits;
    this.router = this.network.join('router-1', 'router');
    this.transport = this.network.join('node-1', 'node');
    this.node = this.#start();
  }

  static async start(
    limits: Partial<NodeLimits> = {},
    newPoster?: (clock: ManualScheduler) => EventPoster,
  ): Promise<TestNode> {
    const store = await openStore({ folder: undefined, durability: 'relaxed' });
    return new TestNode(new FakeReplicaHost(store), limits, newPoster);
  }

  /** As if the process had ended and another one had come, on the same store. */
  restart(): void {
    this.node.close();
    this.processId = `${this.processId}+`;
    this.node = this.#start();
  }

  #start(): StorageNode {
    const node = StorageNode.start({
      nodeId: 'node-1',
      zone: 'a',
      storeId: 'store-1',
      processId: this.processId,
      host: this.host,
      transport: this.transport,
      scheduler: this.scheduler,
      randomBytes,
      log: (event, fields) => this.events.push({ event, fields }),
      limits: this.#limits,
      ...(this.#poster === undefined ? {} : { poster: this.#poster }),
      probe: (name) => this.probes.add(name),
      locate: {
        callLeader: (partitionId, method, body, timeoutMs) =>
          this.onCallLeader(partitionId, () =>
            this.transport.request('node-1', method, body, { timeoutMs }),
          ),
      },
    });
    this.#opened.push(node);
    return node;
  }

  /** Makes a replica of every partition of a table, and of its indexes. */
  async create(table: TableConfiguration): Promise<void> {
    const { partitions, indexPartitions } = table.layout;
    const lists = [[0, partitions] as const, ...indexPartitions];
    for (const [indexId, ranges] of lists) {
      for (const { id } of ranges) await this.createReplica(table, id, indexId);
    }
  }

  createReplica(table: TableConfiguration, partitionId: bigint, indexId = 0): Promise<unknown> {
    return this.call(methods.createReplica, {
      storeId: 'store-1',
      replica: {
        partitionId,
        replicaId: 1,
        members: [{ replicaId: 1, node: 'node-1', kind: 'voter' }],
      },
      configuration: encodePartitionConfiguration({ partitionId, indexId, table }),
    });
  }

  replica(partitionId = 1n): FakeReplica {
    const replica = this.host.get(partitionId);
    if (replica === undefined) throw new Error(`no replica of ${partitionId}`);
    return replica;
  }

  call(method: string, body: unknown): Promise<unknown> {
    return this.router.request('node-1', method, body);
  }

  async write(command: WriteCommand, options: WriteOptions = {}): Promise<WriteAnswer> {
    const call: WriteCall = [
      options.partitionId ?? 1n,
      1,
      options.id ?? randomBytes(16),
      options.time ?? [this.processId, this.scheduler.monotonicMs()],
      encodeCommand(command),
      options.returns ?? 0,
      options.exhausted ?? [],
    ];
    return (await this.call(methods.write, call)) as WriteAnswer;
  }

  /** The answer to one call of a transaction. */
  async transact<Call extends TransactionCall>(
    call: Call,
    options: Pick<WriteOptions, 'time' | 'partitionId'> = {},
  ): Promise<AnswerTo<Call>> {
    const body: TransactCall = [
      options.partitionId ?? 1n,
      1,
      options.time ?? [this.processId, this.scheduler.monotonicMs()],
      encodeTransactionCall(call),
    ];
    const [answer] = (await this.call(methods.transact, body)) as TransactAnswer;
    return decodeTransactionAnswer(call.kind, answer) as AnswerTo<Call>;
  }

  async get(of: Item, { isConsistent = true, partitionId = 1n } = {}): Promise<Item | undefined> {
    const itemKey = new CompiledSchema(plainSchema).itemKey(of).subarray(PREFIX_BYTES);
    const call = [partitionId, 1, itemKey, isConsistent];
    const answer = (await this.call(methods.get, call)) as GetAnswer;
    return answer === null ? undefined : JSON.parse(Buffer.from(answer[0]).toString());
  }

  async page(page: PageRequest, partitionId = 1n) {
    const call = [partitionId, 1, page.kind, encodePageRequest(page.request)];
    return decodePageAnswer((await this.call(methods.page, call)) as PageAnswer);
  }

  /** All items of a partition of the table or of an index, as one eventual or strong scan. */
  async scan(
    partitionId = 1n,
    { indexName, isConsistent = true }: { indexName?: string; isConsistent?: boolean } = {},
  ): Promise<Item[]> {
    const request = scanOf({ indexName, consistentRead: isConsistent });
    const { items } = await this.page({ kind: 'scan', request }, partitionId);
    return items.map((json) => JSON.parse(Buffer.from(json).toString()));
  }

  async report(since?: ReportCall['since']): Promise<NodeReport> {
    return (await this.call(methods.report, { since })) as NodeReport;
  }

  async close(): Promise<void> {
    for (const node of this.#opened) node.close();
    await this.host.store.close();
  }
}

/** Matches a refusal. */
export const refusal = (code: FailureCode) => ({ name: 'RemoteFailure', code });
