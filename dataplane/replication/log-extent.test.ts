import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogExtent } from './log-extent.ts';

describe('LogExtent', () => {
  it('keeps to a plain list of entries, whatever is appended, replaced and compacted', () => {
    const step = fc.record({
      do: fc.constantFrom('append', 'append', 'append', 'replace', 'compact'),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      count: fc.integer({ min: 1, max: 150 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const extent = new LogExtent({ index: 5, term: 1 });
        let start = 5;
        let last = 5;
        for (const { do: what, at, count } of steps) {
          const index = start + Math.floor((last - start) * at);
          if (what === 'compact') {
            extent.compact({ index, term: 1 });
            start = index;
          } else {
            const first = what === 'append' ? last + 1 : index + 1;
            for (let i = 0; i < count; i += 1) extent.append(first + i, 10);
            last = first + count - 1;
          }
          expect(extent.start.index).toBe(start);
          expect(extent.lastIndex).toBe(last);
          expect(extent.entriesCount).toBe(last - start);
          expect(extent.bytes).toBeCloseTo(10 * (last - start));
        }
      }),
    );
  });

  it('tells which entries are to go for the rest to fit', () => {
    const extent = new LogExtent({ index: 0, term: 0 });
    for (let index = 1; index <= 640; index += 1) extent.append(index, 10);
    expect(extent.indexForBytes(6_400)).toBe(0);
    expect(extent.indexForBytes(3_200)).toBe(320);
    expect(extent.indexForBytes(3_199)).toBe(384);
    expect(extent.indexForBytes(0)).toBe(640);
  });
});
