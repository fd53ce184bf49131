import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRedis, type TestRedis } from '../redis.fixture.ts';
import { RedisConnection, RedisError } from './redis-connection.ts';
import { holdScript, readScript } from './scripts.ts';

let redis: TestRedis;
let connection: RedisConnection;
let password: string | undefined;
const events: string[] = [];

beforeEach(async () => {
  password = undefined;
  events.length = 0;
  redis = await startRedis();
});

afterEach(async () => {
  connection.close();
  await redis.close();
});

async function open(timeoutMs = 50): Promise<void> {
  connection = new RedisConnection(
    {
      url: redis.url,
      password: () => password,
      timeoutMs,
      log: (event) => events.push(event),
    },
    { onConnected: () => events.push('up'), onLost: () => events.push('down') },
  );
  await connection.whenTried();
}

function hold(): Promise<unknown> {
  return connection.run(holdScript, [Buffer.from('key')], ['token', '1000']);
}

test('runs scripts on bytes', async () => {
  await open();
  const key = Buffer.from([0, 255, 13, 10]);
  expect(await connection.run(readScript, [key], ['lease', '1000'])).toEqual([null]);
  expect(await connection.run(readScript, [key], ['other', '1000'])).toEqual([
    Buffer.from('lease'),
  ]);
  expect(connection.runId).toMatch(/^[0-9a-f]{40}$/);
});

test('Redis that does not answer in time is lost, with all that waits for it', async () => {
  await open();
  redis.pause();
  const results = await Promise.allSettled([hold(), hold(), hold()]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(connection.isConnected).toBe(false);
  await expect(hold()).rejects.toThrow(RedisError);
  redis.resume();
  await expect.poll(() => connection.isConnected).toBe(true);
  await hold();
  // On a busy machine a first attempt to come back may take too long again.
  expect(events.filter((event) => event === 'up' || event === 'down')).toEqual([
    'up',
    'down',
    'up',
  ]);
  expect(events).toContain('redisLost');
});

test('silence is noticed also when nobody asks for anything', async () => {
  await open();
  redis.pause();
  await expect.poll(() => connection.isConnected).toBe(false);
  redis.resume();
});

test('a pause of this process is not one of Redis', async () => {
  await open();
  const held = hold();
  const endMs = performance.now() + 300;
  while (performance.now() < endMs);
  await held;
  expect(connection.isConnected).toBe(true);
});

test('scripts that Redis was made to forget are brought again', async () => {
  await open();
  await redis.command('SCRIPT', 'FLUSH');
  await expect(hold()).rejects.toThrow('NOSCRIPT');
  await expect.poll(() => connection.isConnected).toBe(true);
  await hold();
});

test('the password is asked for at each attempt', async () => {
  await redis.command('CONFIG', 'SET', 'requirepass', 'right');
  password = 'wrong';
  const opening = open();
  await expect.poll(() => connection.isConnected).toBe(false);
  password = 'right';
  await opening;
  await expect.poll(() => connection.isConnected).toBe(true);
  await hold();
});

test('a server that is not there is waited for so long, and no longer', async () => {
  await redis.kill();
  await open();
  expect(connection.isConnected).toBe(false);
  expect(events).toEqual([]);
  await redis.start();
  await expect.poll(() => connection.isConnected).toBe(true);
});
