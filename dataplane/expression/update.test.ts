import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { AttributeMap, AttributeValue, Item } from '../item/attribute-value.ts';
import { items, updates } from './expression.arbitrary.ts';
import { updateFromAttributeUpdates } from './legacy.ts';
import { project } from './project.ts';
import { Substitutions } from './substitutions.ts';
import { applyUpdate, updatedPaths } from './update.ts';
import { parseUpdate } from './update-parser.ts';

const values: AttributeMap = {
  ':one': { N: '1' },
  ':two': { N: '2' },
  ':tenth': { N: '0.1' },
  ':x': { S: 'x' },
  ':y': { S: 'y' },
  ':z': { S: 'z' },
  ':list': { L: [{ S: 'x' }] },
  ':ab': { SS: ['a', 'b'] },
  ':bc': { SS: ['b', 'c'] },
  ':n12': { NS: ['1', '2'] },
  ':big': { N: '99999999999999999999999999999999999999' },
  ':map': { M: {} },
};

const item: Item = {
  pk: { S: 'k' },
  n: { N: '5' },
  s: { S: 'text' },
  ab: { SS: ['a', 'b'] },
  l: { L: [{ S: '0' }, { S: '1' }, { S: '2' }] },
  m: { M: { x: { N: '1' }, kid: { M: { deep: { S: 'd' } } }, l: { L: [{ N: '7' }] } } },
};

function apply(text: string, to: Item = item): Item {
  return applyUpdate(parseUpdate(text, new Substitutions(undefined, values)), to);
}

function faultOf(run: () => unknown) {
  try {
    run();
  } catch (fault) {
    if (!(fault instanceof ClientFault)) throw fault;
    return fault.message;
  }
  return 'no fault';
}

describe('applyUpdate: SET', () => {
  it.each<[string, AttributeMap]>([
    ['SET fresh = :x', { fresh: { S: 'x' } }],
    ['SET s = :one', { s: { N: '1' } }],
    ['SET n = n + :one', { n: { N: '6' } }],
    ['SET n = :one - n', { n: { N: '-4' } }],
    ['SET a = n, n = :one, b = n', { a: { N: '5' }, n: { N: '1' }, b: { N: '5' } }],
    ['SET n = if_not_exists(n, :one)', { n: { N: '5' } }],
    ['SET c = if_not_exists(c, :one) + :two', { c: { N: '3' } }],
    ['SET c = if_not_exists(m.gone, m.x)', { c: { N: '1' } }],
    [
      'SET l = list_append(l, :list)',
      { l: { L: [{ S: '0' }, { S: '1' }, { S: '2' }, { S: 'x' }] } },
    ],
    [
      'SET l = list_append(:list, l)',
      { l: { L: [{ S: 'x' }, { S: '0' }, { S: '1' }, { S: '2' }] } },
    ],
    ['SET e = list_append(if_not_exists(e, :list), :list)', { e: { L: [{ S: 'x' }, { S: 'x' }] } }],
    ['SET l[1] = :x', { l: { L: [{ S: '0' }, { S: 'x' }, { S: '2' }] } }],
    ['SET l[9] = :x', { l: { L: [{ S: '0' }, { S: '1' }, { S: '2' }, { S: 'x' }] } }],
    [
      'SET l[9] = :y, l[3] = :x, l[0] = :z',
      { l: { L: [{ S: 'z' }, { S: '1' }, { S: '2' }, { S: 'x' }, { S: 'y' }] } },
    ],
    ['SET l[0] = l[2], l[2] = l[0]', { l: { L: [{ S: '2' }, { S: '1' }, { S: '0' }] } }],
    [
      'SET m.kid.deep = :x',
      { m: { M: { x: { N: '1' }, kid: { M: { deep: { S: 'x' } } }, l: { L: [{ N: '7' }] } } } },
    ],
    [
      'SET m.fresh = :x, m.l[0] = m.l[0] + :one',
      {
        m: {
          M: {
            x: { N: '1' },
            kid: { M: { deep: { S: 'd' } } },
            l: { L: [{ N: '8' }] },
            fresh: { S: 'x' },
          },
        },
      },
    ],
  ])('%s', (text, changed) => {
    expect(apply(text)).toEqual({ ...item, ...changed });
  });

  it.each([
    [
      'SET a = gone',
      'The provided expression refers to an attribute that does not exist in the item',
    ],
    [
      'SET a = gone + :one',
      'The provided expression refers to an attribute that does not exist in the item',
    ],
    ['SET a = s + :one', 'An operand in the update expression has an incorrect data type'],
    [
      'SET a = list_append(s, :list)',
      'An operand in the update expression has an incorrect data type',
    ],
    [
      'SET a = list_append(gone, :list)',
      'The provided expression refers to an attribute that does not exist in the item',
    ],
    [
      'SET gone.a = :x',
      'The document path provided in the update expression is invalid for update',
    ],
    [
      'SET m.gone.a = :x',
      'The document path provided in the update expression is invalid for update',
    ],
    ['SET s.a = :x', 'The document path provided in the update expression is invalid for update'],
    ['SET l.a = :x', 'The document path provided in the update expression is invalid for update'],
    ['SET m[0] = :x', 'The document path provided in the update expression is invalid for update'],
    [
      'SET gone[0] = :x',
      'The document path provided in the update expression is invalid for update',
    ],
    [
      'SET l[9].a = :x',
      'The document path provided in the update expression is invalid for update',
    ],
    [
      'SET n = :big + :tenth',
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    ],
  ])('refuses %s', (text, message) => {
    expect(faultOf(() => apply(text))).toBe(message);
  });

  it('more than 32 levels are refused, wherever they come from', () => {
    const nested = (levels: number): AttributeValue =>
      levels === 1 ? { S: 'x' } : { M: { a: nested(levels - 1) } };
    const deep: Item = { a: nested(31), m: { M: {} }, l: { L: [] } };
    const message = 'Nesting Levels have exceeded supported limits';
    expect(faultOf(() => apply('SET m.b = a', deep))).toBe('no fault');
    expect(faultOf(() => apply('SET m.b = a, c = a', { ...deep, a: nested(32) }))).toBe(message);
    expect(faultOf(() => apply('SET l[0] = a', { ...deep, a: nested(32) }))).toBe(message);
  });
});

