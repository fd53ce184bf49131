import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Edit, SortedTree } from './sorted-tree.ts';

const nothing = Buffer.alloc(0);

function edit(name: number, isPut: boolean): Edit {
  const key = String.fromCharCode(name >> 4, name & 15);
  return { key, entry: isPut ? { key, bytes: nothing, value: nothing } : undefined };
}

const someKey = fc.nat(255);

it('holds what a sorted map holds, and never changes what was taken from it before', () => {
  const batch = fc.array(fc.tuple(someKey, fc.boolean()), { maxLength: 120 });
  const range = fc.tuple(someKey, someKey, fc.boolean(), fc.integer({ min: 1, max: 40 }));
  fc.assert(
    fc.property(
      fc.array(batch, { maxLength: 12 }),
      range,
      (batches, [from, to, reverse, limit]) => {
        let tree = SortedTree.empty;
        const model = new Set<string>();
        const before: { tree: SortedTree; keys: readonly string[] }[] = [];
        for (const steps of batches) {
          const edits = steps.map(([name, isPut]) => edit(name, isPut));
          tree = tree.with(edits);
          for (const { key, entry } of edits) {
            if (entry === undefined) {
              model.delete(key);
            } else {
              model.add(key);
            }
          }
          before.push({ tree, keys: [...model].sort() });
        }
        for (const { tree: old, keys } of before) {
          expect(keysOf(old)).toEqual(keys);
        }
        const [start, end] = [edit(from, true).key, edit(to, true).key];
        const expected = [...model].sort().filter((key) => key >= start && key < end);
        const page = tree.page({ start, end, reverse, limit }).map(({ key }) => key);
        expect(page).toEqual((reverse ? expected.reverse() : expected).slice(0, limit));
        for (let name = 0; name < 256; name += 1) {
          const { key } = edit(name, true);
          expect(tree.get(key)?.key).toBe(model.has(key) ? key : undefined);
        }
      },
    ),
    { numRuns: 200 },
  );
});

it('large: tens of thousands of keys, put at random and removed from the front', () => {
  const names = Array.from({ length: 20_000 }, (_, index) =>
    String((index * 7_919) % 20_000).padStart(5, '0'),
  );
  let tree = SortedTree.empty;
  for (const key of names) {
    tree = tree.with([{ key, entry: { key, bytes: nothing, value: nothing } }]);
  }
  for (const key of names.toSorted().slice(0, 19_990)) {
    tree = tree.with([{ key, entry: undefined }]);
  }
  expect(keysOf(tree)).toEqual(names.toSorted().slice(19_990));
});

function keysOf(tree: SortedTree): readonly string[] {
  return tree
    .page({ start: '', end: '\u{100}', reverse: false, limit: Number.POSITIVE_INFINITY })
    .map(({ key }) => key);
}
