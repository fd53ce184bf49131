import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { Condition, Update } from '../expression/ast.ts';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import type { WriteCommand } from './command.ts';
import { CompiledSchema, placeKey } from './compiled-schema.ts';
import { type Evaluation, evaluateWrite, type PartitionPrefixes } from './evaluate.ts';
import { spacePrefix } from './key-space.ts';
import { StoredItem } from './record.ts';
import { globalIndex, localIndex, schemaOf } from './schema.fixture.ts';
import type { TableSchema } from './schema.ts';

const key: Item = { p: { S: 'a' }, s: { N: '1' } };
const prefixes: PartitionPrefixes = {
  item: spacePrefix(7n, 'item'),
  localIndex: spacePrefix(7n, 'localIndex'),
  pendingIndex: spacePrefix(7n, 'pendingIndex'),
  stream: spacePrefix(7n, 'stream'),
  expiry: spacePrefix(7n, 'expiry'),
  transaction: spacePrefix(7n, 'transaction'),
  meta: spacePrefix(7n, 'meta'),
};

function evaluate(
  command: WriteCommand,
  current: Item | undefined,
  schema: TableSchema = schemaOf(),
  collection = { bytes: 0, bytesMax: 10_000 },
): Evaluation {
  const compiled = new CompiledSchema(schema);
  const itemKey = placeKey(compiled.itemKey(command.key), prefixes.item);
  const stored =
    current && StoredItem.of(current, itemBytes(current), { version: 4, writtenMicros: 1e15 });
  return evaluateWrite(
    command,
    itemKey,
    { current: stored, collectionBytes: collection.bytes },
    {
      compiled,
      prefixes,
      stamp: { version: 5, writtenMicros: 2e15 },
      collectionBytesMax: collection.bytesMax,
      nowMs: 2_000,
      isDecided: false,
    },
  );
}

const put = (item: Item, condition?: Condition): WriteCommand => ({
  kind: 'put',
  key,
  item,
  itemBytes: itemBytes(item),
  condition,
});
const update = (actions: Update, condition?: Condition): WriteCommand => ({
  kind: 'update',
  key,
  update: actions,
  condition,
});
const remove = (condition?: Condition): WriteCommand => ({ kind: 'delete', key, condition });
const setTo = (name: string, value: Item[string]): Update => [
  { kind: 'set', path: [name], term: { kind: 'value', value } },
];
const exists: Condition = { kind: 'exists', path: ['p'], negated: false };
const absent: Condition = { kind: 'exists', path: ['p'], negated: true };

function faultOf(act: () => unknown): ClientFault {
  try {
    act();
  } catch (fault) {
    if (fault instanceof ClientFault) return fault;
    throw fault;
  }
  throw new Error('no fault');
}

/** Effects as `space: put or delete`, in order. */
function spacesOf({ effects }: Evaluation): string[] {
  const names = Object.entries(prefixes);
  return effects.map(({ key: effectKey, value }) => {
    const [name] = names.find(([, prefix]) => prefix.equals(effectKey.subarray(0, 9))) ?? ['?'];
    return `${name}: ${value === undefined ? 'delete' : 'put'}`;
  });
}

