import { expect, it } from 'vitest';
import { History, printOperation } from './history.ts';

it('records calls and returns in order, with virtual times', () => {
  let nowMs = 5;
  const history = new History(() => nowMs);
  const put = history.begin('c1', 'k', { kind: 'put', value: 'a' });
  const get = history.begin('c2', 'k', { kind: 'get' });
  nowMs = 7.5;
  history.end(get, { kind: 'ok', value: undefined });
  history.end(put, { kind: 'unknown' });
  expect([put.calledAt, get.calledAt, get.returnedAt]).toEqual([1, 2, 3]);
  expect(put.returnedMs).toBe(Number.POSITIVE_INFINITY);
  expect(history.operations.map(printOperation)).toEqual([
    '#0 5.000 to ... ms              c1: put "a" -> unknown',
    '#1 5.000 to 7.500 ms            c2: get -> ok none',
  ]);
  expect([...history.byKey().keys()]).toEqual(['k']);
  expect(() => history.end(get, { kind: 'failed' })).toThrow('an operation returns once');
});
