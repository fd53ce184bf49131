import { UsageError } from '../dataplane/option-values.ts';

const MEBIBYTE = 1024 * 1024;
/** What a node needs beside its cache: code, connections, requests under way. */
const BASE_BYTES = 192 * MEBIBYTE;
/** Room that the collector needs to move what lives long. */
const HEAP_PER_CACHED_BYTE = 1.25;

/** Of the heap that a cache of this size needs, in the unit of `--max-old-space-size`. */
export function heapMebibytes(cacheBytes: number): number {
  return Math.ceil((BASE_BYTES + cacheBytes * HEAP_PER_CACHED_BYTE) / MEBIBYTE);
}

/**
 * Cached values lie in V8's heap, and its limit is set when the process starts: it cannot be raised by
 * the process itself, not reliably. So what does not fit is refused before it is begun.
 * @param limitBytes `heap_size_limit` of `v8.getHeapStatistics()`
 * @throws UsageError that says what to start with
 */
export function checkHeap(cacheBytes: number, limitBytes: number): void {
  const needed = heapMebibytes(cacheBytes);
  if (limitBytes >= needed * MEBIBYTE) return;
  throw new UsageError(
    `a cache of ${cacheBytes} bytes needs a heap of ${needed} MiB, and this process has ${Math.floor(limitBytes / MEBIBYTE)}: ` +
      `start it with node --max-old-space-size=${needed}, or give a smaller --cache-bytes`,
  );
}
