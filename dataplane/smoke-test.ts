import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Credential, parseCredentials } from './access/credentials.ts';
import { signedHeaders } from './access/request-signer.ts';
import { matching, parseOptions, required, UsageError } from './option-values.ts';

/**
 * What `helm test` runs in a pod: makes a table, waits until it is active, writes an item, reads it
 * in three ways, and deletes the table. Uses the image's own code only. It leaves nothing behind.
 */

const HELP = `Makes a table, writes an item, reads it, and deletes the table.

Usage: node dataplane/smoke-test.ts --endpoint URL --credentials FILE [options]

  --endpoint URL         where the API is served
  --credentials FILE     access keys (see hack/run --help); the first is used
  --region REGION        what requests are signed for                   (us-east-1)
  --timeout-seconds N    how long the table may take                    (180)
`;

const POLL_MS = 500;
const REQUEST_MS_MAX = 10_000;

interface Options {
  readonly endpoint: string;
  readonly credential: Credential;
  readonly region: string;
  readonly timeoutMs: number;
}

type Json = Readonly<Record<string, unknown>>;

/** An error that the API answered with. */
class ApiError extends Error {
  readonly type: string;
  readonly isTransient: boolean;

  constructor(status: number, body: Json) {
    const type = String(body.__type ?? 'unknown').replace(/^.*#/, '');
    super(`${type}: ${String(body.message ?? body.Message ?? `status ${status}`)}`);
    this.type = type;
    this.isTransient = status >= 500 || type === 'ThrottlingException';
  }
}

/** Calls the API; what may pass is tried again until the deadline. */
class ApiClient {
  readonly #options: Options;
  readonly #deadlineMs: number;

  constructor(options: Options) {
    this.#options = options;
    this.#deadlineMs = performance.now() + options.timeoutMs;
  }

  /** @throws ApiError; Error when the deadline has passed */
  async call(operation: string, request: Json): Promise<Json> {
    for (;;) {
      try {
        return await this.#send(operation, JSON.stringify(request));
      } catch (error) {
        if (error instanceof ApiError && !error.isTransient) throw error;
        await this.pause(`${operation}: ${reasonOf(error)}`);
      }
    }
  }

  /** Waits before the next look. @param state what is waited for, for the message if time is up */
  async pause(state: string): Promise<void> {
    if (performance.now() > this.#deadlineMs) {
      throw new Error(`${state} (after ${this.#options.timeoutMs / 1_000} s)`);
    }
    await delay(POLL_MS);
  }

  async #send(operation: string, body: string): Promise<Json> {
    const { endpoint, credential, region } = this.#options;
    const headers = {
      host: new URL(endpoint).host,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `DynamoDB_20120810.${operation}`,
    };
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: signedHeaders({ headers, body }, credential, { region, nowMs: Date.now() }),
      body,
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    });
    const answer = jsonOf(await response.text());
    if (!response.ok) throw new ApiError(response.status, answer);
    return answer;
  }
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return {};
  }
}

/** fetch hides what happened behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

const pk = { S: 'smoke' };
const sk = { N: '1' };
const item = { pk, sk, note: { S: 'written by helm test' } };

/** Lets an error of this type pass for an empty answer. @throws any other error */
function unless(type: string): (error: unknown) => Json {
  return (error) => {
    if (error instanceof ApiError && error.type === type) return {};
    throw error;
  };
}

async function createTable(api: ApiClient, TableName: string): Promise<void> {
  const request = {
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
  };
  // The name is nobody else's: a try whose answer was lost has made it.
  await api.call('CreateTable', request).catch(unless('ResourceInUseException'));
  for (;;) {
    // Another router than the one that made it may hear of it a moment later.
    const { Table } = await api
      .call('DescribeTable', { TableName })
      .catch(unless('ResourceNotFoundException'));
    const status = fieldOf(Table, 'TableStatus');
    if (status === 'ACTIVE') return;
    await api.pause(`the table ${TableName} is ${status ?? 'not known'}, not ACTIVE`);
  }
}

async function deleteTable(api: ApiClient, TableName: string): Promise<void> {
  for (;;) {
    try {
      await api.call('DeleteTable', { TableName });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.type === 'ResourceNotFoundException') return;
      if (error.type !== 'ResourceInUseException') throw error;
    }
    await api.pause(`the table ${TableName} is still there, though deleted`);
  }
}

async function writeAndRead(api: ApiClient, TableName: string): Promise<void> {
  await api.call('PutItem', { TableName, Item: item });
  const strong = await api.call('GetItem', { TableName, Key: { pk, sk }, ConsistentRead: true });
  expectItem('GetItem', strong.Item);
  const page = await api.call('Query', {
    TableName,
    ConsistentRead: true,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': pk },
  });
  expectItem('Query', Array.isArray(page.Items) ? page.Items[0] : undefined);
  const scan = await api.call('Scan', { TableName, ConsistentRead: true });
  expectItem('Scan', Array.isArray(scan.Items) ? scan.Items[0] : undefined);
}

function expectItem(operation: string, answered: unknown): void {
  if (isDeepStrictEqual(answered, item)) return;
  throw new Error(`${operation} gave ${JSON.stringify(answered)}, not ${JSON.stringify(item)}`);
}

function fieldOf(value: unknown, name: string): unknown {
  return new Map<string, unknown>(Object.entries(Object(value))).get(name);
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseOptions(args, {
    endpoint: { type: 'string' },
    credentials: { type: 'string' },
    region: { type: 'string', default: 'us-east-1' },
    'timeout-seconds': { type: 'string', default: '180' },
    help: { type: 'boolean', default: false },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  const endpoint = required(values.endpoint, '--endpoint', 'a URL');
  if (!URL.canParse(endpoint)) throw new UsageError(`--endpoint needs a URL, not '${endpoint}'`);
  const file = required(values.credentials, '--credentials', 'a file');
  // Whom its key stands for, and so of which account, is the server's business.
  const [credential] = parseCredentials(readFileSync(file, 'utf8'), file, '').values();
  if (credential === undefined) throw new UsageError(`${file} holds no access key`);
  const seconds = values['timeout-seconds'];
  return {
    endpoint,
    credential,
    region: values.region,
    timeoutMs: 1_000 * Number(matching(seconds, /^\d{1,4}$/, '--timeout-seconds needs a number')),
  };
}

async function run(options: Options): Promise<void> {
  const api = new ApiClient(options);
  const name = `smoke-test-${randomBytes(4).toString('hex')}`;
  const step = (text: string) => process.stdout.write(`${text}\n`);
  try {
    await createTable(api, name);
    step(`table ${name} is active`);
    await writeAndRead(api, name);
    step('an item was written, and read by GetItem, Query and Scan');
  } catch (error) {
    // The first failure is the one to tell of.
    await deleteTable(api, name).catch((left) => step(`not deleted: ${reasonOf(left)}`));
    throw error;
  }
  await deleteTable(api, name);
  step('the table is deleted');
}

try {
  await run(readOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`smoke test: ${reasonOf(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