describe('applyUpdate: REMOVE, ADD, DELETE', () => {
  it.each<[string, AttributeMap]>([
    ['REMOVE gone', {}],
    ['REMOVE m.gone', {}],
    ['REMOVE l[9]', {}],
    ['REMOVE l[1]', { l: { L: [{ S: '0' }, { S: '2' }] } }],
    ['REMOVE l[0], l[2]', { l: { L: [{ S: '1' }] } }],
    ['REMOVE l[0] SET l[1] = :x, l[7] = :y', { l: { L: [{ S: 'x' }, { S: '2' }, { S: 'y' }] } }],
    ['REMOVE m.kid.deep, m.l[0]', { m: { M: { x: { N: '1' }, kid: { M: {} }, l: { L: [] } } } }],
    ['ADD n :one', { n: { N: '6' } }],
    [
      'ADD fresh :one, m.x :two',
      {
        fresh: { N: '1' },
        m: { M: { x: { N: '3' }, kid: { M: { deep: { S: 'd' } } }, l: { L: [{ N: '7' }] } } },
      },
    ],
    ['ADD ab :bc', { ab: { SS: ['a', 'b', 'c'] } }],
    ['ADD fresh :ab', { fresh: { SS: ['a', 'b'] } }],
    ['ADD l[5] :one', { l: { L: [{ S: '0' }, { S: '1' }, { S: '2' }, { N: '1' }] } }],
    ['DELETE ab :bc', { ab: { SS: ['a'] } }],
    ['DELETE gone :ab', {}],
  ])('%s', (text, changed) => {
    expect(apply(text)).toEqual({ ...item, ...changed });
  });

  it('removes attributes, and sets that would be empty', () => {
    const { s: _, ...withoutText } = item;
    expect(apply('REMOVE s')).toEqual(withoutText);
    const { ab: __, ...withoutSet } = item;
    expect(apply('DELETE ab :ab')).toEqual(withoutSet);
  });

  it.each([
    ['REMOVE gone.a', 'The document path provided in the update expression is invalid for update'],
    ['REMOVE s.a', 'The document path provided in the update expression is invalid for update'],
    ['REMOVE gone[0]', 'The document path provided in the update expression is invalid for update'],
    [
      'ADD gone.a :one',
      'The document path provided in the update expression is invalid for update',
    ],
    ['ADD s :one', 'An operand in the update expression has an incorrect data type'],
    ['ADD l :ab', 'An operand in the update expression has an incorrect data type'],
    ['ADD ab :n12', 'An operand in the update expression has an incorrect data type'],
    ['DELETE s :ab', 'An operand in the update expression has an incorrect data type'],
    ['DELETE ab :n12', 'An operand in the update expression has an incorrect data type'],
    [
      'ADD n :big',
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    ],
  ])('refuses %s', (text, message) => {
    expect(faultOf(() => apply(text))).toBe(message);
  });
});

