import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import type { UpdateCommand } from '../partition/command.ts';
import { CompiledSchema } from '../partition/compiled-schema.ts';
import { pause } from '../replication/scheduler.ts';
import { putOf } from '../routing/local-table.fixture.ts';
import { partitionList, partitionOf, partitionOfHash } from '../routing/partition-map.ts';
import { recover, type TransactionTable, TwoPhases } from '../routing/two-phase.fixture.ts';
import { mulberry32 } from './mulberry32.fixture.ts';
import { configurationOf, indexedSchema } from './node.fixture.ts';
import { sorted, ThreeNodes } from './three-nodes.fixture.ts';

/** Two partitions, each led by some node; accounts are spread over both. */
const table = configurationOf(indexedSchema, { partitions: 2 });
const PARTITIONS = [1n, 2n];
const INDEX_PARTITIONS = [2_000n, 2_001n];
const ACCOUNTS = 6;
const SUM = ACCOUNTS * 100;
const CLIENTS = 3;
const TRANSFERS = 10;

const accountKey = (account: number): Item => ({ p: { S: `account ${account}` }, s: { N: '1' } });
const balanceOf = ({ n }: Item) => Number(n !== undefined && 'N' in n ? n.N : Number.NaN);

function addTo(account: number, amount: number): UpdateCommand {
  const value = { N: `${amount}` };
  return {
    kind: 'update',
    key: accountKey(account),
    condition: {
      kind: 'compare',
      comparator: '>=',
      left: { kind: 'path', path: ['n'] },
      right: { kind: 'value', value: { N: `${Math.max(0, -amount)}` } },
    },
    update: [{ kind: 'add', path: ['n'], value, legacy: false }],
  };
}

/** The table as a coordinator sees it whose calls are repeated until they are answered. */
function tableAt(test: ThreeNodes): TransactionTable {
  const { schema, partitions } = table.layout;
  const compiled = new CompiledSchema(schema);
  const ranged = partitionList(partitions.map((range) => ({ range })));
  return {
    schema,
    partitionOf: (key) => partitionOf(ranged, compiled.itemKey(key)).range.id,
    partitionOfHash: (hash) => partitionOfHash(ranged, hash).range.id,
    transact: (partitionId, call) => test.transact(partitionId, call),
  };
}

it('random transfers on three nodes keep their sum, through crashes of leaders and coordinators', async () => {
  const counts = { committed: 0, aborted: 0, abandoned: 0, recovered: 0 };
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const test = await ThreeNodes.start();
      await test.create(table);
      const remote = tableAt(test);
      const random = mulberry32(seed);
      const pick = (count: number) => Math.floor(random() * count);
      for (let account = 0; account < ACCOUNTS; account++) {
        const item = { ...accountKey(account), n: { N: '100' }, g: { S: 'all' } };
        const partitionId = remote.partitionOf(item);
        await test.settle(test.write(partitionId, putOf(item, indexedSchema)));
      }
      /** May stop after any step, and leave what it has begun to others. */
      const transfer = async (name: string): Promise<void> => {
        const from = pick(ACCOUNTS);
        const to = (from + 1 + pick(ACCOUNTS - 1)) % ACCOUNTS;
        const amount = 1 + pick(80);
        const run = new TwoPhases(remote, name, [addTo(from, -amount), addTo(to, amount)]);
        const stopsAfter = random() < 0.3 ? pick(3) : 3;
        await run.claim(remote);
        const isPrepared = await run.prepare(remote);
        if (stopsAfter < 3) counts.abandoned += 1;
        if (stopsAfter === 0) return;
        const isCommitted = await run.decide(remote, isPrepared);
        if (stopsAfter === 1) return;
        const [first] = run.participants;
        if (stopsAfter === 2) {
          await run.finishAt(remote, first?.partitionId ?? 0n, isCommitted);
          return;
        }
        await run.finish(remote, isCommitted);
        if (isCommitted) counts.committed += 1;
        else counts.aborted += 1;
      };
      let isOver = false;
      const recovery = async () => {
        while (!isOver) {
          await pause(test.cluster.scheduler, 1_500);
          counts.recovered += await recover(remote, PARTITIONS, { isAll: false });
        }
      };
      const client = async (id: number) => {
        for (let each = 0; each < TRANSFERS; each++) {
          await transfer(`${seed} ${id} ${each}`);
          await pause(test.cluster.scheduler, pick(600));
        }
      };
      test.losesAnswer = () => random() < 0.15;
      const recovering = recovery();
      const clients = Promise.all(Array.from({ length: CLIENTS }, (_, id) => client(id)));
      for (let round = 0; round < 5; round++) {
        await test.cluster.clock?.advance(100 + pick(2_000));
        const node = ['a', 'b', 'c'][pick(3)] ?? 'a';
        const draw = random();
        if (draw < 0.4) await test.restart(node);
        else if (draw < 0.6) test.cluster.hub.isolate(node);
        else test.isolateFromNodes(node);
        await test.cluster.clock?.advance(pick(4_000));
        test.cluster.hub.heal();
      }
      await test.settle(clients);
      isOver = true;
      await test.settle(recovering);
      counts.recovered += await test.settle(recover(remote, PARTITIONS));
      const items = (await test.settle(Promise.all(PARTITIONS.map((id) => test.scan(id))))).flat();
      expect(items.reduce((sum, item) => sum + balanceOf(item), 0)).toBe(SUM);
      expect(items.every((item) => balanceOf(item) >= 0)).toBe(true);
      const indexed = await test.settle(test.indexed(INDEX_PARTITIONS, 'G2', items));
      expect(indexed).toEqual(sorted(items));
      await test.close();
    }),
    { numRuns: 3 },
  );
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
}, 120_000);
