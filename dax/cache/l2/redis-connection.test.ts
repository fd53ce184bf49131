import { execFileSync } from 'node:child_process';
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

/** Redis is another process, which may have to wait for the processor: a test that is not about silence has patience. */
const PATIENT_MS = 20_000;
/** Of tests about silence. */
const BRIEF_MS = 50;

async function open(timeoutMs = PATIENT_MS): Promise<void> {
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

async function openConnected(timeoutMs = PATIENT_MS): Promise<void> {
  await open(timeoutMs);
  await expect.poll(() => connection.isConnected).toBe(true);
}

function hold(): Promise<unknown> {
  return connection.run(holdScript, [Buffer.from('key')], ['token', '1000']);
}

test('runs scripts on bytes', async () => {
  await openConnected();
  const key = Buffer.from([0, 255, 13, 10]);
  expect(await connection.run(readScript, [key], ['lease', '1000'])).toEqual([null]);
  expect(await connection.run(readScript, [key], ['other', '1000'])).toEqual([
    Buffer.from('lease'),
  ]);
  expect(connection.runId).toMatch(/^[0-9a-f]{40}$/);
});

test('Redis that does not answer in time is lost, with all that waits for it', async () => {
  await openConnected(BRIEF_MS);
  redis.pause();
  const results = await Promise.allSettled([hold(), hold(), hold()]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(connection.isConnected).toBe(false);
  await expect(hold()).rejects.toThrow(RedisError);
  redis.resume();
  // On a busy machine it may be lost and had again more than once.
  await expect.poll(() => hold().then(String, String)).not.toContain('RedisError');
  const told = events.filter((event) => event === 'up' || event === 'down');
  expect(told.length).toBeGreaterThanOrEqual(3);
  expect(told).toEqual(told.map((_, at) => (at % 2 === 0 ? 'up' : 'down')));
  expect(events).toContain('redisLost');
});

test('silence is noticed also when nobody asks for anything', async () => {
  await openConnected(BRIEF_MS);
  redis.pause();
  await expect.poll(() => connection.isConnected).toBe(false);
  redis.resume();
});

test('a pause of this process is not one of Redis', async () => {
  await openConnected(BRIEF_MS);
  const held = hold();
  // Until Redis has answered somebody who asked later, and some more.
  const asker = `require('node:net').connect(${redis.port}, '127.0.0.1').once('data', () => setTimeout(process.exit, 300)).write('PING\\r\\n')`;
  execFileSync(process.execPath, ['-e', asker]);
  await held;
  expect(connection.isConnected).toBe(true);
});

test('scripts that Redis was made to forget are brought again', async () => {
  await openConnected();
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
