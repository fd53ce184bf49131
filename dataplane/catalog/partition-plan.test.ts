import { describe, expect, it } from 'vitest';
import { evenPartitions, initialPartitionsCount } from './partition-plan.ts';

describe('initial partitions', () => {
  it.each([
    [1, 1, 1],
    [3000, 1000, 1],
    [3001, 1, 2],
    [1, 1001, 2],
    [12_000, 4000, 4],
    [40_000, 40_000, 40],
    [1_000_000, 1, 64],
  ])('%i read and %i write units need %i', (readUnits, writeUnits, expected) => {
    expect(initialPartitionsCount({ readUnits, writeUnits })).toBe(expected);
  });

  it.each([1, 2, 3, 4, 7, 64])('%i tile the hash space evenly, each id given out once', (count) => {
    let id = 10n;
    const ranges = evenPartitions(count, () => id++);
    expect(ranges).toHaveLength(count);
    expect(ranges[0]?.start).toEqual(Buffer.alloc(16));
    expect(ranges.at(-1)?.end).toBeUndefined();
    const widths = ranges.map(({ start, end }, index) => {
      if (end !== undefined) expect(ranges[index + 1]?.start).toEqual(end);
      return boundaryOf(end) - boundaryOf(start);
    });
    const sorted = widths.toSorted((a, b) => (a < b ? -1 : 1));
    expect((sorted.at(-1) ?? 0n) - (sorted[0] ?? 0n)).toBeLessThanOrEqual(1n);
    expect(ranges.map((range) => range.id)).toEqual(ranges.map((_, index) => 10n + BigInt(index)));
  });
});

function boundaryOf(bytes: Uint8Array | undefined): bigint {
  return bytes === undefined ? 1n << 128n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}
