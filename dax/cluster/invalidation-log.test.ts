import { beforeEach, describe, expect, it } from 'vitest';
import { InvalidationLog } from './invalidation-log.ts';

let log: InvalidationLog;
let told: string[];

beforeEach(() => {
  log = new InvalidationLog({ logEntriesMax: 4, logBytesMax: 100 });
  told = [];
});

function add(deadlineMs = 1_000, bytes = 10): number {
  const name = String(log.lastSeq + 1);
  return log.add(() => Buffer.alloc(bytes), deadlineMs, {
    resolve: () => told.push(`${name} done`),
    reject: (reason) => told.push(`${name}: ${reason}`),
  }).seq;
}

describe('the log', () => {
  it('numbers entries without gaps, and finds them by number', () => {
    expect([add(), add(), add()]).toEqual([1, 2, 3]);
    log.settle(1);
    expect([log.goneSeq, log.goneBytes, log.count, log.lastSeq]).toEqual([1, 10, 2, 3]);
    expect([log.at(2).endBytes, log.at(3).endBytes]).toEqual([20, 30]);
    expect(() => log.at(1)).toThrow('no gaps');
    expect(() => log.at(4)).toThrow('no gaps');
  });

  it('tells those who wait, in order, up to what is acknowledged', () => {
    for (let n = 0; n < 3; n += 1) add();
    log.settle(0);
    expect(told).toEqual([]);
    log.settle(2);
    log.settle(2);
    expect(told).toEqual(['1 done', '2 done']);
    log.settle(9);
    expect(told).toEqual(['1 done', '2 done', '3 done']);
    expect(log.count).toBe(0);
  });

  it('keeps what came too late for those who waited', () => {
    add(100);
    add(200);
    log.expire(99);
    expect(told).toEqual([]);
    log.expire(100);
    log.expire(150);
    expect(told).toEqual(['1: other nodes, or the registry, did not answer in time']);
    expect(log.count).toBe(2);
    log.settle(2);
    expect(told.at(-1)).toBe('2 done');
  });

  it('is full by entries, and by bytes', () => {
    for (let n = 0; n < 4; n += 1) {
      expect(log.isFull).toBe(false);
      add();
    }
    expect(log.isFull).toBe(true);
    log.settle(1);
    expect(log.isFull).toBe(false);
    log.settle(4);
    add(1_000, 100);
    expect(log.isFull).toBe(true);
  });

  it('tells everybody when it is over', () => {
    add();
    add();
    log.failAll('over');
    log.failAll('over');
    expect(told).toEqual(['1: over', '2: over']);
  });

  it('forgets what is gone, however many there were', () => {
    log = new InvalidationLog({ logEntriesMax: 1e6, logBytesMax: 1e9 });
    for (let n = 1; n <= 10_000; n += 1) {
      add();
      log.settle(n - 5);
    }
    expect(log.count).toBe(5);
    expect(log.at(9_996).endBytes).toBe(99_960);
    expect(told).toHaveLength(9_995);
  });
});
