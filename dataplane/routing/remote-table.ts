import { ClientFault } from '../errors/client-fault.ts';
import { requestFaults } from '../errors/requests.ts';
import { tableFaults } from '../errors/tables.ts';
import { project } from '../expression/project.ts';
import type { Item } from '../item/attribute-value.ts';
import { readUnits, tableCapacity } from '../partition/capacity.ts';
import type {
  PageResult,
  QueryRequest,
  ReadResult,
  ScanRequest,
  WriteCommand,
  WriteResult,
  WriteReturns,
} from '../partition/command.ts';
import { encodeCommand } from '../partition/command-codec.ts';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { checkUpdatedPaths } from '../partition/key-check.ts';
import { PREFIX_BYTES } from '../partition/key-space.ts';
import type { PartitionRange, TableSchema } from '../partition/schema.ts';
import type { StreamAnswerTo, StreamCall } from '../partition/stream.ts';
import type { AnswerTo, TransactionCall } from '../partition/transaction.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import { Admission } from './admission.ts';
import { CallFailed, faultOfCall } from './call-failure.ts';
import type { ClusterMap } from './cluster-map.ts';
import { type Forwarder, repeatable } from './forwarder.ts';
import { KeyPlaces } from './key-places.ts';
import { onceUnmarked } from './marked-item.ts';
import type { NodeState } from './node-state.ts';
import { type PartitionList, partitionOfHash } from './partition-map.ts';
import {
  type GetAnswer,
  type GetCall,
  methods,
  type PartitionStreamCall,
  type WriteAnswer,
  type WriteCall,
} from './protocol.ts';
import { remoteQuery, remoteScan } from './remote-page.ts';
import { partsOf, type RemotePart } from './remote-part.ts';
import { remoteTransact } from './remote-transaction.ts';
import { itemOf, returnFlags, writeResultOf } from './remote-write.ts';
import type { RequestIds } from './request-ids.ts';
import type { GetOptions, Table } from './table.ts';
import type { TableConfiguration } from './table-configuration.ts';
import { dividedThroughput } from './throughput.ts';
import {
  admitTransactionCall,
  chargeTransactionCall,
  checkCommands,
} from './transaction-admission.ts';

/** What all tables of a router share. */
export interface RemoteAccess {
  readonly map: ClusterMap;
  readonly forwarder: Forwarder;
  readonly scheduler: Scheduler;
  readonly requestIds: RequestIds;
}

/**
 * The table is not known, or its partitions are gone. Whoever learns the map anew may find that it
 * is: nothing has been done yet.
 */
export class UnknownTableFault extends ClientFault {
  /** As the request names it. */
  readonly table: string;

  constructor(nameOrArn: string) {
    const { type, message } = tableFaults.notReadable();
    super(type, message);
    this.table = nameOrArn;
  }
}

/** A table whose partitions are on the nodes of a cluster. */
export class RemoteTable implements Table {
  readonly #access: RemoteAccess;
  readonly #admission: Admission;
  #configuration: TableConfiguration;
  #routersCount: number;
  #compiled: CompiledSchema;
  #parts: PartitionList<RemotePart>;
  #indexParts: ReadonlyMap<number, PartitionList<RemotePart>>;
  #places: KeyPlaces<RemotePart, Uint8Array>;

  /** @param routersCount - how many routers, this one among them, share the table's throughput */
  constructor(access: RemoteAccess, configuration: TableConfiguration, routersCount: number) {
    const { layout, throughput } = configuration;
    this.#access = access;
    this.#configuration = configuration;
    this.#routersCount = routersCount;
    this.#compiled = new CompiledSchema(layout.schema);
    this.#parts = partsOf(layout.partitions, access.map);
    this.#indexParts = indexPartsOf(configuration, access.map);
    this.#places = new KeyPlaces(this.#compiled, this.#parts, withoutPrefix);
    const share = dividedThroughput(throughput, routersCount);
    const nowMs = access.scheduler.monotonicMs();
    this.#admission = new Admission(layout.schema.tableArn, share, nowMs);
  }

