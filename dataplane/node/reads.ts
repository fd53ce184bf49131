import { requestFaults } from '../errors/requests.ts';
import { readUnits } from '../partition/capacity.ts';
import type { PageResult } from '../partition/command.ts';
import type { CompiledSchema } from '../partition/compiled-schema.ts';
import { mapKey } from '../partition/in-flight.ts';
import { PREFIX_BYTES, spacePrefix } from '../partition/key-space.ts';
import { StoredItem } from '../partition/record.ts';
import type { PartitionRange } from '../partition/schema.ts';
import {
  type GetAnswer,
  type GetCall,
  type PageAnswer,
  type PageCall,
  VOUCHED_STALENESS_MS_MAX,
} from '../routing/protocol.ts';
import { readQuery } from '../routing/query.ts';
import type { ReadAccess } from '../routing/read-access.ts';
import { readScan } from '../routing/scan.ts';
import { decodePageRequest, encodePageAnswer, type PageRequest } from '../routing/wire-page.ts';
import { StoreError } from '../storage/store.ts';
import { failure, failureOf, notLeader, overloaded, retired } from './failures.ts';
import type { HostedPartition } from './hosted-partition.ts';
import type { NodeContext } from './node-context.ts';

/**
 * Reads of the replicas on this node. A strong read is done where the read lease is held, which is
 * looked at before and after; without it leadership is confirmed first, by a round of messages. An
 * eventual read is done on any replica that is not too far behind.
 */
export class Reads {
  readonly #node: NodeContext;

  constructor(node: NodeContext) {
    this.#node = node;
  }

