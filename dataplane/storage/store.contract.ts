import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Effect, KeyRange, Store } from './store.ts';

/** Opens a fresh, empty store; `dispose` closes it and removes what it left. */
export type OpenEmptyStore = () => Promise<{
  readonly store: Store;
  readonly dispose: () => Promise<void>;
}>;

/** What every Store does. Call it in the test file of each implementation. */
export function describeStoreContract(name: string, openEmpty: OpenEmptyStore): void {
  describe(`${name}, by the contract of Store`, () => {
    let store: Store;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ store, dispose } = await openEmpty());
    });
    afterEach(() => dispose());
    const current = () => store;

    describeCommits(current);
    describeIterators(current);
    describeSnapshots(current);
    describeMaintenance(current);
  });
  describe(`${name}, against a model`, () => {
    it('holds what a sorted map holds after any history', () => agreesWithModel(openEmpty), 60_000);
  });
}

function describeCommits(current: () => Store): void {
  it('commit: values are there once it resolves and not before', async () => {
    const committed = current().commit([put('a', '1')]);
    expect(current().get(key('a'))).toBeUndefined();
    await committed;
    expect(current().get(key('a'))).toEqual(key('1'));
  });
  it('commit: of two effects on one key the later holds', async () => {
    await current().commit([put('a', '1'), put('a', '2'), put('b', '1'), remove('b')]);
    expect(await allPairs(current())).toEqual(['a=2']);
  });
  it('commit: calls take effect in their order', async () => {
    const calls = Array.from({ length: 500 }, (_, index) =>
      current().commit([put('a', `${index}`), put(`k${index}`, '')]),
    );
    await Promise.all(calls);
    expect(current().get(key('a'))).toEqual(key('499'));
  });
  it('commit: an earlier call is there when a later one resolves', async () => {
    const earlier = current().commit([put('a', '1')]);
    await current().commit([put('b', '1')]);
    expect(current().get(key('a'))).toEqual(key('1'));
    await earlier;
  });
  it('commit: unsynced ones are seen once they resolve, and keep their order', async () => {
    const calls = Array.from({ length: 500 }, (_, index) =>
      current().commit([put('a', `${index}`)], { sync: false }),
    );
    const unsynced = current().commit([put('b', '1')], { sync: false });
    await Promise.all([...calls, unsynced]);
    expect(current().get(key('a'))).toEqual(key('499'));
    expect(current().get(key('b'))).toEqual(key('1'));
  });
  it('close: unsynced commits under way are finished', async () => {
    const committed = current().commit([put('a', '1')], { sync: false });
    await current().close();
    await committed;
  });
  it('commit: no effects resolve too', async () => {
    await current().commit([]);
    expect(await allPairs(current())).toEqual([]);
  });
  it('commit: deleting what is absent is no error', async () => {
    await current().commit([remove('a')]);
    expect(current().get(key('a'))).toBeUndefined();
  });
  it('get: an empty value is a value', async () => {
    await current().commit([put('a', '')]);
    expect(current().get(key('a'))).toEqual(Buffer.alloc(0));
  });
  it('get: a Buffer comes back, whatever kind of bytes went in', async () => {
    await current().commit([{ key: new Uint8Array([1]), value: new Uint8Array([2]) }]);
    expect(Buffer.isBuffer(current().get(new Uint8Array([1])))).toBe(true);
  });
  it('close: what is under way is finished, what comes later is refused', async () => {
    const committed = current().commit([put('a', '1')]);
    const closed = current().close();
    await expect(committed).resolves.toBeUndefined();
    await closed;
    await expect(current().commit([put('b', '1')])).rejects.toMatchObject({ code: 'closed' });
    expect(() => current().get(key('a'))).toThrow(expect.objectContaining({ code: 'closed' }));
    expect(() => current().iterate(everything)).toThrow(
      expect.objectContaining({ code: 'closed' }),
    );
    await current().close();
  });
}

