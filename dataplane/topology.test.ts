import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { memberOf, readTopology, successionFault, TopologyError } from './topology.ts';

const folder = mkdtempSync(join(tmpdir(), 'trestle topology '));
const file = join(folder, 'topology.json');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const member = (id: string, zone: string, host: string) => ({
  id,
  zone,
  host,
  port: 7000,
  adminPort: 7001,
});
const valid = {
  clusterId: '0b8f9d8e-53a1-4c5e-9c0e-6f2f6d1c7a10',
  region: 'us-east-1',
  accountId: '123456789012',
  nodes: [member('a-1', 'a', '127.0.1.1'), member('b-1', 'b', '127.0.1.2')],
  routers: [member('router-1', 'a', '127.0.0.1')],
};
const [first, second] = valid.nodes;

function read(json: unknown, id = 'a-1') {
  writeFileSync(file, typeof json === 'string' ? json : JSON.stringify(json));
  return readTopology(file, id);
}

describe('readTopology', () => {
  it('reads what is valid', () => {
    expect(read(valid)).toEqual({
      ...valid,
      tls: undefined,
      limits: { replication: {}, transport: {} },
    });
  });

  it('takes paths from the folder of the file, with the name of the process in them', () => {
    const tls = { ca: 'ca.crt', cert: 'tls/{id}.crt', key: '/keys/{id}.key' };
    expect(read({ ...valid, tls }).tls).toEqual({
      ca: join(folder, 'ca.crt'),
      cert: join(folder, 'tls/a-1.crt'),
      key: '/keys/a-1.key',
    });
  });

  it('takes limits by their names', () => {
    const limits = { replication: { logEntriesMax: 50 }, transport: { deadMs: 500 } };
    expect(read({ ...valid, limits }).limits).toEqual(limits);
  });

  it('takes the name of the one table, and ports for probes', () => {
    const nodes = [{ ...first, healthPort: 7002 }, second];
    const topology = read({ ...valid, tableName: 'Music', nodes });
    expect(topology.tableName).toBe('Music');
    expect(topology.nodes.map(({ healthPort }) => healthPort)).toEqual([7002, undefined]);
  });

  it('says why it cannot read', () => {
    expect(() => readTopology(join(folder, 'absent'), 'a-1')).toThrow(
      new TopologyError(`cannot read the topology file ${join(folder, 'absent')}: ENOENT`),
    );
  });

  it.each<[string, unknown, string]>([
    ['text', '{"clusterId":', 'is not JSON'],
    ['a list', [], 'is not a JSON object'],
    ['no cluster', { ...valid, clusterId: undefined }, 'needs a UUID in lower case at clusterId'],
    ['a number as region', { ...valid, region: 5 }, 'needs a name like us-east-1 at region, not 5'],
    ['a short account', { ...valid, accountId: '1' }, 'needs 12 digits at accountId, not "1"'],
    ['nodes that are no list', { ...valid, nodes: {} }, 'needs a list at nodes, not {}'],
    ['no nodes', { ...valid, nodes: [] }, 'names no nodes'],
    ['no routers', { ...valid, routers: undefined }, 'needs a list at routers'],
    ['a node that is no object', { ...valid, nodes: ['a'] }, 'needs an object at nodes[0]'],
    [
      'a node without name',
      { ...valid, nodes: [{ ...first, id: undefined }] },
      'needs a name of small letters, digits, hyphens and dots at nodes[0].id',
    ],
    [
      'a name with blanks',
      { ...valid, nodes: [{ ...first, id: 'a 1' }] },
      'needs a name of small letters, digits, hyphens and dots at nodes[0].id, not "a 1"',
    ],
    [
      'no zone',
      { ...valid, nodes: [first, { ...second, zone: '' }] },
      'needs a name at nodes[1].zone, not ""',
    ],
    [
      'an address with a path',
      { ...valid, nodes: [{ ...first, host: 'http://a' }] },
      'needs a host name or address at nodes[0].host, not "http://a"',
    ],
    ...[0, 65_536, 1.5, '7000', null].map((port): [string, unknown, string] => [
      `port ${JSON.stringify(port)}`,
      { ...valid, routers: [{ ...valid.routers[0], port }] },
      `needs a number from 1 to 65535 at routers[0].port, not ${JSON.stringify(port)}`,
    ]),
    [
      'no admin port',
      { ...valid, nodes: [{ ...first, adminPort: undefined }] },
      'needs a number from 1 to 65535 at nodes[0].adminPort',
    ],
    ['one name twice', { ...valid, nodes: [first, { ...second, id: 'a-1' }] }, "names 'a-1' twice"],
    [
      'a node and a router of one name',
      { ...valid, routers: [{ ...valid.routers[0], id: 'a-1' }] },
      "names 'a-1' twice",
    ],
    [
      'one address twice',
      { ...valid, nodes: [first, { ...second, host: '127.0.1.1', port: 7001, adminPort: 7002 }] },
      "gives 'a-1' and 'b-1' the same address 127.0.1.1:7001",
    ],
    [
      'a process that collides with itself',
      { ...valid, nodes: [{ ...first, adminPort: 7000 }] },
      "gives 'a-1' the address 127.0.1.1:7000 twice",
    ],
    [
      'a port for probes that is taken',
      { ...valid, nodes: [{ ...first, healthPort: 7001 }] },
      "gives 'a-1' the address 127.0.1.1:7001 twice",
    ],
    [
      'no table of that name',
      { ...valid, tableName: 'a b' },
      'needs the name of a table at tableName, not "a b"',
    ],
    [
      'a misspelt member',
      { ...valid, TLS: {} },
      'has an unknown member TLS; there is: clusterId, region, accountId, tableName, nodes, routers, tls, limits',
    ],
    [
      'a misspelt member of a node',
      { ...valid, nodes: [{ ...first, adminport: 1 }] },
      'has an unknown member nodes[0].adminport; there is: id, zone, host, port, adminPort, healthPort',
    ],
    ['tls without key', { ...valid, tls: { ca: 'a', cert: 'b' } }, 'needs a path at tls.key'],
    [
      'a limit below 1',
      { ...valid, limits: { transport: { deadMs: 0 } } },
      'needs a whole number above 0 at limits.transport.deadMs, not 0',
    ],
    ['too many', { ...valid, nodes: crowd(1025) }, 'names more than 1024 processes'],
  ])('refuses %s in one line', (_what, json, complaint) => {
    expect(() => read(json)).toThrow(new TopologyError(`the topology file ${file} ${complaint}`));
  });
});

