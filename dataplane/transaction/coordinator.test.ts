import { describe, expect, it } from 'vitest';
import { tableFaults } from '../errors/tables.ts';
import { mulberry32 } from '../node/mulberry32.fixture.ts';
import type { TransactionCall } from '../partition/transaction.ts';
import { modelCoordinator, requestOf } from './coordinator.fixture.ts';
import { checkOf, keyOf, ModelTable, putOf } from './model-table.fixture.ts';
import { VirtualTime } from './virtual-time.fixture.ts';

const lost = { doneAfterMs: [], answeredAfterMs: undefined } as const;

function setUp({ executeMax = 100, inFlightMax = 100 } = {}) {
  const time = new VirtualTime();
  const common = { scheduler: time, executeMax };
  const a = new ModelTable({ tableName: 'A', partitionsCount: 2, ...common });
  const b = new ModelTable({ tableName: 'B', partitionsCount: 1, ...common });
  const tables = [a, b];
  const started = modelCoordinator({ tables, time, random: mulberry32(1), inFlightMax });
  const write = (...parameters: Parameters<typeof requestOf>) =>
    started.coordinator.write(requestOf(...parameters));
  const kinds = () => tables.flatMap(({ calls }) => calls.map(({ call }) => call.kind));
  return { time, a, b, tables, write, kinds, ...started };
}

/** The fault that a transaction ends with. */
const faultOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (fault: { type: string; message: string }) => fault.type,
  );

const isPart = (call: TransactionCall, kind: TransactionCall['kind']) => call.kind === kind;

describe('how a transaction is done', () => {
  it('in one partition, without a token: in one call', async () => {
    const { time, a, write, view, kinds } = setUp();
    const result = await time.until(
      write([
        [view(a), putOf(0)],
        [view(a), checkOf(2, false)],
      ]),
    );
    expect(result.kind).toBe('committed');
    expect(kinds()).toEqual(['execute']);
    expect(a.model(a.partitionOf(keyOf(0))).item(keyOf(0))).toEqual(keyOf(0));
  });

  it('in one partition, with a token whose ledger is elsewhere: claimed there first', async () => {
    const { time, a, write, view, kinds, coordinator } = setUp();
    const elsewhere = Array.from({ length: 20 }, (_, index) => `token${index}`);
    for (const token of elsewhere) await time.until(write([[view(a), putOf(0)]], token));
    await time.until(coordinator.close());
    expect(new Set(kinds())).toEqual(new Set(['claim', 'execute', 'decide']));
    const claims = kinds().filter((kind) => kind === 'claim').length;
    expect(kinds().filter((kind) => kind === 'execute')).toHaveLength(elsewhere.length);
    expect(kinds().filter((kind) => kind === 'decide')).toHaveLength(claims);
    for (const token of elsewhere) {
      expect(await time.until(write([[view(a), putOf(0)]], token))).toMatchObject({
        kind: 'repeated',
      });
    }
    expect(a.model(a.partitionOf(keyOf(0))).applied).toHaveLength(elsewhere.length);
  });

  it('in several: claimed, prepared, decided, finished, and then let go of', async () => {
    const { time, a, b, write, view, kinds, coordinator } = setUp();
    const puts = [a, a, b].map((table, index) => [view(table), putOf(index)] as const);
    const { kind } = await time.until(write(puts, 'token'));
    expect(kind).toBe('committed');
    await time.until(coordinator.close());
    const inOrder = a.calls.map(({ call }) => call.kind);
    expect(inOrder[0]).toBe('claim');
    expect(kinds().filter((each) => each === 'prepare')).toHaveLength(3);
    expect(kinds().filter((each) => each === 'finish')).toHaveLength(3);
    expect(kinds().filter((each) => each === 'decide')).toHaveLength(2);
    for (const model of [...a.models, ...b.models]) expect(model.unfinishedCount).toBe(0);
  });

  it('in one partition, when it is too large for one step: in two phases', async () => {
    const { time, a, write, view, kinds } = setUp({ executeMax: 1 });
    for (const token of [undefined, 't1', 't2', 't3']) {
      const { kind } = await time.until(
        write(
          [
            [view(a), putOf(0)],
            [view(a), putOf(2)],
          ],
          token,
        ),
      );
      expect(kind).toBe('committed');
    }
    expect(kinds()).toContain('prepare');
  });

  it('whose condition fails: nowhere, and with all reasons in the order of the request', async () => {
    const { time, a, b, write, view } = setUp();
    await time.until(write([[view(b), putOf(7)]]));
    const actions = [
      [view(a), putOf(0)],
      [view(b), checkOf(7, false)],
      [view(a), checkOf(1, true)],
      [view(b), putOf(8)],
    ] as const;
    expect(await time.until(write(actions))).toEqual({
      kind: 'cancelled',
      reasons: ['none', 'conditionFailed', 'conditionFailed', 'none'].map((kind) =>
        kind === 'none' ? { kind } : { kind, item: undefined },
      ),
    });
    for (const model of [...a.models, ...b.models]) expect(model.marksCount).toBe(0);
  });
});

