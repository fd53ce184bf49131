import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { sdkClient } from '../dataplane/clients/server-process.ts';
import { close, withCache } from '../hack/examples/dax/clients.ts';
import { type LaptopProcess, startLaptop } from './clients/laptop-process.ts';

/** `hack/run --dax` as users start it. */

const folder = mkdtempSync(join(tmpdir(), 'trestle-laptop-'));
const running: LaptopProcess[] = [];
/** Ends of clients. */
const clients: (() => void)[] = [];

afterEach(async () => {
  for (const close of clients.splice(0)) close();
  for (const each of running.splice(0)) await each.stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(...args: string[]): Promise<LaptopProcess> {
  const laptop = await startLaptop(args);
  running.push(laptop);
  return laptop;
}

function clientOf(url: string): DynamoDBClient {
  const client = sdkClient(url);
  clients.push(() => client.destroy());
  return client;
}

async function createMusic(client: DynamoDBClient): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: 'Music',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName: 'Music' });
}

/** Processes whose parent this is. */
function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function isAlive(pid: number): boolean {
  // A process that has ended and that nobody has waited for is a zombie, and ended all the same.
  return existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

const linux = { skip: !existsSync('/proc/self/task') };

describe('hack/run --dax', () => {
  it('serves tables, the same API through the cache, and DAX clients', async () => {
    const { tablesUrl, cacheUrl, daxUrl } = await start('--in-memory');
    const [tables, cache] = [clientOf(tablesUrl), clientOf(cacheUrl)];
    await createMusic(cache);
    expect((await tables.send(new ListTablesCommand({}))).TableNames).toEqual(['Music']);
    const dax = withCache(daxUrl);
    clients.push(() => close(dax));
    await dax.put({ TableName: 'Music', Item: { Artist: 'a', Songs: 3 } });
    const item = { Artist: { S: 'a' }, Songs: { N: '3' } };
    const get = new GetItemCommand({ TableName: 'Music', Key: { Artist: { S: 'a' } } });
    expect((await tables.send(get)).Item).toEqual(item);
    expect((await cache.send(get)).Item).toEqual(item);
    await cache.send(new PutItemCommand({ TableName: 'Music', Item: { Artist: { S: 'a' } } }));
    expect((await dax.get({ TableName: 'Music', Key: { Artist: 'a' } })).Item).toEqual({
      Artist: 'a',
    });
  });

  it('keeps tables, and what attribute lists mean, in one folder over a restart', async () => {
    const data = join(folder, 'kept');
    const first = await start('--data', data);
    await createMusic(clientOf(first.cacheUrl));
    const Item = { Artist: { S: 'a' }, Year: { N: '1999' } };
    await clientOf(first.cacheUrl).send(new PutItemCommand({ TableName: 'Music', Item }));
    expect(await first.stop()).toBe(0);
    const second = await start('--data', data);
    const get = new GetItemCommand({ TableName: 'Music', Key: { Artist: { S: 'a' } } });
    expect((await clientOf(second.cacheUrl).send(get)).Item).toEqual(Item);
    expect(existsSync(join(data, 'dax'))).toBe(true);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends both in order on %s', async (signal) => {
    const laptop = await start('--in-memory');
    expect(await laptop.stop(signal)).toBe(0);
    const stopping = laptop.output().match(/"signal":"\w+"/g);
    expect(stopping).toEqual(['"signal":"SIGTERM"', '"signal":"SIGTERM"']);
  });

  it('ends all when one of both ends, with a status that is not 0', linux, async () => {
    for (const which of [0, 1]) {
      const laptop = await start('--in-memory');
      const children = childrenOf(laptop.pid);
      expect(children).toHaveLength(2);
      process.kill(children[which] ?? 0, 'SIGKILL');
      expect(await laptop.ended).toBe(1);
      expect(laptop.output()).toContain('has ended, and the rest ends with it');
      expect(children.filter(isAlive)).toEqual([]);
    }
  });

  it('leaves no process behind when it is killed itself', linux, async () => {
    const laptop = await start('--in-memory');
    const children = childrenOf(laptop.pid);
    expect(await laptop.stop('SIGKILL')).toBe('SIGKILL');
    await expect.poll(() => children.filter(isAlive)).toEqual([]);
  });

  it('says in one line what is wrong, with status 2', async () => {
    await expect(startLaptop(['--dax-port', 'x'])).rejects.toThrow(
      "ended at start (2):\ntrestle: --dax-port needs a number from 0 to 65535, not 'x' (see --help)\n",
    );
  });

  it('ends when a port is in use, with nothing left', async () => {
    const { tablesUrl } = await start('--in-memory');
    const port = new URL(tablesUrl).port;
    await expect(startLaptop(['--in-memory', '--port', port])).rejects.toThrow(
      `ended at start (1):\ntrestle: port ${port} of 127.0.0.1 is in use`,
    );
    await expect(startLaptop(['--in-memory', '--dax-http-port', port])).rejects.toThrow(
      /ended at start \(1\):[\s\S]*trestle: port \d+ of 127.0.0.1 is in use/,
    );
  });
});
