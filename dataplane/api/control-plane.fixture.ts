import type { Catalog } from '../catalog/catalog.ts';
import { openInstallation, until } from '../catalog/installation.fixture.ts';
import { ClientFault } from '../errors/client-fault.ts';
import { startLocalTransactions } from '../transaction/local-transactions.ts';
import type { JsonObject, ServerContext } from './operation.ts';
import { operations } from './operations.ts';

/** Calls operations as the endpoint does, over a real catalog in memory. */
export interface ControlPlane {
  /** The answer as a client parses it; an empty body is undefined. */
  call(operation: string, body: JsonObject): Promise<JsonObject>;
  /** The fault an operation answers, as `Type: text`. */
  fault(operation: string, body: JsonObject): Promise<string>;
  /** Creates a table and waits until it is ACTIVE. */
  create(body: JsonObject): Promise<void>;
  /** For what comes before an operation's answer. */
  readonly catalog: Catalog;
  readonly clock: { advance(ms: number): void; nowMs(): number };
  close(): Promise<void>;
}

export const REGION = 'eu-test-1';
export const ACCOUNT = '123456789012';
export const ARN = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table`;

export async function openControlPlane(): Promise<ControlPlane> {
  const { catalog, router, clock, close: closeInstallation } = await openInstallation();
  const hasTable = catalog.hasTable.bind(catalog);
  const transactions = await startLocalTransactions({ router, hasTable });
  const context: ServerContext = {
    catalog,
    tables: catalog,
    streams: catalog.streams,
    transactions,
    clock,
    region: REGION,
    accountId: ACCOUNT,
    host: 'localhost:8000',
  };
  const call = async (name: string, body: JsonObject): Promise<JsonObject> => {
    const operation = operations.get(name);
    if (operation === undefined) throw new Error(`no operation ${name}`);
    const sent: JsonObject = JSON.parse(JSON.stringify(body));
    const answer = await operation.handle(sent, context);
    const text =
      answer instanceof Uint8Array ? Buffer.from(answer).toString() : JSON.stringify(answer);
    return text === '' ? {} : JSON.parse(text);
  };
  const fault = async (name: string, body: JsonObject): Promise<string> => {
    try {
      await call(name, body);
    } catch (error) {
      if (error instanceof ClientFault) return `${error.type}: ${error.message}`;
      throw error;
    }
    return 'no fault';
  };
  const create = async (body: JsonObject): Promise<void> => {
    await call('CreateTable', body);
    const name = String(body.TableName);
    await until(() => catalog.describeTable(name).TableStatus === 'ACTIVE');
  };
  const close = async () => {
    await transactions.close();
    await closeInstallation();
  };
  return { call, fault, create, catalog, clock, close };
}

/** `One or more parameter values were invalid: ` as a ValidationException. */
export function invalid(text: string): string {
  return `ValidationException: One or more parameter values were invalid: ${text}`;
}

/** A gathered ValidationException of the service model's constraints. */
export function violated(...failures: readonly string[]): string {
  const noun = failures.length === 1 ? 'error' : 'errors';
  return `ValidationException: ${failures.length} validation ${noun} detected: ${failures.join('; ')}`;
}

export const musicTable = {
  TableName: 'Music',
  AttributeDefinitions: [
    { AttributeName: 'Artist', AttributeType: 'S' },
    { AttributeName: 'SongTitle', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'Artist', KeyType: 'HASH' },
    { AttributeName: 'SongTitle', KeyType: 'RANGE' },
  ],
  BillingMode: 'PAY_PER_REQUEST',
};
