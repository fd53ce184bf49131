import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore } from '../storage/open.ts';
import { fullKey, membersOn } from './cluster.fixture.ts';
import { loadCore } from './core/wasm-core.ts';
import type { ReplicationLimits } from './limits.ts';
import { MultiRaft } from './multi-raft.ts';
import { systemScheduler } from './scheduler.ts';
import { TcpTransport } from './transport/tcp-transport.ts';

/**
 * What replication costs on three nodes of one machine, each a process with a store on disk:
 *
 *     node multi-raft.bench.ts idle [groups]      CPU of a node whose groups do nothing
 *     node multi-raft.bench.ts writes [groups]    writes a second, latencies, CPU a write
 *     node multi-raft.bench.ts snapshot [MB]      writes of another group while a state is sent
 *     node multi-raft.bench.ts failover [rounds]  ms from the death of a leader to the next one's
 */
const NODES = ['a', 'b', 'c'] as const;
type Command =
  | { readonly do: 'create'; readonly groups: number }
  | { readonly do: 'cpu' }
  | { readonly do: 'lead' }
  | { readonly do: 'load'; readonly bytes: number }
  | { readonly do: 'writes'; readonly inFlight: number; readonly count: number };

async function serve(id: string, ports: readonly number[], folder: string): Promise<void> {
  const transport = new TcpTransport({
    self: { id, role: 'node', clusterId: 'bench', storeId: id, processId: `${process.pid}` },
    listen: { host: '127.0.0.1', port: ports[NODES.indexOf(id as 'a')] ?? 0 },
    peers: new Map(NODES.map((node, i) => [node, { host: '127.0.0.1', port: ports[i] ?? 0 }])),
    tls: undefined,
    scheduler: systemScheduler,
    random: Math.random,
    log: () => {},
  });
  const limits: Partial<ReplicationLimits> = JSON.parse(process.env.BENCH_LIMITS ?? '{}');
  const host = await MultiRaft.open({
    nodeId: id,
    store: await openStore({ folder, durability: 'fsync' }),
    transport,
    scheduler: systemScheduler,
    newCore: await loadCore(),
    randomU32: () => Math.floor(Math.random() * 2 ** 32),
    log: () => {},
    limits,
  });
  await transport.open();
  process.on('message', async (command: Command) => {
    process.send?.((await answer(host, command)) ?? null);
  });
  process.send?.('up');
}

async function answer(host: MultiRaft, command: Command): Promise<unknown> {
  switch (command.do) {
    case 'create':
      await Promise.all(
        Array.from({ length: command.groups }, (_, i) =>
          host.create({
            partitionId: BigInt(i + 1),
            replicaId: NODES.indexOf(host.nodeId as 'a') + 1,
            members: membersOn(NODES),
            initialEffects: [],
          }),
        ),
      );
      return 'created';
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      const { framesSent, messagesSent, snapshotsInstalled } = host.metrics;
      return {
        snapshotsInstalled,
        cpuMs: (user + system) / 1_000,
        rss: anonymousBytes(),
        framesSent,
        messagesSent,
      };
    }
    case 'lead':
      return [...host.all()]
        .filter(({ isReady }) => isReady)
        .map(({ partitionId }) => `${partitionId}`);
    case 'load':
      return load(host, command.bytes);
    case 'writes':
      return writes(host, command.inFlight, command.count);
  }
}

async function writes(host: MultiRaft, inFlight: number, count: number): Promise<object> {
  const leaders = [...host.all()].filter(({ isReady }) => isReady);
  const value = Buffer.alloc(500, 0x61);
  const latencies: number[] = [];
  let next = 0;
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (next < count) {
        next += 1;
        const leader = leaders[next % leaders.length];
        if (leader === undefined) return;
        const atMs = performance.now();
        await leader.propose([{ key: fullKey(leader.storageId, `k${next % 10_000}`), value }]);
        latencies.push(performance.now() - atMs);
      }
    }),
  );
  const ms = performance.now() - startMs;
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor(latencies.length * part)]?.toFixed(2);
  return {
    perSecond: Math.round((count / ms) * 1_000),
    p50: at(0.5),
    p99: at(0.99),
    max: at(0.9999),
  };
}

/** Memory of its own, without the tables of the store, which are mapped. */
function anonymousBytes(): number {
  const match = /RssAnon:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

/** Fills the state of partition 1. */
async function load(host: MultiRaft, bytes: number): Promise<number> {
  const replica = host.get(1n);
  if (replica?.isReady !== true) return 0;
  const pending = new Set<Promise<void>>();
  const value = Buffer.alloc(16 * 1024);
  for (let i = 0; i * value.length < bytes; i += 1) {
    for (let at = 0; at < value.length; at += 4) value.writeInt32LE(Math.random() * 2 ** 31, at);
    const copy = Buffer.from(value);
    const put = replica.propose([{ key: fullKey(replica.storageId, `k${i}`), value: copy }]);
    const tracked = put.finally(() => pending.delete(tracked));
    pending.add(tracked);
    if (pending.size >= 64) await Promise.race(pending);
  }
  await Promise.all(pending);
  return bytes;
}

class Node {
  readonly child: ChildProcess;
  constructor(id: string, ports: readonly number[], folder: string) {
    this.child = fork(fileURLToPath(import.meta.url), ['serve', id, ports.join(), folder]);
  }
  async ask(command: Command): Promise<unknown> {
    const answered = once(this.child, 'message');
    this.child.send(command);
    return (await answered)[0];
  }
}

async function freePorts(): Promise<number[]> {
  const servers = NODES.map(() => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text: string) => process.stdout.write(`${text}\n`);

async function allLead(nodes: readonly Node[], groups: number): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const lists = await Promise.all(nodes.map((node) => node.ask({ do: 'lead' })));
    const count = lists.reduce<number>((sum, list) => sum + (list as string[]).length, 0);
    if (count >= groups) return performance.now() - startMs;
    await wait(20);
  }
}

