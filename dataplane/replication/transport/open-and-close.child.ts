import { systemScheduler } from '../scheduler.ts';
import { TcpTransport } from './tcp-transport.ts';

/** Opens two transports, connects and closes them; the process is to end by itself after that. */
function transport(id: string, port: number): TcpTransport {
  return new TcpTransport({
    self: { id, role: 'node', clusterId: 'c', storeId: id, processId: id },
    listen: { host: '127.0.0.1', port: 0 },
    peers: new Map(['a', 'b', 'nowhere'].map((peer) => [peer, { host: '127.0.0.1', port }])),
    tls: undefined,
    scheduler: systemScheduler,
    random: Math.random,
    log: () => {},
  });
}

const b = transport('b', 1);
await b.open();
const a = transport('a', b.address?.port ?? 0);
const { promise: connected, resolve } = Promise.withResolvers<void>();
b.onPeer(() => resolve());
await a.open();
await connected;
process.stdout.write('connected\n');
const pending = a.request('b', 'nothing', null, { timeoutMs: 60_000 }).catch(() => {});
await Promise.all([a.close(), b.close(), pending]);
process.stdout.write('closed\n');
