import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import { tableCapacity } from '../partition/capacity.ts';
import { globalIndex, schemaOf } from '../partition/schema.fixture.ts';
import { CatalogLookup } from '../routing/catalog-lookup.ts';
import { configurationOf, FakeCluster } from '../routing/cluster.fixture.ts';
import { UnknownTableFault } from '../routing/remote-table.ts';
import type { Table } from '../routing/table.ts';
import { encodeTableConfiguration } from '../routing/table-configuration.ts';
import { ClusterTransactionTables } from '../transaction/cluster-tables.ts';
import { TransactionCoordinator } from '../transaction/coordinator.ts';
import type { Transactions } from '../transaction/requests.ts';
import type { ItemContext, JsonObject } from './operation.ts';
import { itemOperations } from './operations.ts';
import { refreshingOperation } from './refreshing-operation.ts';
import { looseRequest, mistypedRequest, validRequest } from './requests.fixture.ts';
import { music, type Server, startServer, users } from './server.fixture.ts';

const place = { region: 'us-east-1', accountId: '000000000000', host: 'localhost' };

async function cluster() {
  const nodes = new FakeCluster();
  const router = await nodes.router();
  const catalog = { hasTable: false, asked: [] as string[] };
  const run = (name: string, body: object) => {
    const operation = itemOperations.get(name);
    if (operation === undefined) throw new Error(`no ${name}`);
    const { tables, learner } = router;
    const transactions = new TransactionCoordinator({
      tables: new ClusterTransactionTables(router, new CatalogLookup(router.control)),
      scheduler: nodes.scheduler,
      randomBytes,
    });
    const clock = nodes.scheduler;
    const context: ItemContext = { tables, transactions, clock, ...place };
    const refreshing = refreshingOperation(operation, {
      refresh: () => learner.refresh(),
      hasTable: async (table) => {
        catalog.asked.push(table);
        return catalog.hasTable;
      },
    });
    return (async () => refreshing.handle({ ...body }, context))().then(
      (response) =>
        JSON.parse(
          response instanceof Uint8Array
            ? Buffer.from(response).toString()
            : JSON.stringify(response),
        ),
      (error: unknown) => {
        if (error instanceof ClientFault) return error;
        throw error;
      },
    );
  };
  return { nodes, router, catalog, run, scheduler: nodes.scheduler };
}

const schema = schemaOf({ tableName: 'Tab' });
const index = { ...globalIndex(2, { hash: 'g:S', range: '' }), name: 'Gix' };
const get = { TableName: 'Tab', Key: { p: { S: 'a' }, s: { N: '1' } }, ConsistentRead: true };

