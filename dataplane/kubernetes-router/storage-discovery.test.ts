import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualScheduler } from '../routing/manual-scheduler.fixture.ts';
import { StorageDiscovery } from './storage-discovery.ts';
import type { StorageIdentity } from './storage-identity.ts';

const clusterId = '67e839db-6a53-459f-a405-e3664b37fc70';
const nodes = [{ id: 'm-z0-0', zone: 'a', host: 'm-z0-0.m.test.svc', port: 8002 }];
const identity = { clusterId, nodeId: 'm-z0-0', zone: 'a', tableName: 'Music', nodes };

const open: (Server | StorageDiscovery)[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** Answers at 127.0.0.1 and at other loopback addresses alike. */
async function serve(answer: (address: string) => { status?: number; body: string }) {
  const server = createServer((request, response) => {
    const { status = 200, body } = answer(request.socket.localAddress ?? '');
    response.writeHead(request.url === '/identity' ? status : 404).end(body);
  });
  server.listen(0, '0.0.0.0');
  open.push(server);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens');
  return address.port;
}

interface Looking {
  readonly lookup: () => Promise<readonly string[]>;
  readonly port: number;
}

function discover({ lookup, port }: Looking) {
  const scheduler = new ManualScheduler();
  const logged: string[] = [];
  const found: StorageIdentity[][] = [];
  const first = Promise.withResolvers<void>();
  const discovery = StorageDiscovery.start({
    host: 'trestle-storage.test.svc',
    port,
    lookup,
    scheduler,
    log: (event, fields) => logged.push(`${event}: ${String(fields.error)}`),
    isNeeded: () => true,
    onFound: (identities) => {
      found.push([...identities]);
      first.resolve();
    },
  });
  open.push(discovery);
  return { discovery, scheduler, logged, found, first: first.promise };
}

describe('looking for storage nodes by DNS', () => {
  it('asks everyone behind the name once, and passes over who is none', async () => {
    const port = await serve((address) => {
      if (address === '127.0.0.3') return { body: '{"clusterId": "x"}' };
      return address === '127.0.0.4'
        ? { status: 503, body: '' }
        : { body: JSON.stringify(identity) };
    });
    const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.2'];
    const { discovery, first, found, logged } = discover({ lookup: async () => addresses, port });
    expect(discovery.hasFinished).toBe(false);
    await first;
    const { zone: _, ...known } = identity;
    expect(found).toEqual([[known]]);
    expect(discovery.hasFinished).toBe(true);
    expect(logged).toEqual(['identityRefused: the identity needs a list at nodes']);
  });

  it('takes a name that is not there for a namespace without tables', async () => {
    const lookup = () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));
    const { discovery, first, found } = discover({ lookup, port: 1 });
    await first;
    expect([found, discovery.hasFinished]).toEqual([[[]], true]);
  });

  it('knows nothing while the resolver fails, and tries again', async () => {
    const port = await serve(() => ({ body: JSON.stringify(identity) }));
    let failuresCount = 0;
    const lookup = async () => {
      failuresCount += 1;
      if (failuresCount < 3) throw Object.assign(new Error('try again'), { code: 'EAI_AGAIN' });
      return ['127.0.0.2'];
    };
    const { discovery, scheduler, first, found, logged } = discover({ lookup, port });
    await scheduler.until(first);
    expect(found).toHaveLength(1);
    expect(discovery.hasFinished).toBe(true);
    expect(logged).toEqual(['storageNotDiscovered: try again']);
  });
});
