import { describe, expect, it } from 'vitest';
import { pause, systemScheduler } from '../replication/scheduler.ts';
import { StoreError } from '../storage/store.ts';
import { BackgroundWork } from './background-work.ts';

function logged() {
  const events: string[] = [];
  const work = new BackgroundWork((event, fields) => {
    events.push(`${event} ${JSON.stringify(fields)}`);
  }, systemScheduler);
  return { work, events };
}

describe('background work', () => {
  it('runs one piece of a name at a time: the next waits until the one before has stopped', async () => {
    const { work } = logged();
    const seen: string[] = [];
    const done = Promise.withResolvers<void>();
    work.start('a', async (signal) => {
      seen.push('first');
      await pause(systemScheduler, 1_000_000, signal);
      seen.push('first stopped');
    });
    while (seen.length === 0) await Promise.resolve();
    work.start('a', async () => {
      seen.push('second');
      done.resolve();
    });
    await done.promise;
    expect(seen).toEqual(['first', 'first stopped', 'second']);
    await work.close();
    expect(work.isRunning('a')).toBe(false);
  });

  it('rests after damage and says so', async () => {
    const { work, events } = logged();
    let runs = 0;
    work.start('a', async () => {
      runs += 1;
      throw new StoreError('damaged', 'a block is bad');
    });
    while (work.isRunning('a')) await Promise.resolve();
    expect(runs).toBe(1);
    expect(events).toEqual([
      'backgroundWorkFailed {"name":"a","code":"damaged","message":"a block is bad","willRetry":false}',
    ]);
  });

  it('stops waiting for another try when it is closed, and refuses more', async () => {
    const { work, events } = logged();
    work.start('a', async () => {
      throw new StoreError('full', 'no space');
    });
    while (events.length === 0) await Promise.resolve();
    await work.close();
    let ran = false;
    work.start('b', async () => {
      ran = true;
    });
    expect(ran).toBe(false);
    expect(events).toHaveLength(1);
  });
});
