import { expect, it } from 'vitest';
import type { Operation } from '../api/operation.ts';
import { tableFaults } from '../errors/tables.ts';
import { transportFaults } from '../errors/transport.ts';
import { OperationCounts } from './operation-counts.ts';

const context = { tables: { openTable: () => never() }, clock: { nowMs: () => 0 } };
function never(): never {
  throw new Error('no table is opened');
}

function count(handle: Operation['handle']) {
  let nowMs = 0;
  const counts = new OperationCounts(() => {
    nowMs += 5;
    return nowMs;
  });
  const operation = counts.counted({ name: 'GetItem', handle });
  const run = () => operation.handle({}, { ...context, region: 'r', accountId: 'a', host: 'h' });
  return { counts, run };
}

it('counts what succeeds, at once or later, with its time', async () => {
  const sync = count(() => ({ a: 1 }));
  expect(sync.run()).toEqual({ a: 1 });
  const later = Promise.withResolvers<object>();
  const { counts, run } = count(() => later.promise.then(() => ({})));
  const running = run();
  expect(counts.all[0]?.inFlight).toBe(1);
  later.resolve({});
  await running;
  for (const { all } of [sync.counts, counts]) {
    expect(all).toMatchObject([{ name: 'GetItem', inFlight: 0, systemErrors: 0 }]);
    expect(all[0]?.latencyMs).toMatchObject({ count: 1, sum: 5 });
  }
});

it.each([
  ['at once', (fault: unknown) => () => raise(fault)],
  ['later', (fault: unknown) => () => Promise.reject(fault)],
])('counts what fails %s, by whose fault it is', async (_when, failing) => {
  const client = count(failing(tableFaults.notReadable()));
  await expect(async () => client.run()).rejects.toEqual(tableFaults.notReadable());
  expect([...(client.counts.all[0]?.faults ?? [])]).toEqual([['ResourceNotFoundException', 1]]);
  for (const error of [new Error('defect'), transportFaults.internal()]) {
    const system = count(failing(error));
    await expect(async () => system.run()).rejects.toBe(error);
    expect(system.counts.all).toMatchObject([{ systemErrors: 1, inFlight: 0 }]);
    expect(system.counts.all[0]?.latencyMs.count).toBe(0);
  }
});

function raise(fault: unknown): never {
  throw fault;
}
