import type { LoadJob, RunJob } from './load-job.ts';
import { requestBytes } from './request.ts';
import { workloads } from './workload.ts';

/** Requests ready to send: enough different keys that a cache of the server cannot hold them by chance. */
const POOL_BYTES_MAX = 48 * 1024 * 1024;
const POOL_REQUESTS_MAX = 100_000;
/** Signing costs more than all the rest of making a request. */
const SIGNED_REQUESTS_MAX = 10_000;
/** A signature is valid for 15 minutes. */
const SIGNED_AGE_MS_MAX = 5 * 60_000;
const POOLS_KEPT = 2;

interface Pool {
  readonly name: string;
  readonly requests: readonly Buffer[];
  readonly madeAtMs: number;
}

const pools: Pool[] = [];

/** The requests of a job, from the last jobs of its kind when those are still good. */
export function requestPool(job: RunJob): readonly Buffer[] {
  const { warmUpMs: _warmUp, measureMs: _measure, connections: _connections, ...rest } = job;
  const name = JSON.stringify(rest);
  const index = pools.findIndex((pool) => pool.name === name);
  const [known] = index === -1 ? [] : pools.splice(index, 1);
  const isGood = known !== undefined && !isTooOld(known, job);
  const pool = isGood ? known : { name, requests: makeRequests(job), madeAtMs: Date.now() };
  pools.push(pool);
  if (pools.length > POOLS_KEPT) pools.shift();
  return pool.requests;
}

function isTooOld(pool: Pool, job: LoadJob): boolean {
  return job.accessKey !== undefined && Date.now() - pool.madeAtMs > SIGNED_AGE_MS_MAX;
}

function makeRequests(job: RunJob): Buffer[] {
  const workload = workloads[job.operation];
  const draw = { itemCount: job.itemCount, itemBytes: job.itemBytes, next: randomOf(job.seed) };
  const countMax = job.accessKey === undefined ? POOL_REQUESTS_MAX : SIGNED_REQUESTS_MAX;
  const requests: Buffer[] = [];
  let bytesLeft = POOL_BYTES_MAX;
  while (bytesLeft > 0 && requests.length < Math.min(countMax, 2 * job.itemCount)) {
    const body = workload.body(draw);
    const request = requestBytes({ ...job, target: workload.target, body });
    requests.push(request);
    bytesLeft -= request.length;
  }
  return requests;
}

/** Numbers from 0 to bound - 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