  get schema(): TableSchema {
    return this.#compiled.schema;
  }

  get configuration(): TableConfiguration {
    return this.#configuration;
  }

  /** Takes over a newer configuration; the units saved up stay. */
  configure(configuration: TableConfiguration): void {
    const { map } = this.#access;
    this.#configuration = configuration;
    this.#compiled = new CompiledSchema(configuration.layout.schema);
    this.#parts = partsOf(configuration.layout.partitions, map);
    this.#indexParts = indexPartsOf(configuration, map);
    this.#places = new KeyPlaces(this.#compiled, this.#parts, withoutPrefix);
    this.#setThroughput();
  }

  /** Takes this router's share of the throughput anew. */
  shareAmong(routersCount: number): void {
    if (routersCount === this.#routersCount) return;
    this.#routersCount = routersCount;
    this.#setThroughput();
  }

  async get(key: Item, { consistentRead, projection }: GetOptions): Promise<ReadResult> {
    const { scheduler, forwarder } = this.#access;
    this.#admission.admitRead(undefined, scheduler.monotonicMs());
    const { partition, key: itemKey } = this.#places.placeOf(key, this.#compiled);
    const { route } = partition;
    const id = typeof route === 'bigint' ? route : route.id;
    const body = (epoch: number): GetCall => [id, epoch, itemKey, consistentRead];
    let answer: GetAnswer;
    try {
      // Nodes of the cluster answer as the protocol says.
      answer = (await (consistentRead
        ? forwarder.callLeader(route, methods.get, body, repeatable)
        : forwarder.callNearest(route, methods.get, body))) as GetAnswer;
    } catch (error) {
      throw readFault(error, this.schema.tableName);
    }
    const capacity = tableCapacity(readUnits(answer === null ? 0 : answer[1], { consistentRead }));
    this.#admission.chargeRead(capacity, scheduler.monotonicMs());
    if (answer === null) return { json: undefined, capacity };
    const [json] = answer;
    if (projection === undefined) return { json, capacity };
    const projected = project(projection, itemOf(json) ?? {});
    return { json: Buffer.from(JSON.stringify(projected)), capacity };
  }

  async write(command: WriteCommand, returns?: WriteReturns): Promise<WriteResult> {
    const { scheduler, forwarder, requestIds } = this.#access;
    if (command.kind === 'update') checkUpdatedPaths(command.update, this.schema);
    const nowMs = scheduler.monotonicMs();
    this.#admission.admitWrite(nowMs);
    const exhausted = this.#admission.exhaustedIndexes(nowMs);
    const { route } = this.#places.placeOf(command.key, this.#compiled).partition;
    const id = typeof route === 'bigint' ? route : route.id;
    const requestId = requestIds.next();
    const encoded = encodeCommand(command);
    const flags = returnFlags(returns);
    let target: NodeState | undefined;
    let processId = '';
    const body = (epoch: number, node: NodeState): WriteCall => {
      target = node;
      processId = node.processId;
      return [id, epoch, requestId, node.callTime, encoded, flags, exhausted];
    };
    // Nodes of the cluster answer as the protocol says.
    const call = () =>
      forwarder.callLeader(route, methods.write, body, repeatable) as Promise<WriteAnswer>;
    let answer: WriteAnswer;
    try {
      answer = await onceUnmarked(command, call, (ms) => pause(scheduler, ms));
    } catch (error) {
      throw writeFault(error);
    }
    target?.noteTime(processId, answer[5]);
    const result = writeResultOf(answer);
    this.#admission.chargeDoneWrite(result.capacity, scheduler.monotonicMs());
    return result;
  }

  query(request: QueryRequest): Promise<PageResult> {
    return this.#page(request.indexName, () => remoteQuery(this.#pages(), request));
  }

  scan(request: ScanRequest): Promise<PageResult> {
    return this.#page(request.indexName, () => remoteScan(this.#pages(), request));
  }

  get partitions(): readonly PartitionRange[] {
    return this.#configuration.layout.partitions;
  }

  /** @throws ClientFault; UnknownTableFault when the partition is gone */
  async stream<Call extends StreamCall>(
    partitionId: bigint,
    call: Call,
  ): Promise<StreamAnswerTo<Call>> {
    const { forwarder, map } = this.#access;
    const route = map.partition(partitionId) ?? partitionId;
    const body = (epoch: number): PartitionStreamCall => [partitionId, epoch, call];
    try {
      const answer = await forwarder.callLeader(route, methods.stream, body, repeatable);
      return answer as StreamAnswerTo<Call>; // what nodes of the cluster answer
    } catch (error) {
      throw readFault(error, this.schema.tableName);
    }
  }

  partitionOf(key: Item): bigint {
    return this.#places.placeOf(key, this.#compiled).partition.range.id;
  }

  partitionOfHash(hash: Uint8Array): bigint {
    return partitionOfHash(this.#parts, hash).range.id;
  }

  async transact<Call extends TransactionCall>(
    partitionId: bigint,
    call: Call,
  ): Promise<AnswerTo<Call>> {
    const { scheduler } = this.#access;
    checkCommands(call, this.schema);
    const nowMs = scheduler.monotonicMs();
    admitTransactionCall(this.#admission, call, nowMs);
    const exhausted = this.#admission.exhaustedIndexes(nowMs);
    let answer: AnswerTo<Call>;
    try {
      answer = await remoteTransact(this.#access, partitionId, { call, exhausted });
    } catch (error) {
      throw writeFault(error);
    }
    chargeTransactionCall(this.#admission, call, answer, scheduler.monotonicMs());
    return answer;
  }

  async #page(indexName: string | undefined, read: () => Promise<PageResult>): Promise<PageResult> {
    const { scheduler } = this.#access;
    const index = indexName === undefined ? undefined : this.#compiled.index(indexName);
    const isGlobal = index?.schema.kind === 'global';
    this.#admission.admitRead(isGlobal ? indexName : undefined, scheduler.monotonicMs());
    try {
      const result = await read();
      this.#admission.chargeRead(result.capacity, scheduler.monotonicMs());
      return result;
    } catch (error) {
      const isGone = error instanceof CallFailed && error.code === 'noPartition';
      if (isGone && isGlobal) throw requestFaults.indexAbsent(index.schema.name);
      throw readFault(error, this.schema.tableName);
    }
  }

  #pages() {
    const { forwarder, scheduler } = this.#access;
    return {
      forwarder,
      scheduler,
      compiled: this.#compiled,
      parts: this.#parts,
      indexParts: this.#indexParts,
    };
  }

  #setThroughput(): void {
    const share = dividedThroughput(this.#configuration.throughput, this.#routersCount);
    this.#admission.set(share, this.#access.scheduler.monotonicMs());
  }
}

/** Nodes put the prefix of their own replica before it. */
function withoutPrefix(_: RemotePart, itemKey: Buffer): Uint8Array {
  return itemKey.subarray(PREFIX_BYTES);
}

/** What the client is told of a read that failed. */
function readFault(error: unknown, table: string): unknown {
  if (!(error instanceof CallFailed)) return error;
  return error.code === 'noPartition' ? new UnknownTableFault(table) : faultOfCall(error);
}

/** As above; a write is not repeated, for it may stand in a batch of which a part has been done. */
function writeFault(error: unknown): unknown {
  if (!(error instanceof CallFailed)) return error;
  return error.code === 'noPartition' ? tableFaults.notReadable() : faultOfCall(error);
}

function indexPartsOf(
  { layout }: TableConfiguration,
  map: ClusterMap,
): ReadonlyMap<number, PartitionList<RemotePart>> {
  return new Map(
    Array.from(layout.indexPartitions, ([id, ranges]) => [id, partsOf(ranges, map)] as const),
  );
}
