import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyCondition, Update } from '../expression/ast.ts';
import { type AttributeValue, attributeOf, type Item } from '../item/attribute-value.ts';
import { compareScalars } from '../item/equality.ts';
import { itemBytes } from '../item/size.ts';
import type { WriteCommand, WriteResult } from '../partition/command.ts';
import { globalIndex, localIndex, schemaOf } from '../partition/schema.fixture.ts';
import type { IndexSchema } from '../partition/schema.ts';
import { openStore } from '../storage/open.ts';
import type { Store } from '../storage/store.ts';
import { LocalRouter } from './local-router.ts';
import { layoutOf, queryAll, scanAll, unlimited } from './local-table.fixture.ts';
import { mortalStore } from './mortal-store.fixture.ts';
import type { ManagedTable } from './table.ts';

/**
 * Random histories against a naive model: one map of items, from which everything else is
 * computed. Seeds are printed by fast-check when a run fails.
 */

const schema = schemaOf({
  localIndexes: [
    localIndex(1, 'l:S', { type: 'KEYS_ONLY' }),
    localIndex(2, 'n:N', { type: 'INCLUDE', attributes: ['x', '__proto__'] }),
  ],
  globalIndexes: [
    globalIndex(3, { hash: 'l:S', range: 'n:N' }),
    globalIndex(4, { hash: 'l:S x:B', range: 'n:N p:S' }, { type: 'KEYS_ONLY' }),
    globalIndex(5, { hash: 'x:B', range: '' }, { type: 'INCLUDE', attributes: ['t'] }),
  ],
  timeToLiveAttribute: 'n',
});
const indexes = [...schema.localIndexes, ...schema.globalIndexes];

const texts = ['a', 'ab', 'b', 'é', '\u{1f600}'].map((S): AttributeValue => ({ S }));
const numbers = ['-5', '0', '1.5', '10', '9'].map((N): AttributeValue => ({ N }));
const binaries = ['AA==', 'AQ==', 'AAE='].map((B): AttributeValue => ({ B }));

const arbitraryKey = fc.record({ p: fc.constantFrom(...texts), s: fc.constantFrom(...numbers) });
const arbitraryRest = fc.record(
  {
    l: fc.constantFrom(...texts),
    n: fc.constantFrom(...numbers),
    x: fc.constantFrom(...binaries),
    t: fc.constantFrom<AttributeValue[]>({ SS: ['a', 'b'] }, { S: 't'.repeat(1_100) }),
  },
  { requiredKeys: [] },
);
const arbitraryUpdate: fc.Arbitrary<Update> = fc
  .record(
    {
      l: fc.constantFrom(...texts, undefined),
      n: fc.constantFrom(...numbers, undefined),
      x: fc.constantFrom(...binaries, undefined),
    },
    { requiredKeys: [] },
  )
  .map((changes) =>
    Object.entries(changes).map(([name, value]) =>
      value === undefined
        ? ({ kind: 'remove', path: [name] } as const)
        : ({ kind: 'set', path: [name], term: { kind: 'value', value } } as const),
    ),
  );

const condition = fc.constantFrom(undefined, undefined, {
  kind: 'exists',
  path: ['l'],
  negated: true,
} as const);
const arbitraryWrite: fc.Arbitrary<WriteCommand> = fc.oneof(
  fc.record({ key: arbitraryKey, rest: arbitraryRest, condition }).map((parts): WriteCommand => {
    const item: Item = { ...parts.key, ...parts.rest };
    const { key } = parts;
    return { kind: 'put', key, item, itemBytes: itemBytes(item), condition: parts.condition };
  }),
  fc.record({
    kind: fc.constant('update' as const),
    key: arbitraryKey,
    update: arbitraryUpdate,
    condition,
  }),
  fc.record({ kind: fc.constant('delete' as const), key: arbitraryKey, condition }),
);

/** Batches of writes made at once; the store may fail, or the table be opened anew, between them. */
const arbitraryHistory = fc.array(
  fc.record({
    writes: fc.array(arbitraryWrite, { minLength: 1, maxLength: 12 }),
    next: fc.constantFrom('go on', 'go on', 'reopen', 'crash', 'crash early'),
  }),
  { minLength: 1, maxLength: 8 },
);

