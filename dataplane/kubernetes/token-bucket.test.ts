import { describe, expect, it } from 'vitest';
import { ManualScheduler } from '../node/manual-scheduler.fixture.ts';
import { TokenBucket } from './token-bucket.ts';

const clock = new ManualScheduler();

/** Takes so many, and tells which have had their turn. */
function takers(bucket: TokenBucket, count: number, signal?: AbortSignal) {
  const served: number[] = [];
  const takes = Array.from({ length: count }, (_, i) =>
    bucket.take(signal).then(() => served.push(i)),
  );
  return { served, takes };
}

describe('TokenBucket', () => {
  it('lets a burst through, then as many as the rate says, in order', async () => {
    const bucket = new TokenBucket(clock, { perSecond: 20, burst: 40 });
    const { served } = takers(bucket, 61);
    await clock.advance(0);
    expect(served).toHaveLength(40);
    await clock.advance(500);
    expect(served).toHaveLength(50);
    await clock.advance(500);
    expect(served).toHaveLength(60);
    await clock.advance(50);
    expect(served).toEqual(Array.from({ length: 61 }, (_, i) => i));
  });

  it('after a rest a burst is possible again, and no more than one', async () => {
    const bucket = new TokenBucket(clock, { perSecond: 10, burst: 5 });
    await Promise.all(takers(bucket, 5).takes);
    await clock.advance(60_000);
    const { served } = takers(bucket, 7);
    await clock.advance(0);
    expect(served).toHaveLength(5);
    await clock.advance(200);
    expect(served).toHaveLength(7);
  });

  it('who waits no more leaves the line and takes nothing', async () => {
    const bucket = new TokenBucket(clock, { perSecond: 1, burst: 1 });
    await bucket.take();
    const stop = new AbortController();
    const left = bucket.take(stop.signal);
    const { served } = takers(bucket, 1);
    stop.abort(new Error('enough'));
    await expect(left).rejects.toThrow('enough');
    await clock.advance(1000);
    expect(served).toEqual([0]);
  });

  it('a signal that has fired takes nothing', async () => {
    const bucket = new TokenBucket(clock, { perSecond: 1, burst: 1 });
    await expect(bucket.take(AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
    await bucket.take();
  });
});
