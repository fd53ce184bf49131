import type { Projection } from '../../dataplane/expression/ast.ts';
import type { ItemRead } from '../cache/cached-tables.ts';
import { canonicalKey } from '../protocol/keys.ts';
import { projectedValues } from '../protocol/projection-map.ts';
import { type ConsumedCapacity, getItemReply, wholeItemReply } from '../protocol/replies.ts';
import type { GetItemRequest, ReturnConsumedCapacity } from '../protocol/requests.ts';
import type { Eventually } from '../tables/eventually.ts';
import { andThen } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { DoorTables } from './door-tables.ts';
import type { ItemTranslation } from './item-translation.ts';
import { checkScalarKeys, projectionOf } from './requested-projection.ts';
import { answerOf } from './table-answers.ts';
import { tableNamed } from './table-lookup.ts';

/**
 * GetItem. A hit is answered without a promise: table and item are at hand, and the item's bytes are copied
 * once, into the reply.
 */
export class ItemReads {
  readonly #tables: DoorTables;
  readonly #items: ItemTranslation;

  constructor(tables: DoorTables, items: ItemTranslation) {
    this.#tables = tables;
    this.#items = items;
  }

  /** @throws ClientFault */
  get(request: GetItemRequest): Eventually<Buffer> {
    const bytes = request.options.projection;
    // Expressions are looked at before tables.
    const projection = bytes === undefined ? undefined : projectionOf(bytes);
    const table = tableNamed(this.#tables, request.table);
    return table instanceof Promise
      ? table.then((described) => this.#read(request, described, projection))
      : this.#read(request, table, projection);
  }

  #read(
    { key: keyBytes, options }: GetItemRequest,
    table: TableInfo,
    projection: Projection | undefined,
  ): Eventually<Buffer> {
    const key = canonicalKey(table.key, keyBytes);
    if (projection !== undefined) checkScalarKeys(projection, table);
    const read = this.#tables.getItem({
      table,
      key,
      consistentRead: options.consistentRead ?? false,
      capacity: capacityOf(options.returnConsumedCapacity),
    });
    if (projection !== undefined) {
      return andThen(read, (found) => this.#projected(found, { table, key, projection }));
    }
    return read instanceof Promise ? read.then(wholeReply) : wholeReply(read);
  }

  #projected(
    read: ItemRead,
    { table, key, projection }: { table: TableInfo; key: Buffer; projection: Projection },
  ): Eventually<Buffer> {
    if (read.values === undefined) return wholeReply(read);
    return andThen(this.#items.cachedItem(table, key, read.values), (item) =>
      getItemReply({
        item: { kind: 'projected', found: projectedValues(projection, item) },
        consumedCapacity: consumedBy(read),
      }),
    );
  }
}

function wholeReply(read: ItemRead): Buffer {
  const { values } = read;
  if (read.consumedCapacity === undefined && values !== undefined) return wholeItemReply(values);
  return getItemReply({
    item: values === undefined ? undefined : { kind: 'whole', values },
    consumedCapacity: consumedBy(read),
  });
}

function consumedBy({ consumedCapacity }: ItemRead): ConsumedCapacity | undefined {
  return consumedCapacity && answerOf<ConsumedCapacity>(consumedCapacity);
}

/** Undefined where nobody asked. */
export function capacityOf(
  mode: ReturnConsumedCapacity | undefined,
): Exclude<ReturnConsumedCapacity, 'NONE'> | undefined {
  return mode === 'NONE' ? undefined : mode;
}
