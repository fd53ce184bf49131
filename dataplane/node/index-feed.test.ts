import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { spacePrefix } from '../partition/key-space.ts';
import { putOf } from '../routing/local-table.fixture.ts';
import { type FeedCall, methods } from '../routing/protocol.ts';
import { walkSpace } from '../routing/space-walk.ts';
import type { NodeLimits } from './limits.ts';
import { turns } from './manual-scheduler.fixture.ts';
import { mulberry32 } from './mulberry32.fixture.ts';
import { configurationOf, indexedSchema, key, refusal, TestNode } from './node.fixture.ts';

const schema = indexedSchema;
const inIndex = (index: number, g: string): Item => ({ ...key(index), g: { S: g } });
const table = (partitions = 1) => configurationOf(schema, { partitions });

/** Changes that wait in the store of a base partition. */
async function pendingCount(test: TestNode, partitionId = 1n): Promise<number> {
  const prefix = spacePrefix(test.replica(partitionId).storageId, 'pendingIndex');
  let count = 0;
  for await (const pairs of walkSpace(test.host.store, prefix, 100)) count += pairs.length;
  return count;
}

async function indexItems(test: TestNode, partitions = 1): Promise<string[]> {
  const items: Item[] = [];
  for (let index = 0; index < partitions; index++) {
    items.push(...(await test.scan(2_000n + BigInt(index), { indexName: 'G2' })));
  }
  return items.map((item) => JSON.stringify(item)).sort();
}

