import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { TlsMaterial } from '../replication/transport/options.ts';
import type { ClusterCertificates } from './cluster-certificates.ts';
import { ClusterLoad } from './cluster-load.ts';
import { askAdmin, ClusterProcesses, type MemberProcess } from './cluster-processes.ts';

/** Real processes that speak mutual TLS, as they do in pods. */

const TableName = 'Orders';

/** Elections and starts of processes, on a machine that may be busy. */
vi.setConfig({ testTimeout: 120_000 });

let cluster: ClusterProcesses;
let certificates: ClusterCertificates;
let client: DynamoDBClient;

beforeAll(async () => {
  cluster = await ClusterProcesses.start({
    hasTls: true,
    // Only certificates may cost a connection here, not a machine that is busy.
    deadMs: 60_000,
    host: 'localhost',
    memberOptions: ['--bind', '127.0.0.1'],
  });
  if (cluster.certificates === undefined) throw new Error('it has TLS');
  certificates = cluster.certificates;
  client = new DynamoDBClient({
    endpoint: cluster.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
});

afterAll(async () => {
  client?.destroy();
  await cluster?.close();
});

/** Status of an answer, or the code of what went wrong before. */
async function statusOf(node: MemberProcess, tls: TlsMaterial): Promise<number | string> {
  const { id, host, adminPort: port } = node.member;
  const request = { host, port, method: 'GET', path: '/livez', servername: id, body: '', tls };
  const answer = await askAdmin(request).catch((error: NodeJS.ErrnoException) => error);
  return answer instanceof Error ? String(answer.code) : answer.status;
}

describe('the ports of a node', () => {
  it('the admin interface is the operator’s alone', async () => {
    const node = cluster.node('a-1');
    expect(await statusOf(node, certificates.operator)).toBe(200);
    expect(await statusOf(node, certificates.firstAuthority.sign('b-1'))).toBe(403);
  });

  it('health and identity are told to anybody on a port of their own, and no more', async () => {
    const { host, healthPort } = cluster.node('a-1').member;
    const ask = (path: string) => fetch(`http://${host}:${healthPort}${path}`);
    for (const path of ['/livez', '/readyz', '/metrics']) {
      expect((await ask(path)).status).toBe(200);
    }
    expect((await ask('/status')).status).toBe(404);
    expect(await (await ask('/identity')).json()).toMatchObject({
      clusterId: cluster.topology.clusterId,
      nodeId: 'a-1',
      zone: 'a',
      nodes: cluster.topology.nodes.map(({ id, zone, port }) => ({ id, zone, host, port })),
    });
  });
});

describe('certificates and authority are replaced', () => {
  /** Every process has taken over what is on disk, and everybody's writes go on. */
  async function takenOver(count: number, load: ClusterLoad): Promise<void> {
    for (const process of cluster.all) {
      await expect
        .poll(() => process.output.match(/"hasNewTls":true/g)?.length, { timeout: 20_000 })
        .toBe(count);
    }
    await load.acknowledges(50);
  }

  it('under load, without a connection dropped or a request failed', async () => {
    const { firstAuthority: before } = certificates;
    const after = certificates.newAuthority();
    const pids = cluster.all.map(({ pid }) => pid);
    const load = new ClusterLoad(client, TableName, 'renewed');
    load.start(4);
    await load.acknowledges(50);
    certificates.issue({ signer: before, trusted: [before, after] });
    await takenOver(1, load);
    certificates.issue({ signer: after, trusted: [before, after] });
    await takenOver(2, load);
    certificates.issue({ signer: after, trusted: [after] });
    await takenOver(3, load);
    expect(await load.stop()).toEqual({ failures: [], missing: [] });
    expect(cluster.all.map(({ pid }) => pid)).toEqual(pids);
    for (const { output } of cluster.all) {
      expect(output).not.toMatch(/peerDown|topologyRefused/);
    }
  });

  it('and hold for whoever comes', async () => {
    const node = cluster.node('b-1');
    expect(await statusOf(node, certificates.operator)).toBe(200);
    const old = certificates.firstAuthority.sign('operator.trestle.dev');
    const { ca } = certificates.operator;
    expect(await statusOf(node, { ...old, ca })).toMatch(/^(ERR_SSL_|ECONNRESET|EPIPE)/);
    expect(await node.end('SIGTERM')).toBe(0);
    node.start();
    await node.isReady();
  });
});
