import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkHeap } from '../../dax/heap.ts';
import { memoryOf } from './memory.ts';

const MEBIBYTE = 1024 * 1024;
const of = (cacheMemoryPercent: number, limit?: string) =>
  memoryOf({
    cacheMemoryPercent,
    ...(limit === undefined ? {} : { resources: { limits: { memory: limit } } }),
  });

test('a large node gives its cache the share that it is to have', () => {
  expect(of(60, '16Gi').cacheBytes).toBe(Math.floor(16 * 1024 * 0.6) * MEBIBYTE);
});

test('a small node gives its cache what fits beside itself', () => {
  const { cacheBytes, oldSpaceMebibytes } = of(70, '1Gi');
  expect(oldSpaceMebibytes).toBe(896);
  expect(cacheBytes).toBeLessThan(0.7 * 1024 * MEBIBYTE);
  expect(cacheBytes).toBeGreaterThan(0.5 * 1024 * MEBIBYTE);
});

test('without resources there are some, and a limit of memory always', () => {
  expect(of(70).resources).toEqual({
    requests: { cpu: '100m', memory: '512Mi' },
    limits: { memory: '1Gi' },
  });
  const requests = { memory: '2Gi' };
  expect(memoryOf({ cacheMemoryPercent: 70, resources: { requests } }).resources).toEqual({
    requests,
    limits: { memory: '2Gi' },
  });
  const limits = { cpu: 1 };
  expect(memoryOf({ cacheMemoryPercent: 70, resources: { limits } }).resources).toEqual({
    limits: { cpu: 1, memory: '1Gi' },
  });
});

test('no node is begun with a heap that it refuses, or with more than its limit', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 90 }),
      fc.integer({ min: 384, max: 256 * 1024 }),
      (percent, limitMebibytes) => {
        const { cacheBytes, oldSpaceMebibytes } = of(percent, `${limitMebibytes}Mi`);
        expect(() => checkHeap(cacheBytes, oldSpaceMebibytes * MEBIBYTE)).not.toThrow();
        expect(oldSpaceMebibytes).toBeLessThan(limitMebibytes);
        expect(cacheBytes).toBeLessThanOrEqual((limitMebibytes * MEBIBYTE * percent) / 100);
        expect(cacheBytes).toBeGreaterThanOrEqual(30 * MEBIBYTE);
      },
    ),
  );
});