function describeIterators(current: () => Store): void {
  it('iterate: pairs come in order of unsigned bytes, shorter before longer', async () => {
    const keys = ['', '00', '0000', '01', '7f', '7fff', '80', '8000', 'ff', 'ffff'];
    const effects = [...keys].reverse().map((hex) => ({
      key: Buffer.from(hex, 'hex'),
      value: Buffer.from(hex),
    }));
    await current().commit(effects);
    const end = Buffer.alloc(3, 0xff);
    const pairs = await pairsOf(current(), { ...everything, end });
    expect(pairs.map(([found]) => found.toString('hex'))).toEqual(keys);
  });
  it('iterate: start is within the range, end is not', async () => {
    await current().commit(['a', 'b', 'c'].map((name) => put(name, name)));
    const range = { ...everything, start: key('a'), end: key('c') };
    expect(await texts(current(), range)).toEqual(['a=a', 'b=b']);
    expect(await texts(current(), { ...range, reverse: true })).toEqual(['b=b', 'a=a']);
  });
  it('iterate: an empty or upside-down range has no pairs', async () => {
    await current().commit([put('a', '1'), put('b', '1')]);
    const range = { ...everything, start: key('b'), end: key('a') };
    expect(await texts(current(), range)).toEqual([]);
    expect(await texts(current(), { ...range, end: key('b') })).toEqual([]);
  });
  it('iterate: a limit counts over all pages', async () => {
    await current().commit(['a', 'b', 'c', 'd'].map((name) => put(name, '')));
    const iterator = current().iterate({ ...everything, limit: 3 });
    expect((await iterator.next(2)).length).toBe(2);
    expect((await iterator.next(2)).length).toBe(1);
    expect(await iterator.next(2)).toEqual([]);
    await iterator.close();
  });
  it('iterate: shows the state at the call', async () => {
    await current().commit([put('a', '1'), put('b', '1')]);
    const iterator = current().iterate(everything);
    await current().commit([put('a', '2'), remove('b'), put('c', '1')]);
    expect((await iterator.next(10)).map(text)).toEqual(['a=1', 'b=1']);
    await iterator.close();
  });
  it('iterate: large values come complete, over several pages where needed', async () => {
    const value = Buffer.alloc(300_000, 7);
    await current().commit(['a', 'b', 'c', 'd', 'e'].map((name) => ({ key: key(name), value })));
    const pairs = await pairsOf(current(), everything);
    expect(pairs.map(([, found]) => found.equals(value))).toEqual(Array(5).fill(true));
  });
  it('iterate: closing early is harmless', async () => {
    await current().commit(['a', 'b'].map((name) => put(name, '')));
    const iterator = current().iterate(everything);
    await iterator.next(1);
    await iterator.close();
    await iterator.close();
  });
}

function describeSnapshots(current: () => Store): void {
  it('snapshot: reads stay as they were', async () => {
    await current().commit([put('a', '1'), put('b', '1')]);
    const snapshot = current().snapshot();
    await current().commit([put('a', '2'), remove('b'), put('c', '1')]);
    expect(snapshot.get(key('a'))).toEqual(key('1'));
    expect(snapshot.get(key('b'))).toEqual(key('1'));
    expect(snapshot.get(key('c'))).toBeUndefined();
    expect(await texts(current(), { ...everything, snapshot })).toEqual(['a=1', 'b=1']);
    expect(current().get(key('a'))).toEqual(key('2'));
    await snapshot.close();
  });
}

function describeMaintenance(current: () => Store): void {
  it('clear: removes the range and nothing beside it, however many keys', async () => {
    const keys = Array.from({ length: 2_500 }, (_, index) => `m${String(index).padStart(4, '0')}`);
    await current().commit(['a', ...keys, 'n', 'z'].map((name) => put(name, name)));
    await current().clear(key('m'), key('n'));
    expect(await allPairs(current())).toEqual(['a=a', 'n=n', 'z=z']);
  });
  it('clear: stops when told, with the signal’s reason', async () => {
    const keys = Array.from({ length: 2_500 }, (_, index) => `m${String(index).padStart(4, '0')}`);
    await current().commit(keys.map((name) => put(name, name)));
    const reason = new Error('the server stops');
    const controller = new AbortController();
    const clearing = current().clear(key('m'), key('n'), controller.signal);
    controller.abort(reason);
    await expect(clearing).rejects.toBe(reason);
    expect((await allPairs(current())).length).toBeGreaterThan(0);
    await current().clear(key('m'), key('n'));
    expect(await allPairs(current())).toEqual([]);
  });
  it('clear: an empty range is no error', async () => {
    await current().clear(key('a'), key('b'));
  });
  it('approximateBytes: an empty range is small, and it never fails', async () => {
    await current().commit([put('a', 'x'.repeat(10_000))]);
    expect(await current().approximateBytes(key('b'), key('c'))).toBeLessThan(10_000);
    expect(await current().approximateBytes(key('a'), key('b'))).toBeGreaterThanOrEqual(0);
  });
  it('writesRefused: a healthy store refuses nothing', () => {
    expect(current().writesRefused).toBeUndefined();
  });
}

