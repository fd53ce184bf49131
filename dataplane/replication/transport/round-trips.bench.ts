import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { systemScheduler } from '../scheduler.ts';
import type { Address } from './options.ts';
import { TcpTransport } from './tcp-transport.ts';

/**
 * Round trips a second between two processes, and the CPU time that either spends on one:
 * `node round-trips.bench.ts`. The body is like that of a small put: a key, an item of 100 bytes.
 */
const ROUND_TRIPS = 60_000;
const IN_FLIGHT = [1, 16, 128];

const body = { table: 'orders', key: Buffer.alloc(24, 1), item: Buffer.alloc(100, 2), term: 7 };

function transport(id: string, peers: ReadonlyMap<string, Address>): TcpTransport {
  return new TcpTransport({
    self: { id, role: 'node', clusterId: 'bench', storeId: id, processId: id },
    listen: { host: '127.0.0.1', port: 0 },
    peers,
    tls: undefined,
    scheduler: systemScheduler,
    random: Math.random,
    log: () => {},
  });
}

async function serve(): Promise<void> {
  const served = transport('b', new Map([['a', { host: '127.0.0.1', port: 1 }]]));
  let count = 0;
  served.onRequest('put', async () => {
    count += 1;
    return { index: count };
  });
  served.onRequest('cpu', () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  });
  await served.open();
  process.send?.(served.address);
}

async function run(client: TcpTransport, inFlight: number, count: number): Promise<void> {
  let left = count;
  const one = async () => {
    while (left > 0) {
      left -= 1;
      await client.request('b', 'put', body, { timeoutMs: 5_000 });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
}

async function measure(client: TcpTransport, inFlight: number): Promise<string> {
  const remoteCpu = () => client.request('b', 'cpu', null, { timeoutMs: 5_000 }).then(Number);
  const remoteBefore = await remoteCpu();
  const before = process.cpuUsage();
  const startMs = performance.now();
  await run(client, inFlight, ROUND_TRIPS);
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  const remote = (await remoteCpu()) - remoteBefore;
  const perSecond = Math.round(ROUND_TRIPS / seconds);
  const callerUs = ((user + system) / ROUND_TRIPS).toFixed(1);
  const handlerUs = (remote / ROUND_TRIPS).toFixed(1);
  return `${inFlight} in flight: ${perSecond}/s, caller ${callerUs} us, handler ${handlerUs} us\n`;
}

async function main(): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['serve']);
  const [address] = await once(child, 'message');
  const client = transport('a', new Map([['b', address]]));
  const up = new Promise<void>((resolve) => client.onPeer(() => resolve()));
  await client.open();
  await up;
  await run(client, 64, ROUND_TRIPS);
  for (const inFlight of IN_FLIGHT) process.stdout.write(await measure(client, inFlight));
  child.kill();
  await client.close();
}

await (process.argv[2] === 'serve' ? serve() : main());
