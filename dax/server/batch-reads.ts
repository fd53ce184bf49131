import { requestFaults } from '../../dataplane/errors/requests.ts';
import type { Projection } from '../../dataplane/expression/ast.ts';
import type { BatchRead } from '../cache/cached-tables.ts';
import { canonicalKey } from '../protocol/keys.ts';
import { projectedValues } from '../protocol/projection-map.ts';
import {
  batchGetItemReply,
  type ConsumedCapacity,
  type ReplyItemWithKey,
} from '../protocol/replies.ts';
import type { BatchGetItemRequest, BatchGetTable } from '../protocol/requests.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import type { DoorTables } from './door-tables.ts';
import { capacityOf } from './item-reads.ts';
import type { ItemTranslation } from './item-translation.ts';
import { checkScalarKeys, projectionOf } from './requested-projection.ts';
import { answerOf } from './table-answers.ts';
import { tableNamed } from './table-lookup.ts';

/**
 * BatchGetItem. The cache may have all of it, and clients check little: what DynamoDB refuses is
 * refused here (reference/dax-protocol.md section 10.1); numbers of keys already where it was read.
 */
export class BatchReads {
  readonly #tables: DoorTables;
  readonly #items: ItemTranslation;

  constructor(tables: DoorTables, items: ItemTranslation) {
    this.#tables = tables;
    this.#items = items;
  }

  /** @throws ClientFault, TableCallError */
  async get(request: BatchGetItemRequest): Promise<Buffer> {
    const projections = request.tables.map(
      ({ projection }) => projection && projectionOf(projection),
    );
    const infos = await Promise.all(
      request.tables.map(({ table }) => tableNamed(this.#tables, table)),
    );
    const parts = request.tables.flatMap((asked, index): TablePart[] => {
      const table = infos[index];
      return table === undefined ? [] : [partOf(asked, table, projections[index])];
    });
    checkDistinct(parts);
    const read = await this.#tables.batchGetItem({
      requests: parts,
      capacity: capacityOf(request.options.returnConsumedCapacity),
    });
    return this.#reply(parts, read);
  }

  async #reply(parts: readonly TablePart[], read: BatchRead): Promise<Buffer> {
    const tables = await Promise.all(
      parts.map(async (part, index) => {
        const items = read.tables[index]?.items ?? [];
        return {
          table: part.name,
          items: await Promise.all(items.map((item) => this.#replyItem(part, item))),
        };
      }),
    );
    // Of tables without any, too: the older client for Java fails where no table is named, and all others skip these.
    const unprocessedKeys = parts.map(({ name }, index) => {
      return { table: name, keys: read.tables[index]?.unprocessedKeys ?? [] };
    });
    const consumedCapacity = read.consumedCapacity.map((each) => answerOf<ConsumedCapacity>(each));
    return batchGetItemReply({ tables, unprocessedKeys, consumedCapacity });
  }

  async #replyItem(
    { table, projection }: TablePart,
    { key, values }: BatchRead['tables'][number]['items'][number],
  ): Promise<ReplyItemWithKey> {
    if (projection === undefined) return { kind: 'whole', key, values };
    const item = await this.#items.cachedItem(table, key, values);
    return { kind: 'projected', found: projectedValues(projection, item) };
  }
}

interface TablePart {
  /** As the request has it. */
  readonly name: string;
  readonly table: TableInfo;
  readonly keys: readonly Buffer[];
  readonly consistentRead: boolean;
  readonly projection: Projection | undefined;
}

function partOf(
  { table: name, keys, consistentRead }: BatchGetTable,
  table: TableInfo,
  projection: Projection | undefined,
): TablePart {
  const canonical = keys.map((key) => canonicalKey(table.key, key));
  if (projection !== undefined) checkScalarKeys(projection, table);
  return { name, table, keys: canonical, consistentRead, projection };
}

/** @throws ClientFault */
function checkDistinct(parts: readonly TablePart[]): void {
  for (const { keys } of parts) {
    const seen = new Set(keys.map((key) => key.toString('latin1')));
    if (seen.size < keys.length) throw requestFaults.duplicateKeys();
  }
}
