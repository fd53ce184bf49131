import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fixedAccess } from './api-access.ts';
import { KubeClient } from './api-client.ts';
import { resources } from './resources.ts';

const ANSWER = `{"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "x"}}`;

/** A server that closes a kept connection just when the next request comes over it. */
let server: Server | undefined;
afterEach(() => server?.close());

async function serverThatForgets(): Promise<{ client: KubeClient; connections: Socket[] }> {
  const connections: Socket[] = [];
  server = createServer((socket) => {
    connections.push(socket);
    let requestsCount = 0;
    socket.on('data', () => {
      requestsCount += 1;
      if (requestsCount > 1) socket.destroy();
      else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${ANSWER.length}\r\n\r\n${ANSWER}`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  const client = new KubeClient(fixedAccess({ url: `http://127.0.0.1:${address.port}` }));
  return { client, connections };
}

describe('a kept connection that the server has closed', () => {
  it('a read is sent once more, over a new one', async () => {
    const { client, connections } = await serverThatForgets();
    await client.get(resources.namespaces, { name: 'x' });
    expect(await client.get(resources.namespaces, { name: 'x' })).toBeDefined();
    expect(connections).toHaveLength(2);
    client.close();
  });

  it('a creation is not: it may have been done', async () => {
    const { client, connections } = await serverThatForgets();
    await client.get(resources.namespaces, { name: 'x' });
    const create = client.create(resources.namespaces, { metadata: { name: 'y' } });
    await expect(create).rejects.toMatchObject({ status: 0, reason: 'Unreachable' });
    expect(connections).toHaveLength(1);
    client.close();
  });
});
