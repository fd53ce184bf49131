import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { KeyWrite } from '../cache/cached-tables.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { type Door, type Handle, tablesNamed } from './door.ts';
import { type FoundItem, keyIn, putIn } from './item-keys.ts';
import { isRecord } from './members.ts';
import { writeBehind } from './write-behind.ts';

/** The service's (reference/dynamodb.md section 2). */
const ACTIONS_COUNT_MAX = 100;

/** Reads items as they are at one moment, which no cache can: it asks the tables. */
export const transactGetItems: Handle = ({ tables }, body) => tables.transactGetItems(body);

/** Writes items all or none, through the cache. */
export async function transactWriteItems(door: Door, body: JsonObject): Promise<JsonObject> {
  const actions = actionsOf(body);
  const tableNames = actions.map(({ wire }) => wire.TableName);
  const names = tableNames.filter((name) => typeof name === 'string');
  const distinct = [...new Set(names)];
  const tables = names.length === actions.length ? await tablesNamed(door, distinct) : undefined;
  const writes =
    tables && writesOf(actions, new Map(distinct.map((name, at) => [name, tables[at]])));
  if (writes === undefined) {
    return writeBehind(door, { operation: 'TransactWriteItems', body, tableNames: distinct });
  }
  return door.tables.transactWriteItems({ body, writes });
}

/** One action of a transaction; `kind` may be anything. */
interface Action {
  readonly kind: string;
  readonly wire: { readonly [member: string]: unknown };
}

/** Whatever can be found in a body that may be wrong. */
function actionsOf({ TransactItems }: JsonObject): readonly Action[] {
  if (!Array.isArray(TransactItems)) return [];
  return TransactItems.flatMap((item: unknown) => {
    const actions = isRecord(item) ? Object.entries(item) : [];
    return actions.map(([kind, wire]) => ({ kind, wire: isRecord(wire) ? wire : {} }));
  });
}

/** @returns undefined when anything is wrong with the actions */
function writesOf(
  actions: readonly Action[],
  tables: ReadonlyMap<string, TableInfo | undefined>,
): readonly KeyWrite[] | undefined {
  if (actions.length === 0 || actions.length > ACTIONS_COUNT_MAX) return;
  const writes: KeyWrite[] = [];
  for (const { kind, wire } of actions) {
    const table = tables.get(String(wire.TableName));
    if (table === undefined) return;
    const found = foundIn(kind, wire, table);
    if (found === undefined) return;
    const { key, item } = found;
    if (kind === 'Put') writes.push({ table, key, item });
    if (kind === 'Delete') writes.push({ table, key, item: null });
    if (kind === 'Update') writes.push({ table, key, item: undefined });
  }
  return writes;
}

function foundIn(kind: string, wire: Action['wire'], table: TableInfo): FoundItem | undefined {
  switch (kind) {
    case 'Put':
      return putIn(wire.Item, table);
    case 'Update':
    case 'Delete':
    case 'ConditionCheck':
      return keyIn(wire.Key, table);
    default:
      return undefined;
  }
}