describe('an operation at a router whose map is behind', () => {
  it('finds a table that has come meanwhile', async () => {
    const { nodes, run, scheduler } = await cluster();
    nodes.addTable(configurationOf(schema), 'a1');
    nodes.node('a1').on('get', () => null);
    const { value, tookMs } = await scheduler.until(run('GetItem', get));
    expect([value, tookMs]).toEqual([{}, 0]);
  });

  it('asks once, and then says that there is no table, as the catalog does', async () => {
    const { nodes, run, scheduler, catalog } = await cluster();
    const before = nodes.seenOf('report').length;
    const { value } = await scheduler.until(
      Promise.all([
        run('GetItem', get),
        run('GetItem', get),
        run('PutItem', { TableName: 'Tab', Item: get.Key }),
      ]),
    );
    for (const fault of value) expect(fault).toMatchObject({ type: 'ResourceNotFoundException' });
    expect(nodes.seenOf('report').length - before).toBe(3);
    expect(catalog.asked).toEqual(['Tab', 'Tab', 'Tab']);
  });

  it('does not say so of a table that the catalog has: the client is to try again', async () => {
    const { run, scheduler, catalog } = await cluster();
    catalog.hasTable = true;
    const { value } = await scheduler.until(run('GetItem', get));
    expect(value).toMatchObject({ type: 'InternalServerError' });
  });

  it('finds a table that nodes tell of while the catalog is asked', async () => {
    const { nodes, run, scheduler, catalog } = await cluster();
    nodes.node('a1').on('get', () => null);
    Object.defineProperty(catalog, 'hasTable', {
      get: () => {
        nodes.addTable(configurationOf(schema), 'a1');
        return true;
      },
    });
    const { value } = await scheduler.until(run('GetItem', get));
    expect(value).toEqual({});
  });

  it.each(['Query', 'Scan'])('%s finds an index that has become active meanwhile', async (name) => {
    for (const before of [[], [{ ...index, state: 'backfilling' as const }]]) {
      const { nodes, run, scheduler, router } = await cluster();
      nodes.addTable(configurationOf({ ...schema, globalIndexes: before }), 'a1');
      await scheduler.until(router.learner.refresh());
      for (const node of nodes.nodes.values()) {
        const newer = configurationOf({ ...schema, globalIndexes: [index] }, { version: 2 });
        node.tables = [encodeTableConfiguration(newer)];
        node.on('page', () => [[], 0, 0, null, [0, [], [['Gix', 0.5]]], 0]);
      }
      nodes.addPartition({ id: 2_000n }, { tableId: schema.tableId, indexId: 2, leader: 'a1' });
      const body = {
        TableName: 'Tab',
        IndexName: 'Gix',
        ...(name === 'Query' && {
          KeyConditionExpression: 'g = :g',
          ExpressionAttributeValues: { ':g': { S: 'a' } },
        }),
      };
      const { value } = await scheduler.until(run(name, body));
      expect(value).toMatchObject({ Count: 0 });
    }
  });

  it('ExecuteStatement finds a table, and an index, that have come meanwhile', async () => {
    const { nodes, run, scheduler, router } = await cluster();
    const Statement = "SELECT * FROM Tab WHERE p = 'a'";
    nodes.addTable(configurationOf(schema), 'a1');
    for (const node of nodes.nodes.values()) {
      node.on('page', () => [[], 0, 0, null, [0.5, [], []], 0]);
    }
    const first = await scheduler.until(run('ExecuteStatement', { Statement }));
    expect(first.value).toEqual({ Items: [] });
    await scheduler.until(router.learner.refresh());
    for (const node of nodes.nodes.values()) {
      const newer = configurationOf({ ...schema, globalIndexes: [index] }, { version: 2 });
      node.tables = [encodeTableConfiguration(newer)];
    }
    nodes.addPartition({ id: 2_000n }, { tableId: schema.tableId, indexId: 2, leader: 'a1' });
    const ofIndex = { Statement: `SELECT p FROM Tab.Gix WHERE g = 'a'` };
    const second = await scheduler.until(run('ExecuteStatement', ofIndex));
    expect(second.value).toEqual({ Items: [] });
  });

  it('ExecuteStatement says that there is no table, as the catalog does', async () => {
    const { run, scheduler, catalog } = await cluster();
    const Statement = "INSERT INTO Tab VALUE {'p': 'a', 's': 1}";
    const { value } = await scheduler.until(run('ExecuteStatement', { Statement }));
    expect(value).toMatchObject({ type: 'ResourceNotFoundException' });
    expect(catalog.asked).toEqual(['Tab']);
  });

  it('statements of a batch are answered each, where the catalog lacks tables', async () => {
    const { nodes, run, scheduler, catalog } = await cluster();
    nodes.addTable(configurationOf(schema), 'a1');
    nodes.node('a1').on('get', () => null);
    const Statements = [
      { Statement: "SELECT * FROM One WHERE p = 'a' AND s = 1" },
      { Statement: "SELECT * FROM Tab WHERE p = 'a' AND s = 1" },
      { Statement: "SELECT * FROM Other WHERE p = 'a' AND s = 1" },
    ];
    const { value } = await scheduler.until(run('BatchExecuteStatement', { Statements }));
    const absent = {
      Error: { Code: 'ResourceNotFound', Message: 'Requested resource not found' },
    };
    expect(value).toEqual({
      Responses: [
        { ...absent, TableName: 'One' },
        { TableName: 'Tab' },
        { ...absent, TableName: 'Other' },
      ],
    });
    expect(catalog.asked).toEqual(['One', 'Other']);
  });

  it('a transaction is cancelled where the catalog lacks a table', async () => {
    const { nodes, run, scheduler, catalog } = await cluster();
    nodes.addTable(configurationOf(schema), 'a1');
    const TransactStatements = [
      { Statement: "DELETE FROM Tab WHERE p = 'a' AND s = 1" },
      { Statement: "DELETE FROM Other WHERE p = 'a' AND s = 1" },
    ];
    const { value } = await scheduler.until(run('ExecuteTransaction', { TransactStatements }));
    expect(value).toMatchObject({
      type: 'TransactionCanceledException',
      members: {
        CancellationReasons: [
          { Code: 'None' },
          { Code: 'ResourceNotFound', Message: 'Requested resource not found' },
        ],
      },
    });
    expect(catalog.asked).toEqual(['Other']);
    catalog.hasTable = true;
    const again = await scheduler.until(run('ExecuteTransaction', { TransactStatements }));
    expect(again.value).toMatchObject({ type: 'InternalServerError' });
  });

  it('leaves other faults, and requests that succeed, alone', async () => {
    const { nodes, run, scheduler, router } = await cluster();
    nodes.addTable(configurationOf(schema), 'a1');
    nodes.node('a1').on('get', () => null);
    await scheduler.until(router.learner.refresh());
    const before = nodes.seenOf('report').length;
    expect(await run('GetItem', get)).toEqual({});
    expect(await run('GetItem', { ...get, Key: {} })).toMatchObject({
      type: 'ValidationException',
    });
    expect(nodes.seenOf('report').length).toBe(before);
  });
});

