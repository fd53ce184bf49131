import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { schemaOf } from '../partition/schema.fixture.ts';
import { type KeyedRead, keyedReads } from './key-access.ts';
import { bindStatement } from './statement.ts';

const { key } = schemaOf(); // p: S, s: N

function readsOf(where: string): readonly KeyedRead[] | undefined {
  const statement = bindStatement(`SELECT * FROM Tab WHERE ${where}`, []);
  if (statement.kind !== 'select') throw new Error('no SELECT');
  return keyedReads(statement.where, key);
}

/** Reads in short: partition key, condition on the sort key, and whether there is a filter. */
function shown(reads: readonly KeyedRead[] | undefined): unknown {
  return reads?.map(({ hash, range, filter }) => {
    const bounds =
      range?.operator === 'between' ? [range.lower, range.upper] : range && [range.value];
    const values = bounds?.flatMap((value) => Object.values(value)).join(',');
    const condition = range === undefined ? '' : ` ${range.operator} ${values}`;
    return `${Object.values(hash)[0]}${condition}${filter === undefined ? '' : ' filtered'}`;
  });
}

function messageOf(where: string): string | undefined {
  try {
    readsOf(where);
  } catch (thrown) {
    if (thrown instanceof ClientFault) return thrown.message;
    throw thrown;
  }
  return 'no fault';
}

const oneTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const strings = (count: number) => oneTo(count).map((each) => `'v${each}'`);

describe('a clause reads by key', () => {
  it.each([
    ["p = 'a'", ['a']],
    ["'a' = p", ['a']],
    ["p = 'a' AND x = 1", ['a filtered']],
    ["p = 'a' AND s = 1", ['a = 1']],
    ["s > 1 AND p = 'a'", ['a > 1']],
    ["1 < s AND p = 'a'", ['a > 1']],
    ["p = 'a' AND s BETWEEN 1 AND 3", ['a between 1,3']],
    ["p = 'a' AND s > 1 AND s < 5", ['a > 1 filtered']],
    ["p = 'a' AND s > 1 AND s = 5", ['a = 5 filtered']],
    ["p = 'a' AND p = 'a'", ['a']],
    ["p = 'a' AND s <> 1", ['a filtered']],
    ["p = 'a' AND NOT s = 1", ['a filtered']],
    ["p = 'a' AND attribute_exists(p)", ['a filtered']],
    ["p = 'a' OR p = 'b'", ['a', 'b']],
    ["p IN ['a', 'b']", ['a', 'b']],
    ["p IN ['a', 'b'] AND x = 1", ['a filtered', 'b filtered']],
    ["(p = 'a' AND s = 1) OR (p = 'b' AND x = 1)", ['a = 1', 'b filtered']],
    ["p = 'a' AND s IN [1, 3]", ['a = 1', 'a = 3']],
    ["p IN ['a', 'b'] AND s IN [1, 2]", ['a = 1', 'a = 2', 'b = 1', 'b = 2']],
    ["p = 'a' AND (s < 1 OR s > 1 OR s = 1)", ['a < 1', 'a > 1', 'a = 1']],
    ["p = 'a' AND (x = 1 OR y = 2)", ['a filtered']],
    ["p = 'a' AND NOT s = 1 OR p = 'a' AND s = 2", ['a filtered']],
    ["p = 'a' OR p = 'a' AND s <> 1", ['a']],
  ])('%s', (where, expected) => {
    if (expected === undefined) expect(messageOf(where)).not.toBe('no fault');
    else expect(shown(readsOf(where))).toEqual(expected);
  });
});

describe('a clause leaves all items to be looked at', () => {
  it.each([
    "p > 'a'",
    "p <> 'a'",
    "begins_with(p, 'a')",
    's = 1',
    "x = 'a'",
    "p = 'a' OR x = 1",
    "p = 'a' OR s = 1",
    "NOT p = 'a'",
    'p = x',
    "p IN ['a', x]",
    "p.q = 'a'",
    // No item has two partition keys; the service scans.
    "p = 'a' AND p = 'b'",
    "p = 'a' AND (p = 'b' OR x = 1)",
    'p > 1',
    `p IN [${strings(51)}] OR x = 1`,
  ])('%s', (where) => {
    expect(readsOf(where)).toBe(undefined);
  });

  it('without one', () => {
    expect(keyedReads(undefined, key)).toBe(undefined);
  });
});

const OVERLAP = 'Overlapping conditions with range keys are not supported in where clause';
const TOO_MANY = 'Too many decomposed read operations for a given query.';
const keyType = (name: string) =>
  `Key attribute's data type should match its data type in table's schema: Key ${name}`;

describe('a clause is refused', () => {
  it.each([
    ["p IN ['a', 'a']", OVERLAP],
    ["p = 'a' OR p = 'a'", OVERLAP],
    ["p = 'a' AND (s > 0 OR s < 5)", OVERLAP],
    ["p = 'a' AND (s = 1 OR x = 2)", OVERLAP],
    ["(p = 'a' AND x = 1) OR (p = 'a' AND x = 2)", OVERLAP],
    ["p = 'a' AND (s BETWEEN 1 AND 2 OR s BETWEEN 2 AND 3)", OVERLAP],
    [`p IN [${strings(51)}]`, TOO_MANY],
    [`p = 'a' AND s IN [${oneTo(51)}]`, TOO_MANY],
    [`p IN [${strings(26)}] AND s IN [1, 2]`, TOO_MANY],
    [`p IN [${strings(50)}] AND x IN [${oneTo(100)}]`, 'no fault'],
    ["p = 1 OR p = 'a'", keyType('p')],
    ["p = 'a' AND s IN [1, '2']", keyType('s')],
    ["p = 'a' AND s > 'x'", keyType('s')],
    ["p = 'a' AND s = true", keyType('s')],
  ])('%s', (where, message) => {
    expect(messageOf(where)).toBe(message);
  });
});
