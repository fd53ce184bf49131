import { createServer } from 'node:net';

const PORT_FIRST = 10_000;
const PORTS_COUNT = 22_000;
const PORTS_OF_PROCESS = 32;
const PORTS_TRIED_MAX = 200;
let portsCount = 0;

/**
 * A port of this machine for a process that is started later, or again at the same port. It is none of those
 * that Linux gives out by itself (from 32768 on, `ip_local_port_range`), so that nobody has taken it meanwhile
 * by chance; processes that run at the same time begin at different ones.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORTS_TRIED_MAX; attempt++) {
    const place = (process.pid * PORTS_OF_PROCESS + portsCount++) % PORTS_COUNT;
    if (await isFree(PORT_FIRST + place)) return PORT_FIRST + place;
  }
  throw new Error('no free port');
}

/** So many, each another one. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isTaken = Promise.withResolvers<boolean>();
  server.once('error', () => isTaken.resolve(true));
  server.listen(port, '0.0.0.0', () => server.close(() => isTaken.resolve(false)));
  return !(await isTaken.promise);
}
