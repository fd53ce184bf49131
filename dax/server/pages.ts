import type { Projection } from '../../dataplane/expression/ast.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import { encodeIndexKey, encodeKey } from '../protocol/keys.ts';
import { projectedValues } from '../protocol/projection-map.ts';
import { type PageResult, pageReply, type ReplyItemWithKey } from '../protocol/replies.ts';
import type { QueryRequest, ScanRequest } from '../protocol/requests.ts';
import type { Eventually } from '../tables/eventually.ts';
import { andThen } from '../tables/eventually.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { Caller } from './caller.ts';
import type { DoorTables } from './door-tables.ts';
import { capacityOf } from './item-reads.ts';
import type { ItemTranslation } from './item-translation.ts';
import {
  collectionOf,
  type PageRequest,
  pageBody,
  pageRequestOf,
  requestKeyOf,
} from './page-request.ts';
import { answerOf, type PageAnswer } from './table-answers.ts';
import { tableNamed } from './table-lookup.ts';

/** Query and Scan (reference/dax-protocol.md sections 9, 10 and 12). */
export class Pages {
  readonly #tables: DoorTables;
  readonly #items: ItemTranslation;

  constructor(tables: DoorTables, items: ItemTranslation) {
    this.#tables = tables;
    this.#items = items;
  }

  /** @throws ClientFault */
  read(request: QueryRequest | ScanRequest, caller: Caller): Eventually<Buffer> {
    const page = pageRequestOf(request, caller);
    return andThen(tableNamed(this.#tables, request.table), (table) => this.#read(page, table));
  }

  #read(page: PageRequest, table: TableInfo): Eventually<Buffer> {
    const { options, operation, projection } = page;
    const body = pageBody(page, table);
    const capacity = capacityOf(options.returnConsumedCapacity);
    const consistentRead = options.consistentRead ?? false;
    return this.#tables.page({
      operation,
      table,
      index: options.indexName,
      hash: collectionOf(page, table),
      consistentRead,
      form: 'dax',
      requestKey: requestKeyOf(body, projection),
      body: {
        ...body,
        ...(consistentRead && { ConsistentRead: true }),
        ...(capacity !== undefined && { ReturnConsumedCapacity: capacity }),
      },
      encode: (answer) => this.#encode(answerOf<PageAnswer>(answer), page, table),
    });
  }

  /** Whether items are whole or projected follows the request: clients do not look at the data. */
  #encode(answer: PageAnswer, page: PageRequest, table: TableInfo): Eventually<Buffer> {
    const { projection, options } = page;
    const key = answer.LastEvaluatedKey;
    const result: PageResult = {
      count: answer.Count,
      scannedCount: answer.ScannedCount,
      consumedCapacity: answer.ConsumedCapacity,
      lastEvaluatedKey:
        key && (options.indexName === undefined ? encodeKey(table.key, key) : encodeIndexKey(key)),
    };
    if (answer.Items === undefined) return pageReply(result);
    return andThen(this.#replyItems(answer.Items, projection, table), (items) =>
      pageReply({ ...result, items }),
    );
  }

  #replyItems(
    items: readonly Item[],
    projection: Projection | undefined,
    table: TableInfo,
  ): Eventually<readonly ReplyItemWithKey[]> {
    if (projection !== undefined) {
      return items.map((item) => ({
        kind: 'projected',
        found: projectedValues(projection, item),
      }));
    }
    const whole = items.map((item) => this.#wholeItem(item, table));
    return isAtHand(whole) ? whole : Promise.all(whole);
  }

  #wholeItem(item: Item, table: TableInfo): Eventually<ReplyItemWithKey> {
    const key = encodeKey(table.key, item);
    return andThen(this.#items.valuesOf(table, item), (values) => ({ kind: 'whole', key, values }));
  }
}

function isAtHand<T>(values: readonly Eventually<T>[]): values is readonly T[] {
  return values.every((value) => !(value instanceof Promise));
}