function crowd(count: number) {
  return Array.from({ length: count }, (_, index) => member(`n${index}`, 'a', `h${index}`));
}

describe('memberOf', () => {
  it('finds a process by role and name', () => {
    expect(memberOf(read(valid), 'node', 'b-1')).toEqual(second);
    expect(memberOf(read(valid), 'router', 'router-1')).toEqual(valid.routers[0]);
  });

  it.each([
    ['node', 'x', "there is no node 'x' in the topology"],
    ['node', 'router-1', "'router-1' is a router in the topology, not a node"],
    ['router', 'a-1', "'a-1' is a node in the topology, not a router"],
  ] as const)('refuses the %s %s', (role, id, message) => {
    expect(() => memberOf(read(valid), role, id)).toThrow(new TopologyError(message));
  });
});

describe('successionFault', () => {
  it('lets addresses change and members come', () => {
    const moved = { ...first, host: '127.0.2.1', port: 1, adminPort: 2 };
    const after = { ...valid, nodes: [moved, second, member('c-1', 'c', '127.0.1.3')] };
    expect(successionFault(read(valid), read(after))).toBeUndefined();
  });

  it.each<[unknown, string]>([
    [
      { ...valid, clusterId: '1b8f9d8e-53a1-4c5e-9c0e-6f2f6d1c7a10' },
      'clusterId cannot change while processes run',
    ],
    [{ ...valid, tableName: 'Music' }, 'tableName cannot change while processes run'],
    [{ ...valid, region: 'eu-west-1' }, 'region cannot change while processes run'],
    [{ ...valid, nodes: [first] }, "the node 'b-1' is gone: restart the others without it"],
    [{ ...valid, routers: [] }, "the router 'router-1' is gone: restart the others without it"],
    [
      { ...valid, nodes: [first, { ...second, zone: 'c' }] },
      "the node 'b-1' cannot change its zone",
    ],
  ])('refuses %j', (after, fault) => {
    expect(successionFault(read(valid), read(after))).toBe(fault);
  });
});