describe('evaluateWrite', () => {
  it('puts a new item', () => {
    const item = { ...key, x: { S: 'y' } };
    const evaluation = evaluate(put(item), undefined);
    expect(evaluation.result).toMatchObject({ kind: 'applied', before: undefined, after: item });
    expect(evaluation.table).toEqual({ items: 1, bytes: itemBytes(item) });
    expect(spacesOf(evaluation)).toEqual(['item: put']);
    const record = StoredItem.read(Buffer.from(evaluation.effects[0]?.value ?? []));
    expect(record.item).toEqual(item);
    expect(record.version).toBe(5);
    expect(record.writtenMicros).toBe(2e15);
  });

  it('replaces an item and counts the difference', () => {
    const evaluation = evaluate(put(key), { ...key, x: { S: 'yyy' } });
    expect(evaluation.table).toEqual({ items: 0, bytes: -4 });
    expect(evaluation.result).toMatchObject({ before: { x: { S: 'yyy' } }, after: key });
  });

  it('charges the larger of the sizes before and after', () => {
    const large = { ...key, x: { S: 'y'.repeat(3_000) } };
    expect(evaluate(put(key), large).result.capacity.table).toBe(3);
    expect(evaluate(remove(), large).result.capacity.table).toBe(3);
    expect(evaluate(put(large), undefined).result.capacity.table).toBe(3);
  });

  it('deletes nothing for one unit', () => {
    const evaluation = evaluate(remove(), undefined);
    expect(evaluation.effects).toEqual([]);
    expect(evaluation.result).toMatchObject({ kind: 'applied', before: undefined });
    expect(evaluation.result.capacity.table).toBe(1);
  });

  it('fails a condition without effects, and charges the item that stands there', () => {
    const evaluation = evaluate(put(key, absent), { ...key, x: { S: 'y'.repeat(2_000) } });
    expect(evaluation.effects).toEqual([]);
    expect(evaluation.result.kind).toBe('conditionFailed');
    expect(evaluation.result.before).toMatchObject(key);
    expect(evaluation.result.capacity.table).toBe(2);
    expect(evaluate(remove(exists), undefined).result.capacity.table).toBe(1);
  });

  it('creates an item by an update, with its key', () => {
    const evaluation = evaluate(update(setTo('x', { N: '1' })), undefined);
    expect(evaluation.result).toMatchObject({ after: { ...key, x: { N: '1' } } });
  });

  it('evaluates the condition of an update before the item gets its key', () => {
    const evaluation = evaluate(update(setTo('x', { N: '1' }), exists), undefined);
    expect(evaluation.result.kind).toBe('conditionFailed');
  });

  it.each([['x'], ['x', 'y'], ['x', 0]] as const)(
    'keeps an absent item absent when told so, whatever the path: %s %s',
    (...path) => {
      const command = { ...update([{ kind: 'remove', path }]), keepsAbsent: true } as const;
      expect(evaluate(command, undefined).effects).toEqual([]);
    },
  );

  it('refuses an update that makes the item too large', () => {
    const current = { ...key, x: { S: 'x'.repeat(300_000) } };
    const command = update(setTo('y', { S: 'y'.repeat(200_000) }));
    expect(faultOf(() => evaluate(command, current)).message).toBe(
      'Item size to update has exceeded the maximum allowed size',
    );
  });

  it('measures an update by the item that it makes', () => {
    const room = 409_600 - itemBytes(key) - 'x'.length;
    expect(evaluate(update(setTo('x', { S: 'x'.repeat(room) })), undefined).effects).toHaveLength(
      1,
    );
    const command = update(setTo('x', { S: 'x'.repeat(room + 1) }));
    expect(faultOf(() => evaluate(command, undefined)).type).toBe('ValidationException');
  });

  describe('with a local index', () => {
    const schema = schemaOf({ localIndexes: [localIndex(1, 'l:S', { type: 'KEYS_ONLY' })] });

    it('adds an entry of keys, and counts the collection', () => {
      const item = { ...key, l: { S: 'm' }, x: { S: 'y' } };
      const evaluation = evaluate(put(item), undefined, schema);
      expect(spacesOf(evaluation)).toEqual(['item: put', 'localIndex: put', 'meta: put']);
      const entry = StoredItem.read(Buffer.from(evaluation.effects[1]?.value ?? []));
      expect(entry.item).toEqual({ ...key, l: { S: 'm' } });
      expect(evaluation.result.capacity.localIndexes).toEqual(new Map([['L1', 1]]));
      const bytes = itemBytes(item) + itemBytes(entry.item);
      expect(evaluation.result).toMatchObject({ collectionBytes: bytes });
      expect(evaluation.localIndexes).toEqual(
        new Map([[1, { items: 1, bytes: itemBytes(entry.item) }]]),
      );
    });

    it('leaves an entry alone when nothing that it holds changes', () => {
      const before = { ...key, l: { S: 'm' }, x: { S: 'y' } };
      const evaluation = evaluate(put({ ...before, x: { S: 'z' } }), before, schema);
      expect(spacesOf(evaluation)).toEqual(['item: put']);
      expect(evaluation.result.capacity.localIndexes).toEqual(new Map());
    });

    it('moves an entry for two units', () => {
      const before = { ...key, l: { S: 'm' } };
      const evaluation = evaluate(put({ ...before, l: { S: 'n' } }), before, schema);
      expect(spacesOf(evaluation)).toEqual(['item: put', 'localIndex: delete', 'localIndex: put']);
      expect(evaluation.result.capacity.localIndexes).toEqual(new Map([['L1', 2]]));
    });

    it('removes the entry of an item that leaves the index, or goes', () => {
      const before = { ...key, l: { S: 'm' } };
      for (const command of [put(key), remove()]) {
        const evaluation = evaluate(command, before, schema, { bytes: 100, bytesMax: 100 });
        expect(spacesOf(evaluation)).toContain('localIndex: delete');
        expect(evaluation.result.capacity.localIndexes).toEqual(new Map([['L1', 1]]));
      }
    });

    it('refuses to let a collection grow beyond its limit', () => {
      const full = { bytes: 9_999, bytesMax: 10_000 };
      const fault = faultOf(() => evaluate(put(key), undefined, schema, full));
      expect(fault.type).toBe('ItemCollectionSizeLimitExceededException');
      expect(fault.message).toBe('Collection size exceeded.');
      expect(evaluate(remove(), key, schema, full).effects).toHaveLength(2);
    });

    it('counts entries with the item for the limit on items', () => {
      const all = schemaOf({ localIndexes: [localIndex(1, 'l:S')] });
      const item = { ...key, l: { S: 'm' }, x: { S: 'x'.repeat(250_000) } };
      const large = { bytes: 0, bytesMax: 10_000_000 };
      expect(faultOf(() => evaluate(put(item), undefined, all, large)).message).toBe(
        'Item size has exceeded the maximum allowed size',
      );
      expect(evaluate(put(item), undefined, schema, large).effects).toHaveLength(3);
    });
  });

  describe('with a global index', () => {
    const schema = schemaOf({ globalIndexes: [globalIndex(3, { hash: 'g:S', range: 'r:N' })] });
    const indexed = { ...key, g: { S: 'g' }, r: { N: '1' } };

    it('keeps the change until the index has it', () => {
      const evaluation = evaluate(put(indexed), undefined, schema);
      expect(spacesOf(evaluation)).toEqual(['item: put', 'pendingIndex: put']);
      expect(evaluation.indexChanges).toMatchObject([
        { indexId: 3, sequence: 5, version: 5, removedKey: undefined },
      ]);
      expect(evaluation.result.capacity.globalIndexes).toEqual(new Map([['G3', 1]]));
    });

    it.each([
      ['no range attribute', { ...key, g: { S: 'g' } }],
      ['no hash attribute', { ...key, r: { N: '1' } }],
    ])('does not index an item with %s', (_, item) => {
      expect(spacesOf(evaluate(put(item), undefined, schema))).toEqual(['item: put']);
    });

    it('ignores a new order of a set, as the index holds the same', () => {
      const before = { ...indexed, t: { SS: ['a', 'b'] } };
      const evaluation = evaluate(put({ ...indexed, t: { SS: ['b', 'a'] } }), before, schema);
      expect(evaluation.indexChanges).toEqual([]);
    });

    it.each([
      [
        { N: '1' },
        'The update expression attempted to update the secondary index key to unsupported type',
      ],
      [
        { S: '' },
        'One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value.',
      ],
      [
        { S: 'x'.repeat(2_049) },
        'The update expression attempted to update the secondary index key beyond allowed size limits',
      ],
    ])('refuses an update of an index key, %#', (value, message) => {
      const fault = faultOf(() => evaluate(update(setTo('g', value)), indexed, schema));
      expect(fault.message).toBe(message);
    });

    it('lets an item with a wrong index key be updated elsewhere', () => {
      const odd = { ...key, g: { N: '1' }, r: { N: '1' } };
      const evaluation = evaluate(update(setTo('x', { N: '1' })), odd, schema);
      expect(evaluation.indexChanges).toEqual([]);
    });
  });

  describe('with time to live', () => {
    const schema = schemaOf({ timeToLiveAttribute: 'ttl' });

    it.each([
      ['added', undefined, { N: '50' }, ['item: put', 'expiry: put']],
      ['changed', { N: '50' }, { N: '60' }, ['item: put', 'expiry: delete', 'expiry: put']],
      ['kept', { N: '50' }, { N: '50' }, ['item: put']],
      ['replaced by text', { N: '50' }, { S: '50' }, ['item: put', 'expiry: delete']],
      ['beyond all times', undefined, { N: '1'.repeat(30) }, ['item: put']],
    ])('follows the attribute when it is %s', (_, before, after, effects) => {
      const evaluation = evaluate(
        put({ ...key, ttl: after }),
        before === undefined ? key : { ...key, ttl: before },
        schema,
      );
      expect(spacesOf(evaluation)).toEqual(effects);
    });
  });
});
