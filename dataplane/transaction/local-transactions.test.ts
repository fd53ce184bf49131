import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Update } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import { mulberry32 } from '../node/mulberry32.fixture.ts';
import { schemaOf } from '../partition/schema.fixture.ts';
import type { LedgerPlace, TransactionCommand } from '../partition/transaction.ts';
import { LocalRouter } from '../routing/local-router.ts';
import { layoutOf, putOf, scanAll, unlimited } from '../routing/local-table.fixture.ts';
import type { ManagedTable } from '../routing/table.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import type { Store } from '../storage/store.ts';
import { requestOf } from './coordinator.fixture.ts';
import type { TransactionCoordinator } from './coordinator.ts';
import { startLocalTransactions } from './local-transactions.ts';

const BALANCE = 100;

interface Bank {
  readonly tables: readonly ManagedTable[];
  readonly transactions: TransactionCoordinator;
}

const opened: Bank[] = [];
afterEach(async () => {
  for (const { tables, transactions } of opened.splice(0)) {
    await transactions.close();
    for (const table of tables) await table.close();
  }
});

/** Two tables with so many partitions each. */
async function openBank(store: Store, partitionsCount: number): Promise<Bank> {
  const router = new LocalRouter(store, { nowMs: () => Date.now() });
  const tables: ManagedTable[] = [];
  for (const [index, tableName] of ['First', 'Second'].entries()) {
    const schema = schemaOf({ tableName, tableId: `id-of-${tableName}` });
    const { partitions, ...layout } = layoutOf(schema, partitionsCount);
    // Ids of partitions are unique in a process.
    const own = partitions.map((range) => ({ ...range, id: range.id + BigInt(index) * 100n }));
    tables.push(await router.openTable({ ...layout, partitions: own }, unlimited));
  }
  const transactions = await startLocalTransactions({ router, hasTable: () => true });
  const bank = { tables, transactions };
  opened.push(bank);
  return bank;
}

const account = (index: number, balance?: number): Item => ({
  p: { S: `account${index}` },
  s: { N: '1' },
  ...(balance !== undefined && { balance: { N: `${balance}` } }),
});

function added(amount: number): Update {
  const path = ['balance'] as const;
  const value = { N: `${amount}` };
  return [{ kind: 'add', path, value, legacy: false }];
}

/** Takes an amount, if it is there. */
function withdrawal(index: number, amount: number): TransactionCommand {
  const value = { N: `${amount}` };
  return {
    kind: 'update',
    key: account(index),
    update: added(-amount),
    condition: {
      kind: 'compare',
      comparator: '>=',
      left: { kind: 'path', path: ['balance'] },
      right: { kind: 'value', value },
    },
  };
}

function deposit(index: number, amount: number): TransactionCommand {
  return { kind: 'update', key: account(index), update: added(amount), condition: undefined };
}

function balanceOf(json: Uint8Array | undefined): number {
  const item = JSON.parse(Buffer.from(json ?? '{}').toString()) as { balance?: { N: string } };
  return Number(item.balance?.N ?? Number.NaN);
}

