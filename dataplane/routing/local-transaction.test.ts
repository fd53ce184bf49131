import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Item } from '../item/attribute-value.ts';
import { addTo, executeOf, idOf, prepareOf, present } from '../partition/transaction.fixture.ts';
import { Installation, indexed, plain, putAll, putOf, scanAll } from './local-table.fixture.ts';
import type { ManagedTable, TableThroughput } from './table.ts';
import { recover, TwoPhases } from './two-phase.fixture.ts';

/** Items of collections of their own, so that they are in several partitions. */
const keyOf = (name: string): Item => ({ p: { S: name }, s: { N: '1' } });
const itemOf = (name: string, n: number): Item => ({ ...keyOf(name), n: { N: `${n}` } });
const put = (name: string, n: number) => putOf(itemOf(name, n), plain);
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

let installation: Installation;
beforeEach(async () => {
  installation = await Installation.create();
});
afterEach(() => installation.close());

async function get(table: ManagedTable, name: string): Promise<Item | undefined> {
  const { json } = await table.get(keyOf(name), { consistentRead: true, projection: undefined });
  return json && JSON.parse(Buffer.from(json).toString());
}

describe('a transaction on a table of one process', () => {
  it('changes items of several partitions at once', async () => {
    const table = await installation.open(plain, { partitions: 4 });
    const transaction = new TwoPhases(
      table,
      't',
      names.map((name, index) => put(name, index)),
    );
    expect(transaction.participants.length).toBeGreaterThan(1);
    await transaction.claim(table);
    expect(await transaction.prepare(table)).toBe(true);
    expect(await scanAll(table)).toEqual([]);
    expect(await transaction.decide(table, true)).toBe(true);
    await transaction.finish(table, true);
    for (const [index, name] of names.entries()) {
      expect(await get(table, name)).toEqual(itemOf(name, index));
    }
  });

  it('changes none when one partition refuses', async () => {
    const table = await installation.open(plain, { partitions: 4 });
    await putAll(table, [itemOf('a', 1)]);
    const commands = [
      ...names.map((name) => put(name, 2)),
      { kind: 'check', key: keyOf('z'), condition: present } as const,
    ];
    expect(await new TwoPhases(table, 't', commands).run(table)).toBe(false);
    expect(await scanAll(table)).toEqual([itemOf('a', 1)]);
    expect(await new TwoPhases(table, 'u', commands.slice(0, 8)).run(table)).toBe(true);
  });

  it('in one partition is one step', async () => {
    const table = await installation.open(indexed);
    const call = executeOf('t', [addTo(1), addTo(2)]);
    expect(
      await table.transact(table.partitionOf(call.commands[0]?.key ?? {}), call),
    ).toMatchObject({
      kind: 'done',
      outcomes: [{ collectionBytes: 8 }, { collectionBytes: 16 }],
    });
    expect(await scanAll(table)).toHaveLength(2);
    expect(table.statistics().items).toBe(2);
  });

  it.each(['before it was decided', 'after it was decided', 'half finished'])(
    'is finished by whoever comes after a crash %s',
    async (moment) => {
      const first = await installation.open(plain, { partitions: 4 });
      const transaction = new TwoPhases(
        first,
        't',
        names.map((name) => put(name, 1)),
      );
      await transaction.claim(first);
      await transaction.prepare(first);
      if (moment !== 'before it was decided') await transaction.decide(first, true);
      const [participant, ...others] = transaction.participants;
      if (moment === 'half finished') {
        await transaction.finishAt(first, participant?.partitionId ?? 0n, true);
        expect(others.length).toBeGreaterThan(0);
      }
      await first.close();
      const table = await installation.open(plain, { partitions: 4 });
      await expect(table.write(addOf(names))).rejects.toMatchObject({
        type: 'TransactionConflictException',
      });
      const ids = table.partitions.map(({ id }) => id);
      expect(await recover(table, ids)).toBeGreaterThan(0);
      const isCommitted = moment !== 'before it was decided';
      expect(await scanAll(table)).toHaveLength(isCommitted ? names.length : 0);
      expect(await recover(table, ids)).toBe(0);
      expect(await transaction.decide(table, true)).toBe(isCommitted);
    },
  );

  /** An update of an item that the last of the participants has. */
  function addOf(of: readonly string[]) {
    return { ...addTo(1), key: keyOf(of.at(-1) ?? '') };
  }

  it('has the partition that owns its id as its ledger', async () => {
    const table = await installation.open(plain, { partitions: 4 });
    const owners = [0x00, 0x3f, 0x40, 0x80, 0xff].map((byte) =>
      table.partitionOfHash(Buffer.alloc(16, byte)),
    );
    expect(owners).toEqual([1n, 1n, 2n, 3n, 4n]);
    expect(table.partitionOfHash(idOf('t'))).toBe(table.partitionOfHash(idOf('t')));
  });

  it('finds no partition that the table does not have', async () => {
    const table = await installation.open(plain);
    await expect(table.transact(99n, prepareOf('t', [addTo(1)]))).rejects.toMatchObject({
      type: 'ResourceNotFoundException',
    });
  });

  it('may not change keys', async () => {
    const table = await installation.open(plain);
    const update = [{ kind: 'remove', path: ['s'] }] as const;
    const call = prepareOf('t', [{ ...addTo(1), update }]);
    await expect(table.transact(1n, call)).rejects.toMatchObject({ type: 'ValidationException' });
  });
});

