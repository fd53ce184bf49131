import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../storage/open.ts';
import type { Store } from '../storage/store.ts';
import { fullKey, membersOn, stateOf } from './cluster.fixture.ts';
import { loadCore } from './core/wasm-core.ts';
import { MultiRaft } from './multi-raft.ts';
import { ProposalError, type Replica } from './replica.ts';
import { systemScheduler } from './scheduler.ts';
import type { Address } from './transport/options.ts';
import { TcpTransport } from './transport/tcp-transport.ts';
import { turns } from './virtual-clock.fixture.ts';

const NODES = ['a', 'b', 'c'] as const;
/** Nobody listens there. */
const NOWHERE: Address = { host: '127.0.0.1', port: 1 };

interface Node {
  readonly store: Store;
  readonly host: MultiRaft;
  readonly transport: TcpTransport;
}

/** Real disks, sockets and time: what the other tests have virtual. */
describe('MultiRaft on disk and over TCP', () => {
  let folder: string;
  const nodes = new Map<string, Node>();
  /** Where each node listens now, or did last; a node that starts again gets another port. */
  const addresses = new Map<string, Address>();
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'multi-raft-'));
  });
  afterEach(async () => {
    for (const id of [...nodes.keys()]) await stop(id);
    await rm(folder, { recursive: true, force: true });
  });

  async function start(id: string): Promise<void> {
    const store = await openStore({ folder: join(folder, id), durability: 'fsync' });
    const transport = new TcpTransport({
      self: {
        id,
        role: 'node',
        clusterId: 'test',
        storeId: id,
        processId: `${id}${Math.random()}`,
      },
      listen: { host: '127.0.0.1', port: 0 },
      peers: peers(),
      tls: undefined,
      scheduler: systemScheduler,
      random: Math.random,
      log: () => {},
    });
    const host = await MultiRaft.open({
      nodeId: id,
      store,
      transport,
      scheduler: systemScheduler,
      newCore: await loadCore(),
      randomU32: () => Math.floor(Math.random() * 2 ** 32),
      log: () => {},
      limits: { tickMs: 50 },
    });
    nodes.set(id, { store, host, transport });
    await transport.open();
    addresses.set(id, transport.address ?? NOWHERE);
    for (const node of nodes.values()) node.transport.setPeers(peers());
  }

  function peers(): ReadonlyMap<string, Address> {
    return new Map(NODES.map((id) => [id, addresses.get(id) ?? NOWHERE]));
  }

  async function stop(id: string): Promise<void> {
    const node = nodes.get(id);
    nodes.delete(id);
    await node?.host.close();
    await node?.transport.close();
    await node?.store.close();
  }

  async function until<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      await turns(1);
    }
  }

  function leader(): Promise<Replica> {
    return until(() => [...nodes.values()].map(({ host }) => host.get(1n)).find((r) => r?.isReady));
  }

  async function write(from: number, to: number): Promise<void> {
    const writes: Promise<void>[] = [];
    for (let i = from; i < to; i += 1) writes.push(writeOne(i));
    await Promise.all(writes);
  }

  /** Until it is acknowledged: on a disk that is busy for long, leaders change by themselves. */
  async function writeOne(i: number): Promise<void> {
    for (;;) {
      const replica = await leader();
      const key = fullKey(replica.storageId, `k${i}`);
      try {
        return await replica.propose([{ key, value: Buffer.from(`v${i}`) }]);
      } catch (error) {
        if (!(error instanceof ProposalError)) throw error;
        await turns(1);
      }
    }
  }

  it('writes, loses nodes and starts again', async () => {
    for (const id of NODES) await start(id);
    for (const [i, id] of NODES.entries()) {
      const replica = { partitionId: 1n, replicaId: i + 1, members: membersOn(NODES) };
      await nodes.get(id)?.host.create({ ...replica, initialEffects: [] });
    }
    await write(0, 500);
    const first = await leader();
    const gone = [...nodes].find(([, { host }]) => host.get(1n) === first)?.[0] ?? '';
    await stop(gone);
    await write(500, 1_000);
    await start(gone);
    for (const id of NODES) {
      await stop(id);
      await start(id);
    }
    await write(1_000, 1_100);
    const { appliedIndex } = await leader();
    await until(() =>
      [...nodes.values()].every(({ host }) => (host.get(1n)?.appliedIndex ?? 0) >= appliedIndex),
    );
    const states = await Promise.all(
      [...nodes.values()].map(({ host, store }) => stateOf(store, host.get(1n)?.storageId ?? 0n)),
    );
    expect(states[0]).toHaveLength(1_100 + 2);
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
  }, 60_000);
});
