import { describe, expect, it } from 'vitest';
import { CommitPacer } from './commit-pacer.ts';

describe('a commit pacer', () => {
  const start = (groupsMax: number) => {
    const soon: (() => void)[] = [];
    const pacer = new CommitPacer({ soon: (fn) => soon.push(fn) }, groupsMax);
    const flushed: string[] = [];
    return {
      pacer,
      flushed,
      flush: (name: string) => () => flushed.push(name),
      endTurn: () => {
        for (const fn of soon.splice(0)) fn();
      },
    };
  };

  it('lets a group leave at the end of the turn while few are under way', async () => {
    const { pacer, flushed, flush, endTurn } = start(2);
    void pacer.run(() => new Promise(() => {}));
    pacer.schedule(flush('a'));
    expect(flushed).toEqual([]);
    endTurn();
    expect(flushed).toEqual(['a']);
  });

  it('lets the next leave when one of many is done', async () => {
    const { pacer, flushed, flush, endTurn } = start(1);
    const { promise, resolve } = Promise.withResolvers<void>();
    const first = pacer.run(() => promise);
    pacer.schedule(flush('a'));
    endTurn();
    expect(flushed).toEqual([]);
    resolve();
    await first;
    endTurn();
    expect(flushed).toEqual(['a']);
  });

  it('lets the next leave when one of many has failed', async () => {
    const { pacer, flushed, flush, endTurn } = start(1);
    const { promise, reject } = Promise.withResolvers<void>();
    const first = pacer.run(() => promise);
    pacer.schedule(flush('a'));
    reject(new Error('refused'));
    await expect(first).rejects.toThrow('refused');
    endTurn();
    expect(flushed).toEqual(['a']);
  });
});
