import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { validationFault } from '../../dataplane/errors/client-fault.ts';
import { TableCallError } from '../tables/table-calls.ts';
import type { TableInfo } from '../tables/table-descriptions.ts';
import { batchWriteItem } from './batch-write-item.ts';
import type { Door, Handle } from './door.ts';
import { transactWriteItems } from './transaction.ts';
import { deleteItem, putItem, updateItem } from './write.ts';

/**
 * Writes whose keys this door cannot read. No tables of ours would do one, so these here are played: they take
 * whatever comes, or refuse it, or do not answer.
 */

function tableNamed(name: string): TableInfo {
  const key = { hash: { name: 'id', type: 'S' }, range: undefined } as const;
  const indexes = { localIndexes: new Map(), globalIndexes: new Map() };
  return { name, id: `id-of-${name}`, arn: `arn-of-${name}`, key, ...indexes };
}

function unexpected(): never {
  throw new Error('this write was to be left to the tables');
}

async function outcomeOf(handle: Handle, body: JsonObject, answer: () => JsonObject) {
  const sent: (readonly [string, JsonObject])[] = [];
  const dropped: (readonly [string, boolean])[] = [];
  const door: Door = {
    tables: {
      describe: tableNamed,
      dropTable: async ({ name }, isUncertain) => {
        dropped.push([name, isUncertain]);
      },
      getItem: unexpected,
      batchGetItem: unexpected,
      page: unexpected,
      write: unexpected,
      batchWriteItem: unexpected,
      transactGetItems: unexpected,
      transactWriteItems: unexpected,
    },
    calls: {
      call: async (operation, sentBody) => {
        sent.push([operation, sentBody]);
        return answer();
      },
    },
    items: { item: unexpected },
  };
  const settled = await Promise.resolve(handle(door, body)).then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  );
  return { ...settled, sent, dropped };
}

const TableName = 'Songs';
const unknownType = { id: { X: 'x' } };

describe.each([
  ['PutItem', putItem, { TableName, Item: unknownType }, ['Songs']],
  ['UpdateItem', updateItem, { TableName, Key: unknownType }, ['Songs']],
  ['DeleteItem', deleteItem, { TableName, Key: unknownType }, ['Songs']],
  [
    'BatchWriteItem',
    batchWriteItem,
    {
      RequestItems: {
        Songs: [{ PutRequest: { Item: unknownType } }],
        Albums: [{ DeleteRequest: { Key: { id: { S: 'x' } } } }],
      },
    },
    ['Songs', 'Albums'],
  ],
  [
    'TransactWriteItems',
    transactWriteItems,
    {
      TransactItems: [
        { Put: { TableName, Item: unknownType } },
        { Delete: { TableName: 'Albums', Key: { id: { S: 'x' } } } },
        { Update: { TableName, Key: { id: { S: 'y' } } } },
      ],
    },
    ['Songs', 'Albums'],
  ],
] as const)('%s whose keys cannot be read', (operation, handle, body, names) => {
  it('goes to the tables as it is; what they do nevertheless drops all that is cached of them', async () => {
    const { value, sent, dropped } = await outcomeOf(handle, body, () => ({ done: true }));
    expect(value).toEqual({ done: true });
    expect(sent).toEqual([[operation, body]]);
    expect(dropped).toEqual(names.map((name) => [name, false]));
  });

  it('drops nothing when the tables refuse it', async () => {
    const fault = validationFault('wrong');
    const { error, dropped } = await outcomeOf(handle, body, () => {
      throw fault;
    });
    expect(error).toBe(fault);
    expect(dropped).toEqual([]);
  });

  it('drops all when nobody knows whether it was done', async () => {
    const lost = new TableCallError('lost', true);
    const { error, dropped } = await outcomeOf(handle, body, () => {
      throw lost;
    });
    expect(error).toBe(lost);
    expect(dropped).toEqual(names.map((name) => [name, true]));
  });

  it('drops nothing when it was not sent', async () => {
    const { dropped } = await outcomeOf(handle, body, () => {
      throw new TableCallError('not sent', false);
    });
    expect(dropped).toEqual([]);
  });
});
