import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRedis, type TestRedis } from '../redis.fixture.ts';
import { type Cell, fill, finish, hold, mark, read } from './cell-rules.fixture.ts';
import {
  fillScript,
  finishScript,
  holdScript,
  markScript,
  readScript,
  type Script,
} from './scripts.ts';

/** The scripts in a real Redis do what the exhaustive test believes of them. */

let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

afterAll(async () => {
  redis.disconnect();
  await server.close();
});

/** Of keys: nothing here ends by itself. */
const TTL_MS = '600000';

const cells: readonly Cell[] = [
  undefined,
  'vold',
  'lme',
  'lother',
  'wme',
  'wother',
  'xme',
  'xother',
  'hme',
  'hother',
];

async function after(script: Script, cell: Cell, ...args: string[]) {
  await redis.del('key');
  if (cell !== undefined) await redis.set('key', cell);
  const answer: unknown = await redis.eval(script.source, 1, 'key', ...args);
  const left = await redis.get('key');
  const ttlMs = await redis.pttl('key');
  return { answer, cell: left ?? undefined, hasTtl: ttlMs > 0 };
}

test.each(cells)('on %s', async (cell) => {
  const { answer, ...reading } = await after(readScript, cell, 'lme', TTL_MS);
  const expected = read(cell, 'lme');
  expect(reading.cell).toBe(expected.cell);
  expect(answer).toEqual([expected.found ?? null]);
  expect(reading.hasTtl).toBe(cell === undefined);

  for (const stored of ['vnew', undefined]) {
    const args = [stored ?? '', TTL_MS];
    const filled = await after(fillScript, cell, 'lme', ...args);
    expect(filled.cell).toBe(fill(cell, 'lme', stored));
    const finished = await after(finishScript, cell, 'me', ...args);
    expect(finished.cell).toBe(finish(cell, 'me', stored));
  }
  const marked = await after(markScript, cell, 'me', TTL_MS);
  expect(marked.cell).toBe(mark(cell, 'me'));
  expect(marked.hasTtl).toBe(cell?.[0] !== 'h');
  const held = await after(holdScript, cell, 'me', TTL_MS);
  expect(held).toMatchObject({ cell: hold(cell, 'me'), hasTtl: true });
});

test('several keys at once, each by itself', async () => {
  await redis.mset({ a: 'wme', b: 'wother', c: 'hother' });
  const args = ['me', 'va', 'vb', 'vc', TTL_MS, TTL_MS, TTL_MS];
  await redis.eval(finishScript.source, 3, 'a', 'b', 'c', ...args);
  expect(await redis.mget('a', 'b', 'c')).toEqual(['va', null, 'hother']);
});