describe('a body that was handled once', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer();
    await server.createTable(users);
    await server.createTable(music);
  });
  afterAll(() => server.close());

  /** A table that takes down what it is asked, and has nothing in it. */
  function recording({ schema: ofTable }: Table, seen: unknown[]): Table {
    const capacity = tableCapacity(1);
    const page = {
      items: [],
      count: 0,
      scannedCount: 0,
      lastEvaluatedKey: undefined,
      capacity,
      evaluatedBytes: 0,
    };
    const ask = <T>(answer: T, ...what: unknown[]): T => {
      seen.push(what);
      return answer;
    };
    return {
      schema: ofTable,
      get: (...what) => ask({ json: undefined, capacity }, ...what),
      write: async (...what) =>
        ask(
          {
            kind: 'applied',
            before: undefined,
            after: undefined,
            capacity,
            collectionBytes: undefined,
          },
          ...what,
        ),
      partitions: [],
      stream: () => Promise.reject(new Error('no item operation reads streams')),
      partitionOf: () => 1n,
      partitionOfHash: () => 1n,
      transact: () => Promise.reject(new Error('the coordinator is a recorder, too')),
      query: (...what) => ask(page, ...what),
      scan: (...what) => ask(page, ...what),
    };
  }

  function recordingRuns(seen: unknown[]): Transactions {
    const capacity = tableCapacity(1);
    return {
      write: async ({ actions, token, digest }) => {
        seen.push(token, digest, ...actions.map(({ command }) => command));
        const done = { capacity, collectionBytes: undefined };
        return { kind: 'committed', actions: actions.map(() => done) };
      },
      read: async (gets) => {
        seen.push(...gets.map(({ key, projection }) => [key, projection]));
        const item = { json: undefined, bytes: 0, capacity };
        return { kind: 'read', items: gets.map(() => item) };
      },
    };
  }

  async function outcomeOf(name: string, body: JsonObject, isKnown: boolean): Promise<unknown> {
    const seen: unknown[] = [];
    const { context } = server;
    const openTable = (table: string) => {
      if (!isKnown) throw new UnknownTableFault(table);
      return recording(context.tables.openTable(table), seen);
    };
    try {
      const operation = itemOperations.get(name);
      const recorder = { ...context, tables: { openTable }, transactions: recordingRuns(seen) };
      return [await operation?.handle(body, recorder), seen];
    } catch (error) {
      if (error instanceof ClientFault) return { type: error.type, message: error.message };
      throw error;
    }
  }

  it('gives the same when it is handled again', async () => {
    const requests = fc
      .oneof(validRequest, looseRequest, mistypedRequest)
      .filter(({ operation }) => itemOperations.has(operation));
    await fc.assert(
      fc.asyncProperty(requests, async ({ operation, body }) => {
        const wire = (): JsonObject => JSON.parse(JSON.stringify(body));
        fc.pre(typeof body === 'object' && body !== null && !Array.isArray(body));
        const twice = wire();
        await outcomeOf(operation, twice, false);
        expect(await outcomeOf(operation, twice, true)).toEqual(
          await outcomeOf(operation, wire(), true),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
