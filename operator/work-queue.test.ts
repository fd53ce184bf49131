import { beforeEach, describe, expect, it } from 'vitest';
import { ManualScheduler, turns } from '../dataplane/node/manual-scheduler.fixture.ts';
import { type WorkOutcome, WorkQueue } from './work-queue.ts';

const done: WorkOutcome = { kind: 'done', againMs: undefined };
const failed: WorkOutcome = { kind: 'failed' };

let clock: ManualScheduler;
let begun: string[];
let ends: Map<string, (outcome: WorkOutcome) => void>;
let queue: WorkQueue;

beforeEach(() => {
  clock = new ManualScheduler();
  begun = [];
  ends = new Map();
  queue = queueOf({});
});

/** Work that ends when the case says so. */
function queueOf({ workersCount = 4, random = () => 0.5 }): WorkQueue {
  const work = (key: string) => {
    begun.push(key);
    return new Promise<WorkOutcome>((resolve) => ends.set(key, resolve));
  };
  return new WorkQueue({ workersCount, work, clock, random });
}

async function end(key: string, outcome: WorkOutcome): Promise<void> {
  const resolve = ends.get(key);
  if (resolve === undefined) throw new Error(`${key} is not worked on`);
  ends.delete(key);
  resolve(outcome);
  await turns();
}

describe('keys', () => {
  it('work begins in the order of arrival, once it is started', () => {
    queue.add('a');
    queue.add('b');
    expect(begun).toEqual([]);
    queue.start();
    expect(begun).toEqual(['a', 'b']);
  });

  it('a key that is queued is not queued twice', () => {
    queue.add('a');
    queue.add('a');
    queue.start();
    expect(begun).toEqual(['a']);
  });

  it('a key is worked on by one worker at a time, and once more when it changed meanwhile', async () => {
    queue.start();
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(begun).toEqual(['a']);
    expect(queue.depth).toBe(1);
    await end('a', done);
    expect(begun).toEqual(['a', 'a']);
    await end('a', done);
    expect(begun).toEqual(['a', 'a']);
  });

  it('at most so many keys are worked on at once', async () => {
    queue = queueOf({ workersCount: 2 });
    queue.start();
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    expect(begun).toEqual(['a', 'b']);
    expect(queue).toMatchObject({ depth: 2, runningCount: 2 });
    await end('b', done);
    expect(begun).toEqual(['a', 'b', 'c']);
    await end('a', done);
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  it('a key that comes back at once lets those before it pass', async () => {
    queue = queueOf({ workersCount: 1 });
    queue.start();
    for (const key of ['a', 'b']) queue.add(key);
    queue.add('a');
    await end('a', done);
    await end('b', done);
    expect(begun).toEqual(['a', 'b', 'a']);
  });
});

describe('coming back', () => {
  beforeEach(() => {
    queue.start();
    queue.add('a');
  });

  it('after the time that the work asked for', async () => {
    await end('a', { kind: 'done', againMs: 2000 });
    await clock.advance(1999);
    expect(begun).toEqual(['a']);
    expect(queue.waitingCount).toBe(1);
    await clock.advance(1);
    expect(begun).toEqual(['a', 'a']);
  });

  it('sooner, when something changed; then not again at the old time', async () => {
    await end('a', { kind: 'done', againMs: 2000 });
    queue.add('a');
    expect(begun).toEqual(['a', 'a']);
    await end('a', done);
    await clock.advance(5000);
    expect(begun).toEqual(['a', 'a']);
  });

  it('of two times the earlier counts', async () => {
    await end('a', { kind: 'done', againMs: 2000 });
    queue.addAfter('a', 3000);
    queue.addAfter('a', 1000);
    await clock.advance(1000);
    expect(begun).toEqual(['a', 'a']);
    await end('a', done);
    await clock.advance(5000);
    expect(begun).toHaveLength(2);
  });

  it('not at all after a success that asks for nothing', async () => {
    await end('a', done);
    await clock.advance(3_600_000);
    expect(begun).toEqual(['a']);
  });
});

describe('failures', () => {
  /** How long the queue waits for each of so many failures in a row. */
  async function waitsOf(count: number, outcome = failed): Promise<number[]> {
    const waits: number[] = [];
    for (let i = 0; i < count; i++) {
      const begunCount = begun.length;
      await end('a', outcome);
      const startMs = clock.monotonicMs();
      await clock.until(() => begun.length > begunCount, 125);
      waits.push(clock.monotonicMs() - startMs);
    }
    return waits;
  }

  it('wait twice as long each time, up to a minute', async () => {
    queue.start();
    queue.add('a');
    expect(await waitsOf(10)).toEqual([
      250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000,
    ]);
    expect(queue.failingCount).toBe(1);
  });

  it('are forgotten by a success', async () => {
    queue.start();
    queue.add('a');
    await waitsOf(5);
    await end('a', done);
    expect(queue.failingCount).toBe(0);
    queue.add('a');
    expect(await waitsOf(1)).toEqual([250]);
  });

  it('wait up to a fifth more or less, at random', async () => {
    for (const [random, waitMs] of [
      [0, 200],
      [1, 300],
    ] as const) {
      begun = [];
      queue = queueOf({ random: () => random });
      queue.start();
      queue.add('a');
      await end('a', failed);
      await clock.advance(waitMs - 1);
      expect(begun).toHaveLength(1);
      await clock.advance(1);
      expect(begun).toHaveLength(2);
    }
  });

  it('wait as long as the server asks for, if that is longer', async () => {
    queue.start();
    queue.add('a');
    expect(await waitsOf(1, { kind: 'failed', retryAfterMs: 7000 })).toEqual([7000]);
    expect(await waitsOf(1, { kind: 'failed', retryAfterMs: 1 })).toEqual([500]);
  });

  it('of one key hold up no other', async () => {
    queue.start();
    queue.add('a');
    await end('a', failed);
    queue.add('b');
    expect(begun).toEqual(['a', 'b']);
  });

  it('a change ends the wait, and the failures go on counting', async () => {
    queue.start();
    queue.add('a');
    await waitsOf(3);
    await end('a', failed);
    queue.add('a');
    expect(begun).toHaveLength(5);
    expect(await waitsOf(1)).toEqual([4000]);
  });
});

describe('close', () => {
  it('begins nothing more, and waits for what is under way', async () => {
    queue.start();
    queue.add('a');
    queue.add('a');
    queue.addAfter('b', 10);
    let isClosed = false;
    const closed = queue.close().then(() => {
      isClosed = true;
    });
    await clock.advance(1000);
    expect(isClosed).toBe(false);
    await end('a', failed);
    await closed;
    queue.add('c');
    await clock.advance(120_000);
    expect(begun).toEqual(['a']);
  });

  it('of an idle queue is done at once', async () => {
    queue.start();
    await queue.close();
    expect(queue.depth).toBe(0);
  });
});
