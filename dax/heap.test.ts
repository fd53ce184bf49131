import { expect, it } from 'vitest';
import { checkHeap, heapMebibytes } from './heap.ts';

const GIBIBYTE = 1024 ** 3;

it('heap: a cache that fits is let in', () => {
  checkHeap(268_435_456, 2 * GIBIBYTE);
  checkHeap(GIBIBYTE, heapMebibytes(GIBIBYTE) * 1024 * 1024);
});

it('heap: one that does not fit is refused, with the flag that helps', () => {
  expect(() => checkHeap(GIBIBYTE, GIBIBYTE)).toThrow(
    'a cache of 1073741824 bytes needs a heap of 1472 MiB, and this process has 1024: ' +
      'start it with node --max-old-space-size=1472, or give a smaller --cache-bytes',
  );
});
