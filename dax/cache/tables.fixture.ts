import type { JsonObject } from '../../dataplane/api/operation.ts';
import { type Server, startServer } from '../../dataplane/api/server.fixture.ts';
import type { AttributeLists } from '../cluster/attribute-lists.ts';
import type { KeySchema } from '../protocol/key-schema.ts';
import type { TableCalls } from '../tables/table-calls.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';

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

export class TestDescriptions {
  readonly forgotten: string[] = [];
  readonly #server: Server;
  readonly #known = new Map<string, TableInfo>();

  constructor(server: Server) {
    this.#server = server;
  }

  async describe(name: string): Promise<TableInfo> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const { Table } = await this.#server.call('DescribeTable', { TableName: name });
    const info: TableInfo = {
      name: Table.TableName,
      id: Table.TableId,
      arn: Table.TableArn,
      key: keySchemaOf(Table.KeySchema, Table.AttributeDefinitions),
      localIndexes: new Map(
        (Table.LocalSecondaryIndexes ?? []).map((index: IndexDescription) => [
          index.IndexName,
          keySchemaOf(index.KeySchema, Table.AttributeDefinitions),
        ]),
      ),
      globalIndexes: new Map(
        (Table.GlobalSecondaryIndexes ?? []).map((index: IndexDescription) => {
          const { hash, range } = keySchemaOf(index.KeySchema, Table.AttributeDefinitions);
          return [index.IndexName, { hash: [hash], range: range === undefined ? [] : [range] }];
        }),
      ),
    };
    this.#known.set(name, info);
    return info;
  }

  forget(name: string): void {
    this.forgotten.push(name);
    this.#known.delete(name);
  }
}

interface IndexDescription {
  readonly IndexName: string;
  readonly KeySchema: readonly KeyElement[];
}

interface KeyElement {
  readonly AttributeName: string;
  readonly KeyType: 'HASH' | 'RANGE';
}

function keySchemaOf(
  elements: readonly KeyElement[],
  definitions: readonly { AttributeName: string; AttributeType: 'S' | 'N' | 'B' }[],
): KeySchema {
  const attribute = (keyType: 'HASH' | 'RANGE') => {
    const name = elements.find(({ KeyType }) => KeyType === keyType)?.AttributeName;
    const type = definitions.find(({ AttributeName }) => AttributeName === name)?.AttributeType;
    return name === undefined || type === undefined ? undefined : { name, type };
  };
  const hash = attribute('HASH');
  if (hash === undefined) throw new Error('a key has a hash attribute');
  return { hash, range: attribute('RANGE') };
}

export async function startTables(): Promise<TestTables> {
  const server = await startServer();
  const counts = new Map<string, number>();
  const bodies: { operation: string; body: JsonObject }[] = [];
  const tables: TestTables = {
    server,
    counts,
    bodies,
    hooks: {},
    descriptions: new TestDescriptions(server),
    lists: attributeLists(),
    async call(operation, body) {
      counts.set(operation, (counts.get(operation) ?? 0) + 1);
      bodies.push({ operation, body });
      await tables.hooks.before?.(operation, body);
      const answer = await server.call(operation, body);
      return (await tables.hooks.after?.(operation, body, answer)) ?? answer;
    },
    close: () => server.close(),
  };
  return tables;
}

/** Ids in the order of appearance; 1 is the empty list. */
function attributeLists(): Pick<AttributeLists, 'idOf' | 'namesOf'> {
  const lists: (readonly string[])[] = [['never'], []];
  return {
    idOf(names) {
      const text = names.join('\0');
      const index = lists.findIndex((list, id) => id > 0 && list.join('\0') === text);
      return index > 0 ? index : lists.push(names) - 1;
    },
    namesOf: (id) => lists[id],
  };
}
