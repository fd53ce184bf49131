import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users } from './server.fixture.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
  for (const Item of [alice, large]) await server.call('PutItem', { TableName: 'Users', Item });
  await server.call('PutItem', { TableName: 'Music', Item: song });
});
afterAll(() => server.close());

const alice = { Id: { S: 'alice' }, a: { S: 'x' }, m: { M: { n: { N: '1' } } } };
const large = { Id: { S: 'large' }, a: { S: 'x'.repeat(5_000) } };
const song = { Artist: { S: 'a' }, Song: { S: 's' } };
const get = (id: string, more: object = {}) => ({
  Get: { TableName: 'Users', Key: { Id: { S: id } }, ...more },
});
const read = (TransactItems: readonly object[], more: object = {}) =>
  server.call('TransactGetItems', { TransactItems, ...more });
const fault = (TransactItems: readonly object[], more: object = {}) =>
  server.faultOf('TransactGetItems', { TransactItems, ...more });

describe('TransactGetItems', () => {
  it('reads items of several tables in order; one that is absent is an empty object', async () => {
    const ofMusic = { Get: { TableName: 'Music', Key: song } };
    expect(await read([get('nobody'), ofMusic, get('alice')])).toEqual({
      Responses: [{}, { Item: song }, { Item: alice }],
    });
  });

  it('shows what the projection picks, and no item if that is nothing', async () => {
    const names = { ProjectionExpression: 'm.#n', ExpressionAttributeNames: { '#n': 'n' } };
    const gets = [get('alice', names), get('large', { ProjectionExpression: 'b' })];
    expect(await read(gets)).toEqual({ Responses: [{ Item: { m: alice.m } }, {}] });
  });

  it('takes names beside no projection', async () => {
    expect(await read([get('alice', { ExpressionAttributeNames: { '#n': 'n' } })])).toEqual({
      Responses: [{ Item: alice }],
    });
  });

  it('costs twice a strong read of each item', async () => {
    const gets = [get('alice', { ProjectionExpression: 'a' }), get('large'), get('nobody')];
    const units = { CapacityUnits: 8, ReadCapacityUnits: 8 };
    const { ConsumedCapacity: total } = await read(gets, { ReturnConsumedCapacity: 'TOTAL' });
    expect(total).toEqual([{ TableName: 'Users', ...units }]);
    const { ConsumedCapacity: parts } = await read(gets, { ReturnConsumedCapacity: 'INDEXES' });
    expect(parts).toEqual([{ TableName: 'Users', ...units, Table: units }]);
  });

  const validation = (message: string) => ({ type: 'ValidationException', message });
  it.each([
    [
      'no gets',
      [],
      {},
      validation(
        "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ),
    ],
    [
      'an element without a get',
      [{}],
      {},
      validation(
        "1 validation error detected: Value null at 'transactItems.1.member.get' failed to satisfy constraint: Member must not be null",
      ),
    ],
    [
      'bad capacity before a missing table',
      [get('a', { TableName: 'Nope' })],
      { ReturnConsumedCapacity: 'X' },
      validation(
        "1 validation error detected: Value 'X' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]",
      ),
    ],
    [
      'a table name, by its place',
      [get('a'), get('b', { TableName: 'bad!name' })],
      {},
      validation(
        "1 validation error detected: Value 'bad!name' at 'transactItems.2.member.get.tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
      ),
    ],
    [
      'a projection that does not parse',
      [get('a', { ProjectionExpression: '!!!' })],
      {},
      validation('Invalid ProjectionExpression: Syntax error; token: "!", near: "!!"'),
    ],
    [
      'one item twice',
      [get('a'), get('a')],
      {},
      validation('Transaction request cannot include multiple operations on one item'),
    ],
    [
      'no such table',
      [get('a', { TableName: 'Nope' })],
      {},
      { type: 'ResourceNotFoundException', message: 'Requested resource not found' },
    ],
  ])('refuses %s', async (_, gets, more, expected) => {
    expect(await fault(gets, more)).toEqual(expected);
  });

  it.each([
    ['no key', {}, 'The provided key element does not match the schema'],
    [
      'an empty key',
      { Id: { S: '' } },
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: Id',
    ],
  ])('cancels for %s', async (_, Key, Message) => {
    expect(await fault([get('a'), get('b', { Key })])).toEqual({
      type: 'TransactionCanceledException',
      message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError]',
      members: { CancellationReasons: [{ Code: 'None' }, { Code: 'ValidationError', Message }] },
    });
  });

  it('refuses more than 4 MB of items', async () => {
    const TableName = 'Users';
    const ids = Array.from({ length: 11 }, (_, index) => `heavy${index}`);
    for (const id of ids) {
      const Item = { Id: { S: id }, a: { S: 'x'.repeat(400_000) } };
      await server.call('PutItem', { TableName, Item });
    }
    expect((await read(ids.slice(1).map((id) => get(id)))).Responses).toHaveLength(10);
    expect(await fault(ids.map((id) => get(id)))).toMatchObject({ type: 'ValidationException' });
  });
});
