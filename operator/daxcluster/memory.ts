import type { DaxClusterSpec, Resources } from '../../dataplane/kubernetes/daxcluster-types.ts';
import { heapMebibytes } from '../../dax/heap.ts';
import { bytesOf } from '../table/quantity.ts';

const MEBIBYTE = 1024 * 1024;
/**
 * What a node has outside of V8's old generation: its code, the young generation (three semi-spaces of
 * 16 MiB), buffers of connections.
 */
const OUTSIDE_MEBIBYTES = 128;
const LIMIT_DEFAULT = '1Gi';
const RESOURCES_DEFAULT: Resources = {
  requests: { cpu: '100m', memory: '512Mi' },
  limits: { memory: LIMIT_DEFAULT },
};
/** For what is no quantity, which the API server does not let in. */
const LIMIT_BYTES_DEFAULT = 1024 * MEBIBYTE;
/** The least that a node takes for its cache. */
const CACHE_MEBIBYTES_MIN = 1;

/** What a node gets, and how it divides it. */
export interface NodeMemory {
  readonly resources: Resources;
  /** For `--cache-bytes`. */
  readonly cacheBytes: number;
  /** For `--max-old-space-size`. */
  readonly oldSpaceMebibytes: number;
}

/**
 * Divides a node's memory: a share for cached values, as the spec wishes, but not more than fits its
 * heap beside the node's own needs (dax/heap.ts), and nothing beyond its limit.
 */
export function memoryOf({
  resources = RESOURCES_DEFAULT,
  cacheMemoryPercent,
}: Pick<DaxClusterSpec, 'resources' | 'cacheMemoryPercent'>): NodeMemory {
  const { requests, limits } = resources;
  const limit = limits?.memory ?? requests?.memory ?? LIMIT_DEFAULT;
  const limitMebibytes = (bytesOf(limit) ?? LIMIT_BYTES_DEFAULT) / MEBIBYTE;
  const oldSpaceMebibytes = Math.floor(limitMebibytes - OUTSIDE_MEBIBYTES);
  const wished = Math.floor((limitMebibytes * cacheMemoryPercent) / 100);
  const cacheMebibytes = Math.min(wished, cacheMebibytesIn(oldSpaceMebibytes));
  return {
    resources: { ...(requests && { requests }), limits: { ...limits, memory: limit } },
    cacheBytes: cacheMebibytes * MEBIBYTE,
    oldSpaceMebibytes,
  };
}

/** The largest cache whose heap is no larger than this: what a heap needs grows evenly with the cache. */
function cacheMebibytesIn(oldSpaceMebibytes: number): number {
  let cacheMebibytes = Math.max(oldSpaceMebibytes, CACHE_MEBIBYTES_MIN);
  while (
    cacheMebibytes > CACHE_MEBIBYTES_MIN &&
    heapMebibytes(cacheMebibytes * MEBIBYTE) > oldSpaceMebibytes
  ) {
    const excess = heapMebibytes(cacheMebibytes * MEBIBYTE) - oldSpaceMebibytes;
    cacheMebibytes -= Math.max(1, Math.floor(excess / 2));
  }
  return Math.max(cacheMebibytes, CACHE_MEBIBYTES_MIN);
}
