import assert from 'node:assert/strict';
import { test } from 'vitest';
import { SimRandom } from '../../dataplane/simulation/random.ts';
import { Workload } from './workload.ts';

const options = { keysCount: 10, epochMs: 1_000, client: 'a1' };

function drawn(count: number, atMs: (index: number) => number) {
  const workload = new Workload(new SimRandom('seed'), options);
  return Array.from({ length: count }, (_, index) => workload.next(atMs(index)));
}

test('workload: the same seed draws the same operations', () => {
  assert.deepEqual(
    drawn(500, (index) => index),
    drawn(500, (index) => index),
  );
});

test('workload: no value is written twice', () => {
  const values = drawn(5_000, () => 0).flatMap(({ operation }) =>
    'value' in operation ? [operation.value] : [],
  );
  assert(values.length > 1_000);
  assert.equal(new Set(values).size, values.length);
});

test('workload: items of an earlier epoch are only read', () => {
  const late = drawn(5_000, () => 3_500);
  const old = late.filter(({ key }) => !key.startsWith('epoch-3-'));
  assert(old.length > 50);
  assert(old.every(({ operation }) => operation.kind.startsWith('get')));
});

test('workload: an item is a text or a counter, never both', () => {
  const kinds = Map.groupBy(
    drawn(5_000, () => 0),
    ({ key }) => key,
  );
  assert.equal(kinds.size, options.keysCount);
  for (const all of kinds.values()) {
    const isCounter = all.some(({ operation }) => operation.kind === 'add');
    assert(all.every(({ operation }) => !isCounter || !operation.kind.startsWith('put')));
  }
});

test('workload: a condition expects what the client saw last of the item', () => {
  const workload = new Workload(new SimRandom('seed'), options);
  const last = new Map<string, string | number | undefined>();
  const met: boolean[] = [];
  for (let index = 0; index < 2_000; index += 1) {
    const { key, operation } = workload.next(0);
    if (operation.kind === 'putIf') met.push(operation.expected === last.get(key));
    if (operation.kind === 'put' || operation.kind === 'putIf') last.set(key, operation.value);
    if (operation.kind === 'delete') last.delete(key);
    if (operation.kind !== 'add') {
      const value = operation.kind.startsWith('get') ? last.get(key) : undefined;
      workload.learn(key, operation, { kind: 'ok', value });
    }
  }
  assert(met.length > 100);
  assert(met.every((isMet) => isMet));
});
