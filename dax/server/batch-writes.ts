import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { KeyWrite } from '../cache/cached-tables.ts';
import { canonicalKey, decodeKey, encodeKey } from '../protocol/keys.ts';
import { batchWriteItemReply } from '../protocol/replies.ts';
import type { BatchWrite, BatchWriteItemRequest } from '../protocol/requests.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { DoorTables } from './door-tables.ts';
import type { ItemTranslation } from './item-translation.ts';
import { reportOf } from './item-writes.ts';
import { answerOf, type BatchWriteAnswer } from './table-answers.ts';
import { tableNamed } from './table-lookup.ts';

/** BatchWriteItem. No put comes back as unprocessed: most clients cannot read it (section 10). */
export class BatchWrites {
  readonly #tables: DoorTables;
  readonly #items: ItemTranslation;

  constructor(tables: DoorTables, items: ItemTranslation) {
    this.#tables = tables;
    this.#items = items;
  }

  /** @throws ClientFault, TableCallError */
  async write(request: BatchWriteItemRequest): Promise<Buffer> {
    const infos = new Map<string, TableInfo>();
    const writes: KeyWrite[] = [];
    const requestItems: [string, readonly JsonObject[]][] = [];
    for (const { table: name, writes: asked } of request.tables) {
      const table = await tableNamed(this.#tables, name);
      infos.set(name, table);
      const parts = await Promise.all(asked.map((write) => this.#part(table, write)));
      for (const { keyWrite } of parts) writes.push(keyWrite);
      requestItems.push([name, parts.map(({ body }) => body)]);
    }
    const answer = await this.#tables.batchWriteItem({
      body: { RequestItems: Object.fromEntries(requestItems), ...reportOf(request.options) },
      writes,
      retriesUnprocessedPuts: true,
    });
    return reply(answerOf<BatchWriteAnswer>(answer), infos);
  }

  async #part(
    table: TableInfo,
    { key: keyBytes, values }: BatchWrite,
  ): Promise<{ readonly keyWrite: KeyWrite; readonly body: JsonObject }> {
    if (values === undefined) {
      const key = canonicalKey(table.key, keyBytes);
      const Key = decodeKey(table.key, key);
      return { keyWrite: { table, key, item: null }, body: { DeleteRequest: { Key } } };
    }
    const item = await this.#items.itemOf(table, keyBytes, values);
    const key = encodeKey(table.key, item);
    return { keyWrite: { table, key, item }, body: { PutRequest: { Item: item } } };
  }
}

function reply(answer: BatchWriteAnswer, infos: ReadonlyMap<string, TableInfo>): Buffer {
  const unprocessedDeletes = Object.entries(answer.UnprocessedItems ?? {}).map(([name, left]) => {
    const table = infos.get(name);
    if (table === undefined) throw new Error('the tables left over are among those asked for');
    const keys = left.map(({ DeleteRequest }) => {
      if (DeleteRequest === undefined) throw new Error('puts are not left over');
      return encodeKey(table.key, DeleteRequest.Key);
    });
    return { table: name, keys };
  });
  return batchWriteItemReply({
    unprocessedDeletes,
    consumedCapacity: answer.ConsumedCapacity,
    itemCollectionMetrics: answer.ItemCollectionMetrics,
  });
}
