import { type RequestOptions, request } from 'node:https';
import { connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../replication/transport/authority.fixture.ts';
import {
  OPERATOR_CERTIFICATE_NAME,
  ROUTER_CERTIFICATE_NAME,
} from '../replication/transport/certificate.ts';
import type { TlsMaterial } from '../replication/transport/options.ts';
import { AdminServer } from './admin-server.ts';
import { FakeNode } from './node-admin.fixture.ts';
import { addNodeHealthRoutes, addNodeRoutes } from './node-routes.ts';

const log = pino({ level: 'silent' });
let server: AdminServer;
afterEach(() => server.close());

describe('an admin interface with TLS', () => {
  let ours: Authority;
  let theirs: Authority;
  let operator: TlsMaterial;
  beforeAll(() => {
    ours = new Authority();
    theirs = new Authority();
    operator = ours.sign(OPERATOR_CERTIFICATE_NAME);
  });
  afterAll(() => {
    ours.remove();
    theirs.remove();
  });

  async function serve(material = ours.sign('a-1')): Promise<FakeNode> {
    const node = new FakeNode(false);
    server = await AdminServer.listen({
      host: '127.0.0.1',
      port: 0,
      log,
      tls: { material, callerName: OPERATOR_CERTIFICATE_NAME },
      takesChanges: true,
      routes: (app) => addNodeRoutes(app, node),
    });
    return node;
  }

  /** Status and body, or the code of what went wrong before. */
  function ask(path: string, options: RequestOptions): Promise<readonly [number | string, string]> {
    return new Promise((resolve) => {
      const target = { host: '127.0.0.1', port: server.port, path, servername: 'a-1' };
      const headers = { 'content-type': 'application/json' };
      request({ ...target, agent: false, headers, ...options }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve([response.statusCode ?? 0, text]));
      })
        .on('error', (error: NodeJS.ErrnoException) => resolve([error.code ?? '', '']))
        .end();
    });
  }

  it('lets the operator in', async () => {
    const node = await serve();
    expect(await ask('/livez', operator)).toEqual([200, '{"isLive":true}\n']);
    expect((await ask('/drain', { ...operator, method: 'POST' }))[0]).toBe(200);
    expect(node.isDraining).toBe(true);
  });

  it.each([[['a-1']], [['router-1', ROUTER_CERTIFICATE_NAME]], [['*.trestle.dev']]])(
    'lets in no other member of the cluster: %j',
    async (names) => {
      const node = await serve();
      const certificate = ours.sign(...names);
      for (const [method, path] of [
        ['POST', '/drain'],
        ['GET', '/status'],
        ['GET', '/nothing'],
      ] as const) {
        expect(await ask(path, { ...certificate, method })).toEqual([
          403,
          '{"error":"only a certificate that names operator.trestle.dev is let in"}\n',
        ]);
      }
      expect(node.isDraining).toBe(false);
    },
  );

  it('talks to nobody without a certificate of its authority', async () => {
    const node = await serve();
    const { ca } = operator;
    const attempts = [{ ca }, { ...theirs.sign(OPERATOR_CERTIFICATE_NAME), ca }];
    for (const attempt of attempts) {
      const [outcome] = await ask('/drain', { ...attempt, method: 'POST' });
      expect(outcome).toMatch(/^(ERR_SSL_|ECONNRESET|EPIPE)/);
    }
    expect(node.isDraining).toBe(false);
  });

  it('answers with the certificate of now, and takes those of its authority of now', async () => {
    await serve(theirs.sign('a-1'));
    expect((await ask('/livez', operator))[0]).not.toBe(200);
    server.setTls(ours.sign('a-1'));
    expect((await ask('/livez', operator))[0]).toBe(200);
    expect((await ask('/livez', theirs.sign(OPERATOR_CERTIFICATE_NAME)))[0]).not.toBe(200);
  });

  it('closes at once, whoever has connected and said nothing', async () => {
    await serve();
    const socket = connect(server.port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('connect', resolve));
    await server.close();
    await closed;
  });
});

describe('a port for probes and scrapers', () => {
  async function ask(path: string, init: RequestInit = {}) {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
    return [response.status, await response.text()];
  }

  it('tells of health and identity, and does nothing', async () => {
    const node = new FakeNode(true);
    server = await AdminServer.listen({
      host: '127.0.0.1',
      port: 0,
      log,
      tls: undefined,
      takesChanges: false,
      routes: (app) => addNodeHealthRoutes(app, node),
    });
    for (const path of ['/livez', '/readyz', '/metrics', '/identity']) {
      expect((await ask(path))[0]).toBe(200);
    }
    for (const path of ['/status', '/partitions', '/faults', '/partitions/7']) {
      expect(await ask(path)).toEqual([404, `{"error":"there is no GET ${path}"}\n`]);
    }
    const headers = { 'content-type': 'application/json' };
    for (const path of ['/drain', '/livez', '/bootstrap', '/operations/ListTables']) {
      expect(await ask(path, { method: 'POST', headers, body: '{' })).toEqual([
        404,
        `{"error":"there is no POST ${path}"}\n`,
      ]);
    }
    expect([node.isDraining, node.bootstraps, node.operations]).toEqual([false, [], []]);
  });
});
