import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClusterMember } from './cluster-member.ts';
import { Authority } from './replication/transport/authority.fixture.ts';
import type { TlsMaterial } from './replication/transport/options.ts';
import { TlsFilesError } from './tls-files.ts';

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

  it('listens on its own address, or on the one that it is bound to', () => {
    expect(member().listenHost).toBe('127.0.1.1');
    const bound = new ClusterMember({ path, role: 'node', id: 'a-1', bind: '0.0.0.0' });
    expect(bound.listenHost).toBe('0.0.0.0');
    write({ ...topology, nodes: [at('a-1', 'a-1.music.svc'), topology.nodes[1]] });
    bound.reload(log);
    expect(bound.topology.nodes[0]?.host).toBe('a-1.music.svc');
    expect(events).toMatchObject([{ msg: 'topologyReloaded' }]);
  });

  it('refuses TLS files that are not there, or are none', () => {
    write({ ...topology, tls: { ca: 'ca.crt', cert: '{id}.crt', key: '{id}.key' } });
    expect(() => member()).toThrow(
      new TlsFilesError(`cannot read the TLS file ${join(folder, 'ca.crt')}: ENOENT`),
    );
    for (const name of ['ca.crt', 'a-1.crt', 'a-1.key']) writeFileSync(join(folder, name), 'x');
    expect(() => member()).toThrow(/^the TLS files .* are unusable: /);
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
      'this process is probed elsewhere',
      { nodes: [{ ...topology.nodes[0], healthPort: 7002 }, topology.nodes[1]] },
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

describe('files that change while it runs', () => {
  const authority = new Authority();
  afterAll(() => authority.remove());
  let end = () => {};
  afterEach(() => end());

  const tls = { ca: 'ca.crt', cert: '{id}.crt', key: '{id}.key' };

  function writeTls({ ca, cert, key }: TlsMaterial): void {
    writeFileSync(join(folder, 'ca.crt'), ca);
    writeFileSync(join(folder, 'a-1.crt'), cert);
    writeFileSync(join(folder, 'a-1.key'), key);
  }

  it('are taken over without being asked to', async () => {
    const one = member();
    end = one.watch(log);
    write({ ...topology, nodes: [...topology.nodes, at('c-1', '127.0.1.3')] });
    await expect.poll(() => one.nodeIds).toEqual(['a-1', 'b-1', 'c-1']);
    expect(events).toMatchObject([{ msg: 'topologyReloaded', nodesCount: 3, hasNewTls: false }]);
  });

  it('are taken over if they changed before it looked at them', () => {
    const one = member();
    write({ ...topology, nodes: [...topology.nodes, at('c-1', '127.0.1.3')] });
    end = one.watch(log);
    expect(one.nodeIds).toEqual(['a-1', 'b-1', 'c-1']);
  });

  it('are no news when they say the same', () => {
    end = member().watch(log);
    expect(events).toEqual([]);
  });

  it('renew certificates, and what does not fit together changes nothing', async () => {
    const [first, second] = [authority.sign('a-1'), authority.sign('a-1')];
    writeTls(first);
    write({ ...topology, tls });
    const one = member();
    const seen: TlsMaterial[] = [];
    one.onTls((renewed) => seen.push(renewed));
    end = one.watch(log);
    expect(one.tls).toEqual(first);
    writeFileSync(join(folder, 'a-1.crt'), second.cert);
    await expect.poll(() => events.map(({ msg }) => msg)).toContain('topologyRefused');
    expect(one.tls).toEqual(first);
    writeFileSync(join(folder, 'a-1.key'), second.key);
    await expect.poll(() => one.tls).toEqual(second);
    expect(seen).toEqual([second]);
  });
});
