import { expect, test } from 'vitest';
import { entryOf, entryTimeMs, storedOf } from './entry.ts';

test.each([0, 1, 2 ** 24 - 1, 2 ** 24, Date.UTC(2026, 10, 27), 2 ** 48 - 1])(
  'an entry has its time and its values back: %d',
  (timeMs) => {
    for (const values of [
      Buffer.from([0]),
      Buffer.from([1, 255, 128]),
      Buffer.alloc(400_000, 200),
    ]) {
      const entry = entryOf(timeMs, values);
      expect(entryTimeMs(entry)).toBe(timeMs);
      expect(storedOf(entry)).toBe(values.toString('latin1'));
    }
    expect(storedOf(entryOf(timeMs, undefined))).toBeUndefined();
    expect(entryTimeMs(entryOf(timeMs, undefined))).toBe(timeMs);
  },
);
