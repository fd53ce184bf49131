import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Keyed, KeyTable } from './key-table.ts';

test('holds what a Map would', () => {
  const step = fc.tuple(fc.constantFrom('add', 'remove'), fc.string({ maxLength: 2 }));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const table = new KeyTable<Keyed>();
      const model = new Map<string, Keyed>();
      for (const [kind, key] of steps) {
        const known = model.get(key);
        expect(table.get(key)).toBe(known);
        if (kind === 'add' && known === undefined) {
          const value = { key };
          table.add(value);
          model.set(key, value);
        } else if (kind === 'remove' && known !== undefined) {
          expect(table.remove({ key })).toBe(false);
          expect(table.remove(known)).toBe(true);
          model.delete(key);
        }
        expect(table.size).toBe(model.size);
        expect(new Set(table.values())).toEqual(new Set(model.values()));
      }
    }),
  );
});

test('finds each of many keys in the same slots', () => {
  const table = new KeyTable<Keyed>();
  const values = Array.from({ length: 50_000 }, (_, index) => ({ key: `key ${index}` }));
  for (const value of values) table.add(value);
  expect(values.every((value) => table.get(value.key) === value)).toBe(true);
  for (const value of values.filter((_, index) => index % 2 === 0)) table.remove(value);
  const found = values.filter((value) => table.get(value.key) === value);
  expect(found).toHaveLength(25_000);
});