type Cpu = {
  snapshotsInstalled: number;
  cpuMs: number;
  rss: number;
  framesSent: number;
  messagesSent: number;
};

async function measureCpu(nodes: readonly Node[], work: () => Promise<unknown>): Promise<string> {
  const before = (await Promise.all(nodes.map((node) => node.ask({ do: 'cpu' })))) as Cpu[];
  const startMs = performance.now();
  const result = await work();
  const ms = performance.now() - startMs;
  const after = (await Promise.all(nodes.map((node) => node.ask({ do: 'cpu' })))) as Cpu[];
  const parts = after.map((cpu, i) => {
    const spent = cpu.cpuMs - (before[i]?.cpuMs ?? 0);
    const messages = cpu.messagesSent - (before[i]?.messagesSent ?? 0);
    return `${((100 * spent) / ms).toFixed(1)} % (${Math.round((1_000 * messages) / ms)} messages/s, ${Math.round(cpu.rss / 2 ** 20)} MB)`;
  });
  return `${JSON.stringify(result) ?? ''} CPU ${parts.join(', ')}`;
}

async function main(mode: string, argument: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'multi-raft-'));
  const ports = await freePorts();
  const start = (id: string) => new Node(id, ports, join(folder, id));
  const nodes = NODES.map(start);
  await Promise.all(nodes.map(({ child }) => once(child, 'message')));
  await wait(500);
  const groups = { failover: 1, snapshot: 8 }[mode] ?? (argument || 1_000);
  await Promise.all(nodes.map((node) => node.ask({ do: 'create', groups })));
  say(`${groups} groups lead after ${Math.round(await allLead(nodes, groups))} ms`);
  if (mode === 'idle') {
    await wait(5_000);
    for (let i = 0; i < 3; i += 1) say(await measureCpu(nodes, () => wait(10_000)));
  }
  if (mode === 'writes') {
    for (const inFlight of [1, 16, 128]) {
      const count = inFlight === 1 ? 2_000 : 20_000;
      const [first] = nodes;
      if (first === undefined) return;
      await first.ask({ do: 'writes', inFlight, count: 2_000 });
      const run = () => first.ask({ do: 'writes', inFlight, count });
      say(`${inFlight} in flight: ${await measureCpu(nodes, run)}`);
    }
  }
  if (mode === 'failover') await failover(nodes, start, argument || 10);
  if (mode === 'snapshot') await snapshot(nodes, start, (argument || 300) * 2 ** 20);
  for (const { child } of nodes) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
}

async function failover(nodes: Node[], start: (id: string) => Node, rounds: number): Promise<void> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const lists = await Promise.all(nodes.map((node) => node.ask({ do: 'lead' })));
    const at = lists.findIndex((list) => (list as string[]).length > 0);
    const leader = nodes[at];
    if (leader === undefined) throw new Error('no leader');
    leader.child.kill('SIGKILL');
    took.push(
      Math.round(
        await allLead(
          nodes.filter((node) => node !== leader),
          1,
        ),
      ),
    );
    const again = start(NODES[at] ?? 'a');
    await once(again.child, 'message');
    nodes[at] = again;
    await wait(2_000 + Math.random() * 500);
  }
  took.sort((a, b) => a - b);
  say(`failover ms: ${took.join(' ')}`);
}

async function snapshot(nodes: Node[], start: (id: string) => Node, bytes: number): Promise<void> {
  const lists = (await Promise.all(nodes.map((node) => node.ask({ do: 'lead' })))) as string[][];
  const sender = lists.findIndex((list) => list.includes('1'));
  const receiver = (sender + 1) % nodes.length;
  nodes[receiver]?.child.kill('SIGKILL');
  await wait(3_000);
  const leader = nodes[sender];
  if (leader === undefined) return;
  say(`loaded ${await leader.ask({ do: 'load', bytes })} bytes`);
  await wait(5_000);
  const [before] = (await Promise.all([leader.ask({ do: 'cpu' })])) as Cpu[];
  for (const text of ['before', 'before']) {
    say(
      `${text}: ${JSON.stringify(await leader.ask({ do: 'writes', inFlight: 4, count: 1_000 }))}`,
    );
  }
  const again = start(NODES[receiver] ?? 'a');
  await once(again.child, 'message');
  const startMs = performance.now();
  let senderRss = 0;
  let receiverRss = 0;
  for (;;) {
    say(`while: ${JSON.stringify(await leader.ask({ do: 'writes', inFlight: 4, count: 1_000 }))}`);
    const sent = (await leader.ask({ do: 'cpu' })) as Cpu;
    const received = (await again.ask({ do: 'cpu' })) as Cpu;
    senderRss = Math.max(senderRss, sent.rss);
    receiverRss = Math.max(receiverRss, received.rss);
    if (received.snapshotsInstalled > 0) break;
  }
  const MB = (value: number) => Math.round(value / 2 ** 20);
  const took = Math.round(performance.now() - startMs);
  say(
    `installed after ${took} ms; sender ${MB(before?.rss ?? 0)} to ${MB(senderRss)} MB, receiver up to ${MB(receiverRss)} MB`,
  );
  nodes[receiver] = again;
}

const [mode = 'idle', ...rest] = process.argv.slice(2);
if (mode === 'serve') {
  await serve(rest[0] ?? 'a', (rest[1] ?? '').split(',').map(Number), rest[2] ?? '');
} else {
  await main(mode, Number(rest[0] ?? 0));
}
