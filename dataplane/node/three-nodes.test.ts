import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import type { UpdateCommand, WriteCommand } from '../partition/command.ts';
import { pause } from '../replication/scheduler.ts';
import { putOf } from '../routing/local-table.fixture.ts';
import { methods } from '../routing/protocol.ts';
import { mulberry32 } from './mulberry32.fixture.ts';
import { configurationOf, indexedSchema, key } from './node.fixture.ts';
import { sorted, ThreeNodes } from './three-nodes.fixture.ts';

const table = configurationOf(indexedSchema);
const BASE = 1n;
const INDEX = 2_000n;

/** Counts, and moves the item in the index: `g` is the count before. */
const increment: UpdateCommand = {
  kind: 'update',
  key: key(1),
  condition: undefined,
  update: [{ kind: 'add', path: ['n'], value: { N: '1' }, legacy: false }],
};
const putIndexed = (index: number, g: string): WriteCommand =>
  putOf({ ...key(index), g: { S: g } }, indexedSchema);

const countOf = (item: Item | undefined) => Number(item?.n && 'N' in item.n ? item.n.N : 0);

describe('three storage nodes on Raft', () => {
  let test: ThreeNodes;
  beforeEach(async () => {
    test = await ThreeNodes.start();
    await test.create(table);
  });
  afterEach(() => test.close());

  it('serve a table and its index, on any replica', async () => {
    for (let index = 0; index < 10; index++) {
      await test.settle(test.write(BASE, putIndexed(index, `g${index}`)));
    }
    expect(await test.settle(test.get(BASE, key(3), table))).toMatchObject({ g: { S: 'g3' } });
    const items = await test.settle(test.scan(BASE));
    expect(items).toHaveLength(10);
    expect(await test.settle(test.indexed([INDEX], 'G2', items))).toEqual(sorted(items));
  });

  it('go on when the leader ends, and it comes back', async () => {
    await test.settle(test.write(BASE, increment));
    const leader = test.cluster.nodeOf(await test.cluster.leader(BASE));
    test.cluster.hub.isolate(leader);
    await test.settle(test.write(BASE, increment));
    test.cluster.hub.heal();
    await test.settle(test.write(BASE, increment));
    await test.restart(leader);
    await test.settle(test.write(BASE, increment));
    expect(countOf(await test.settle(test.get(BASE, key(1), table)))).toBe(4);
  });

  it('hand leadership over when drained', async () => {
    const leader = await test.cluster.leader(BASE);
    const from = test.cluster.nodeOf(leader);
    const node = test.cluster.node(from);
    const other = ['a', 'b', 'c'].find((id) => id !== from);
    const call = { partitionId: BASE, toNode: other };
    await test.settle(
      test.client.request(from, methods.transferLeadership, call, { timeoutMs: 5_000 }),
    );
    await test.cluster.leader(BASE, node.host.get(BASE));
    await test.settle(test.write(BASE, increment));
  });
});

describe('a random history on three nodes', () => {
  const probes = new Set<string>();

  it('does each write once, shows what was acknowledged, and indexes it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const test = await ThreeNodes.start();
        await test.create(table);
        const random = mulberry32(seed);
        let acknowledged = 0;
        const counts: number[] = [];
        const client = async (writes: number) => {
          for (let each = 0; each < writes; each++) {
            const answer = await test.write(BASE, increment);
            counts.push(countOf(JSON.parse(Buffer.from(answer[4] ?? []).toString())));
            acknowledged += 1;
            const before = acknowledged;
            await test.write(BASE, putIndexed(2 + Math.floor(random() * 4), `g${each % 3}`));
            expect(countOf(await test.get(BASE, key(1), table))).toBeGreaterThanOrEqual(before);
            await pause(test.cluster.scheduler, Math.floor(random() * 500));
          }
        };
        test.losesAnswer = () => random() < 0.2;
        const clients = Promise.all([client(12), client(12), client(12)]);
        const trouble = async () => {
          for (let round = 0; round < 6; round++) {
            await test.cluster.clock?.advance(100 + Math.floor(random() * 1_500));
            const node = ['a', 'b', 'c'][Math.floor(random() * 3)] ?? 'a';
            const draw = random();
            if (draw < 0.4) await test.restart(node);
            else if (draw < 0.6) test.cluster.hub.isolate(node);
            else test.isolateFromNodes(node);
            await test.cluster.clock?.advance(Math.floor(random() * 4_000));
            test.cluster.hub.heal();
          }
        };
        await trouble();
        await test.settle(clients);
        expect(counts.sort((one, other) => one - other)).toEqual(counts.map((_, at) => at + 1));
        const items = await test.settle(test.scan(BASE));
        const indexed = items.filter(({ g }) => g !== undefined);
        expect(await test.settle(test.indexed([INDEX], 'G2', indexed))).toEqual(sorted(indexed));
        for (const probe of test.probes) probes.add(probe);
        await test.close();
      }),
      { numRuns: 8 },
    );
    expect(probes).toContain('repeatedWrite');
  }, 120_000);
});