/** Keys from few bytes, so that histories meet the same key often. */
const someKey = fc.uint8Array({ max: 3, maxLength: 3 }).map((bytes) => Buffer.from(bytes));
const someValue = fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes));
const someEffect = fc.record({
  key: someKey,
  value: fc.option(someValue, { nil: undefined, freq: 3 }),
});
const someStep = fc.oneof(
  fc.record({ kind: fc.constant('commit' as const), effects: fc.array(someEffect) }),
  fc.record({ kind: fc.constant('clear' as const), start: someKey, end: someKey }),
  fc.record({
    kind: fc.constant('read' as const),
    start: someKey,
    end: someKey,
    reverse: fc.boolean(),
    limit: fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }),
    page: fc.integer({ min: 1, max: 5 }),
  }),
);
type Step = typeof someStep extends fc.Arbitrary<infer T> ? T : never;

async function agreesWithModel(openEmpty: OpenEmptyStore): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(someStep, { maxLength: 30 }), async (steps) => {
      const { store, dispose } = await openEmpty();
      try {
        const model = new Map<string, string>();
        for (const step of steps) {
          await agreeOnStep(store, model, step);
        }
        expect(await allHex(store)).toEqual(sorted(model));
      } finally {
        await dispose();
      }
    }),
    { numRuns: 40 },
  );
}

async function agreeOnStep(store: Store, model: Map<string, string>, step: Step): Promise<void> {
  switch (step.kind) {
    case 'commit': {
      await store.commit(step.effects);
      for (const { key: changed, value } of step.effects) {
        if (value === undefined) {
          model.delete(changed.toString('hex'));
        } else {
          model.set(changed.toString('hex'), value.toString('hex'));
        }
      }
      for (const { key: changed } of step.effects) {
        expect(store.get(changed)?.toString('hex')).toBe(model.get(changed.toString('hex')));
      }
      return;
    }
    case 'clear':
      await store.clear(step.start, step.end);
      for (const [found] of within(model, step)) {
        model.delete(found);
      }
      return;
    case 'read': {
      const expected = within(model, step);
      if (step.reverse) {
        expected.reverse();
      }
      expect(hexOf(await pairsOf(store, step, step.page))).toEqual(expected.slice(0, step.limit));
    }
  }
}

function within(model: ReadonlyMap<string, string>, range: Pick<KeyRange, 'start' | 'end'>) {
  const [start, end] = [Buffer.from(range.start), Buffer.from(range.end)];
  return sorted(model).filter(([found]) => {
    const bytes = Buffer.from(found, 'hex');
    return Buffer.compare(bytes, start) >= 0 && Buffer.compare(bytes, end) < 0;
  });
}

/** Hexadecimal keeps the order of unsigned bytes. */
function sorted(model: ReadonlyMap<string, string>): [string, string][] {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1));
}

const everything: KeyRange = {
  start: Buffer.alloc(0),
  end: Buffer.alloc(9, 0xff),
  reverse: false,
  limit: undefined,
};

function key(name: string): Buffer {
  return Buffer.from(name);
}

function put(name: string, value: string): Effect {
  return { key: key(name), value: key(value) };
}

function remove(name: string): Effect {
  return { key: key(name), value: undefined };
}

type Pair = readonly [Buffer, Buffer];

function text([found, value]: Pair): string {
  return `${found}=${value}`;
}

async function pairsOf(store: Store, range: KeyRange, page = 1_000): Promise<readonly Pair[]> {
  const iterator = store.iterate(range);
  const pairs: Pair[] = [];
  for (;;) {
    const next = await iterator.next(page);
    expect(next.length).toBeLessThanOrEqual(page);
    if (next.length === 0) {
      await iterator.close();
      return pairs;
    }
    pairs.push(...next);
  }
}

async function texts(store: Store, range: KeyRange): Promise<readonly string[]> {
  return (await pairsOf(store, range)).map(text);
}

function allPairs(store: Store): Promise<readonly string[]> {
  return texts(store, everything);
}

function hexOf(pairs: readonly Pair[]) {
  return pairs.map(([found, value]) => [found.toString('hex'), value.toString('hex')]);
}

async function allHex(store: Store) {
  return hexOf(await pairsOf(store, everything));
}
