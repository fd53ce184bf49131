import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Door, openDoor } from '../server/door.fixture.ts';
import { nodeClient } from './client-commands.ts';
import { ClientProcess } from './client-process.ts';

/** @amazon-dax-sdk/lib-dax: the conversions are its own, what it asks for is what client-dax asks for. */
const opened: { door?: Door; client?: ClientProcess } = {};

beforeAll(async () => {
  const door = await openDoor();
  await door.tables.createTable({
    TableName: 'Docs',
    AttributeDefinitions: [
      { AttributeName: 'id', AttributeType: 'S' },
      { AttributeName: 'part', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'id', KeyType: 'HASH' },
      { AttributeName: 'part', KeyType: 'RANGE' },
    ],
  });
  opened.door = door;
  const url = `dax://127.0.0.1:${door.port}`;
  opened.client = new ClientProcess(nodeClient('document', { url }));
});

afterAll(async () => {
  await opened.client?.stop();
  await opened.door?.close();
});

const Key = { id: 'a', part: 1 };
const document = {
  ...Key,
  title: 'One',
  tags: ['x', 2, { deep: true }],
  nothing: null,
  map: { n: 1.5 },
};

function call(operation: string, parameters: object): Promise<unknown> {
  if (opened.client === undefined) throw new Error('it was started');
  return opened.client.call(operation, { TableName: 'Docs', ...parameters });
}

it('documents are put, read, changed, found and removed', async () => {
  expect(await call('Put', { Item: document })).toHaveProperty('result');
  expect(await call('Get', { Key })).toMatchObject({ result: { Item: document } });
  const updated = await call('Update', {
    Key,
    UpdateExpression: 'SET #map.n = #map.n + :one, tags[1] = :list',
    ExpressionAttributeNames: { '#map': 'map' },
    ExpressionAttributeValues: { ':one': 1, ':list': ['new'] },
    ReturnValues: 'ALL_NEW',
  });
  const after = { ...document, tags: ['x', ['new'], { deep: true }], map: { n: 2.5 } };
  expect(updated).toMatchObject({ result: { Attributes: after } });
  const found = await call('Query', {
    KeyConditionExpression: 'id = :id AND part >= :n',
    FilterExpression: 'size(tags) = :three',
    ExpressionAttributeValues: { ':id': 'a', ':n': 0, ':three': 3 },
  });
  expect(found).toMatchObject({ result: { Items: [after], Count: 1 } });
  const scanned = await call('Scan', { ProjectionExpression: 'tags[2].deep, title' });
  expect(scanned).toMatchObject({ result: { Items: [{ title: 'One', tags: [{ deep: true }] }] } });
  const removed = await call('Delete', { Key, ReturnValues: 'ALL_OLD' });
  expect(removed).toMatchObject({ result: { Attributes: after } });
  expect(await call('Get', { Key })).toEqual({
    result: expect.not.objectContaining({ Item: after }),
  });
});

it('batches and transactions of documents', async () => {
  const items = [1, 2, 3].map((part) => ({ id: 'batch', part, v: part / 2 }));
  const RequestItems = { Docs: items.map((Item) => ({ PutRequest: { Item } })) };
  expect(await opened.client?.call('BatchWrite', { RequestItems })).toHaveProperty('result');
  const Keys = items.map(({ id, part }) => ({ id, part }));
  const read = await opened.client?.call('BatchGet', { RequestItems: { Docs: { Keys } } });
  expect(read).toMatchObject({ result: { Responses: { Docs: items } } });
  const moved = await opened.client?.call('TransactWrite', {
    TransactItems: [
      { Delete: { TableName: 'Docs', Key: { id: 'batch', part: 1 } } },
      { Put: { TableName: 'Docs', Item: { id: 'moved', part: 1, v: 0.5 } } },
    ],
  });
  expect(moved).toHaveProperty('result');
  const both = await opened.client?.call('TransactGet', {
    TransactItems: [
      { Get: { TableName: 'Docs', Key: { id: 'batch', part: 1 } } },
      { Get: { TableName: 'Docs', Key: { id: 'moved', part: 1 } } },
    ],
  });
  expect(both).toMatchObject({
    result: { Responses: [{}, { Item: { id: 'moved', part: 1, v: 0.5 } }] },
  });
});
