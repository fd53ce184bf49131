import type { JsonObject } from '../../dataplane/api/operation.ts';
import { type ExpressionMembers, printRequest } from '../../dataplane/expression/print.ts';
import type { Item } from '../../dataplane/item/attribute-value.ts';
import type { KeyWrite } from '../cache/cached-tables.ts';
import { decodeCondition, decodeUpdate } from '../protocol/expressions.ts';
import { canonicalKey, decodeKey, encodeKey } from '../protocol/keys.ts';
import { transactWriteItemsReply } from '../protocol/replies.ts';
import type { TransactWrite, TransactWriteItemsRequest } from '../protocol/requests.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { CancelledTransaction } from './cancelled-transaction.ts';
import type { DoorTables } from './door-tables.ts';
import type { ItemTranslation } from './item-translation.ts';
import { reportOf } from './item-writes.ts';
import { answerOf, type TransactWriteAnswer } from './table-answers.ts';
import { tableNamed } from './table-lookup.ts';

/** TransactWriteItems (reference/dax-protocol.md section 10). */
export class TransactionWrites {
  readonly #tables: DoorTables;
  readonly #items: ItemTranslation;

  constructor(tables: DoorTables, items: ItemTranslation) {
    this.#tables = tables;
    this.#items = items;
  }

  /** @throws ClientFault, CancelledTransaction, TableCallError */
  async write(request: TransactWriteItemsRequest): Promise<Buffer> {
    const { options, writes } = request;
    const expressions = writes.map(expressionsOf);
    const parts: Part[] = [];
    for (const [index, write] of writes.entries()) {
      const table = await tableNamed(this.#tables, write.table);
      parts.push(await this.#part(write, table, expressions[index] ?? {}));
    }
    const token = options.clientRequestToken;
    const body = {
      TransactItems: parts.map(({ body: item }) => item),
      ...(token !== undefined && { ClientRequestToken: token }),
      ...reportOf(options),
    };
    const answer = await CancelledTransaction.wrap(
      this.#tables.transactWriteItems({
        body,
        writes: parts.flatMap(({ keyWrite }) => (keyWrite === undefined ? [] : [keyWrite])),
      }),
      parts.map(({ table }) => table),
      this.#items,
    );
    const { ConsumedCapacity, ItemCollectionMetrics } = answerOf<TransactWriteAnswer>(answer);
    return transactWriteItemsReply({
      consumedCapacity: ConsumedCapacity,
      itemCollectionMetrics: ItemCollectionMetrics,
    });
  }

  async #part(
    write: TransactWrite,
    table: TableInfo,
    expressions: ExpressionMembers,
  ): Promise<Part> {
    const { operation, returnValuesOnConditionCheckFailure: onFailure } = write;
    const shared = {
      TableName: table.name,
      ...expressions,
      ...(onFailure !== undefined && { ReturnValuesOnConditionCheckFailure: onFailure }),
    };
    if (operation === 'Put') {
      const item = await this.#items.itemOf(table, write.key, write.values ?? NO_VALUES);
      const keyWrite = { table, key: encodeKey(table.key, item), item };
      return { table, keyWrite, body: { Put: { ...shared, Item: item } } };
    }
    const key = canonicalKey(table.key, write.key);
    const Key = decodeKey(table.key, key);
    return {
      table,
      keyWrite:
        operation === 'ConditionCheck' ? undefined : { table, key, item: itemAfter(operation) },
      body: { [operation]: { ...shared, Key } },
    };
  }
}

interface Part {
  readonly table: TableInfo;
  readonly body: JsonObject;
  /** Undefined: writes nothing. */
  readonly keyWrite: KeyWrite | undefined;
}

/** An item of its key alone: list 1 has no names. */
const NO_VALUES = Buffer.of(1);

function itemAfter(operation: 'Delete' | 'Update'): Item | null | undefined {
  return operation === 'Delete' ? null : undefined;
}

function expressionsOf({ condition, update }: TransactWrite): ExpressionMembers {
  return printRequest({
    update: update && decodeUpdate(update),
    condition: condition && decodeCondition(condition, 'ConditionExpression'),
  });
}
