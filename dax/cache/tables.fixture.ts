import { pino } from 'pino';
import { SignaturePresence } from '../../dataplane/access/signature-presence.ts';
import type { JsonObject, Operation, ServerContext } from '../../dataplane/api/operation.ts';
import { operations } from '../../dataplane/api/operations.ts';
import { type Server, startServer } from '../../dataplane/api/server.fixture.ts';
import { Endpoint } from '../../dataplane/endpoint/endpoint.ts';
import { AttributeLists } from '../cluster/attribute-lists.ts';
import { MemoryRegistryStore } from '../cluster/memory-registry-store.ts';
import { anyKey } from '../role.ts';
import { HttpTableCalls } from '../tables/http-table-calls.ts';
import type { TableCalls } from '../tables/table-calls.ts';
import { TableDescriptions } from '../tables/table-descriptions.ts';

/** For tests: a real embedded server as the tables, in this process, with a door for faults. */
export interface TestTables extends TableCalls {
  readonly server: Server;
  /** Calls so far, by operation. */
  readonly counts: ReadonlyMap<string, number>;
  readonly bodies: readonly { readonly operation: string; readonly body: JsonObject }[];
  /** Before and after a call is done; either may wait, or throw in its place. */
  hooks: CallHooks;
  readonly descriptions: TestDescriptions;
  readonly lists: Pick<AttributeLists, 'idOf' | 'namesOf'>;
  close(): Promise<void>;
}

export interface CallHooks {
  before?: (operation: string, body: JsonObject) => Promise<void> | void;
  after?: (
    operation: string,
    body: JsonObject,
    answer: JsonObject,
  ) => Promise<JsonObject | undefined>;
}

export class TestDescriptions extends TableDescriptions {
  readonly forgotten: string[] = [];

  override forget(nameOrArn: string): void {
    this.forgotten.push(nameOrArn);
    super.forget(nameOrArn);
  }
}

export async function startTables(): Promise<TestTables> {
  const server = await startServer();
  const counts = new Map<string, number>();
  const bodies: { operation: string; body: JsonObject }[] = [];
  const descriptions = new TestDescriptions(server);
  const tables: TestTables = {
    server,
    counts,
    bodies,
    hooks: {},
    descriptions,
    lists: new AttributeLists(new MemoryRegistryStore()),
    async call(operation, body) {
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
      bodies.push({ operation, body });
      await tables.hooks.before?.(operation, body);
      const answer = await server.call(operation, body);
      return (await tables.hooks.after?.(operation, body, answer)) ?? answer;
    },
    async close() {
      descriptions.close();
      await server.close();
    },
  };
  return tables;
}

/** The same server by HTTP, as a node calls it. */
export interface HttpTables {
  readonly calls: HttpTableCalls;
  /** Requests that the server has had, by operation. */
  readonly counts: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

export async function listen({ server }: TestTables): Promise<HttpTables> {
  const accountId = '000000000000';
  const counts = new Map<string, number>();
  const counted = (operation: Operation<ServerContext>): Operation<ServerContext> => ({
    ...operation,
    handle(body, context) {
      counts.set(operation.name, (counts.get(operation.name) ?? 0) + 1);
      return operation.handle(body, context);
    },
  });
  const endpoint = await Endpoint.listen({
    operations: new Map([...operations].map(([name, each]) => [name, counted(each)])),
    context: server.context,
    authenticator: new SignaturePresence(accountId),
    authorize: undefined,
    log: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: 0,
    tls: undefined,
  });
  const calls = new HttpTableCalls({
    endpoint: `http://127.0.0.1:${endpoint.port}`,
    ca: () => undefined,
    credential: () => anyKey(accountId),
    region: 'us-east-1',
  });
  return {
    calls,
    counts,
    async close() {
      calls.close();
      await endpoint.close(1000);
    },
  };
}
