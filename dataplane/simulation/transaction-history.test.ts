import { describe, expect, it } from 'vitest';
import { printTransaction, TransactionHistory } from './transaction-history.ts';

describe('history of transactions', () => {
  const actions = [
    { item: 'a', effect: { kind: 'put', version: 7 }, expected: 0 },
    { item: 'b', effect: { kind: 'none' }, expected: undefined },
  ] as const;
  const request = { client: 'c', name: 'transfer', scope: 'transaction', actions } as const;

  it('orders calls and returns', () => {
    const history = new TransactionHistory(() => 1);
    const one = history.begin(request);
    const other = history.begin(request);
    history.end(one, { kind: 'failed' });
    const last = history.begin(request);
    expect(other.calledAt).toBeLessThan(one.returnedAt);
    expect(one.returnedAt).toBeLessThan(last.calledAt);
    expect(other.returnedAt).toBe(Number.POSITIVE_INFINITY);
  });

  it('learns later what became of one that had failed, or was unknown', () => {
    const history = new TransactionHistory(() => 1);
    const recorded = history.begin(request);
    history.end(recorded, { kind: 'failed' });
    history.end(recorded, { kind: 'unknown' });
    expect(recorded.returnedAt).toBe(Number.POSITIVE_INFINITY);
    history.end(recorded, { kind: 'ok', seen: [undefined, []] });
    expect(() => history.end(recorded, { kind: 'failed' })).toThrow('what was carried out');
  });

  it('takes what somebody saw as a read that began at that moment', () => {
    const history = new TransactionHistory(() => 1);
    const since = history.moment();
    const later = history.begin(request);
    history.observe({ client: 'c', name: 'refused' }, { item: 'a', state: [7] }, since);
    const [, observed] = history.transactions;
    expect(observed).toMatchObject({ scope: 'single', calledAt: since.at });
    expect(observed?.returnedAt).toBeGreaterThan(later.calledAt);
  });

  it('is printed', () => {
    const history = new TransactionHistory(() => 1.5);
    const recorded = history.begin(request);
    expect(printTransaction(recorded)).toBe(
      '#0 1.500 to ... ms              c transfer: put a=7 if no item; look at b -> unknown',
    );
    history.end(recorded, { kind: 'ok', seen: [[], [3, 4]] });
    expect(printTransaction(recorded)).toBe(
      '#0 1.500 to 1.500 ms            c transfer: put a=7 if no item (was no item); look at b (was 3+4) -> ok',
    );
  });
});