describe('applyUpdate: what it keeps', () => {
  it('does not change the item, and shares what it does not touch', () => {
    const before = structuredClone(item);
    const after = apply('SET m.kid.deep = :x REMOVE l[0]');
    expect(item).toEqual(before);
    expect(after.ab).toBe(item.ab);
    const [oldMap, newMap] = [item.m, after.m] as [{ M: AttributeMap }, { M: AttributeMap }];
    expect(newMap.M.l).toBe(oldMap.M.l);
    expect(newMap.M.kid).not.toBe(oldMap.M.kid);
  });

  it('prototype names are attributes as others are', () => {
    const proto = JSON.parse('{"__proto__": {"M": {"__proto__": {"N": "1"}}}}') as Item;
    const update = parseUpdate(
      'SET #p.#p = #p.#p + :one, toString = :x',
      new Substitutions({ '#p': '__proto__' }, values),
    );
    const after = applyUpdate(update, proto);
    expect(JSON.stringify(after)).toBe(
      '{"__proto__":{"M":{"__proto__":{"N":"2"}}},"toString":{"S":"x"}}',
    );
    expect(Object.getPrototypeOf(after)).toBe(Object.prototype);
  });

  it('random updates change only what their paths name, or refuse', () => {
    fc.assert(
      fc.property(updates, items, (update, before) => {
        const copy = structuredClone(before);
        let after: Item;
        try {
          after = applyUpdate(update, before);
        } catch (fault) {
          expect(fault).toBeInstanceOf(ClientFault);
          return;
        } finally {
          expect(before).toEqual(copy);
        }
        const touched = new Set(update.map((action) => action.path[0]));
        for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
          if (!touched.has(name)) expect(after[name]).toBe(before[name]);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('updatedPaths: what UPDATED_OLD and UPDATED_NEW show', () => {
  const document: Item = {
    p: { S: 'k' },
    a: { M: { b: { S: 'dog' }, c: { L: [{ N: '1' }, { N: '2' }, { N: '3' }] } } },
    d: { S: 'cat' },
  };
  it.each<[string, AttributeMap, AttributeMap]>([
    ['SET d = :x, e = :y', { d: { S: 'cat' } }, { d: { S: 'x' }, e: { S: 'y' } }],
    ['REMOVE d', { d: { S: 'cat' } }, {}],
    ['SET a.b = :x', { a: { M: { b: { S: 'dog' } } } }, { a: { M: { b: { S: 'x' } } } }],
    [
      'SET a.c[1] = :x',
      { a: { M: { c: { L: [{ N: '2' }] } } } },
      { a: { M: { c: { L: [{ S: 'x' }] } } } },
    ],
    [
      'SET a.c[1] = :x, a.b = :y',
      { a: { M: { c: { L: [{ N: '2' }] }, b: { S: 'dog' } } } },
      { a: { M: { c: { L: [{ S: 'x' }] }, b: { S: 'y' } } } },
    ],
    [
      'REMOVE a.c[1], a.c[3]',
      { a: { M: { c: { L: [{ N: '2' }] } } } },
      { a: { M: { c: { L: [{ N: '3' }] } } } },
    ],
    ['SET a.c[100] = :x', {}, {}],
    ['SET a.fresh = :x', {}, { a: { M: { fresh: { S: 'x' } } } }],
  ])('%s', (text, old, fresh) => {
    const update = parseUpdate(text, new Substitutions(undefined, values));
    const paths = updatedPaths(update);
    expect(project(paths, document)).toEqual(old);
    expect(project(paths, applyUpdate(update, document))).toEqual(fresh);
  });
});

describe('applyUpdate: AttributeUpdates', () => {
  it('ADD appends to lists, adds numbers, joins sets and creates what is missing', () => {
    const update = updateFromAttributeUpdates({
      l: { Action: 'ADD', Value: { L: [{ S: 'x' }] } },
      n: { Action: 'ADD', Value: { N: '1' } },
      ab: { Action: 'ADD', Value: { SS: ['c'] } },
      'a.b': { Action: 'ADD', Value: { L: [] } },
    });
    expect(applyUpdate(update, item)).toEqual({
      ...item,
      l: { L: [{ S: '0' }, { S: '1' }, { S: '2' }, { S: 'x' }] },
      n: { N: '6' },
      ab: { SS: ['a', 'b', 'c'] },
      'a.b': { L: [] },
    });
  });

  it('a wrong type has a text of its own', () => {
    const message = 'Type mismatch for attribute to update';
    const add = updateFromAttributeUpdates({ s: { Action: 'ADD', Value: { N: '1' } } });
    expect(faultOf(() => applyUpdate(add, item))).toBe(message);
    const del = updateFromAttributeUpdates({ s: { Action: 'DELETE', Value: { SS: ['a'] } } });
    expect(faultOf(() => applyUpdate(del, item))).toBe(message);
  });
});
