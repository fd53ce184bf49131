import type { ControlPlane } from '../../catalog/control-plane.ts';
import type { AttributeValue, Item } from '../../item/attribute-value.ts';
import type { Table } from '../../routing/table.ts';
import type { ServerContext } from '../operation.ts';
import { hashValues } from './item-use.ts';

/** Something that an operation did to a table or index. */
export interface Touch {
  readonly table: string;
  readonly index: string | undefined;
  /** Partition keys of what was read or written; undefined: all, or none in particular. */
  readonly keys: readonly AttributeValue[] | undefined;
}

/**
 * For tests: a context that does what another one does, and remembers to which tables.
 * What it remembers is what the operations ask tables, transactions and the catalog for, so it depends
 * on nothing that reads access from requests.
 */
export function watched(context: ServerContext): {
  readonly context: ServerContext;
  readonly touched: readonly Touch[];
} {
  const touched: Touch[] = [];
  const touch = (table: Table, key: Item) => {
    const { schema } = table;
    const keys = hashValues(key, schema.key);
    touched.push({ table: schema.tableName, index: undefined, keys });
  };
  return {
    touched,
    context: {
      ...context,
      tables: { openTable: (name) => watchedTable(context.tables.openTable(name), touched, touch) },
      transactions: {
        read: (gets) => {
          for (const { table, key } of gets) touch(table, key);
          return context.transactions.read(gets);
        },
        write: (request) => {
          for (const { table, command } of request.actions) touch(table, command.key);
          return context.transactions.write(request);
        },
      },
      catalog: watchedCatalog(context.catalog, touched),
    },
  };
}

function watchedTable(
  table: Table,
  touched: Touch[],
  touch: (table: Table, key: Item) => void,
): Table {
  const { tableName } = table.schema;
  return {
    ...boundTable(table),
    get: (key, options) => {
      touch(table, key);
      return table.get(key, options);
    },
    write: (command, returns) => {
      touch(table, command.key);
      return table.write(command, returns);
    },
    query: (request) => {
      const keys = request.hashConditions.flatMap((condition) =>
        condition.operator === 'between' ? [] : [condition.value],
      );
      touched.push({ table: tableName, index: request.indexName, keys });
      return table.query(request);
    },
    scan: (request) => {
      touched.push({ table: tableName, index: request.indexName, keys: undefined });
      return table.scan(request);
    },
  };
}

/** What of a table transactions use, which look at the table behind it. */
function boundTable(table: Table): Table {
  return {
    schema: table.schema,
    partitions: table.partitions,
    get: table.get.bind(table),
    write: table.write.bind(table),
    query: table.query.bind(table),
    scan: table.scan.bind(table),
    stream: table.stream.bind(table),
    partitionOf: table.partitionOf.bind(table),
    partitionOfHash: table.partitionOfHash.bind(table),
    transact: table.transact.bind(table),
  };
}

/** Remembers names and ARNs of tables as the catalog is given them. */
function watchedCatalog(catalog: ControlPlane, touched: Touch[]): ControlPlane {
  const named = (nameOrArn: string) => {
    const table = nameOrArn.startsWith('arn:') ? (nameOrArn.split('/')[1] ?? '') : nameOrArn;
    touched.push({ table, index: undefined, keys: undefined });
  };
  // The catalog refuses what is no ARN.
  const tagged = (arn: string | undefined) => {
    if (arn?.startsWith('arn:')) named(arn);
  };
  return {
    settled: catalog.settled.bind(catalog),
    listTables: catalog.listTables.bind(catalog),
    createTable: (request) => {
      named(request.TableName);
      return catalog.createTable(request);
    },
    updateTable: (request) => {
      named(request.TableName);
      return catalog.updateTable(request);
    },
    deleteTable: (name) => {
      named(name);
      return catalog.deleteTable(name);
    },
    describeTable: (name) => {
      named(name);
      return catalog.describeTable(name);
    },
    updateTimeToLive: (name, wanted) => {
      named(name);
      return catalog.updateTimeToLive(name, wanted);
    },
    describeTimeToLive: (name) => {
      named(name);
      return catalog.describeTimeToLive(name);
    },
    tagResource: (arn, tags) => {
      tagged(arn);
      return catalog.tagResource(arn, tags);
    },
    untagResource: (arn, keys) => {
      tagged(arn);
      return catalog.untagResource(arn, keys);
    },
    tagsOfResource: (arn) => {
      tagged(arn);
      return catalog.tagsOfResource(arn);
    },
  };
}
