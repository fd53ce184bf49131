import type { CborReader } from './cbor-reader.ts';
import { countFaults, malformedFaults } from './faults.ts';
import { BATCH_GET_KEYS_MAX, BATCH_WRITES_MAX } from './limits.ts';
import type { BatchGetTable, BatchWrite, BatchWriteTable } from './requests.ts';

/**
 * The tables of BatchGetItem: map text -> `[bool consistent, bytes projection or null, [bytes key, ...]]`.
 * Keys beyond the limit are counted, not kept: the fault names the table that has most.
 * @throws ClientFault ValidationException
 */
export function readBatchGetTables(reader: CborReader): readonly BatchGetTable[] {
  const tables: BatchGetTable[] = [];
  const counts = new KeyCounts();
  const count = reader.mapCount();
  for (let index = 0; reader.hasElement(index, count); index++) {
    const table = reader.text();
    if (reader.arrayCount() !== 3) throw malformedFaults.value('a list of three');
    const consistentRead = reader.boolean();
    const projection = reader.tryNull() ? undefined : reader.byteString();
    const keys = readKeys(reader, counts);
    counts.endTable(table);
    if (!counts.isTooMany) tables.push({ table, consistentRead, projection, keys });
  }
  if (count === 0 || counts.tablesCount === 0) throw countFaults.batchGetTables();
  if (counts.isTooMany) {
    throw countFaults.batchGetKeys(counts.largestTable, 'max', BATCH_GET_KEYS_MAX);
  }
  return tables;
}

/**
 * The tables of BatchWriteItem: map text -> flat array of key, values or null (a delete), ...
 * @throws ClientFault ValidationException
 */
export function readBatchWriteTables(reader: CborReader): readonly BatchWriteTable[] {
  const tables: BatchWriteTable[] = [];
  let writesCount = 0;
  const count = reader.mapCount();
  for (let index = 0; reader.hasElement(index, count); index++) {
    const table = reader.text();
    const writes: BatchWrite[] = [];
    const elements = reader.arrayCount();
    for (let at = 0; reader.hasElement(at, elements); at += 2) {
      if (++writesCount > BATCH_WRITES_MAX) throw countFaults.batchWrites(BATCH_WRITES_MAX);
      const key = reader.byteString();
      if (!reader.hasElement(at + 1, elements)) throw malformedFaults.value('an item or null');
      writes.push({ key, values: reader.tryNull() ? undefined : reader.byteString() });
    }
    if (writes.length === 0) throw countFaults.batchWrites(BATCH_WRITES_MAX);
    tables.push({ table, writes });
  }
  if (tables.length === 0) throw countFaults.batchWriteTables();
  return tables;
}

/** How many keys a request has, and which table most of them. */
class KeyCounts {
  largestTable = '';
  tablesCount = 0;
  #keysCount = 0;
  #tableKeysCount = 0;
  #largestCount = 0;

  get isTooMany(): boolean {
    return this.#keysCount > BATCH_GET_KEYS_MAX;
  }

  countKey(): void {
    this.#keysCount++;
    this.#tableKeysCount++;
  }

  endTable(table: string): void {
    if (this.#tableKeysCount === 0) throw countFaults.batchGetKeys(table, 'min', 1);
    if (this.#tableKeysCount > this.#largestCount) {
      this.#largestCount = this.#tableKeysCount;
      this.largestTable = table;
    }
    this.#tableKeysCount = 0;
    this.tablesCount++;
  }
}

function readKeys(reader: CborReader, counts: KeyCounts): readonly Buffer[] {
  const keys: Buffer[] = [];
  const count = reader.arrayCount();
  for (let index = 0; reader.hasElement(index, count); index++) {
    counts.countKey();
    if (counts.isTooMany) reader.skip();
    else keys.push(reader.byteString());
  }
  return keys;
}
