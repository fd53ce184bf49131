import { describe, expect, it } from 'vitest';
import type { AttributeMap } from '../item/attribute-value.ts';
import { Substitutions } from './substitutions.ts';
import { parseUpdate } from './update-parser.ts';
import { updateBytes } from './update-size.ts';

const ten = { S: 'y'.repeat(10) };
const one = { ':v': { N: '1' } };

/** Texts, values and bytes beside the 3 of the update: charges of the service that a public suite recorded. */
const charges: readonly [string, AttributeMap, number][] = [
  ['SET b = :v', { ':v': ten }, 19 + 1 + 10],
  ['SET b = :v, c = :v', { ':v': ten }, 2 * (19 + 1 + 10)],
  ['SET d.leaf = :v', { ':v': ten }, 19 + 1 + 4 + 4 + 10],
  ['SET d[10] = :v', { ':v': ten }, 19 + 1 + 4 + 2 + 10],
  ['SET c = abcdefghij', {}, 19 + 1 + 1 + 14 + 10],
  ['SET c = m.a.z', {}, 19 + 1 + 1 + 3 * (14 + 1)],
  ['SET c = l[10]', {}, 19 + 1 + 1 + 14 + 1 + 14 + 2],
  ['SET n = n + :v', one, 19 + 1 + 34 + (1 + 14 + 1) + 2],
  ['SET n = n - :v', one, 19 + 1 + 37 + (1 + 14 + 1) + 2],
  ['SET c = if_not_exists(c, :v)', { ':v': ten }, 19 + 1 + 39 + (1 + 14 + 1) + 10],
  ['SET l = list_append(l, :v)', { ':v': { L: [ten] } }, 19 + 1 + 37 + (1 + 14 + 1) + 3 + 1 + 10],
  ['ADD abcdefghij :v', one, 19 + 10 + 2],
  ['ADD ss :v', { ':v': { SS: ['s'.repeat(500)] } }, 19 + 2 + 500],
  ['REMOVE abcdefghij', {}, 1 + 10],
  ['REMOVE m.yyyyyyyyyy', {}, 1 + 1 + 4 + 10],
  ['REMOVE abcdefghij[1]', {}, 1 + 10 + 4 + 1],
  ['DELETE ss :v', { ':v': { SS: ['q'.repeat(20)] } }, 1 + 2],
  ['SET b = :v REMOVE r', { ':v': ten }, 19 + 1 + 10 + 1 + 1],
];

describe('updateBytes', () => {
  it.each(charges)('%s', (expression, values, bytes) => {
    const update = parseUpdate(expression, new Substitutions(undefined, values));
    expect(updateBytes(update)).toBe(3 + bytes);
  });

  it('of no action', () => {
    expect(updateBytes([])).toBe(3);
  });
});