class Model {
  readonly items = new Map<string, Item>();

  write(command: WriteCommand): boolean {
    const name = textOf(command.key);
    const before = this.items.get(name);
    if (command.condition !== undefined && before !== undefined && Object.hasOwn(before, 'l')) {
      return false;
    }
    if (command.kind === 'delete') this.items.delete(name);
    else if (command.kind === 'put') this.items.set(name, command.item);
    else this.items.set(name, updated(before ?? command.key, command.update));
    return true;
  }

  of(index: IndexSchema | undefined): Item[] {
    const items = [...this.items.values()];
    if (index === undefined) return items;
    const names = [...index.key.hash, ...index.key.range].map(({ name }) => name);
    const indexed = items.filter((item) => names.every((name) => Object.hasOwn(item, name)));
    const { projection } = index;
    if (projection.type === 'ALL') return indexed;
    const projected = [
      'p',
      's',
      ...names,
      ...(projection.type === 'INCLUDE' ? projection.attributes : []),
    ];
    return indexed.map((item) =>
      Object.fromEntries(Object.entries(item).filter(([name]) => projected.includes(name))),
    );
  }
}

function updated(item: Item, update: Update): Item {
  const changed: Record<string, AttributeValue> = { ...item };
  for (const action of update) {
    if (action.kind === 'set' && action.term.kind === 'value') {
      changed[action.path[0]] = action.term.value;
    } else {
      delete changed[action.path[0]];
    }
  }
  return changed;
}

/** Items in an order of their own, to be compared as sets. */
function sorted(items: readonly Item[]): string[] {
  return items.map(textOf).sort();
}

