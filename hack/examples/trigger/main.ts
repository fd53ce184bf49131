/** Keeps an audit trail of a table of employees by a trigger, and checks it. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startServer } from '../../../dataplane/clients/server-process.ts';
import { AUDIT, auditTrail, changeEmployee, createTables, expectedTrail } from './employees.ts';
import { handler } from './handler.ts';
import { serveLambda } from './lambda-server.ts';

const usage = `Keeps an audit trail of a table of employees by a trigger, and checks it.

Usage: hack/examples/trigger/run [options]

  --endpoint URL   a server that runs already, by
                   hack/run --triggers hack/examples/trigger/triggers.json
                   (without it: one of its own, in memory, whose events are signed)
  --employees N    how many employees come and go (3)
  --help           this text
`;

const PORT = 9000;
const WAIT_MS = 30_000;
const POLL_MS = 50;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      endpoint: { type: 'string' },
      employees: { type: 'string', default: '3' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const count = Number(values.employees);
  return values.endpoint === undefined
    ? withOwnServer(count)
    : withServer(values.endpoint, count, { port: PORT, hmacKey: undefined });
}

/** Events are signed with a key that is made for this run. */
async function withOwnServer(count: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'trestle-trigger-'));
  const file = join(folder, 'triggers.json');
  const hmacKey = randomBytes(32).toString('hex');
  writeFileSync(join(folder, 'audit.key'), hmacKey, { mode: 0o600 });
  const triggers = JSON.parse(readFileSync(join(import.meta.dirname, 'triggers.json'), 'utf8'));
  triggers.Employees[0].target.auth = { scheme: 'HMAC', secret: 'audit.key' };
  writeFileSync(file, JSON.stringify(triggers));
  const server = await startServer(['--in-memory', '--triggers', file]);
  try {
    return await withServer(server.endpoint, count, { port: PORT, hmacKey });
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface FunctionOptions {
  readonly port: number;
  readonly hmacKey: string | undefined;
}

/** @returns the exit status: 0 when every trail is as it should be */
async function withServer(
  endpoint: string,
  count: number,
  { port, hmacKey }: FunctionOptions,
): Promise<number> {
  // As Lambda tells a function where it runs; the SDK inside the handler reads them.
  process.env.AWS_ENDPOINT_URL_DYNAMODB = endpoint;
  process.env.AWS_REGION ??= 'us-east-1';
  process.env.AWS_ACCESS_KEY_ID ??= 'local';
  process.env.AWS_SECRET_ACCESS_KEY ??= 'local';
  process.env.AUDIT_TABLE = AUDIT;
  const client = new DynamoDBClient({});
  const server = await serveLambda(handler, { functionName: 'audit', port, hmacKey });
  try {
    await createTables(client);
    const run = Date.now().toString(36);
    const ids = Array.from({ length: count }, (_, at) => `${run}-${at + 1}`);
    await Promise.all(ids.map((id) => changeEmployee(client, id)));
    const trails = await Promise.all(ids.map((id) => completeTrail(client, id)));
    return report(ids, trails);
  } finally {
    await server.close();
    client.destroy();
  }
}

/** The trail once it has as many entries as it should; or as it is when the time is up. */
async function completeTrail(client: DynamoDBClient, employeeId: string) {
  const endMs = performance.now() + WAIT_MS;
  for (;;) {
    const trail = await auditTrail(client, employeeId);
    if (trail.length >= expectedTrail(employeeId).length || performance.now() > endMs) return trail;
    await delay(POLL_MS);
  }
}

function report(
  ids: readonly string[],
  trails: readonly Awaited<ReturnType<typeof auditTrail>>[],
): number {
  let wrong = 0;
  for (const [at, id] of ids.entries()) {
    const trail = trails[at] ?? [];
    console.log(`employee ${id}`);
    for (const { what, who, changed } of trail) {
      console.log(`  ${what.padEnd(6)} by ${who}: ${changed.join(', ')}`);
    }
    if (isDeepStrictEqual(trail, expectedTrail(id))) continue;
    console.log('  WRONG: this is not what has happened');
    wrong += 1;
  }
  console.log(`${ids.length} employees, ${wrong} of them with a wrong audit trail`);
  return wrong === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
