import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { Json, Server } from '../../dataplane/api/server.fixture.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import type { Outcome } from './client-process.ts';

/** A call that every client makes, in this order, and every outcome is compared with the tables' own. */
export interface MatrixCase {
  readonly name: string;
  readonly operation: string;
  readonly parameters: JsonObject;
}

interface Vectors {
  readonly tables: Readonly<Record<string, readonly string[]>>;
  readonly operations: readonly {
    readonly id: string;
    readonly operation: string;
    readonly parameters: JsonObject;
  }[];
}

const vectors: Vectors = JSON.parse(read('../protocol/testdata/dax-vectors.json'));

/** Depends on the places of items in a table, which each table has of its own. */
const placed: ReadonlySet<string> = new Set(['scan-segment', 'scan-index-limit']);

/** What the clients were captured doing, apart from what only a prototype could answer. */
export const capturedCases: readonly MatrixCase[] = vectors.operations
  .filter(({ id }) => !id.endsWith('unprocessed') && !placed.has(id))
  .map(({ id, operation, parameters }) => ({ name: id, operation, parameters }));

/**
 * More of types, expressions, indexes, pages and transactions, and above all what clients leave to the server
 * to refuse (reference/dax-protocol.md section 10.1): a line of JSON each.
 */
export const moreCases: readonly MatrixCase[] = read('testdata/cases.jsonl')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

function read(path: string): string {
  return readFileSync(join(import.meta.dirname, path), 'utf8');
}

/** Creates the tables that the cases are about, and one with indexes of both kinds. */
export async function createTables(tables: Server): Promise<void> {
  for (const [name, keys] of Object.entries(vectors.tables)) {
    if (name !== 'Idx') await tables.createTable(definition(name, keys));
  }
  await tables.createTable({
    ...definition('Idx', ['pk:S', 'sk:N', 'g:S', 'gr:N', 'l:S']),
    KeySchema: keySchema(['pk', 'sk']),
    GlobalSecondaryIndexes: [
      index('byG', ['g', 'gr'], { ProjectionType: 'ALL' }),
      index('bare', ['g', 'gr'], { ProjectionType: 'KEYS_ONLY' }),
    ],
    LocalSecondaryIndexes: [index('byL', ['pk', 'l'], { ProjectionType: 'KEYS_ONLY' })],
  });
}

function definition(name: string, keys: readonly string[]): JsonObject {
  return {
    TableName: name,
    AttributeDefinitions: keys.map((key) => {
      const [AttributeName, AttributeType] = key.split(':');
      return { AttributeName, AttributeType };
    }),
    KeySchema: keySchema(keys.map((key) => key.slice(0, key.indexOf(':')))),
  };
}

function keySchema(names: readonly string[]) {
  return names.map((AttributeName, at) => ({
    AttributeName,
    KeyType: at === 0 ? 'HASH' : 'RANGE',
  }));
}

function index(IndexName: string, names: readonly string[], Projection: JsonObject) {
  return { IndexName, KeySchema: keySchema(names), Projection };
}

/** What the tables themselves answer. */
export async function directOutcome(
  tables: Server,
  { operation, parameters }: MatrixCase,
): Promise<Outcome> {
  try {
    return { result: await tables.call(operation, parameters) };
  } catch (thrown) {
    if (!(thrown instanceof ClientFault)) throw thrown;
    const reasons: Json = thrown.members?.CancellationReasons;
    return {
      error: {
        code: thrown.type,
        message: thrown.message ?? '',
        status: thrown.type === 'InternalServerError' ? 500 : 400,
        ...(reasons !== undefined && { reasons }),
      },
    };
  }
}