describe('the throughput of a transaction', () => {
  const limits = (units: number): TableThroughput => ({
    mode: 'provisioned',
    table: { readUnits: units, writeUnits: units },
    globalIndexes: new Map([['G2', { readUnits: units, writeUnits: units }]]),
  });
  const BURST_SECONDS = 300;
  const indexedItem = (name: string) => ({ ...itemOf(name, 1), g: { S: 'g' } });

  /** Units that are left of the burst, by spending them on single writes or reads. */
  async function leftOf(spend: () => Promise<unknown> | unknown): Promise<number> {
    for (let units = 0; units <= BURST_SECONDS; units++) {
      try {
        await spend();
      } catch {
        return units;
      }
    }
    return BURST_SECONDS;
  }

  it('is twice the units of the table for writes, and once where a condition failed', async () => {
    const table = await installation.open(plain, { throughput: limits(1) });
    const condition = { kind: 'exists', path: ['p'], negated: false } as const;
    const commands = [put('a', 1), put('b', 1), { ...put('c', 1), condition }];
    await table.transact(1n, prepareOf('t', commands));
    expect(await leftOf(() => table.write(put('x', 1)))).toBe(BURST_SECONDS - 5);
    await expect(table.transact(1n, prepareOf('u', commands))).rejects.toMatchObject({
      type: 'ProvisionedThroughputExceededException',
    });
    // What ends a transaction, or asks after it, costs nothing.
    await new TwoPhases(table, 't', commands).finish(table, false);
    await table.transact(1n, { kind: 'stalled', isAll: true });
  });

  it('is once the units of indexes, and an index without units refuses its actions', async () => {
    const table = await installation.open(indexed, { throughput: limits(1) });
    table.setThroughput({ ...limits(1), table: { readUnits: 1, writeUnits: undefined } });
    await table.transact(1n, executeOf('t', [putOf(indexedItem('a'), indexed)]));
    const spend = (index: number) => table.write(putOf(indexedItem(`x${index}`), indexed));
    let index = 0;
    expect(await leftOf(() => spend(index++))).toBe(BURST_SECONDS - 1);
    const answer = await table.transact(
      1n,
      prepareOf('u', [putOf(indexedItem('b'), indexed), put('c', 1)]),
    );
    expect(answer.outcomes).toMatchObject([
      { kind: 'fault', fault: { type: 'ProvisionedThroughputExceededException' } },
      { kind: 'accepted' },
    ]);
  });

  it('is the strong units for each of two reads', async () => {
    const table = await installation.open(plain, { throughput: limits(1) });
    await putAll(table, [{ ...itemOf('a', 1), text: { S: 'x'.repeat(5_000) } }]);
    const call = { kind: 'read', keys: [keyOf('a'), keyOf('b')] } as const;
    await table.transact(1n, call);
    const read = () => table.get(keyOf('z'), { consistentRead: true, projection: undefined });
    expect(await leftOf(read)).toBe(BURST_SECONDS - 3);
    await expect(table.transact(1n, call)).rejects.toMatchObject({
      type: 'ProvisionedThroughputExceededException',
    });
  });
});
