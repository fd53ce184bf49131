import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { AttributeValue, Item } from '../item/attribute-value.ts';
import { matches } from './evaluate.ts';
import {
  type ComparisonOperator,
  conditionFromExpected,
  filterFromConditions,
  keyConditionsFromLegacy,
  type LegacyExpected,
  type LegacyUpdate,
  projectionFromAttributesToGet,
  updateFromAttributeUpdates,
} from './legacy.ts';

const OPV = 'One or more parameter values were invalid: ';

function faultOf(run: () => unknown) {
  try {
    run();
  } catch (fault) {
    if (!(fault instanceof ClientFault)) throw fault;
    return fault.message;
  }
  return 'no fault';
}

const item: Item = {
  s: { S: 'hello' },
  n: { N: '5' },
  ss: { SS: ['a', 'b'] },
  l: { L: [{ S: 'a' }] },
  'a.b': { S: 'dotted' },
};

function filter(name: string, operator: ComparisonOperator, ...list: AttributeValue[]): boolean {
  const member = { ComparisonOperator: operator, AttributeValueList: list };
  const condition = filterFromConditions({ [name]: member }, undefined);
  return condition !== undefined && matches(condition, item);
}

describe('filterFromConditions', () => {
  it.each<[string, ComparisonOperator, AttributeValue[]]>([
    ['s', 'EQ', [{ S: 'hello' }]],
    ['s', 'NE', [{ S: 'x' }]],
    ['s', 'NE', [{ N: '1' }]],
    ['gone', 'NE', [{ S: 'x' }]],
    ['n', 'LE', [{ N: '5' }]],
    ['n', 'LT', [{ N: '6' }]],
    ['n', 'GE', [{ N: '5' }]],
    ['n', 'GT', [{ N: '4' }]],
    ['gone', 'NULL', []],
    ['s', 'NOT_NULL', []],
    ['s', 'CONTAINS', [{ S: 'ell' }]],
    ['ss', 'CONTAINS', [{ S: 'a' }]],
    ['l', 'CONTAINS', [{ S: 'a' }]],
    ['s', 'NOT_CONTAINS', [{ S: 'x' }]],
    ['n', 'NOT_CONTAINS', [{ S: 'x' }]],
    ['s', 'BEGINS_WITH', [{ S: 'he' }]],
    ['s', 'IN', [{ S: 'x' }, { S: 'hello' }]],
    ['n', 'BETWEEN', [{ N: '5' }, { N: '5' }]],
    ['a.b', 'EQ', [{ S: 'dotted' }]],
    ['ss', 'EQ', [{ SS: ['b', 'a'] }]],
    ['l', 'EQ', [{ L: [{ S: 'a' }] }]],
  ])('%s %s %j', (name, operator, list) => {
    expect(filter(name, operator, ...list)).toBe(true);
  });

  it.each<[string, ComparisonOperator, AttributeValue[]]>([
    ['gone', 'EQ', [{ S: 'x' }]],
    ['gone', 'LT', [{ S: 'x' }]],
    ['gone', 'NOT_CONTAINS', [{ S: 'x' }]],
    ['gone', 'CONTAINS', [{ S: 'x' }]],
    ['gone', 'IN', [{ S: 'x' }]],
    ['gone', 'NOT_NULL', []],
    ['s', 'NULL', []],
    ['s', 'LT', [{ N: '9' }]],
    ['ss', 'NOT_CONTAINS', [{ S: 'a' }]],
  ])('not %s %s %j', (name, operator, list) => {
    expect(filter(name, operator, ...list)).toBe(false);
  });

  it('joins members with AND unless OR is asked for', () => {
    const members = {
      s: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'hello' }] },
      n: { ComparisonOperator: 'EQ', AttributeValueList: [{ N: '0' }] },
      gone: { ComparisonOperator: 'NULL' },
    } as const;
    const test = (operator: 'AND' | 'OR' | undefined) => {
      const condition = filterFromConditions(members, operator);
      return condition !== undefined && matches(condition, item);
    };
    expect([test(undefined), test('AND'), test('OR')]).toEqual([false, false, true]);
    expect(filterFromConditions({}, 'OR')).toBeUndefined();
  });

  it('any number of members makes a shallow condition', () => {
    const names = Array.from(
      { length: 50_000 },
      (_, index) => [`a${index}`, { ComparisonOperator: 'NULL' }] as const,
    );
    const condition = filterFromConditions(Object.fromEntries(names), 'AND');
    expect(condition !== undefined && matches(condition, item)).toBe(true);
  });

  const a = { S: 'a' };
  it.each<[ComparisonOperator, AttributeValue[], string]>([
    ['EQ', [], 'Invalid number of argument(s) for the EQ ComparisonOperator'],
    ['EQ', [a, a], 'Invalid number of argument(s) for the EQ ComparisonOperator'],
    ['NULL', [a], 'Invalid number of argument(s) for the NULL ComparisonOperator'],
    ['NOT_NULL', [a], 'Invalid number of argument(s) for the NOT_NULL ComparisonOperator'],
    ['IN', [], 'Invalid number of argument(s) for the IN ComparisonOperator'],
    ['BETWEEN', [a], 'Invalid number of argument(s) for the BETWEEN ComparisonOperator'],
    ['BETWEEN', [a, a, a], 'Invalid number of argument(s) for the BETWEEN ComparisonOperator'],
    ['IN', [a, { N: '1' }], 'AttributeValues inside AttributeValueList must be of same type'],
    ['LT', [{ BOOL: true }], 'ComparisonOperator LT is not valid for BOOL AttributeValue type'],
    [
      'CONTAINS',
      [{ SS: ['a'] }],
      'ComparisonOperator CONTAINS is not valid for SS AttributeValue type',
    ],
    [
      'NOT_CONTAINS',
      [{ L: [] }],
      'ComparisonOperator NOT_CONTAINS is not valid for L AttributeValue type',
    ],
    [
      'BEGINS_WITH',
      [{ N: '1' }],
      'ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type',
    ],
    ['IN', [{ M: {} }], 'ComparisonOperator IN is not valid for M AttributeValue type'],
    [
      'BETWEEN',
      [{ NS: ['1'] }, { NS: ['1'] }],
      'ComparisonOperator BETWEEN is not valid for NS AttributeValue type',
    ],
  ])('refuses %s %j', (operator, list, message) => {
    expect(faultOf(() => filter('s', operator, ...list))).toBe(OPV + message);
  });

  it('refuses bounds in the wrong order', () => {
    expect(faultOf(() => filter('n', 'BETWEEN', { N: '10' }, { N: '9' }))).toBe(
      'The BETWEEN condition was provided a range where the lower bound is greater than the upper bound',
    );
  });
});