function textOf(item: Item): string {
  return JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function expectEqual(table: ManagedTable, model: Model): Promise<void> {
  await table.indexesCaughtUp();
  const statistics = table.statistics();
  for (const index of [undefined, ...indexes]) {
    const expected = model.of(index);
    const indexName = index?.name;
    expect(sorted(await scanAll(table, { indexName })), indexName).toEqual(sorted(expected));
    const limit = 1 + (expected.length % 3);
    expect(sorted(await scanAll(table, { indexName, limit })), indexName).toEqual(sorted(expected));
    const totals = index === undefined ? statistics : statistics.indexes.get(index.name);
    expect(totals, indexName).toMatchObject({
      items: expected.length,
      bytes: expected.reduce((sum, item) => sum + itemBytes(item), 0),
    });
  }
}

/** The process never comes to bring its global indexes up to date. */
const isIndexBatch: Parameters<typeof mortalStore>[1] = (effects) =>
  effects.some(({ key }) => Buffer.from(key).readUInt32BE(4) >= 1_000);

const clock = { nowMs: () => 1_000 };

async function run(
  history: readonly { readonly writes: readonly WriteCommand[]; readonly next: string }[],
  partitions: number,
  folder?: string,
): Promise<{ table: ManagedTable; model: Model; store: Store }> {
  let store = await openStore({ folder, durability: 'relaxed' });
  const model = new Model();
  const layout = layoutOf(schema, partitions);
  const open = async (next: string) => {
    const mortal = mortalStore(store, next === 'crash early' ? isIndexBatch : undefined);
    const table = await new LocalRouter(mortal.store, clock).openTable(layout, unlimited);
    return { table, die: mortal.die };
  };
  let current = await open(history[0]?.next ?? 'reopen');
  for (const [index, { writes, next }] of history.entries()) {
    const expected = writes.map((command) =>
      model.write(command) ? 'applied' : 'conditionFailed',
    );
    const results = await Promise.all(writes.map((command) => current.table.write(command)));
    expect(results.map(({ kind }) => kind)).toEqual(expected);
    if (next === 'go on') continue;
    if (next !== 'reopen') {
      current.die();
      // Writes that the dying process takes are not acknowledged, and leave no trace.
      const lost = await Promise.allSettled(writes.map((command) => current.table.write(command)));
      const isApplied = lost.some(
        ({ status, value }: { status: string; value?: WriteResult }) =>
          status === 'fulfilled' && value?.kind === 'applied' && value.after !== undefined,
      );
      expect(isApplied).toBe(false);
    }
    await current.table.close();
    if (folder !== undefined) {
      await store.close();
      store = await openStore({ folder, durability: 'relaxed' });
    }
    current = await open(history[index + 1]?.next ?? 'reopen');
  }
  // The last life is not cut short before its indexes are looked at.
  await current.table.close();
  current = await open('reopen');
  return { table: current.table, model, store };
}

describe('a table with indexes', () => {
  it('agrees with a naive model, also across restarts and crashes', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryHistory, fc.constantFrom(1, 4), async (history, partitions) => {
        const { table, model, store } = await run(history, partitions);
        await expectEqual(table, model);
        await table.close();
        await store.close();
      }),
      { numRuns: 60 },
    );
  });

  it('agrees with a naive model on disk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trestle-table-'));
    let runs = 0;
    try {
      await fc.assert(
        fc.asyncProperty(arbitraryHistory, async (history) => {
          const { table, model, store } = await run(history, 4, join(folder, String(runs++)));
          await expectEqual(table, model);
          await table.close();
          await store.close();
        }),
        { numRuns: 5 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('answers queries like a naive model, forwards and backwards, by pages', async () => {
    const value = fc.constantFrom(...numbers);
    const arbitraryRange: fc.Arbitrary<Partial<Record<'operator', string>> & object> = fc.oneof(
      fc.record({ operator: fc.constantFrom('=', '<', '<=', '>', '>='), value }),
      fc.record({ operator: fc.constant('between'), lower: value, upper: value }),
      fc.constant({}),
    );
    await fc.assert(
      fc.asyncProperty(
        arbitraryHistory,
        fc.constantFrom(...texts),
        arbitraryRange,
        fc.boolean(),
        fc.constantFrom(undefined, 1, 2),
        async (history, text, range, scanIndexForward, limit) => {
          const { table, model, store } = await run(history, 4);
          await table.indexesCaughtUp();
          const [local, , global] = [schema.localIndexes[1], undefined, schema.globalIndexes[0]];
          const targets: [IndexSchema | undefined, string, string][] = [
            [undefined, 'p', 's'],
            [local, 'p', 'n'],
            [global, 'l', 'n'],
          ];
          for (const [index, hash, attribute] of targets) {
            const conditions = 'operator' in range ? [{ attribute, ...range } as KeyCondition] : []; // generated so
            const items = await queryAll(
              table,
              { [hash]: text },
              { indexName: index?.name, rangeConditions: conditions, scanIndexForward, limit },
            );
            const expected = model
              .of(index)
              .filter(
                (item) => textOf({ v: attributeOf(item, hash) ?? text }) === textOf({ v: text }),
              )
              .filter((item) => conditions.every((each) => meets(item, each)));
            expect(sorted(items)).toEqual(sorted(expected));
            const order = items.map((item) => attributeOf(item, attribute) ?? text);
            const ordered = order.toSorted((a, b) => compareScalars(a, b) ?? 0);
            expect(order).toEqual(scanIndexForward ? ordered : ordered.toReversed());
          }
          await table.close();
          await store.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is the same on one partition and on four', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryHistory, async (history) => {
        const one = await run(history, 1);
        const four = await run(history, 4);
        for (const index of [undefined, ...indexes]) {
          await Promise.all([one.table.indexesCaughtUp(), four.table.indexesCaughtUp()]);
          // Not only the same items: partitions follow the hash, so the order is the same too.
          const indexName = index?.name;
          expect(await scanAll(four.table, { indexName, limit: 3 })).toEqual(
            await scanAll(one.table, { indexName }),
          );
        }
        for (const { table, store } of [one, four]) {
          await table.close();
          await store.close();
        }
      }),
      { numRuns: 20 },
    );
  });
});

function meets(item: Item, range: KeyCondition): boolean {
  const value = attributeOf(item, range.attribute);
  if (value === undefined) return false;
  const to = (other: AttributeValue) => compareScalars(value, other) ?? Number.NaN;
  if (range.operator === 'between') return to(range.lower) >= 0 && to(range.upper) <= 0;
  switch (range.operator) {
    case '=':
      return to(range.value) === 0;
    case '<':
      return to(range.value) < 0;
    case '<=':
      return to(range.value) <= 0;
    case '>':
      return to(range.value) > 0;
    case '>=':
      return to(range.value) >= 0;
    default:
      throw new Error('not generated');
  }
}
