import type { JsonObject } from '../../dataplane/api/operation.ts';
import { type ExpressionMembers, printRequest } from '../../dataplane/expression/print.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import { decodeCondition, decodeUpdate } from '../protocol/expressions.ts';
import { canonicalKey, decodeKey, encodeKey } from '../protocol/keys.ts';
import { type WriteResult, writeReply } from '../protocol/replies.ts';
import type {
  DeleteItemRequest,
  PutItemRequest,
  RequestOptions,
  ReturnValues,
  UpdateItemRequest,
} from '../protocol/requests.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { DoorTables } from './door-tables.ts';
import type { ItemTranslation } from './item-translation.ts';
import { answerOf, type WriteAnswer } from './table-answers.ts';
import { tableNamed } from './table-lookup.ts';

/** PutItem, UpdateItem and DeleteItem (reference/dax-protocol.md section 10). */
export class ItemWrites {
  readonly #tables: DoorTables;
  readonly #items: ItemTranslation;

  constructor(tables: DoorTables, items: ItemTranslation) {
    this.#tables = tables;
    this.#items = items;
  }

  /** @throws ClientFault, TableCallError */
  async put(request: PutItemRequest): Promise<Buffer> {
    const { options } = request;
    const expressions = printRequest({ condition: conditionOf(options) });
    const table = await tableNamed(this.#tables, request.table);
    const Item = await this.#items.itemOf(table, request.key, request.values);
    const body = { TableName: table.name, Item, ...expressions, ...reportOf(options) };
    const key = encodeKey(table.key, Item);
    const answer = await this.#tables.write({ operation: 'PutItem', table, key, body });
    return this.#reply(answer, options.returnValues, table);
  }

  /** @throws ClientFault, TableCallError */
  async update(request: UpdateItemRequest): Promise<Buffer> {
    const { options } = request;
    const expressions = printRequest({
      // Without an update the bare item is made, or kept.
      update: options.update && decodeUpdate(options.update),
      condition: conditionOf(options),
    });
    return this.#writeByKey('UpdateItem', request, expressions);
  }

  /** @throws ClientFault, TableCallError */
  async delete(request: DeleteItemRequest): Promise<Buffer> {
    const expressions = printRequest({ condition: conditionOf(request.options) });
    return this.#writeByKey('DeleteItem', request, expressions);
  }

  async #writeByKey(
    operation: 'UpdateItem' | 'DeleteItem',
    request: UpdateItemRequest | DeleteItemRequest,
    expressions: ExpressionMembers,
  ): Promise<Buffer> {
    const { options } = request;
    const table = await tableNamed(this.#tables, request.table);
    const key = canonicalKey(table.key, request.key);
    const body = {
      TableName: table.name,
      Key: decodeKey(table.key, key),
      ...expressions,
      ...reportOf(options),
    };
    const answer = await this.#tables.write({ operation, table, key, body });
    return this.#reply(answer, options.returnValues, table);
  }

  async #reply(
    body: JsonObject,
    returnValues: ReturnValues | undefined,
    table: TableInfo,
  ): Promise<Buffer> {
    const answer = answerOf<WriteAnswer>(body);
    const result: WriteResult = {
      consumedCapacity: answer.ConsumedCapacity,
      itemCollectionMetrics: answer.ItemCollectionMetrics,
    };
    if (answer.Attributes === undefined) return writeReply(result);
    const attributes = await this.#attributes(answer.Attributes, returnValues, table);
    return writeReply({ ...result, attributes });
  }

  /** Of an item the values, of what was updated also which of them they are. */
  #attributes(attributes: Item, returnValues: ReturnValues | undefined, table: TableInfo) {
    return returnValues === 'UPDATED_OLD' || returnValues === 'UPDATED_NEW'
      ? this.#items.updatedValuesOf(table, attributes)
      : this.#items.valuesOf(table, attributes);
  }
}

function conditionOf({ condition }: RequestOptions) {
  return condition && decodeCondition(condition, 'ConditionExpression');
}

/** What the answer is to tell. */
export function reportOf(options: RequestOptions): JsonObject {
  const { returnValues, returnConsumedCapacity, returnItemCollectionMetrics } = options;
  return {
    ...(returnValues !== undefined && { ReturnValues: returnValues }),
    ...(returnConsumedCapacity !== undefined && { ReturnConsumedCapacity: returnConsumedCapacity }),
    ...(returnItemCollectionMetrics !== undefined && {
      ReturnItemCollectionMetrics: returnItemCollectionMetrics,
    }),
  };
}