describe('conditionFromExpected', () => {
  const test = (expected: Record<string, LegacyExpected>, of: Item = item) => {
    const condition = conditionFromExpected(expected, undefined);
    return condition !== undefined && matches(condition, of);
  };

  it('Value is compared, Exists false asks for absence, operators work as in filters', () => {
    expect(test({ s: { Value: { S: 'hello' } } })).toBe(true);
    expect(test({ s: { Value: { S: 'x' }, Exists: true } })).toBe(false);
    expect(test({ gone: { Exists: false } })).toBe(true);
    expect(test({ s: { Exists: false } })).toBe(false);
    expect(test({ n: { ComparisonOperator: 'GT', Value: { N: '4' } } })).toBe(true);
    expect(test({ s: { ComparisonOperator: 'NULL' } }, {})).toBe(true);
    expect(test({ s: { ComparisonOperator: 'NULL', AttributeValueList: [] } }, {})).toBe(true);
    expect(conditionFromExpected({}, undefined)).toBeUndefined();
  });

  const a = { S: 'a' };
  it.each<[LegacyExpected, string]>([
    [{}, 'Value must be provided when Exists is null for Attribute: x'],
    [{ Exists: true }, 'Value must be provided when Exists is true for Attribute: x'],
    [{ Exists: null }, 'Value must be provided when Exists is null for Attribute: x'],
    [{ Exists: false, Value: a }, 'Value cannot be used when Exists is false for Attribute: x'],
    [
      { AttributeValueList: [a] },
      'AttributeValueList can only be used with a ComparisonOperator for Attribute: x',
    ],
    [
      { AttributeValueList: [a], Value: a, ComparisonOperator: 'EQ', Exists: true },
      'Value and AttributeValueList cannot be used together for Attribute: x',
    ],
    [
      { AttributeValueList: [a], ComparisonOperator: 'EQ', Exists: true },
      'Exists and ComparisonOperator cannot be used together for Attribute: x',
    ],
    [
      { ComparisonOperator: 'EQ' },
      'Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: x',
    ],
    [
      { ComparisonOperator: 'EQ', AttributeValueList: [] },
      'Invalid number of argument(s) for the EQ ComparisonOperator',
    ],
    [
      { ComparisonOperator: 'NULL', Value: a },
      'Invalid number of argument(s) for the NULL ComparisonOperator',
    ],
    [
      { ComparisonOperator: 'BETWEEN', Value: a },
      'Invalid number of argument(s) for the BETWEEN ComparisonOperator',
    ],
    [
      { ComparisonOperator: 'IN', AttributeValueList: [a, { N: '1' }] },
      'AttributeValues inside AttributeValueList must be of same type',
    ],
  ])('refuses %j', (expected, message) => {
    expect(faultOf(() => conditionFromExpected({ x: expected }, undefined))).toBe(OPV + message);
  });
});