describe('two transactions on one item', () => {
  it('the second is cancelled while the first is under way', async () => {
    const { time, a, b, write, view } = setUp();
    b.fateOf = (call) =>
      isPart(call, 'finish') ? { doneAfterMs: [500], answeredAfterMs: 500 } : undefined;
    const both = [
      [view(a), putOf(0)],
      [view(b), putOf(0)],
    ] as const;
    const first = write(both);
    await time.advance(100);
    expect(await time.until(write([[view(b), putOf(0)]]))).toEqual({
      kind: 'cancelled',
      reasons: [{ kind: 'conflict' }],
    });
    expect((await time.until(first)).kind).toBe('committed');
  });

  it('a mark that is old has its transaction finished by whoever meets it', async () => {
    const { time, a, b, tables, write, view } = setUp();
    const dead = { is: false };
    const other = modelCoordinator({ tables, time, random: mulberry32(2), isDead: () => dead.is });
    a.fateOf = (call) => (isPart(call, 'finish') ? lost : undefined);
    b.fateOf = a.fateOf;
    const both = [
      [other.view(a), putOf(0)],
      [other.view(b), putOf(0)],
    ] as const;
    void faultOf(other.coordinator.write(requestOf(both)));
    await time.advance(1_000);
    dead.is = true;
    a.fateOf = () => undefined;
    b.fateOf = () => undefined;
    await time.advance(2_000);
    const again = () => time.until(write([[view(b), putOf(0, { n: { N: '2' } })]]));
    expect((await again()).kind).toBe('cancelled');
    await time.advance(10);
    expect((await again()).kind).toBe('committed');
    expect(b.model(1n).applied).toHaveLength(2);
  });
});

