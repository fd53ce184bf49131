import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { AttributeValue, Item } from '../../dataplane/item/attribute-value.ts';
import { encodeKey } from '../protocol/keys.ts';
import { TableCallError } from '../tables/table-calls.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { TestNode } from './cached-tables.fixture.ts';
import type { KeyWrite } from './cached-tables.ts';
import type { TestTables } from './tables.fixture.ts';

/** A table of collections of a few items each. */
export const collections = {
  TableName: 'Collections',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
} as const;

/** A read that was given what was not the latest any more when it began. */
export interface Violation {
  readonly key: string;
  readonly operation: string;
  readonly node: number;
  readonly given: string;
  readonly expected: string;
}

const ABSENT = 'no such item';

/**
 * What the table did to each key, in its order, and what has been acknowledged of it. The checker is
 * sound because writes of a key reach the table one at a time.
 */
export class History {
  readonly violations: Violation[] = [];
  readsCount = 0;
  acknowledgedCount = 0;
  failedCount = 0;
  /** Reads by writes acknowledged since the start of the read: races that were really there. */
  racesCount = 0;
  readonly #values = new Map<string, string[]>();
  readonly #acknowledged = new Map<string, number>();

  /** The table has the value now. @returns its rank */
  applied(key: string, value: string): number {
    const values = this.#valuesOf(key);
    values.push(value);
    return values.length - 1;
  }

  acknowledged(key: string, rank: number): void {
    this.acknowledgedCount += 1;
    this.#acknowledged.set(key, Math.max(rank, this.floor(key)));
  }

  /** Rank of the latest acknowledged write. */
  floor(key: string): number {
    return this.#acknowledged.get(key) ?? 0;
  }

  check(read: Omit<Violation, 'expected'>, floor: number): void {
    this.readsCount += 1;
    if (this.floor(read.key) > floor) this.racesCount += 1;
    const values = this.#valuesOf(read.key);
    // The same value may be there several times (none at all): the latest counts.
    const rank = values.lastIndexOf(read.given);
    assert(rank >= 0, 'a value that nobody wrote');
    if (rank < floor) this.violations.push({ ...read, expected: values[floor] ?? '' });
  }

  #valuesOf(key: string): string[] {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const values = [ABSENT];
    this.#values.set(key, values);
    return values;
  }
}

export interface WorkloadOptions {
  readonly nodes: readonly TestNode[];
  readonly tables: TestTables;
  readonly table: TableInfo;
  readonly random: () => number;
  /** Of a call of the table, on the way there and on the way back. */
  readonly delayMs: () => number;
  /** 0 to 1: of writes whose outcome the caller is not told. */
  readonly uncertainShare: number;
}

