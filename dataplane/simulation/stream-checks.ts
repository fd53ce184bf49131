import { ClientFault } from '../errors/client-fault.ts';
import type { Item } from '../item/attribute-value.ts';
import type { RecordsAnswer } from '../partition/stream.ts';
import { decodeStreamRecord } from '../partition/stream-record.ts';
import { pause } from '../replication/scheduler.ts';
import type { RemoteTable } from '../routing/remote-table.ts';
import type { Router } from '../routing/router.ts';
import { inOrder, itemsOf } from './quiet-checks.ts';
import type { SimEnvironment } from './sim-machine.ts';
import { openTable, TTL_ATTRIBUTE } from './workload.ts';

const POLL_MS = 400;
/** Small, so that pages are continued. */
const PAGE_RECORDS = 5;
const PAGE_BYTES = 4_096;

type StreamEntry = RecordsAnswer['records'][number];

/** How far a consumer has come in one partition. */
interface Followed {
  from: number;
  readonly records: StreamEntry[];
}

/**
 * A consumer of the table's stream that reads while things go wrong, and at the end, when all is quiet,
 * a judge: what the consumer was told must be what the stream has in the end, and the changes of each
 * partition, made one after the other, must lead to the items that the table has.
 */
export class StreamChecks {
  readonly #followed = new Map<bigint, Followed>();

  /** For each process of a router; goes on where the one before ended. */
  async follow(router: Router, { scheduler }: SimEnvironment): Promise<void> {
    for (;;) {
      await pause(scheduler, POLL_MS);
      const table = openTable(router);
      if (table?.schema.stream === undefined) continue;
      for (const { id } of table.partitions) await this.#tryFollow(table, id);
    }
  }

  /** What must not be, for people. */
  async check(router: Router): Promise<readonly string[]> {
    const table = openTable(router);
    if (table === undefined) return ['the table is not known'];
    const items: string[] = [];
    const found: string[] = [];
    for (const { id } of table.partitions) {
      const records = await recordsOf(table, id);
      found.push(...(await shardFaults(table, id, records)));
      found.push(...this.#followedFaults(id, records));
      const replay = replayed(records);
      found.push(...replay.faults.map((fault) => `Stream of partition ${id}: ${fault}`));
      items.push(...replay.items);
    }
    const inTable = await itemsOf(table, undefined);
    const missing = inTable.filter((json) => !items.includes(json));
    const extra = items.filter((json) => !inTable.includes(json));
    if (missing.length + extra.length > 0) {
      found.push(`The stream lacks ${missing.join(', ')}; leads besides to ${extra.join(', ')}`);
    }
    return found;
  }

  async #tryFollow(table: RemoteTable, partitionId: bigint): Promise<void> {
    const followed = this.#followed.get(partitionId) ?? { from: 0, records: [] };
    this.#followed.set(partitionId, followed);
    try {
      const { records, next } = await pageOf(table, partitionId, followed.from);
      // Another process of the router may still have had a call under way.
      if (records.every(({ sequence }) => sequence >= followed.from)) {
        followed.records.push(...records);
        followed.from = Math.max(followed.from, next);
      }
    } catch (error) {
      if (!(error instanceof ClientFault)) throw error;
    }
  }

  #followedFaults(partitionId: bigint, records: readonly StreamEntry[]): string[] {
    const { from, records: seen } = this.#followed.get(partitionId) ?? { from: 0, records: [] };
    const then = records.filter(({ sequence }) => sequence < from).map(nameOf);
    const names = seen.map(nameOf);
    if (names.join() === then.join()) return [];
    const missed = then.filter((name) => !names.includes(name));
    const extra = names.filter((name) => !then.includes(name));
    return [
      `A consumer of partition ${partitionId} came to ${from} and was not told of ${missed.join()}, but of ${extra.join()}, in another order perhaps`,
    ];
  }
}

function nameOf({ sequence, record }: StreamEntry): string {
  return `${sequence}:${Buffer.from(record.subarray(1, 5)).toString('hex')}`;
}

async function pageOf(table: RemoteTable, id: bigint, from: number): Promise<RecordsAnswer> {
  const streamId = table.schema.stream?.id ?? 0;
  return table.stream(id, {
    kind: 'records',
    streamId,
    from,
    to: undefined,
    limit: PAGE_RECORDS,
    bytesMax: PAGE_BYTES,
    writtenFromMs: 0,
  });
}

async function recordsOf(table: RemoteTable, id: bigint): Promise<readonly StreamEntry[]> {
  const all: StreamEntry[] = [];
  for (let from = 0; ; ) {
    const { records, next } = await pageOf(table, id, from);
    all.push(...records);
    if (records.length === 0 && next === from) return all;
    from = next;
  }
}

/** One shard takes records, and all records are in shards. */
async function shardFaults(
  table: RemoteTable,
  id: bigint,
  records: readonly StreamEntry[],
): Promise<readonly string[]> {
  const streamId = table.schema.stream?.id ?? 0;
  const { shards } = await table.stream(id, { kind: 'shards', streamId });
  const open = shards.filter(({ last }) => last === undefined);
  const outside = records.filter(
    ({ sequence }) =>
      !shards.some(({ first, last = sequence }) => first <= sequence && sequence <= last),
  );
  return [
    ...(open.length === 1 ? [] : [`Partition ${id} has ${open.length} open shards`]),
    ...outside.map(({ sequence }) => `Record ${sequence} of partition ${id} is in no shard`),
  ];
}

/** Where the changes lead, each of which must have found what the one before left. */
function replayed(records: readonly StreamEntry[]) {
  const items = new Map<string, string>();
  const faults: string[] = [];
  let last = 0;
  for (const { sequence, record } of records) {
    const { keys, event, oldImage, newImage, byTimeToLive } = decodeStreamRecord(record);
    const name = Buffer.from(keys).toString();
    const [before, after] = [oldImage, newImage].map(
      (image) => image && inOrder(Buffer.from(image).toString()),
    );
    const known = items.get(name);
    if (sequence <= last) faults.push(`record ${sequence} is behind ${last}`);
    if (before !== known) faults.push(`record ${sequence} changes ${before}, not ${known}`);
    if (before === after) faults.push(`record ${sequence} changes nothing`);
    if (event !== eventOf(before, after)) faults.push(`record ${sequence} is no ${event}`);
    if (byTimeToLive && !isExpiring(before)) {
      faults.push(`record ${sequence} is said to be of an item that has expired: ${before}`);
    }
    last = sequence;
    if (after === undefined) items.delete(name);
    else items.set(name, after);
  }
  return { items: [...items.values()], faults };
}

function eventOf(before: string | undefined, after: string | undefined): string {
  if (before === undefined) return 'INSERT';
  return after === undefined ? 'REMOVE' : 'MODIFY';
}

function isExpiring(json: string | undefined): boolean {
  return json !== undefined && Object.hasOwn(JSON.parse(json) as Item, TTL_ATTRIBUTE);
}
