import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ClusterMember } from './cluster-member.ts';
import { TopologyError } from './topology.ts';

const folder = mkdtempSync(join(tmpdir(), 'trestle member '));
const path = join(folder, 'topology.json');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (id: string, host: string) => ({ id, zone: 'a', host, port: 7000, adminPort: 7001 });
const topology = {
  clusterId: '0b8f9d8e-53a1-4c5e-9c0e-6f2f6d1c7a10',
  region: 'us-east-1',
  accountId: '123456789012',
  nodes: [at('a-1', '127.0.1.1'), at('b-1', '127.0.1.2')],
  routers: [at('r-1', '127.0.0.1')],
};

let events: { readonly msg: string; readonly error?: string }[];
const log = pino({ base: null }, { write: (line) => void events.push(JSON.parse(line)) });

beforeEach(() => {
  events = [];
  write(topology);
});

function write(json: object): void {
  writeFileSync(path, JSON.stringify(json));
}

function member(role: 'node' | 'router' = 'node', id = 'a-1'): ClusterMember {
  return new ClusterMember({ path, role, id });
}

const transportOptions = {
  storeId: 's',
  processId: 'p',
  protocolMax: 2,
  log,
  faults: undefined,
} as const;

describe('a member of a cluster', () => {
  it('has links with nodes, and a node with routers too', () => {
    expect(member().nodeIds).toEqual(['a-1', 'b-1']);
    expect(member().peerIds).toEqual(['b-1', 'r-1']);
    expect(member('router', 'r-1').peerIds).toEqual(['a-1', 'b-1']);
  });

  it('tells of peers that it has not reached yet', () => {
    const one = member();
    expect(one.peers()).toEqual([]);
    one.transport(transportOptions);
    expect(one.peers()).toEqual([
      { id: 'b-1', isConnected: false, failure: undefined },
      { id: 'r-1', isConnected: false, failure: undefined },
    ]);
  });

  it('refuses TLS files that are not there, or are none', () => {
    write({ ...topology, tls: { ca: 'ca.crt', cert: '{id}.crt', key: '{id}.key' } });
    expect(() => member().transport(transportOptions)).toThrow(
      new TopologyError(`cannot read the TLS file ${join(folder, 'ca.crt')}: ENOENT`),
    );
    for (const name of ['ca.crt', 'a-1.crt', 'a-1.key']) writeFileSync(join(folder, name), 'x');
    expect(() => member().transport(transportOptions)).toThrow(/^the TLS files .* are unusable: /);
  });
});

describe('a topology that is read again', () => {
  it('brings nodes and their addresses', () => {
    const one = member();
    const moved = at('b-1', '127.0.9.9');
    write({ ...topology, nodes: [topology.nodes[0], moved, at('c-1', '127.0.1.3')] });
    one.reload(log);
    expect(one.peerIds).toEqual(['b-1', 'c-1', 'r-1']);
    expect(one.topology.nodes[1]).toEqual(moved);
    expect(events).toMatchObject([{ msg: 'topologyReloaded' }]);
  });

  it.each<[string, object, string]>([
    [
      'this process listens elsewhere',
      { nodes: [at('a-1', '127.0.9.9'), topology.nodes[1]] },
      'the address of this process has changed: restart it',
    ],
    [
      'this process is not in it',
      { nodes: [topology.nodes[1]] },
      "the node 'a-1' is gone: restart the others without it",
    ],
    [
      'TLS is new',
      { tls: { ca: '/dev/null', cert: '/dev/null', key: '/dev/null' } },
      'tls cannot be switched on or off while processes run',
    ],
    ['it is broken', { nodes: 5 }, 'needs a list at nodes, not 5'],
  ])('is refused where %s', (_why, change, complaint) => {
    const one = member();
    write({ ...topology, ...change });
    one.reload(log);
    expect(one.nodeIds).toEqual(['a-1', 'b-1']);
    expect(events).toMatchObject([{ msg: 'topologyRefused' }]);
    expect(events[0]?.error).toContain(complaint);
  });
});
