import { Catalog } from '../catalog/catalog.ts';
import { ClientFault } from '../errors/client-fault.ts';
import { LocalRouter } from '../routing/local-router.ts';
import { MemoryStore } from '../storage/memory-store.ts';
import { startLocalTransactions } from '../transaction/local-transactions.ts';
import type { JsonObject, ServerContext } from './operation.ts';
import { operations } from './operations.ts';

/** What the client reads of a fault. */
export interface WireFault {
  readonly type: string;
  readonly message: string | undefined;
  readonly members?: Readonly<Record<string, unknown>>;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into responses freely, as a client in JavaScript does.
export type Json = any;

/** For tests: all operations over a real catalog on a store in memory, without HTTP. */
export interface Server {
  /** The response as a client would parse it; a ClientFault is rejected as it is. */
  call(operation: string, body: object): Promise<Json>;
  /** The fault that the call ends with. */
  faultOf(operation: string, body: object): Promise<WireFault>;
  /** Creates a table and waits until it is ACTIVE. */
  createTable(definition: JsonObject): Promise<void>;
  /** Resolves when the global indexes of a table have all changes. */
  indexesCaughtUp(tableName: string): Promise<void>;
  advanceMs(ms: number): void;
  readonly context: ServerContext;
  close(): Promise<void>;
}

export async function startServer(): Promise<Server> {
  let nowMs = Date.UTC(2026, 10, 21);
  const clock = { nowMs: () => nowMs };
  const store = await MemoryStore.open();
  const router = new LocalRouter(store, clock);
  const place = { region: 'us-east-1', accountId: '000000000000' };
  const catalog = await Catalog.open({ store, router, clock, ...place });
  const hasTable = catalog.hasTable.bind(catalog);
  const transactions = await startLocalTransactions({ router, hasTable });
  const host = 'localhost';
  const tables = catalog;
  const { streams } = catalog;
  const context: ServerContext = { catalog, tables, streams, transactions, clock, host, ...place };

  async function call(name: string, body: object): Promise<Json> {
    const operation = operations.get(name);
    if (operation === undefined) throw new Error(`no such operation: ${name}`);
    // As from the wire: an object of the test's own is not to be changed.
    const wireBody: JsonObject = JSON.parse(JSON.stringify(body));
    const response = await operation.handle(wireBody, context);
    const text =
      response instanceof Uint8Array
        ? Buffer.from(response).toString('utf8')
        : JSON.stringify(response);
    return JSON.parse(text);
  }

  return {
    call,
    context,
    async faultOf(name, body) {
      try {
        await call(name, body);
      } catch (thrown) {
        if (!(thrown instanceof ClientFault)) throw thrown;
        const { type, message, members } = thrown;
        return members === undefined ? { type, message } : { type, message, members };
      }
      throw new Error(`${name} succeeded`);
    },
    async createTable(definition) {
      await call('CreateTable', { BillingMode: 'PAY_PER_REQUEST', ...definition });
      for (;;) {
        const { Table } = await call('DescribeTable', { TableName: definition.TableName });
        if (Table.TableStatus === 'ACTIVE') return;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    indexesCaughtUp: (tableName) => catalog.openTable(tableName).indexesCaughtUp(),
    advanceMs(ms) {
      nowMs += ms;
    },
    async close() {
      await transactions.close();
      await catalog.close();
      await store.close();
    },
  };
}

/** Definition of a table called Music, with one index of each kind. */
export const music = {
  TableName: 'Music',
  AttributeDefinitions: [
    { AttributeName: 'Artist', AttributeType: 'S' },
    { AttributeName: 'Song', AttributeType: 'S' },
    { AttributeName: 'Year', AttributeType: 'N' },
    { AttributeName: 'Genre', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'Artist', KeyType: 'HASH' },
    { AttributeName: 'Song', KeyType: 'RANGE' },
  ],
  LocalSecondaryIndexes: [
    {
      IndexName: 'ByYear',
      KeySchema: [
        { AttributeName: 'Artist', KeyType: 'HASH' },
        { AttributeName: 'Year', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'ByGenre',
      KeySchema: [
        { AttributeName: 'Genre', KeyType: 'HASH' },
        { AttributeName: 'Year', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['Label'] },
    },
  ],
} as const;

/** Definition of a table called Users, with a partition key alone. */
export const users = {
  TableName: 'Users',
  AttributeDefinitions: [{ AttributeName: 'Id', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'Id', KeyType: 'HASH' }],
} as const;
