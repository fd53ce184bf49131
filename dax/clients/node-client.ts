import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { Dax } from '@amazon-dax-sdk/client-dax';
import { DaxDocument } from '@amazon-dax-sdk/lib-dax';

/**
 * A program that calls operations through one of Amazon's DAX clients for Node. Started as
 * `node node-client.ts v3|v1|document URL`; commands and outcomes are lines of JSON (client-process.ts).
 * Credentials are those of the environment.
 */

type Members = { readonly [member: string]: unknown };
type Call = (operation: string, parameters: unknown) => Promise<unknown>;

const [kind = '', endpoint = ''] = process.argv.slice(2);
const region = process.env.AWS_REGION ?? 'us-east-1';
const credentials = {
  accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? '',
  secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? '',
  ...(process.env.AWS_SESSION_TOKEN && { sessionToken: process.env.AWS_SESSION_TOKEN }),
};

/** The clients have a method for each operation. */
type Methods = Readonly<Record<string, (parameters: unknown) => unknown>>;

/** How long a call waits for a node to be known, so that a refusal is soon told. */
const maxRetryDelay = 1000;

function modernCall(): Call {
  const settings = { endpoint, region, credentials, maxRetryDelay };
  const client = new Dax(settings) as unknown as Methods;
  return async (operation, parameters) => methodOf(client, operation)(parameters);
}

/** lib-dax: values as JavaScript has them, which JSON can say of text, numbers, lists and maps. */
function documentCall(): Call {
  const settings = { endpoint, region, credentials, maxRetryDelay };
  const client = new DaxDocument(settings) as unknown as Methods;
  return async (operation, parameters) => methodOf(client, operation)(parameters);
}

/** amazon-dax-client, for the AWS SDK of the second version; neither has types that fit here. */
function olderCall(): Call {
  const require = createRequire(import.meta.url);
  const AmazonDaxClient = require('amazon-dax-client');
  const client: Methods = new AmazonDaxClient({
    endpoints: [endpoint],
    region,
    credentials,
    maxRetryDelay,
  });
  return (operation, parameters) => {
    const request = methodOf(client, operation)(parameters) as { promise(): Promise<unknown> };
    return request.promise();
  };
}

function methodOf(client: Methods, operation: string): (parameters: unknown) => unknown {
  const name = operation.charAt(0).toLowerCase() + operation.slice(1);
  const method = client[name];
  if (method === undefined) throw new Error(`the client has no method ${name}`);
  return method.bind(client);
}

/** Binary values are base64 on the lines and bytes for the client. */
function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (name === 'B' && typeof member === 'string') return [name, Buffer.from(member, 'base64')];
      if (name === 'BS' && Array.isArray(member)) {
        return [name, member.map((each) => Buffer.from(String(each), 'base64'))];
      }
      return [name, withBytes(member)];
    }),
  );
}

function withBase64(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Set) return [...value].map(withBase64);
  if (Array.isArray(value)) return value.map(withBase64);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withBase64(member)]),
  );
}

function failureOf(thrown: unknown): Members {
  const error = thrown as Members; // the clients throw objects with these members
  return {
    code: error.code ?? error.name,
    message: String(error.message ?? thrown),
    status: error.statusCode,
    reasons: withBase64(error.cancellationReasons),
  };
}

const calls: Readonly<Record<string, () => Call>> = {
  v3: modernCall,
  v1: olderCall,
  document: documentCall,
};
const call = calls[kind]?.();
if (call === undefined) throw new Error(`there is no client ${kind}`);
for await (const line of createInterface({ input: process.stdin })) {
  const { operation, parameters } = JSON.parse(line);
  let outcome: Members;
  try {
    const input = kind === 'document' ? parameters : withBytes(parameters);
    outcome = { result: withBase64(await call(operation, input)) };
  } catch (error) {
    outcome = { error: failureOf(error) };
  }
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
process.exit(0); // clients keep timers and connections
