import { describe, expect, it } from 'vitest';
import { consumedCapacity, sumOfCapacities } from './consumed-capacity.ts';

const read = {
  table: 0,
  localIndexes: new Map<string, number>(),
  globalIndexes: new Map([['__proto__', 1.5]]),
};
const write = {
  table: 2,
  localIndexes: new Map([['l', 1]]),
  globalIndexes: new Map([['g', 3]]),
};

describe('ConsumedCapacity', () => {
  it('is absent unless asked for', () => {
    expect(consumedCapacity(undefined, 't', read)).toBeUndefined();
    expect(consumedCapacity('NONE', 't', read)).toBeUndefined();
  });

  it('TOTAL is the sum of all parts', () => {
    expect(consumedCapacity('TOTAL', 't', write)).toEqual({ TableName: 't', CapacityUnits: 6 });
  });

  it('INDEXES names the indexes that were touched, and the table always', () => {
    const shown = consumedCapacity('INDEXES', 't', read);
    expect(JSON.stringify(shown)).toBe(
      '{"TableName":"t","CapacityUnits":1.5,"Table":{"CapacityUnits":0},"GlobalSecondaryIndexes":{"__proto__":{"CapacityUnits":1.5}}}',
    );
  });

  it('adds up a batch part by part', () => {
    expect(sumOfCapacities([write, write, read])).toEqual({
      table: 4,
      localIndexes: new Map([['l', 2]]),
      globalIndexes: new Map([
        ['g', 6],
        ['__proto__', 1.5],
      ]),
    });
  });
});
