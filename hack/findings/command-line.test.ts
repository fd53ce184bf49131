import { expect, test } from 'vitest';
import { countOf, numberOf, partsOf, readValues, UsageError } from './command-line.ts';

const config = { rounds: { type: 'string' }, quick: { type: 'boolean', default: false } } as const;

test('a command line that cannot be understood is an error of usage', () => {
  expect(readValues(['--rounds', '3'], config)).toMatchObject({ rounds: '3', quick: false });
  expect(() => readValues(['--round', '3'], config)).toThrow(UsageError);
  expect(() => readValues(['--rounds'], config)).toThrow(UsageError);
  expect(() => readValues(['reads'], config)).toThrow(UsageError);
});

test('parts are named in a list; without one, all are meant', () => {
  const names = ['reads', 'writes', 'idle'] as const;
  expect(partsOf(names, undefined)).toEqual(names);
  expect(partsOf(names, 'idle, reads')).toEqual(['idle', 'reads']);
  expect(() => partsOf(names, 'reads,rest')).toThrow('not one of reads, writes, idle: rest');
});

test('numbers are above 0, counts whole as well', () => {
  expect(numberOf('seconds', '1.5')).toBe(1.5);
  expect(countOf('rounds', '7')).toBe(7);
  for (const text of ['0', '-1', 'x', '', 'Infinity']) {
    expect(() => numberOf('seconds', text)).toThrow(`--seconds needs a number above 0`);
    expect(() => countOf('rounds', text)).toThrow(UsageError);
  }
  expect(() => countOf('rounds', '1.5')).toThrow(UsageError);
});