describe('what is not known', () => {
  it('a decision that does not arrive: asked for until the deadline, then 500', async () => {
    const { time, a, b, write, view, coordinator } = setUp();
    a.fateOf = (call) => (isPart(call, 'decide') ? lost : undefined);
    const startMs = time.monotonicMs();
    const both = [
      [view(a), putOf(0)],
      [view(b), putOf(0)],
    ] as const;
    expect(await time.until(faultOf(write(both, 'token')))).toBe('InternalServerError');
    expect(time.monotonicMs() - startMs).toBe(10_000);
    expect(coordinator.metrics.retries).toBeGreaterThan(2);
    expect(coordinator.metrics.outcomes).toEqual(new Map([['failed', 1]]));
    // Nobody has decided it: the repeat does it.
    a.fateOf = () => undefined;
    expect((await time.until(write(both, 'token'))).kind).toBe('committed');
  });

  it('a repeat of what was decided but not finished finishes it before it answers', async () => {
    const { time, a, b, write, view } = setUp();
    b.fateOf = (call) => (isPart(call, 'finish') ? lost : undefined);
    const both = [
      [view(a), putOf(0)],
      [view(b), putOf(0)],
    ] as const;
    expect(await time.until(faultOf(write(both, 'token')))).toBe('InternalServerError');
    expect(b.model(1n).item(keyOf(0))).toBeUndefined();
    b.fateOf = () => undefined;
    expect((await time.until(write(both, 'token'))).kind).toBe('repeated');
    expect(b.model(1n).item(keyOf(0))).toEqual(keyOf(0));
  });

  it('an attempt that somebody took for dead is begun anew', async () => {
    const { time, a, b, tables, write, view } = setUp();
    const finder = modelCoordinator({ tables, time, random: mulberry32(3) });
    // The claim comes after the mark was found, so there is nothing that says that it is alive.
    a.fateOf = (call) =>
      isPart(call, 'claim') ? { doneAfterMs: [4_000], answeredAfterMs: 4_000 } : undefined;
    const both = write([
      [view(a), putOf(0)],
      [view(b), putOf(0)],
    ]);
    await time.advance(3_000);
    await time.until(finder.coordinator.recovery.sweep());
    expect(finder.coordinator.metrics.recoveries).toEqual(new Map([['aborted', 2]]));
    expect((await time.until(both)).kind).toBe('committed');
    for (const table of [a, b]) {
      for (const model of table.models) expect(model.marksCount).toBe(0);
    }
  });

  it('a request that runs already, and one that is another, through any coordinator', async () => {
    const { time, a, b, tables, write, view } = setUp();
    const router = modelCoordinator({ tables, time, random: mulberry32(3) });
    b.fateOf = (call) =>
      isPart(call, 'prepare') ? { doneAfterMs: [900], answeredAfterMs: 900 } : undefined;
    const both = [
      [view(a), putOf(0)],
      [view(b), putOf(0)],
    ] as const;
    const first = write(both, 'token');
    await time.advance(500);
    expect(await time.until(faultOf(write(both, 'token')))).toBe('TransactionInProgressException');
    expect((await time.until(first)).kind).toBe('committed');
    const other = requestOf([...both, [router.view(b), putOf(1)]], 'token');
    expect(await time.until(faultOf(router.coordinator.write(other)))).toBe(
      'IdempotentParameterMismatchException',
    );
  });

  it('a request with the token of one that it has seen done, of other tables even, for 10 minutes', async () => {
    const { time, a, b, write, view } = setUp();
    const ofA = () => write([[view(a), putOf(0)]], 'token');
    const ofB = () => write([[view(b), putOf(0)]], 'token');
    await time.until(ofA());
    await time.advance(599_000);
    expect(await time.until(faultOf(ofB()))).toBe('IdempotentParameterMismatchException');
    expect(b.calls).toEqual([]);
    await time.advance(1_000);
    expect(await time.until(ofB())).toMatchObject({ kind: 'committed' });
  });

  it('no request with the token of one that was refused', async () => {
    const { time, a, b, write, view } = setUp();
    const checkFails = [[view(a), checkOf(0, true)]] as const;
    expect((await time.until(write(checkFails, 'token'))).kind).toBe('cancelled');
    expect((await time.until(write([[view(b), putOf(0)]], 'token'))).kind).toBe('committed');
  });
});

describe('bounds', () => {
  it('no more than so many run at once', async () => {
    const { time, a, write, view } = setUp({ inFlightMax: 2 });
    const all = [0, 2, 4].map((index) => faultOf(write([[view(a), putOf(index)]])));
    expect(await time.until(Promise.all(all))).toEqual([
      undefined,
      undefined,
      'ThrottlingException',
    ]);
    expect(await time.until(faultOf(write([[view(a), putOf(6)]])))).toBeUndefined();
  });

  it('want of throughput at one table is a reason of its actions', async () => {
    const { time, a, b, write, view } = setUp();
    const throttled = view(b);
    const message = 'no units';
    const { ClientFault } = await import('../errors/client-fault.ts');
    throttled.transact = () => Promise.reject(new ClientFault('ThrottlingException', message));
    const actions = [
      [view(a), putOf(0)],
      [throttled, putOf(0)],
      [throttled, putOf(1)],
    ] as const;
    expect(await time.until(write(actions))).toEqual({
      kind: 'cancelled',
      reasons: [{ kind: 'none' }, { kind: 'throttled', message }, { kind: 'throttled', message }],
    });
    for (const model of a.models) expect(model.marksCount).toBe(0);
  });
});