describe('a global index', () => {
  let test: TestNode;
  const start = async (limits: Partial<NodeLimits> = {}, partitions = 1) => {
    test = await TestNode.start(limits);
    await test.create(table(partitions));
  };
  beforeEach(() => start());
  afterEach(() => test.close());

  const write = (item: Item) => test.write(putOf(item, schema));
  const caughtUp = () => test.scheduler.advance(100);

  it('follows its table, and nothing is left pending', async () => {
    await write(inIndex(1, 'x'));
    await write(inIndex(2, 'x'));
    await write(inIndex(1, 'y'));
    await test.write({ kind: 'delete', key: key(2), condition: undefined });
    await write(key(3));
    await caughtUp();
    expect(await indexItems(test)).toEqual([JSON.stringify(inIndex(1, 'y'))]);
    expect(await pendingCount(test)).toBe(0);
    const [, index] = (await test.report()).partitions;
    expect(index).toMatchObject({ indexId: 2, items: 1 });
  });

  it('is sent changes in few calls, one under way', async () => {
    const calls: (() => void)[] = [];
    test.onCallLeader = async (_, call) => {
      await new Promise<void>((resolve) => calls.push(resolve));
      return call();
    };
    await write(inIndex(0, 'x'));
    await turns();
    await Promise.all([1, 2, 3, 4, 5].map((index) => write(inIndex(index, 'x'))));
    await turns();
    expect(calls).toHaveLength(1);
    calls.shift()?.();
    await turns();
    expect(calls).toHaveLength(1);
    calls.shift()?.();
    await caughtUp();
    expect(await indexItems(test)).toHaveLength(6);
    const [, index] = test.node.metrics();
    expect(index?.metrics).toMatchObject({ feeds: 2, fedChanges: 6 });
  });

  it('has calls of several base partitions in one proposal', async () => {
    await test.close();
    await start({}, 1);
    const index = test.replica(2_000n);
    const sizes: number[] = [];
    const propose = index.propose.bind(index);
    index.propose = (effects) => {
      sizes.push(effects.length);
      return propose(effects);
    };
    await Promise.all(
      [11n, 12n, 13n].map((base) => {
        const call: FeedCall = [
          2_000n,
          base,
          [[5, 5, Buffer.from('a key of some length'), null, null]],
        ];
        return test.call(methods.feed, call);
      }),
    );
    expect(sizes).toEqual([5]); // the entry, counters, and three watermarks
  });

  it('is tried again until its partition can be reached', async () => {
    let failures = 12;
    test.onCallLeader = (_, call) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('away')) : call();
    };
    await write(inIndex(1, 'x'));
    await test.scheduler.advance(1_000);
    expect(await indexItems(test)).toEqual([]);
    await test.scheduler.advance(30_000);
    expect(await indexItems(test)).toHaveLength(1);
    expect(test.events.filter(({ event }) => event === 'indexFeedHeldUp')).toHaveLength(1);
  });

  it('is fed by the next leader what the last one has not', async () => {
    test.onCallLeader = async () => {
      throw new Error('away');
    };
    for (let index = 0; index < 20; index++) await write(inIndex(index, `g${index}`));
    test.replica().depose();
    test.restart();
    test.onCallLeader = (_, call) => call();
    test.replica().elect();
    await caughtUp();
    expect(await indexItems(test)).toHaveLength(20);
    expect(await pendingCount(test)).toBe(0);
  });

  it('goes on with more than fits into memory', async () => {
    await test.close();
    await start({ feedChangesMax: 5 });
    test.onCallLeader = async () => {
      throw new Error('away');
    };
    const writing = Promise.all(
      Array.from({ length: 30 }, (_, index) => write(inIndex(index, `g${index}`))),
    );
    await writing;
    test.replica().depose();
    test.replica().elect();
    await turns();
    test.onCallLeader = (_, call) => call();
    await test.scheduler.until(() => test.node.metrics()[1]?.metrics.fedChanges === 30);
    await caughtUp();
    expect(await pendingCount(test)).toBe(0);
    await write(inIndex(40, 'x'));
    await caughtUp();
    expect(await indexItems(test)).toHaveLength(31);
  });

  it('that is too far behind makes writes wait, and then refuses them', async () => {
    await test.close();
    await start({ feedChangesMax: 5 });
    let isAway = true;
    test.onCallLeader = (_, call) => (isAway ? Promise.reject(new Error('away')) : call());
    for (let index = 0; index < 5; index++) await write(inIndex(index, 'x'));
    const refused = expect(write(inIndex(5, 'x'))).rejects.toMatchObject(refusal('overloaded'));
    await test.scheduler.advance(5_100);
    await refused;
    let isDone = false;
    const waiting = write(inIndex(6, 'x')).then(() => {
      isDone = true;
    });
    await test.scheduler.advance(1_000);
    expect(isDone).toBe(false);
    isAway = false;
    await test.scheduler.until(() => isDone);
    await waiting;
    // A leader that ends takes those that wait along.
    isAway = true;
    for (let index = 10; index < 15; index++) await write(inIndex(index, 'x'));
    const deposed = expect(write(inIndex(15, 'x'))).rejects.toMatchObject(refusal('notLeader'));
    await turns();
    test.replica().depose();
    await deposed;
  });

  it('moves an entry between two of its partitions', async () => {
    await test.close();
    await start({}, 2);
    const owner = async (index: number) => {
      const item = putOf(inIndex(index, 'start'), schema);
      return test.write(item, { partitionId: 1n }).then(
        () => 1n,
        () => 2n,
      );
    };
    const partitionId = await owner(1);
    if (partitionId === 2n) await test.write(putOf(inIndex(1, 'start'), schema), { partitionId });
    for (let round = 0; round < 20; round++) {
      await test.write(putOf(inIndex(1, `g${round}`), schema), { partitionId });
      await caughtUp();
      expect(await indexItems(test, 2)).toEqual([JSON.stringify(inIndex(1, `g${round}`))]);
    }
    const items = (await test.report()).partitions
      .filter(({ indexId }) => indexId === 2)
      .map((partition) => partition.items);
    expect(items.sort()).toEqual([0, 1]);
  });

  it('refuses calls beyond what it takes on, and those of another partition', async () => {
    await test.close();
    await start({ fedCallsMax: 1 });
    test.replica(2_000n).isHolding = true;
    const call: FeedCall = [2_000n, 11n, [[5, 5, Buffer.from('a key of some length'), null, null]]];
    const first = test.call(methods.feed, call);
    await turns();
    await expect(test.call(methods.feed, call)).rejects.toMatchObject(refusal('overloaded'));
    await test.replica(2_000n).release();
    await first;
    const other: FeedCall = [1n, 11n, []];
    await expect(test.call(methods.feed, other)).rejects.toMatchObject(refusal('noReplica'));
    test.replica(2_000n).depose();
    await expect(test.call(methods.feed, call)).rejects.toMatchObject(refusal('notLeader'));
  });

  it('acknowledges what it has taken before without a proposal', async () => {
    await write(inIndex(1, 'x'));
    await caughtUp();
    const index = test.replica(2_000n);
    const { appliedIndex } = index;
    const call: FeedCall = [2_000n, 1n, [[1, 1, Buffer.from('a key of some length'), null, null]]];
    await test.call(methods.feed, call);
    expect(index.appliedIndex).toBe(appliedIndex);
    expect(await indexItems(test)).toHaveLength(1);
  });
});