/** Clients that read and write few keys through all nodes, and check what they are given. */
export class Workload {
  readonly history = new History();
  readonly #options: WorkloadOptions;
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Writes that the table does after their caller has given up. */
  readonly #late: Promise<unknown>[] = [];
  #writesCount = 0;
  #round = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { tables } = options;
    const direct = tables.call.bind(tables);
    tables.call = (operation, body) => this.#callTable(operation, body, direct);
  }

  get random(): () => number {
    return this.#options.random;
  }

  /** Each client does one thing after another, until `isOver`. */
  async run(clientsCount: number, isOver: () => boolean): Promise<void> {
    const client = async (index: number) => {
      const { nodes } = this.#options;
      while (!isOver()) await this.#step(index % nodes.length);
    };
    await Promise.all(Array.from({ length: clientsCount }, (_, index) => client(index)));
  }

  async whenQuiet(): Promise<void> {
    await Promise.all(this.#late);
  }

  /** Further steps are on keys that nobody has seen. */
  nextKeys(): void {
    this.#round += 1;
  }

  async #step(node: number): Promise<void> {
    const dice = this.#options.random();
    // As doors do.
    await this.#node(node).cache.describe(this.#options.table.name);
    try {
      if (dice < 0.6) await this.#get(node);
      else if (dice < 0.68) await this.#batchGet(node);
      else if (dice < 0.76) await this.#query(node);
      else if (dice < 0.8) await this.#scan(node);
      else await this.#write(node, dice);
    } catch (error) {
      if (!(error instanceof TableCallError)) throw error;
      this.history.failedCount += 1;
    }
  }

  async #get(node: number): Promise<void> {
    const key = this.#anyKey();
    const floor = this.history.floor(nameOf(key));
    const item = await this.#node(node).get(this.#options.table, key);
    this.#check('GetItem', node, { key, item, floor });
  }

  async #batchGet(node: number): Promise<void> {
    const keys = this.#allKeys();
    const floors = keys.map((key) => this.history.floor(nameOf(key)));
    const { table } = this.#options;
    const requests = [
      { table, keys: keys.map((key) => encodeKey(table.key, key)), consistentRead: false },
    ];
    const read = await this.#node(node).cache.batchGetItem({ requests, capacity: undefined });
    const found = new Map(
      read.tables[0]?.items.map(({ key, values }) => [key.toString('latin1'), values]),
    );
    for (const [index, key] of keys.entries()) {
      const values = found.get(encodeKey(table.key, key).toString('latin1'));
      const item = await this.#node(node).itemOf(values);
      this.#check('BatchGetItem', node, { key, item, floor: floors[index] ?? 0 });
    }
  }

  async #query(node: number): Promise<void> {
    const { pk } = this.#anyKey();
    const keys = this.#allKeys().filter((key) => key.pk.S === pk.S);
    const floors = keys.map((key) => this.history.floor(nameOf(key)));
    const { Items } = await this.#node(node).query(this.#options.table, pk);
    this.#checkPage('Query', node, { keys, floors, items: Items });
  }

  async #scan(node: number): Promise<void> {
    const keys = this.#allKeys();
    const floors = keys.map((key) => this.history.floor(nameOf(key)));
    const { Items } = await this.#node(node).scan(this.#options.table);
    this.#checkPage('Scan', node, { keys, floors, items: Items });
  }

  #checkPage(
    operation: string,
    node: number,
    {
      keys,
      floors,
      items,
    }: { keys: readonly Key[]; floors: readonly number[]; items: readonly Item[] },
  ): void {
    const found = new Map(items.map((item) => [nameOf(item), item]));
    for (const [index, key] of keys.entries()) {
      this.#check(operation, node, {
        key,
        item: found.get(nameOf(key)),
        floor: floors[index] ?? 0,
      });
    }
  }

  #check(
    operation: string,
    node: number,
    { key, item, floor }: { key: Key; item: Item | undefined; floor: number },
  ): void {
    this.history.check({ key: nameOf(key), operation, node, given: shownOf(item) }, floor);
  }

  async #write(node: number, dice: number): Promise<void> {
    const written: Written = new Map();
    await writtenHere.run(written, () => this.#writeAny(node, dice));
    for (const [key, rank] of written) this.history.acknowledged(key, rank);
  }

  async #writeAny(node: number, dice: number): Promise<void> {
    this.#writesCount += 1;
    const value = `value ${this.#writesCount}`;
    const key = this.#anyKey();
    const { table } = this.#options;
    const via = this.#node(node);
    const item = { ...key, v: { S: value } };
    if (dice < 0.86) await via.put(table, item);
    else if (dice < 0.92) {
      await via.update(table, key, {
        UpdateExpression: 'SET v = :v',
        ExpressionAttributeValues: { ':v': { S: value } },
        ...(dice < 0.9 ? {} : { ReturnValues: 'UPDATED_NEW' }),
      });
    } else if (dice < 0.94) await via.remove(table, key);
    else if (dice < 0.96) await this.#batchWrite(via, value);
    else await this.#transact(via, { key, item, hasToken: dice < 0.98 });
  }

  async #batchWrite({ cache }: TestNode, value: string): Promise<void> {
    const { table } = this.#options;
    const items = this.#allKeys().map((key) => ({ ...key, v: { S: value } }));
    await cache.batchWriteItem({
      body: { RequestItems: { [table.name]: items.map((Item) => ({ PutRequest: { Item } })) } },
      writes: items.map((item) => this.#keyWrite(item)),
      retriesUnprocessedPuts: false,
    });
  }

  async #transact(
    { cache }: TestNode,
    { key, item, hasToken }: { key: Key; item: Item; hasToken: boolean },
  ): Promise<void> {
    const { table } = this.#options;
    const put = { Put: { TableName: table.name, Item: item } };
    const token = hasToken ? { ClientRequestToken: `token ${this.#writesCount}` } : {};
    await cache.transactWriteItems({
      body: { TransactItems: [put], ...token },
      writes: [this.#keyWrite({ ...key, ...item })],
    });
  }

  #keyWrite(item: Item): KeyWrite {
    const { table } = this.#options;
    return { table, key: encodeKey(table.key, item), item };
  }

  /** In the place of the tables: slow, sometimes without an answer, and one write of a key at a time. */
  async #callTable(
    operation: string,
    body: JsonObject,
    direct: TestTables['call'],
  ): Promise<JsonObject> {
    const { delayMs, uncertainShare, random } = this.#options;
    const values = valuesWrittenBy(operation, body);
    const perform = () => this.#inTurn(values, () => direct(operation, body));
    await pause(delayMs());
    const isLost = values.size > 0 && random() < uncertainShare;
    if (isLost && random() < 0.5) {
      // It is done all the same, later.
      this.#late.push(pause(20 * delayMs()).then(perform));
      throw new TableCallError('no answer', true);
    }
    const answer = await perform();
    await pause(delayMs());
    if (isLost) throw new TableCallError('no answer', true);
    return answer;
  }

  async #inTurn<T>(values: ReadonlyMap<string, string>, perform: () => Promise<T>): Promise<T> {
    const turn = Promise.withResolvers<void>();
    const before = Array.from(values.keys(), (key) => this.#turns.get(key));
    for (const key of values.keys()) this.#turns.set(key, turn.promise);
    try {
      await Promise.all(before);
      const written = writtenHere.getStore();
      for (const [key, value] of values) written?.set(key, this.history.applied(key, value));
      return await perform();
    } finally {
      turn.resolve();
    }
  }

  #node(index: number): TestNode {
    const node = this.#options.nodes[index];
    if (node === undefined) throw new RangeError('no such node');
    return node;
  }

  #anyKey(): Key {
    const keys = this.#allKeys();
    const key = keys[Math.floor(this.#options.random() * keys.length)];
    if (key === undefined) throw new RangeError('no key');
    return key;
  }

  #allKeys(): readonly Key[] {
    const pk = (name: string) => ({ S: `${name}${this.#round}` });
    return [
      { pk: pk('a'), sk: { S: '1' } },
      { pk: pk('a'), sk: { S: '2' } },
      { pk: pk('b'), sk: { S: '1' } },
      { pk: pk('c'), sk: { S: '1' } },
      { pk: pk('d'), sk: { S: '1' } },
    ];
  }
}

