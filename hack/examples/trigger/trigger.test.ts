import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import {
  type ServerProcess,
  sdkClient,
  startServer,
} from '../../../dataplane/clients/server-process.ts';
import { freePorts } from '../../../dataplane/free-port.fixture.ts';
import { AUDIT, auditTrail, changeEmployee, createTables, expectedTrail } from './employees.ts';
import { handler } from './handler.ts';
import type { LambdaHandler } from './lambda-event.ts';
import { type LambdaServer, serveLambda } from './lambda-server.ts';

const KEY = 'a key that nobody knows';

let folder: string;
let server: ServerProcess;
let client: DynamoDBClient;
let lambda: LambdaServer | undefined;
/** Where the trigger posts to: whoever serves the function takes this port again. */
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trestle-trigger-'));
  [port = 0] = await freePorts(1);
  writeFileSync(join(folder, 'audit.key'), `${KEY}\n`);
  writeFileSync(join(folder, 'triggers.json'), JSON.stringify({ Employees: [trigger()] }));
  server = await startServer(['--in-memory', '--triggers', join(folder, 'triggers.json')]);
  process.env.AWS_ENDPOINT_URL_DYNAMODB = server.endpoint;
  process.env.AWS_REGION = 'us-east-1';
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  process.env.AUDIT_TABLE = AUDIT;
  client = sdkClient(server.endpoint);
  await createTables(client);
});

afterEach(() => lambda?.close());

afterAll(async () => {
  client?.destroy();
  await server?.stop();
  rmSync(folder, { recursive: true });
});

function options(onPort: number, hmacKey: string | undefined = KEY) {
  return { functionName: 'audit', port: onPort, hmacKey };
}

function trigger() {
  return {
    name: 'audit',
    target: {
      url: `http://127.0.0.1:${port}/`,
      auth: { scheme: 'HMAC', secret: 'audit.key' },
    },
    batchSize: 10,
    parallelizationFactor: 2,
    reportBatchItemFailures: true,
  };
}

async function serve(of: LambdaHandler): Promise<void> {
  lambda = await serveLambda(of, options(port));
}

async function trailOf(employeeId: string) {
  const { length } = expectedTrail(employeeId);
  return vi.waitFor(
    async () => {
      const trail = await auditTrail(client, employeeId);
      expect(trail.length).toBeGreaterThanOrEqual(length);
      return trail;
    },
    { timeout: 30_000, interval: 50 },
  );
}

it('audit trail: each change of an employee is in it once, in order', async () => {
  await serve(handler);
  const ids = ['e1', 'e2', 'e3'];
  await Promise.all(ids.map((id) => changeEmployee(client, id)));
  for (const id of ids) expect(await trailOf(id)).toEqual(expectedTrail(id));
});

it('audit trail: is whole also when the function was away, and fails now and then', async () => {
  await changeEmployee(client, 'e4');
  let calls = 0;
  await serve(async (event, context) => {
    calls += 1;
    if (calls === 1) throw new Error('it does not feel like it');
    if (calls === 2)
      return {
        batchItemFailures: [{ itemIdentifier: event.Records[0]?.dynamodb.SequenceNumber ?? '' }],
      };
    return handler(event, context);
  });
  expect(await trailOf('e4')).toEqual(expectedTrail('e4'));
}, 60_000);

it('audit trail: an event that is not signed with the key is refused', async () => {
  await serve(handler);
  const url = lambda?.url ?? '';
  const answer = await fetch(url, { method: 'POST', body: '{"Records":[]}' });
  expect(answer.status).toBe(403);
  const headers = {
    'x-trestle-timestamp': `${Math.floor(Date.now() / 1000)}`,
    'x-trestle-signature': `v1=${'0'.repeat(64)}`,
  };
  const forged = await fetch(url, { method: 'POST', body: '{"Records":[]}', headers });
  expect(forged.status).toBe(403);
});
