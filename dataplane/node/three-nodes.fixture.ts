import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Item } from '../item/attribute-value.ts';
import type { WriteCommand } from '../partition/command.ts';
import { encodeCommand } from '../partition/command-codec.ts';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { PREFIX_BYTES } from '../partition/key-space.ts';
import type { StreamAnswerTo, StreamCall } from '../partition/stream.ts';
import type { AnswerTo, TransactionCall } from '../partition/transaction.ts';
import { Cluster, membersOn } from '../replication/cluster.fixture.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { NodeId, Transport } from '../replication/transport/transport.ts';
import { scanOf } from '../routing/local-table.fixture.ts';
import {
  type GetAnswer,
  methods,
  type PageAnswer,
  type TransactAnswer,
  type WriteAnswer,
} from '../routing/protocol.ts';
import {
  encodePartitionConfiguration,
  type TableConfiguration,
} from '../routing/table-configuration.ts';
import { decodePageAnswer, encodePageRequest } from '../routing/wire-page.ts';
import { decodeTransactionAnswer, encodeTransactionCall } from '../routing/wire-transaction.ts';
import type { EventPoster } from '../trigger/trigger-context.ts';
import { StorageNode } from './storage-node.ts';

const nodeIds: readonly NodeId[] = ['a', 'b', 'c'];
const CALL_TIMEOUT_MS = 2_000;
const RETRY_MS = 50;
const INDEXED_MS_MAX = 60_000;

/** Three storage nodes on MultiRaft in one process, and a client that retries, on virtual time. */
export class ThreeNodes {
  readonly cluster: Cluster;
  readonly probes = new Set<string>();
  readonly #transports = new Map<NodeId, Transport>();
  readonly #nodes = new Map<NodeId, StorageNode>();
  readonly #processes = new Map<NodeId, string>();
  #starts = 0;
  /** Whether an answer to the client gets lost. */
  losesAnswer: () => boolean = () => false;
  /** A process that is no node. */
  readonly client: Transport;

  readonly #poster: EventPoster | undefined;

  private constructor(cluster: Cluster, poster: EventPoster | undefined) {
    this.#poster = poster;
    this.cluster = cluster;
    this.client = cluster.hub.join('client');
  }

  /** @param newPoster - takes the events of triggers */
  static async start(newPoster?: (clock: Scheduler) => EventPoster): Promise<ThreeNodes> {
    const cluster = await Cluster.open([]);
    const test = new ThreeNodes(cluster, newPoster?.(cluster.scheduler));
    const { hub } = test.cluster;
    const join = hub.join.bind(hub);
    // The cluster keeps its transports to itself.
    hub.join = (id) => {
      const transport = join(id);
      test.#transports.set(id, transport);
      return transport;
    };
    for (const id of nodeIds) {
      await test.cluster.start(id);
      test.#startNode(id);
    }
    return test;
  }

  /** A replica of every partition on every node. */
  async create(table: TableConfiguration): Promise<void> {
    const lists = [[0, table.layout.partitions] as const, ...table.layout.indexPartitions];
    for (const [indexId, ranges] of lists) {
      for (const { id: partitionId } of ranges) {
        const configuration = encodePartitionConfiguration({ partitionId, indexId, table });
        for (const [index, node] of nodeIds.entries()) {
          const replica = { partitionId, replicaId: index + 1, members: membersOn(nodeIds) };
          const call = { storeId: node, replica, configuration };
          await this.settle(this.#call(node, methods.createReplica, call));
        }
      }
    }
  }

  /** Cuts a node off from the other nodes; the client still reaches it. */
  isolateFromNodes(id: NodeId): void {
    for (const other of nodeIds) if (other !== id) this.cluster.hub.cut(id, other);
  }

  async restart(id: NodeId): Promise<void> {
    this.#nodes.get(id)?.close();
    await this.cluster.restart(id);
    this.#startNode(id);
  }

  /** Retries, with the same request id, until there is an answer. */
  async write(partitionId: bigint, command: WriteCommand): Promise<WriteAnswer> {
    const requestId = randomBytes(16);
    const encoded = encodeCommand(command);
    const answer = await this.#untilAnswered((node) => {
      const time = [this.#processes.get(node), this.cluster.scheduler.monotonicMs()];
      return [methods.write, [partitionId, 1, requestId, time, encoded, 2, []]];
    });
    return answer as WriteAnswer;
  }