describe('tables that are deleted', () => {
  it('a transaction with a part in one is not done', async () => {
    const { time, a, b, write, view } = setUp();
    const gone = view(b);
    gone.transact = () => Promise.reject(tableFaults.notReadable());
    const both = [
      [view(a), putOf(0)],
      [gone, putOf(0)],
    ] as const;
    expect(await time.until(faultOf(write(both)))).toBe('ResourceNotFoundException');
    for (const model of a.models) expect(model.marksCount).toBe(0);
  });

  it('one whose ledger is gone is aborted, and one whose ledger is only unknown is left alone', async () => {
    const { time, a, b, tables, write, view } = setUp();
    const dead = { is: false };
    const other = modelCoordinator({ tables, time, random: mulberry32(4), isDead: () => dead.is });
    a.fateOf = (call) => (isPart(call, 'decide') ? lost : undefined);
    const both = [
      [other.view(a), putOf(0)],
      [other.view(b), putOf(0)],
    ] as const;
    void faultOf(other.coordinator.write(requestOf(both)));
    await time.advance(1_000);
    dead.is = true;
    await time.advance(9_000);
    const gone = () => Promise.reject(tableFaults.notReadable());
    view(a).transact = gone;
    const blocked = () => time.until(write([[view(b), putOf(0)]]));
    expect((await blocked()).kind).toBe('cancelled');
    await time.advance(100);
    expect((await blocked()).kind).toBe('cancelled');
    a.isDeleted = true;
    expect((await blocked()).kind).toBe('cancelled');
    await time.advance(100);
    expect((await blocked()).kind).toBe('committed');
  });
});

describe('a snapshot', () => {
  it('is read again when an item changed in between, and shows all of a transaction or none', async () => {
    const { time, a, b, write, view, coordinator } = setUp();
    const both = (n: string) =>
      [a, b].map((table) => [view(table), putOf(0, { n: { N: n } })] as const);
    await time.until(write(both('1')));
    let reads = 0;
    b.fateOf = (call) => {
      if (!isPart(call, 'read')) return undefined;
      reads += 1;
      // The first round sees the table before the next transaction, the other table after it.
      return reads === 1 ? { doneAfterMs: [0], answeredAfterMs: 500 } : undefined;
    };
    a.fateOf = (call) =>
      isPart(call, 'read') && reads <= 1 ? { doneAfterMs: [300], answeredAfterMs: 300 } : undefined;
    const gets = [a, b].map((table) => ({
      table: view(table),
      key: keyOf(0),
      projection: undefined,
    }));
    const reading = coordinator.read(gets);
    await time.advance(100);
    await time.until(write(both('2')));
    const result = await time.until(reading);
    expect(result).toMatchObject({ kind: 'read' });
    if (result.kind !== 'read') return;
    for (const { json } of result.items) {
      expect(JSON.parse(Buffer.from(json ?? '').toString()).n).toEqual({ N: '2' });
    }
    expect(coordinator.metrics.retries).toBe(1);
  });

  it('is cancelled by a write under way, and not by a check', async () => {
    const { time, a, b, write, view, coordinator } = setUp();
    b.fateOf = (call) =>
      isPart(call, 'finish') ? { doneAfterMs: [500], answeredAfterMs: 500 } : undefined;
    const first = write([
      [view(a), putOf(0)],
      [view(b), putOf(0)],
      [view(b), checkOf(1, false)],
    ]);
    await time.advance(100);
    const read = (...indexes: number[]) =>
      time.until(
        coordinator.read(
          indexes.map((index) => ({ table: view(b), key: keyOf(index), projection: undefined })),
        ),
      );
    expect(await read(0, 1)).toEqual({
      kind: 'cancelled',
      reasons: [{ kind: 'conflict' }, { kind: 'none' }],
    });
    expect((await read(1)).kind).toBe('read');
    await time.until(first);
    expect((await read(0, 1)).kind).toBe('read');
  });
});