describe('keyConditionsFromLegacy', () => {
  const eq = { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'a' }] } as const;
  it('becomes key conditions', () => {
    const r = {
      ComparisonOperator: 'BETWEEN',
      AttributeValueList: [{ N: '1' }, { N: '2' }],
    } as const;
    expect(keyConditionsFromLegacy({ p: eq, r })).toEqual([
      { attribute: 'p', operator: '=', value: { S: 'a' } },
      { attribute: 'r', operator: 'between', lower: { N: '1' }, upper: { N: '2' } },
    ]);
    const begins = { ...eq, ComparisonOperator: 'BEGINS_WITH' } as const;
    expect(keyConditionsFromLegacy({ p: begins })).toEqual([
      { attribute: 'p', operator: 'beginsWith', value: { S: 'a' } },
    ]);
  });

  it.each(['NULL', 'NOT_NULL', 'NE', 'CONTAINS', 'NOT_CONTAINS', 'IN'] as const)(
    '%s waits for the schema to be refused',
    (operator) => {
      const list = operator.endsWith('NULL') ? [] : [{ S: 'a' }];
      const member = { ComparisonOperator: operator, AttributeValueList: list };
      expect(keyConditionsFromLegacy({ p: member })).toEqual([
        { attribute: 'p', operator: 'notIndexable' },
      ]);
    },
  );
});

describe('updateFromAttributeUpdates', () => {
  it('becomes actions on whole names', () => {
    expect(
      updateFromAttributeUpdates({
        'a.b': { Value: { S: 'x' } },
        c: { Action: 'DELETE' },
        d: { Action: 'DELETE', Value: { SS: ['x'] } },
        e: { Action: 'ADD', Value: { L: [] } },
      }),
    ).toEqual([
      { kind: 'set', path: ['a.b'], term: { kind: 'value', value: { S: 'x' } } },
      { kind: 'remove', path: ['c'] },
      { kind: 'delete', path: ['d'], value: { SS: ['x'] }, legacy: true },
      { kind: 'add', path: ['e'], value: { L: [] }, legacy: true },
    ]);
  });

  it.each<[LegacyUpdate, string]>([
    [{}, 'Only DELETE action is allowed when no attribute value is specified'],
    [{ Action: 'ADD' }, 'Only DELETE action is allowed when no attribute value is specified'],
    [
      { Action: 'DELETE', Value: { N: '1' } },
      'DELETE action with value is not supported for the type N',
    ],
    [{ Action: 'ADD', Value: { S: 'a' } }, 'ADD action is not supported for the type S'],
    [{ Action: 'ADD', Value: { M: {} } }, 'ADD action is not supported for the type M'],
  ])('refuses %j', (update, message) => {
    expect(faultOf(() => updateFromAttributeUpdates({ a: update }))).toBe(OPV + message);
  });
});

describe('projectionFromAttributesToGet', () => {
  it('names are whole names', () => {
    expect(projectionFromAttributesToGet(['a.b', 'c[0]'])).toEqual([['a.b'], ['c[0]']]);
  });

  it('refuses a name that occurs twice', () => {
    expect(faultOf(() => projectionFromAttributesToGet(['a', 'b', 'b', 'a']))).toBe(
      `${OPV}Duplicate value in attribute name: b`,
    );
  });
});