  /** Asked again until there is an answer. */
  async transact<Call extends TransactionCall>(
    partitionId: bigint,
    call: Call,
  ): Promise<AnswerTo<Call>> {
    const encoded = encodeTransactionCall(call);
    const [answer] = (await this.#untilAnswered((node) => {
      const time = [this.#processes.get(node), this.cluster.scheduler.monotonicMs()];
      return [methods.transact, [partitionId, 1, time, encoded]];
    })) as TransactAnswer;
    return decodeTransactionAnswer(call.kind, answer) as AnswerTo<Call>;
  }

  async get(partitionId: bigint, key: Item, table: TableConfiguration): Promise<Item | undefined> {
    const itemKey = new CompiledSchema(table.layout.schema).itemKey(key).subarray(PREFIX_BYTES);
    const call = [partitionId, 1, itemKey, true];
    const answer = (await this.#untilAnswered(() => [methods.get, call])) as GetAnswer;
    return answer === null ? undefined : JSON.parse(Buffer.from(answer[0]).toString());
  }

  /** All items at the leader. */
  async scan(partitionId: bigint, indexName?: string): Promise<Item[]> {
    const request = encodePageRequest(scanOf({ indexName, consistentRead: true }));
    const call = [partitionId, 1, 'scan', request];
    const answer = (await this.#untilAnswered(() => [methods.page, call])) as PageAnswer;
    return decodePageAnswer(answer).items.map((json) => JSON.parse(Buffer.from(json).toString()));
  }

  /**
   * What the partitions of an index have, as JSON in order: once it is that of the items, or after a
   * minute, since an index follows its table.
   */
  async indexed(
    partitionIds: readonly bigint[],
    indexName: string,
    items: readonly Item[],
  ): Promise<readonly string[]> {
    const { scheduler } = this.cluster;
    const expected = sorted(items);
    const endMs = scheduler.monotonicMs() + INDEXED_MS_MAX;
    for (;;) {
      const pages = await Promise.all(partitionIds.map((id) => this.scan(id, indexName)));
      const found = sorted(pages.flat());
      if (isDeepStrictEqual(found, expected) || scheduler.monotonicMs() > endMs) return found;
      await pause(scheduler, RETRY_MS);
    }
  }

  /** What the leader says of the partition's streams. */
  async stream<Call extends StreamCall>(
    partitionId: bigint,
    call: Call,
  ): Promise<StreamAnswerTo<Call>> {
    const body = [partitionId, 1, call];
    return (await this.#untilAnswered(() => [methods.stream, body])) as StreamAnswerTo<Call>;
  }

  /** Time moves on until the promise has settled. */
  settle<T>(promise: Promise<T>): Promise<T> {
    return this.cluster.settle(promise, 120_000);
  }

  async close(): Promise<void> {
    for (const node of this.#nodes.values()) node.close();
    await this.cluster.close();
  }

  #startNode(id: NodeId): void {
    this.#starts += 1;
    const processId = `process-${this.#starts}`;
    const transport = this.#transports.get(id);
    if (transport === undefined) throw new Error(`no transport of ${id}`);
    this.#processes.set(id, processId);
    const node = StorageNode.start({
      nodeId: id,
      zone: id,
      storeId: id,
      processId,
      host: this.cluster.node(id).host,
      transport,
      scheduler: this.cluster.scheduler,
      randomBytes,
      log: () => {},
      ...(this.#poster === undefined ? {} : { poster: this.#poster }),
      probe: (name) => this.probes.add(name),
      locate: {
        callLeader: (_, method, body) => this.#untilAnswered(() => [method, body], transport, 1),
      },
    });
    this.#nodes.set(id, node);
  }

  async #untilAnswered(
    callTo: (node: NodeId) => readonly [method: string, body: unknown],
    from = this.client,
    rounds = Number.POSITIVE_INFINITY,
  ): Promise<unknown> {
    for (let round = 0; round < rounds; round++) {
      for (const node of nodeIds) {
        const [method, body] = callTo(node);
        try {
          const answer = await this.#call(node, method, body, from);
          if (from !== this.client || !this.losesAnswer()) return answer;
          await pause(this.cluster.scheduler, RETRY_MS);
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'internal') throw error;
          await pause(this.cluster.scheduler, RETRY_MS);
        }
      }
    }
    throw new Error('nobody answers');
  }

  async #call(node: NodeId, method: string, body: unknown, from = this.client): Promise<unknown> {
    return from.request(node, method, body, { timeoutMs: CALL_TIMEOUT_MS });
  }
}

/** Items as JSON, in an order that is the same for the same items. */
export function sorted(items: readonly Item[]): readonly string[] {
  return items.map((item) => JSON.stringify(item)).sort();
}
