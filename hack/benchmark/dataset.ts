import type { AttributeMap } from '../../dataplane/item/attribute-value.ts';
import { itemBytes } from '../../dataplane/item/size.ts';

/** Items of one partition key: what one Query returns. */
export const COLLECTION_ITEMS = 10;

/** The tables of one endpoint: reads have a table of their own, so that writes do not change their answers. */
export const tables = { reads: 'BenchReads', writes: 'BenchWrites' } as const;

/** Key of an item. Fixed width, so that all requests and answers of a kind have the same length. */
export function keyAt(index: number): AttributeMap {
  const collection = Math.floor(index / COLLECTION_ITEMS);
  return {
    pk: { S: partitionKeyAt(collection) },
    sk: { S: `item-${String(index % COLLECTION_ITEMS).padStart(4, '0')}` },
  };
}

/** Partition key of an item collection. */
export function partitionKeyAt(collection: number): string {
  return `customer-${String(collection).padStart(9, '0')}`;
}

/** An item of exactly `bytes` in DynamoDB's count; the same for the same index. */
export function itemAt(index: number, bytes: number): AttributeMap {
  const item = {
    ...keyAt(index),
    name: { S: `Person number ${String(index).padStart(9, '0')}` },
    email: { S: `p${String(index).padStart(9, '0')}@example.com` },
    // Odd: a number counts by its digits without trailing zeros, and all items shall be of one length.
    born: { N: String(1901 + 2 * (index % 50)) },
    balance: { N: String(1_000_001 + 2 * (index % 1_000_000)) },
    isActive: { BOOL: true },
    roles: { L: [{ S: 'reader' }, { S: 'writer' }] },
    note: { S: '' },
  };
  const padding = bytes - itemBytes(item);
  if (padding < 0)
    throw new Error(`An item of the benchmark has at least ${bytes - padding} bytes`);
  item.note.S = 'All happy tables are alike. '.repeat(Math.ceil(padding / 28)).slice(0, padding);
  return item;
}

/** CreateTable's body. */
export function tableRequest(name: string): object {
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  };
}