  /**
   * One item. Without a promise when it can be read at once.
   * @throws RemoteFailure, also by rejecting
   */
  get(hosted: HostedPartition, call: GetCall): GetAnswer | Promise<GetAnswer> {
    const [, , itemKey, isConsistent] = call;
    const { replica } = hosted;
    hosted.metrics.gets += 1;
    assertThere(hosted);
    if (!isConsistent) {
      assertFresh(hosted);
      return this.#read(hosted, itemKey, false);
    }
    if (replica.isReady && replica.holdsLease()) {
      const answer = this.#read(hosted, itemKey, true);
      if (replica.isReady && replica.holdsLease()) return answer;
    }
    return this.#confirmed(hosted).then(() => {
      assertThere(hosted);
      return this.#read(hosted, itemKey, true);
    });
  }

  /**
   * One page of a table's, or an index's, items in this partition.
   * @throws RemoteFailure
   */
  async page(hosted: HostedPartition, call: PageCall): Promise<PageAnswer> {
    const [, , kind, encoded] = call;
    const { pages } = this.#node;
    hosted.metrics.pages += 1;
    const page = decodePageRequest(kind, encoded);
    if (!pages.enter(0)) {
      hosted.metrics.shed += 1;
      throw overloaded('pages');
    }
    try {
      const result = page.request.consistentRead
        ? await this.strongly(hosted, () => this.#readPage(hosted, page))
        : await this.#eventualPage(hosted, page);
      const { table, localIndexes, globalIndexes } = result.capacity;
      hosted.metrics.readUnits += table + sumOf(localIndexes) + sumOf(globalIndexes);
      return encodePageAnswer(result);
    } catch (error) {
      throw refusal(hosted, error);
    } finally {
      pages.leave(0);
    }
  }

  #read(hosted: HostedPartition, itemKey: Uint8Array, isConsistent: boolean): GetAnswer {
    let stored: StoredItem | undefined;
    try {
      stored = this.#stored(hosted.itemPrefix, itemKey);
    } catch (error) {
      throw refusal(hosted, error);
    }
    const units = readUnits(stored?.bytes ?? 0, { consistentRead: isConsistent });
    hosted.metrics.readUnits += units;
    return stored === undefined ? null : [stored.json, stored.bytes];
  }

  /** As Partition.get, of any replica. */
  #stored(itemPrefix: Buffer, itemKey: Uint8Array): StoredItem | undefined {
    const { cache, store } = this.#node;
    const key = Buffer.allocUnsafe(PREFIX_BYTES + itemKey.length);
    itemPrefix.copy(key);
    key.set(itemKey, PREFIX_BYTES);
    const name = mapKey(key);
    const cached = cache.get(name)?.stored;
    if (cached !== undefined) return cached;
    const record = store.get(key);
    if (record === undefined) return undefined;
    const stored = StoredItem.read(record);
    cache.offer(name, stored);
    return stored;
  }

  async #eventualPage(hosted: HostedPartition, page: PageRequest): Promise<PageResult> {
    assertFresh(hosted);
    return this.#readPage(hosted, page);
  }

  /**
   * What is read at the leader, of all that was committed before. Leadership that is confirmed after
   * the reading was not interrupted during it.
   * @throws RemoteFailure; what `read` throws
   */
  async strongly<T>(hosted: HostedPartition, read: () => Promise<T>): Promise<T> {
    const { replica } = hosted;
    if (!replica.isReady || !replica.holdsLease()) {
      await this.#confirmed(hosted);
      return read();
    }
    const { term } = replica;
    const result = await read();
    if (!replica.isReady || !replica.holdsLease()) await this.#confirmed(hosted);
    if (replica.term !== term) throw notLeader(replica);
    return result;
  }

  /** Resolves when all that was committed before the call is applied here. */
  async #confirmed(hosted: HostedPartition): Promise<void> {
    const { replica } = hosted;
    const { confirmations, limits, probe } = this.#node;
    if (!replica.isReady) throw notLeader(replica);
    probe('readWithoutLease');
    if (!confirmations.enter(0)) throw overloaded('confirmations');
    try {
      await replica.confirmLeadership(limits.confirmMsMax);
    } catch (error) {
      throw failureOf(error, replica, { mayBeDone: false });
    } finally {
      confirmations.leave(0);
    }
    if (!hosted.isHosted) throw failure('noReplica', 'the replica was removed meanwhile');
  }

  async #readPage(hosted: HostedPartition, page: PageRequest): Promise<PageResult> {
    const { replica } = hosted;
    const { storageId } = replica;
    const access = this.#access(hosted, page.request.indexName);
    const result =
      page.kind === 'query'
        ? await readQuery(access, page.request)
        : await readScan(access, page.request);
    // The state that was read may have been replaced, or removed, under the reading.
    const isStill = hosted.isHosted && replica.storageId === storageId;
    if (!isStill) throw failure('stale', 'the state of the replica was replaced meanwhile');
    assertThere(hosted);
    return result;
  }

  /** This one partition as if it were the whole table, or the whole index. */
  #access(hosted: HostedPartition, indexName: string | undefined): ReadAccess {
    const { compiled, configuration, range } = hosted;
    if (compiled === undefined || configuration === undefined) {
      throw failure('noReplica', 'the replica has no state');
    }
    assertIndex(hosted, compiled, indexName);
    if (range === undefined) throw failure('noReplica', 'the table does not list the partition');
    const { storageId } = hosted.replica;
    return {
      store: this.#node.store,
      compiled,
      partitions: [partOf(range, storageId)],
      indexPartitions: (indexId) => {
        if (indexId === configuration.indexId) return [partOf(range, storageId)];
        throw failure('noReplica', `the partition is not one of index ${indexId}`);
      },
    };
  }
}

/** @throws ClientFault, RemoteFailure when the table has no such index, or has it no more */
function assertIndex(
  { replica }: HostedPartition,
  compiled: CompiledSchema,
  indexName: string | undefined,
): void {
  if (indexName === undefined || compiled.index(indexName) !== undefined) return;
  // One that does not lead may not have heard of it.
  if (replica.isReady) throw requestFaults.indexAbsent(indexName);
  throw failure('stale', `this replica does not know of an index ${indexName}`);
}

/** Of a deleted table the items are gone, or going. @throws RemoteFailure */
function assertThere({ configuration, replica }: HostedPartition): void {
  if (configuration?.table.layout.retiredAtMs !== undefined) throw retired(replica);
}

function assertFresh({ replica }: HostedPartition): void {
  if (replica.stalenessMs() <= VOUCHED_STALENESS_MS_MAX) return;
  throw failure('stale', `the replica of partition ${replica.partitionId} is too far behind`);
}

function partOf(range: PartitionRange, storageId: bigint) {
  return {
    range,
    prefixes: {
      item: spacePrefix(storageId, 'item'),
      localIndex: spacePrefix(storageId, 'localIndex'),
    },
  };
}

function refusal(hosted: HostedPartition, error: unknown): unknown {
  if (error instanceof StoreError && error.code === 'damaged') hosted.reportDamage(error);
  return failureOf(error, hosted.replica, { mayBeDone: false });
}

function sumOf(units: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const each of units.values()) sum += each;
  return sum;
}
