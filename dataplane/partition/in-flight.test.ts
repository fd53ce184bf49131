import { describe, expect, it } from 'vitest';
import { InFlight } from './in-flight.ts';

const group = () => ({ isDurable: false });

describe('InFlight', () => {
  it('gives the newest value of a key until its group is durable', () => {
    const values = new InFlight<number, { isDurable: boolean }>();
    const [first, second] = [group(), group()];
    values.set('k', 1, first);
    values.set('k', 2, second);
    expect(values.get('k')?.value).toBe(2);
    first.isDurable = true;
    values.settle(first);
    expect(values.get('k')?.value).toBe(2);
    second.isDurable = true;
    values.settle(second);
    expect(values.get('k')).toBeUndefined();
    expect(values.size).toBe(0);
  });

  it('falls back to an older group in flight when a newer one fails', () => {
    const values = new InFlight<number, { isDurable: boolean }>();
    const [first, second, third] = [group(), group(), group()];
    values.set('k', 1, first);
    values.set('k', 2, second);
    values.set('k', 3, second);
    values.set('j', 4, third);
    values.discard(third);
    values.discard(second);
    expect(values.get('k')?.value).toBe(1);
    expect(values.get('j')).toBeUndefined();
  });

  it('falls back to the store when the older group became durable meanwhile', () => {
    const values = new InFlight<number, { isDurable: boolean }>();
    const [first, second] = [group(), group()];
    values.set('k', 1, first);
    values.set('k', 2, second);
    first.isDurable = true;
    values.settle(first);
    values.discard(second);
    expect(values.get('k')).toBeUndefined();
  });
});
