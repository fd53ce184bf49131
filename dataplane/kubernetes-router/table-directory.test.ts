import { beforeEach, describe, expect, it } from 'vitest';
import type { StorageIdentity } from './storage-identity.ts';
import { TableDirectory } from './table-directory.ts';
import { activeStatus, tableResource } from './table-resource.fixture.ts';

let directory: TableDirectory;
let told: string[];
beforeEach(() => {
  directory = new TableDirectory();
  told = [];
  directory.onChange((clusterId) => told.push(clusterId));
});

const node = { id: 'n-1', zone: 'a', host: '10.0.0.1', port: 8002 };

function identity(parts: Partial<StorageIdentity> = {}): StorageIdentity {
  return { clusterId: 'uid-1', nodeId: 'n-1', tableName: 'Music', nodes: [node], ...parts };
}

describe('tables of resources', () => {
  it('have the nodes of their status, and keep them when it is lost', () => {
    directory.setResource(tableResource({ status: activeStatus() }));
    const { nodes } = directory.table('Music') ?? {};
    expect(nodes).toEqual([
      { id: 'music-z0-0', zone: 'a', host: 'music-z0-0.music.test.svc', port: 8002 },
    ]);
    directory.setResource(tableResource({ version: 2 }));
    expect(directory.table('Music')).toMatchObject({ nodes, resource: { status: {} } });
  });

  it('do not go back to what they were before: answers and the watch overtake each other', () => {
    directory.setResource(tableResource({ version: 10, generation: 2 }));
    directory.setResource(tableResource({ version: 9 }));
    expect(directory.table('Music')?.resource?.metadata.generation).toBe(2);
  });

  it('of one name: the oldest has it, then the next', () => {
    const older = tableResource({ uid: 'b', createdAt: '2026-11-01T00:00:00Z' });
    const younger = tableResource({ uid: 'a', createdAt: '2026-11-02T00:00:00Z' });
    const twin = tableResource({ uid: 'c', createdAt: '2026-11-01T00:00:00Z' });
    for (const each of [younger, twin, older]) directory.setResource(each);
    expect([directory.table('Music')?.clusterId, directory.count]).toEqual(['b', 1]);
    directory.removeResource(older);
    expect(directory.table('Music')?.clusterId).toBe('c');
    expect(told.slice(-2)).toEqual(['b', 'c']);
    directory.removeResource(twin);
    directory.removeResource(younger);
    expect([directory.table('Music'), directory.count]).toEqual([undefined, 0]);
  });
});

describe('tables that storage nodes tell of', () => {
  it('are there until the API server says otherwise', () => {
    directory.takeIdentities([identity(), identity({ clusterId: 'uid-2', tableName: 'Gone' })]);
    expect(directory.isComplete).toBe(false);
    expect(directory.table('Gone')).toMatchObject({ resource: undefined, nodes: [node] });
    directory.setResource(tableResource());
    directory.complete();
    expect(Array.from(directory.tables(), ({ tableName }) => tableName)).toEqual(['Music']);
    expect(directory.table('Music')).toMatchObject({ nodes: [node], resource: { kind: 'Table' } });
    expect(directory.isComplete).toBe(true);
  });

  it('are no news once it has spoken, but for nodes of a table that has none', () => {
    directory.setResource(tableResource());
    directory.complete();
    directory.takeIdentities([identity(), identity({ clusterId: 'uid-2', tableName: 'Gone' })]);
    expect(directory.table('Gone')).toBeUndefined();
    expect(directory.table('Music')?.nodes).toEqual([node]);
    const other = { ...node, host: '10.0.0.9' };
    directory.takeIdentities([identity({ nodes: [other] })]);
    expect(directory.table('Music')?.nodes).toEqual([node]);
  });

  it('get new members, and are told of only when there is something new', () => {
    directory.takeIdentities([identity(), identity({ nodeId: 'n-2' })]);
    expect(told).toEqual(['uid-1']);
    const nodes = [node, { ...node, id: 'n-2' }];
    directory.takeIdentities([identity({ nodes })]);
    expect(directory.table('Music')?.nodes).toEqual(nodes);
  });
});

describe('waiting for a table', () => {
  const never = new Promise<void>(() => undefined);
  const isActive = (table: { readonly nodes: readonly unknown[] }) => table.nodes.length > 0;

  it('ends when it is as wished', async () => {
    directory.setResource(tableResource());
    const waiting = directory.until('uid-1', isActive, never);
    directory.setResource(tableResource({ version: 2, status: activeStatus() }));
    expect((await waiting)?.nodes).toHaveLength(1);
  });

  it('ends when it is gone, and when the time is up', async () => {
    directory.setResource(tableResource());
    const waiting = directory.until('uid-1', isActive, never);
    directory.removeResource(tableResource());
    expect(await waiting).toBeUndefined();
    directory.setResource(tableResource());
    const late = await directory.until('uid-1', isActive, Promise.resolve());
    expect(late?.nodes).toEqual([]);
  });
});
