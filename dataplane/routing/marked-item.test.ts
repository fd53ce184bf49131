import { describe, expect, it } from 'vitest';
import { transactionFaults } from '../errors/transactions.ts';
import { addTo, deleteOf, itemOf, putOf } from '../partition/transaction.fixture.ts';
import { onceUnmarked } from './marked-item.ts';

/** A write that meets a transaction so often before it is done. */
function marked(conflicts: number) {
  const pausesMs: number[] = [];
  let tries = 0;
  return {
    pausesMs,
    write: async () => {
      tries += 1;
      if (tries <= conflicts) throw transactionFaults.conflict();
      return tries;
    },
    pause: async (ms: number) => {
      pausesMs.push(ms);
    },
  };
}

describe('a write of an item that a transaction has marked', () => {
  it.each([
    ['put', putOf(itemOf(1, 1))],
    ['delete', deleteOf(1)],
  ])('waits for it: %s', async (_, command) => {
    const { write, pause, pausesMs } = marked(3);
    expect(await onceUnmarked(command, write, pause)).toBe(4);
    expect(pausesMs).toEqual([4, 8, 16]);
  });

  it('is refused when it has waited for half a second', async () => {
    const { write, pause, pausesMs } = marked(1_000);
    const type = 'TransactionConflictException';
    await expect(onceUnmarked(deleteOf(1), write, pause)).rejects.toMatchObject({ type });
    const waitedMs = pausesMs.reduce((sum, ms) => sum + ms, 0);
    expect(waitedMs).toBeGreaterThan(430);
    expect(waitedMs).toBeLessThanOrEqual(500);
  });

  it('is refused at once when it looks at the item', async () => {
    const { write, pause, pausesMs } = marked(1);
    await expect(onceUnmarked(addTo(1), write, pause)).rejects.toThrow('ongoing');
    expect(pausesMs).toEqual([]);
  });

  it('fails at once with anything else', async () => {
    const write = async () => {
      throw new Error('full');
    };
    await expect(onceUnmarked(deleteOf(1), write, async () => {})).rejects.toThrow('full');
  });
});
