import { requestFaults } from '../errors/requests.ts';
import type { Item } from '../item/attribute-value.ts';
import { capacityOf } from '../partition/capacity.ts';
import type { Capacity, PageResult, QueryRequest, ScanRequest } from '../partition/command.ts';
import type { CompiledIndex, CompiledSchema } from '../partition/compiled-schema.ts';
import { HASH_BYTES, PREFIX_BYTES } from '../partition/key-space.ts';
import { PAGE_BYTES_MAX } from '../partition/page.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import type { CallOptions, Forwarder } from './forwarder.ts';
import { type PartitionList, partitionOf } from './partition-map.ts';
import { methods, type PageAnswer, type PageCall, REQUEST_DEADLINE_MS } from './protocol.ts';
import { equalValueOf } from './query.ts';
import type { RemotePart } from './remote-part.ts';
import { checkSegment, isBehind, overlaps, segmentHashes } from './scan.ts';
import { decodePageAnswer, encodePageRequest } from './wire-page.ts';

/** What queries and scans need of a table. */
export interface RemotePages {
  readonly forwarder: Forwarder;
  readonly scheduler: Scheduler;
  readonly compiled: CompiledSchema;
  readonly parts: PartitionList<RemotePart>;
  /** By index id. */
  readonly indexParts: ReadonlyMap<number, PartitionList<RemotePart>>;
}

/** A page may have to read a megabyte from a disk that others read too. */
const PAGE_TRY_MS = 5_000;

/**
 * Reads one page of a query, at the one partition that has the item collection.
 * @throws ClientFault, CallFailed
 */
export async function remoteQuery(pages: RemotePages, request: QueryRequest): Promise<PageResult> {
  const { parts } = targetOf(pages, request.indexName);
  const hashKey = pages.compiled.hashKey(request.hashConditions.map(equalValueOf));
  const part = partitionOf(parts, hashKey);
  return readPart(pages, part, { kind: 'query', request, deadlineMs: deadlineOf(pages) });
}

/**
 * Reads one page of a scan: the partitions that the segment touches, in order of hashes, until the
 * page is full; each is asked for what is left of the page. The same as `readScan`, with partitions
 * at other processes.
 * @throws ClientFault, CallFailed
 */
export async function remoteScan(pages: RemotePages, request: ScanRequest): Promise<PageResult> {
  const { index, parts } = targetOf(pages, request.indexName);
  const segment = segmentHashes(request);
  const { exclusiveStartKey, limit, bytesMax = PAGE_BYTES_MAX } = request;
  const startHash =
    exclusiveStartKey === undefined ? undefined : hashOf(pages, index, exclusiveStartKey);
  if (startHash !== undefined) checkSegment(startHash, request);
  const deadlineMs = deadlineOf(pages);
  const sum = new PageSum();
  let startKey = exclusiveStartKey;
  for (const part of parts) {
    if (!overlaps(part.range, segment)) continue;
    if (startHash !== undefined && isBehind(part.range, startHash)) continue;
    const rest: ScanRequest = {
      ...request,
      exclusiveStartKey: startKey,
      limit: limit === undefined ? undefined : limit - sum.scannedCount,
      bytesMax: bytesMax - sum.evaluatedBytes,
    };
    sum.add(await readPart(pages, part, { kind: 'scan', request: rest, deadlineMs }));
    if (sum.lastEvaluatedKey !== undefined) break;
    startKey = undefined;
  }
  return sum.result();
}

interface PartRead {
  readonly kind: PageCall[2];
  readonly request: QueryRequest | ScanRequest;
  readonly deadlineMs: number;
}

async function readPart(
  { forwarder }: RemotePages,
  { route }: RemotePart,
  { kind, request, deadlineMs }: PartRead,
): Promise<PageResult> {
  const id = typeof route === 'bigint' ? route : route.id;
  const encoded = encodePageRequest(request);
  const body = (epoch: number): PageCall => [id, epoch, kind, encoded];
  const options: CallOptions = { isRepeatable: true, deadlineMs, tryMs: PAGE_TRY_MS };
  const answer = await (request.consistentRead
    ? forwarder.callLeader(route, methods.page, body, options)
    : forwarder.callNearest(route, methods.page, body, options));
  return decodePageAnswer(answer as PageAnswer); // what nodes of the cluster answer
}

function deadlineOf({ scheduler }: RemotePages): number {
  return scheduler.monotonicMs() + REQUEST_DEADLINE_MS;
}

/** @throws ClientFault when the index is not known any more */
function targetOf(
  { compiled, parts, indexParts }: RemotePages,
  indexName: string | undefined,
): { readonly index: CompiledIndex | undefined; readonly parts: PartitionList<RemotePart> } {
  if (indexName === undefined) return { index: undefined, parts };
  const index = compiled.index(indexName);
  if (index === undefined) throw requestFaults.indexAbsent(indexName);
  if (index.schema.kind === 'local') return { index, parts };
  const ofIndex = indexParts.get(index.schema.id);
  if (ofIndex === undefined) throw requestFaults.indexAbsent(indexName);
  return { index, parts: ofIndex };
}

/** The hash that places the record which a start key names. */
function hashOf(
  { compiled }: RemotePages,
  index: CompiledIndex | undefined,
  startKey: Item,
): Buffer {
  const itemKey = compiled.itemKey(startKey);
  const key =
    index?.schema.kind === 'global' ? compiled.globalEntryKey(index, startKey, itemKey) : itemKey;
  return key.subarray(PREFIX_BYTES, PREFIX_BYTES + HASH_BYTES);
}

/** Pages of several partitions as one. */
class PageSum {
  readonly #items: Uint8Array[] = [];
  readonly #localIndexes = new Map<string, number>();
  readonly #globalIndexes = new Map<string, number>();
  #table = 0;
  #count = 0;
  scannedCount = 0;
  evaluatedBytes = 0;
  /** Set once the page is full. */
  lastEvaluatedKey: Item | undefined;

  add(page: PageResult): void {
    for (const item of page.items) this.#items.push(item);
    this.#count += page.count;
    this.scannedCount += page.scannedCount;
    this.evaluatedBytes += page.evaluatedBytes;
    this.lastEvaluatedKey = page.lastEvaluatedKey;
    this.#addCapacity(page.capacity);
  }

  result(): PageResult {
    return {
      items: this.#items,
      count: this.#count,
      scannedCount: this.scannedCount,
      lastEvaluatedKey: this.lastEvaluatedKey,
      capacity: capacityOf({
        table: this.#table,
        localIndexes: this.#localIndexes,
        globalIndexes: this.#globalIndexes,
      }),
      evaluatedBytes: this.evaluatedBytes,
    };
  }

  #addCapacity({ table, localIndexes, globalIndexes }: Capacity): void {
    this.#table += table;
    for (const [name, units] of localIndexes) addUnits(this.#localIndexes, name, units);
    for (const [name, units] of globalIndexes) addUnits(this.#globalIndexes, name, units);
  }
}

function addUnits(sums: Map<string, number>, name: string, units: number): void {
  sums.set(name, (sums.get(name) ?? 0) + units);
}
