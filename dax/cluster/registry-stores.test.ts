import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../dataplane/endpoint/endpoint.fixture.ts';
import type { HttpTableCalls } from '../tables/http-table-calls.ts';
import { callsTo } from '../tables/table-calls.fixture.ts';
import { FolderRegistryStore } from './folder-registry-store.ts';
import { MemoryRegistryStore } from './memory-registry-store.ts';
import { registryStoreContract } from './registry-store.contract.ts';
import { RegistryError } from './registry-store.ts';
import { createRegistryTable } from './registry-table.fixture.ts';
import { TableRegistryStore } from './table-registry-store.ts';

describe('a registry in memory', () => {
  const store = new MemoryRegistryStore();
  registryStoreContract(() => store);
});

describe('a registry in a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'trestle registry '));
  const store = new FolderRegistryStore(join(folder, 'deeper'));
  afterAll(() => rmSync(folder, { recursive: true }));

  registryStoreContract(() => store);

  it('is there after a restart, and leaves no drafts behind', async () => {
    const version = await store.put('durable', { n: 1 }, undefined);
    const again = new FolderRegistryStore(join(folder, 'deeper'));
    expect(await again.get('durable')).toEqual({ value: { n: 1 }, version });
    expect(readdirSync(join(folder, 'deeper')).filter((name) => !/\.json$/.test(name))).toEqual([]);
  });

  it('says so when a file is damaged', async () => {
    writeFileSync(join(folder, 'deeper', 'damaged.json'), '{"version":');
    await expect(store.get('damaged')).rejects.toBeInstanceOf(RegistryError);
    await expect(store.put('damaged', {}, undefined)).rejects.toBeInstanceOf(RegistryError);
  });

  it('says so when its folder is gone', async () => {
    const gone = new FolderRegistryStore(join(folder, 'gone'));
    rmSync(join(folder, 'gone'), { recursive: true });
    await expect(gone.put('a', {}, undefined)).rejects.toBeInstanceOf(RegistryError);
    // And takes the next one all the same.
    await expect(gone.put('a', {}, undefined)).rejects.toBeInstanceOf(RegistryError);
  });
});

describe('a registry in a table', () => {
  let server: TestServer;
  let calls: HttpTableCalls;
  let tableName: string;

  beforeAll(async () => {
    server = await startServer();
    calls = callsTo(`http://127.0.0.1:${server.port}`);
    tableName = await createRegistryTable(calls);
  });
  afterAll(async () => {
    calls.close();
    await server.close();
  });
  const open = (cluster = 'c') => new TableRegistryStore({ calls, tableName, cluster });

  registryStoreContract(open);

  it('is shared by clusters that know nothing of each other', async () => {
    await open('one').put('shared', { n: 1 }, undefined);
    expect(await open('two').get('shared')).toBeUndefined();
    expect(await open('two').put('shared', { n: 2 }, undefined)).toEqual(expect.any(String));
    expect((await open('one').get('shared'))?.value).toEqual({ n: 1 });
  });

  it('says so when the table is not there, or cannot be reached', async () => {
    const absent = new TableRegistryStore({ calls, tableName: 'absent', cluster: 'c' });
    await expect(absent.get('a')).rejects.toThrow(RegistryError);
    await expect(absent.put('a', {}, undefined)).rejects.toThrow(/ResourceNotFoundException/);
    const nowhere = callsTo('http://127.0.0.1:1', { limits: { attemptsMax: 1 } });
    const store = new TableRegistryStore({ calls: nowhere, tableName, cluster: 'c' });
    await expect(store.get('a')).rejects.toThrow(RegistryError);
    await expect(store.put('a', {}, undefined)).rejects.toThrow(RegistryError);
    nowhere.close();
  });

  it('says so when somebody else has written into the table', async () => {
    const Item = { cluster: { S: 'c' }, id: { S: 'foreign' }, value: { S: 'no JSON' } };
    await calls.call('PutItem', { TableName: tableName, Item });
    await expect(open().get('foreign')).rejects.toThrow('a record of the registry is damaged');
  });
});