/** Something that happens to a cluster while clients go on. */
export interface Trouble {
  readonly begin: () => unknown;
  readonly end?: () => unknown;
}

export interface Drive {
  readonly clientsCount: number;
  readonly lengthMs: number;
  /** One after the other, again and again. */
  readonly troubles: readonly Trouble[];
  /** Before each trouble, and how long it lasts, at most. */
  readonly calmMs: number;
  readonly troubleMs: number;
  /** Ends with the first violation. */
  readonly isHunt?: boolean;
  /**
   * Whether what is to be seen could be seen: on a machine with much else to do it goes on until then,
   * ten times `lengthMs` at most.
   */
  readonly isEnough?: () => boolean;
}

/** Lets clients work for a while, and trouble come. */
export async function drive(workload: Workload, options: Drive): Promise<History> {
  const { clientsCount, lengthMs, troubles, calmMs, troubleMs, isHunt = false } = options;
  const { isEnough = () => true } = options;
  const startMs = performance.now();
  const hasFound = () => isHunt && workload.history.violations.length > 0;
  const isOver = () => {
    const passedMs = performance.now() - startMs;
    return hasFound() || passedMs >= (isEnough() ? lengthMs : 10 * lengthMs);
  };
  const clients = workload.run(clientsCount, isOver);
  for (let turn = 0; !isOver(); turn += 1) {
    for (let part = 0; part < 4; part += 1) {
      await pause(calmMs / 4);
      workload.nextKeys();
    }
    const trouble = troubles[turn % troubles.length];
    await trouble?.begin();
    await pause(workload.random() * troubleMs);
    await trouble?.end?.();
  }
  await clients;
  await workload.whenQuiet();
  return workload.history;
}

interface Key {
  readonly pk: { readonly S: string };
  readonly sk: { readonly S: string };
  readonly [name: string]: AttributeValue;
}

/** Ranks by key of what one step has written. */
type Written = Map<string, number>;
const writtenHere = new AsyncLocalStorage<Written>();

function nameOf({ pk, sk }: Item): string {
  return `${JSON.stringify(pk)}${JSON.stringify(sk)}`;
}

function shownOf(item: Item | undefined): string {
  return item === undefined ? ABSENT : JSON.stringify(item.v);
}

/** By key. */
function valuesWrittenBy(operation: string, body: JsonObject): ReadonlyMap<string, string> {
  // biome-ignore lint/suspicious/noExplicitAny: of this file's own making
  const request = body as any;
  const put = (item: Item): [string, string] => [nameOf(item), shownOf(item)];
  switch (operation) {
    case 'PutItem':
      return new Map([put(request.Item)]);
    case 'UpdateItem':
      return new Map([
        [nameOf(request.Key), JSON.stringify(request.ExpressionAttributeValues[':v'])],
      ]);
    case 'DeleteItem':
      return new Map([[nameOf(request.Key), ABSENT]]);
    case 'BatchWriteItem':
      return new Map(
        request.RequestItems.Collections.map((each: { PutRequest: { Item: Item } }) =>
          put(each.PutRequest.Item),
        ),
      );
    case 'TransactWriteItems':
      return new Map(
        request.TransactItems.map((each: { Put: { Item: Item } }) => put(each.Put.Item)),
      );
    default:
      return new Map();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
