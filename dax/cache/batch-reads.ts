import type { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { throughputFaults } from '../../dataplane/errors/items.ts';
import type { BatchGetItemCall, BatchRead, BatchReadTable, Stored } from './calls.ts';
import { Capacities } from './capacities.ts';
import type { CacheCounters } from './counters.ts';
import { type Entry, storedOf } from './entry.ts';
import type { Flying, ItemReads } from './item-reads.ts';
import { type L2Filling, type L2Found, NOTHING_FOUND } from './l2/redis-l2.ts';
import { BATCH_ANSWER_BYTES_MAX } from './limits.ts';
import { isThrottling } from './table-faults.ts';
import type { TableKey, TableReads } from './table-reads.ts';

/** BatchGetItem: each key as by GetItem, but what is missing is fetched together. */
export class BatchReads {
  readonly #items: ItemReads;
  readonly #tables: TableReads;
  readonly #counters: CacheCounters;

  constructor(items: ItemReads, tables: TableReads, counters: CacheCounters) {
    this.#items = items;
    this.#tables = tables;
    this.#counters = counters;
  }

  /** @throws ClientFault, TableCallError; a throttling fault when nothing at all could be read */
  async batchGetItem(call: BatchGetItemCall): Promise<BatchRead> {
    const outcomes: (Entry | undefined)[] = [];
    const asked: Asked[] = [];
    const waits: Promise<void>[] = [];
    for (const { table, keys, consistentRead } of call.requests) {
      for (const key of keys)
        this.#lookUp({ table, key }, consistentRead, { outcomes, asked, waits });
    }
    const capacities = new Capacities();
    waits.push(this.#fetch(asked, call.capacity, { outcomes, capacities }));
    await Promise.all(waits);
    return { tables: tablesOf(call, outcomes), consumedCapacity: capacities.toList() };
  }

  #lookUp(tableKey: TableKey, consistentRead: boolean, batch: Batch): void {
    const place = batch.outcomes.length;
    const entry = consistentRead ? undefined : this.#items.hit(tableKey);
    batch.outcomes.push(entry);
    if (entry !== undefined) return;
    const miss = consistentRead ? undefined : this.#items.miss(tableKey);
    if (miss?.kind === 'joined') {
      batch.waits.push(
        miss.entry.then((joined) => {
          batch.outcomes[place] = joined;
        }, throwUnlessThrottled),
      );
      return;
    }
    const flying = miss?.kind === 'flight' ? { ...tableKey, flight: miss.flight } : undefined;
    if (flying === undefined) this.#counters.readsThrough += 1;
    batch.asked.push({ ...tableKey, place, flying });
  }

  /** What nobody else fetches: by one question to L2, and by one to the tables. */
  async #fetch(
    asked: readonly Asked[],
    capacity: BatchGetItemCall['capacity'],
    { outcomes, capacities }: { outcomes: (Entry | undefined)[]; capacities: Capacities },
  ): Promise<void> {
    const open = new Set(asked.flatMap(({ flying }) => flying ?? []));
    const fillings: L2Filling[] = [];
    const settle = ({ place, flying }: Asked, entry: Entry | undefined, found: L2Found) => {
      outcomes[place] = entry;
      if (flying === undefined) return;
      open.delete(flying);
      if (entry === undefined) {
        this.#items.crash(flying, throttled(flying));
        return;
      }
      const filling = this.#items.land(flying, entry, found);
      if (filling !== undefined) fillings.push(filling);
    };
    try {
      const found = await this.#foundInL2(open);
      const cellOf = ({ flying }: Asked) => (flying && found.get(flying)) ?? NOTHING_FOUND;
      const left = asked.filter((each) => {
        const cell = cellOf(each);
        if (cell.kind === 'value') settle(each, cell.entry, cell);
        return cell.kind !== 'value';
      });
      const entries = await this.#tables.batchGetItem(left, capacity, capacities);
      for (const [index, each] of left.entries()) settle(each, entries[index], cellOf(each));
      this.#items.fillL2(fillings);
    } catch (error) {
      for (const flying of open) this.#items.crash(flying, error);
      throw error;
    }
  }

  async #foundInL2(flights: ReadonlySet<Flying>): Promise<ReadonlyMap<Flying, L2Found>> {
    const keys = [...flights];
    const cells = await this.#items.readL2(keys);
    return new Map(keys.map((flying, index) => [flying, cells[index] ?? NOTHING_FOUND]));
  }
}

/** Places of keys are counted over all tables of the request. */
interface Batch {
  /** By place; undefined: not there yet, in the end unprocessed. */
  readonly outcomes: (Entry | undefined)[];
  readonly asked: Asked[];
  readonly waits: Promise<void>[];
}

/** A key that this call asks the tables for. */
interface Asked extends TableKey {
  readonly place: number;
  /** Undefined: nothing is kept, nobody joins. */
  readonly flying: Flying | undefined;
}

function tablesOf(
  { requests }: BatchGetItemCall,
  outcomes: readonly (Entry | undefined)[],
): readonly BatchReadTable[] {
  let place = 0;
  let answerBytes = 0;
  return requests.map(({ table, keys }) => {
    const items: { readonly key: Buffer; readonly values: Stored }[] = [];
    const unprocessedKeys: Buffer[] = [];
    for (const key of keys) {
      const entry = outcomes[place];
      place += 1;
      answerBytes += entry?.length ?? 0;
      const isLeft = entry === undefined || answerBytes > BATCH_ANSWER_BYTES_MAX;
      const values = isLeft ? undefined : storedOf(entry);
      if (isLeft) unprocessedKeys.push(key);
      else if (values !== undefined) items.push({ key, values });
    }
    return { table, items, unprocessedKeys };
  });
}

/** For those who joined by GetItem; a batch leaves the key unprocessed. */
function throttled({ table }: Flying): ClientFault {
  return throughputFaults.provisioned({ arn: table.arn, kind: 'Table', operation: 'Read' });
}

function throwUnlessThrottled(error: unknown): void {
  if (!isThrottling(error)) throw error;
}