/** Feed calls get lost, are answered in vain, and come again late and in any order; leaders change. */
class RandomHistory {
  readonly #random: () => number;
  readonly #test: TestNode;
  readonly #earlier: (() => Promise<unknown>)[] = [];
  readonly #open = new Set<Promise<unknown>>();

  constructor(test: TestNode, random: () => number) {
    this.#test = test;
    this.#random = random;
    test.onCallLeader = (_, call) => this.#deliver(call);
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const draw = this.#random();
      if (draw < 0.6) this.#write();
      else if (draw < 0.75) this.#replay();
      else if (draw < 0.85) await this.#changeLeader();
      else await this.#test.scheduler.advance(Math.floor(this.#random() * 200));
      if (this.#random() < 0.3) await turns(1);
    }
    this.#test.onCallLeader = (_, call) => call();
    await Promise.allSettled(this.#open);
    while (this.#earlier.length > 0) this.#replay();
    await this.#test.scheduler.advance(10_000);
    await Promise.allSettled(this.#open);
  }

  async #deliver(call: () => Promise<unknown>): Promise<unknown> {
    this.#earlier.push(call);
    const draw = this.#random();
    if (draw < 0.2) throw new Error('lost on the way there');
    const answer = await call();
    if (draw < 0.4) throw new Error('lost on the way back');
    return answer;
  }

  #write(): void {
    const item = inIndex(Math.floor(this.#random() * 6), `g${Math.floor(this.#random() * 8)}`);
    const draw = this.#random();
    const command =
      draw < 0.7
        ? putOf(draw < 0.1 ? key(Number(item.s && 'N' in item.s ? item.s.N : 0)) : item, schema)
        : ({ kind: 'delete', key: putOf(item, schema).key, condition: undefined } as const);
    for (const partitionId of [1n, 2n]) this.#track(this.#test.write(command, { partitionId }));
  }

  #replay(): void {
    const index = Math.floor(this.#random() * this.#earlier.length);
    const [call] = this.#earlier.splice(index, 1);
    if (call !== undefined) this.#track(call());
  }

  async #changeLeader(): Promise<void> {
    const ids = [1n, 2n, 2_000n, 2_001n];
    const replica = this.#test.replica(ids[Math.floor(this.#random() * ids.length)]);
    replica.isHolding = this.#random() < 0.7;
    this.#write();
    await turns(Math.floor(this.#random() * 5));
    const open = replica.depose();
    const committed = open.slice(0, Math.floor(this.#random() * (open.length + 1)));
    for (const effects of committed) await replica.apply(effects);
    replica.isHolding = false;
    if (this.#random() < 0.3) await this.#test.scheduler.advance(100);
    replica.elect();
  }

  #track(promise: Promise<unknown>): void {
    const settled = promise
      .catch(() => {})
      .finally(() => {
        this.#open.delete(settled);
      });
    this.#open.add(settled);
  }
}

describe('a random history of a global index', () => {
  it('ends with an index that equals the table', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const test = await TestNode.start();
        await test.create(table(2));
        await new RandomHistory(test, mulberry32(seed)).run(120);
        const items = [...(await test.scan(1n)), ...(await test.scan(2n))];
        const expected = items
          .filter(({ g }) => g !== undefined)
          .map((item) => JSON.stringify(item));
        expect(await indexItems(test, 2)).toEqual(expected.sort());
        const { partitions } = await test.report();
        const totals = partitions
          .filter(({ indexId }) => indexId === 2)
          .map(({ items: each }) => each);
        expect(totals.reduce((sum, each) => sum + each, 0)).toBe(expected.length);
        expect((await pendingCount(test, 1n)) + (await pendingCount(test, 2n))).toBe(0);
        await test.close();
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});