describe.each([1, 4])('tables of %d partitions', (partitionsCount) => {
  it('transfers between accounts keep the sum, and no reader sees another one', async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = mulberry32(seed);
        const any = (count: number) => Math.floor(random() * count);
        const store = await MemoryStore.open();
        const { tables, transactions } = await openBank(store, partitionsCount);
        const places = tables.flatMap((table) => [0, 1, 2].map((index) => ({ table, index })));
        for (const { table, index } of places) {
          await table.write(putOf(account(index, BALANCE), table.schema));
        }
        const sum = places.length * BALANCE;
        const gets = places.map(({ table, index }) => {
          return { table, key: account(index), projection: undefined };
        });
        const transfer = async () => {
          const [from, to] = places.toSorted(() => random() - 0.5);
          if (from === undefined || to === undefined) return;
          const amount = 1 + any(80);
          const request = requestOf([
            [from.table, withdrawal(from.index, amount)],
            [to.table, deposit(to.index, amount)],
          ]);
          outcomes.add((await transactions.write(request)).kind);
        };
        const look = async () => {
          const result = await transactions.read(gets);
          outcomes.add(result.kind);
          if (result.kind !== 'read') return;
          const total = result.items.reduce((all, { json }) => all + balanceOf(json), 0);
          expect(total).toBe(sum);
        };
        for (let rounds = 0; rounds < 8; rounds++) {
          await Promise.all([transfer(), transfer(), look(), transfer(), look()]);
        }
        const items = (await Promise.all(tables.map((table) => scanAll(table)))).flat();
        const total = items.reduce(
          (all, item) => all + Number((item.balance as { N: string }).N),
          0,
        );
        expect(total).toBe(sum);
      }),
      { numRuns: 8 },
    );
    expect(outcomes).toEqual(new Set(['committed', 'cancelled', 'read']));
  });

  it('requests with one token, all at once, are done once', async () => {
    const store = await MemoryStore.open();
    const { tables, transactions } = await openBank(store, partitionsCount);
    const actions = tables.flatMap((table) =>
      [0, 1].map((index) => [table, deposit(index, 1)] as const),
    );
    const one = () =>
      transactions.write(requestOf(actions, 'once')).then(
        ({ kind }) => kind,
        (fault) => fault.type,
      );
    const kinds = await Promise.all([one(), one(), one()]);
    expect(kinds.filter((kind) => kind === 'committed')).toHaveLength(1);
    for (const kind of kinds) {
      expect(['committed', 'repeated', 'TransactionInProgressException']).toContain(kind);
    }
    expect(await one()).toBe('repeated');
    for (const [table, { key }] of actions) {
      const { json } = await table.get(key, { consistentRead: true, projection: undefined });
      expect(balanceOf(json)).toBe(1);
    }
  });

  it('a process that died in the middle has its transactions finished by the next', async () => {
    for (const isDecided of [false, true]) {
      const store = await MemoryStore.open();
      const before = await openBank(store, partitionsCount);
      const [first, second] = before.tables;
      if (first === undefined || second === undefined) throw new Error('there are two tables');
      const attempt = { id: new Uint8Array(16).fill(7), number: 1 };
      const ledgerId = first.partitionOfHash(attempt.id);
      const { tableId, tableName } = first.schema;
      const ledger: LedgerPlace = { tableId, tableName, partitionId: ledgerId };
      const digest = new Uint8Array(32);
      await first.transact(ledgerId, { kind: 'claim', id: attempt.id, digest, runId: attempt.id });
      const participants = [];
      for (const table of [first, second]) {
        const command = deposit(0, 5);
        const partitionId = table.partitionOf(command.key);
        const common = { attempt, ledger, commands: [command], exhaustedIndexes: [] };
        await table.transact(partitionId, { kind: 'prepare', ...common });
        participants.push({ ...table.schema, partitionId });
        const write = table.write(putOf(account(0, 1), table.schema));
        await expect(write).rejects.toMatchObject({ type: 'TransactionConflictException' });
      }
      if (isDecided) {
        const timestamp = Date.now() * 1_000 + 1_000_000;
        const outcome = { kind: 'commit', timestamp, participants } as const;
        await first.transact(ledgerId, { kind: 'decide', attempt, outcome });
      }
      for (const { tables, transactions } of opened.splice(0)) {
        await transactions.close();
        for (const table of tables) await table.close();
      }
      const after = await openBank(store, partitionsCount);
      for (const table of after.tables) {
        const { json } = await table.get(account(0), {
          consistentRead: true,
          projection: undefined,
        });
        expect(json === undefined ? undefined : balanceOf(json)).toBe(isDecided ? 5 : undefined);
        await table.write(putOf(account(0, 1), table.schema));
      }
    }
  });
});
