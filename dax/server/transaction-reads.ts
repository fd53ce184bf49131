import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { Projection } from '../../dataplane/expression/ast.ts';
import { printRequest } from '../../dataplane/expression/print.ts';
import { decodeKey } from '../protocol/keys.ts';
import { projectedValues } from '../protocol/projection-map.ts';
import { type ReplyItem, transactGetItemsReply } from '../protocol/replies.ts';
import type { TransactGet, TransactGetItemsRequest } from '../protocol/requests.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { CancelledTransaction } from './cancelled-transaction.ts';
import type { DoorTables } from './door-tables.ts';
import type { ItemTranslation } from './item-translation.ts';
import { reportOf } from './item-writes.ts';
import { projectionOf, tableProjection } from './requested-projection.ts';
import { answerOf, type TransactGetAnswer } from './table-answers.ts';
import { tableNamed } from './table-lookup.ts';

/** TransactGetItems, which always asks the tables (reference/dax-protocol.md section 10). */
export class TransactionReads {
  readonly #tables: DoorTables;
  readonly #items: ItemTranslation;

  constructor(tables: DoorTables, items: ItemTranslation) {
    this.#tables = tables;
    this.#items = items;
  }

  /** @throws ClientFault, CancelledTransaction, TableCallError */
  async get(request: TransactGetItemsRequest): Promise<Buffer> {
    const projections = request.gets.map(
      ({ projection }) => projection && projectionOf(projection),
    );
    const parts: Part[] = [];
    for (const [index, get] of request.gets.entries()) {
      const table = await tableNamed(this.#tables, get.table);
      parts.push({
        table,
        projection: projections[index],
        body: getOf(get, table, projections[index]),
      });
    }
    const body = {
      TransactItems: parts.map(({ body: Get }) => ({ Get })),
      ...reportOf(request.options),
    };
    const answer = await CancelledTransaction.wrap(
      this.#tables.transactGetItems(body),
      parts.map(({ table }) => table),
      this.#items,
    );
    return this.#reply(answerOf<TransactGetAnswer>(answer), parts);
  }

  async #reply(answer: TransactGetAnswer, parts: readonly Part[]): Promise<Buffer> {
    const items = await Promise.all(
      parts.map((part, index) => this.#replyItem(answer.Responses[index]?.Item, part)),
    );
    return transactGetItemsReply({ items, consumedCapacity: answer.ConsumedCapacity });
  }

  async #replyItem(
    item: TransactGetAnswer['Responses'][number]['Item'],
    { table, projection }: Part,
  ): Promise<ReplyItem | undefined> {
    if (item === undefined) return undefined;
    if (projection !== undefined) {
      const found = projectedValues(projection, item);
      // The table was asked for more than the paths; it tells nothing of an item that has none of them.
      const isNothing = found.every((value) => value === undefined);
      return isNothing ? undefined : { kind: 'projected', found };
    }
    return { kind: 'whole', values: await this.#items.valuesOf(table, item) };
  }
}

interface Part {
  readonly table: TableInfo;
  readonly projection: Projection | undefined;
  readonly body: JsonObject;
}

function getOf(get: TransactGet, table: TableInfo, projection: Projection | undefined): JsonObject {
  return {
    TableName: table.name,
    Key: decodeKey(table.key, get.key),
    ...printRequest({ projection: projection && tableProjection(projection, table) }),
  };
}
