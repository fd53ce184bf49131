import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users, type WireFault } from './server.fixture.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
});
afterAll(() => server.close());

type Statements = readonly (string | object)[];
const body = (statements: Statements, more: object) => ({
  TransactStatements: statements.map((each) =>
    typeof each === 'string' ? { Statement: each } : each,
  ),
  ...more,
});
const run = (statements: Statements, more: object = {}) =>
  server.call('ExecuteTransaction', body(statements, more));
const fault = (statements: Statements, more: object = {}) =>
  server.faultOf('ExecuteTransaction', body(statements, more));
const put = (id: string, more: object = {}) =>
  server.call('PutItem', { TableName: 'Users', Item: { Id: { S: id }, ...more } });
const userOf = async (id: string) =>
  (await server.call('GetItem', { TableName: 'Users', Key: { Id: { S: id } } })).Item;

function invalid(message: string): WireFault {
  return { type: 'ValidationException', message };
}

function invalidAt(index: number, message: string): WireFault {
  return invalid(`Validation failed in TransactStatements[${index}]: ${message}`);
}

interface Reason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: object;
}

function cancelled(...CancellationReasons: Reason[]): WireFault {
  return {
    type: 'TransactionCanceledException',
    message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${CancellationReasons.map(({ Code }) => Code).join(', ')}]`,
    members: { CancellationReasons },
  };
}
const none = { Code: 'None' };
const failed = { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' };
const duplicate = { Code: 'DuplicateItem', Message: 'Duplicate primary key exists in table' };

describe('a transaction of reads', () => {
  it('answers the items in order, at the price of TransactGetItems', async () => {
    await put('a', { n: { N: '1' }, m: { M: { x: { S: 'x' } } } });
    expect(
      await run(
        [
          `SELECT m."x", n FROM Users WHERE Id = 'a'`,
          { Statement: `SELECT * FROM Users WHERE Id = ?`, Parameters: [{ S: 'none' }] },
          `SELECT * FROM Music WHERE Artist = 'x' AND Song = 'y'`,
        ],
        { ReturnConsumedCapacity: 'TOTAL' },
      ),
    ).toEqual({
      Responses: [{ Item: { x: { S: 'x' }, n: { N: '1' } } }, {}, {}],
      ConsumedCapacity: [
        { TableName: 'Music', CapacityUnits: 2, ReadCapacityUnits: 2 },
        { TableName: 'Users', CapacityUnits: 4, ReadCapacityUnits: 4 },
      ],
    });
  });

  it.each([
    [
      `SELECT * FROM Music WHERE Artist = 'a'`,
      'Select statements within ExecuteTransaction must specify the primary key in the where clause.',
    ],
    [
      `SELECT * FROM Music.ByGenre WHERE Genre = 'a'`,
      'Reads on indices are not supported within transactions.',
    ],
  ])('refuses %s', async (statement, message) => {
    expect(await fault([`SELECT * FROM Users WHERE Id = 'a'`, statement])).toEqual(
      invalidAt(1, message),
    );
  });
});

describe('a transaction of writes', () => {
  it('does all together', async () => {
    await put('u', { n: { N: '1' } });
    await put('d');
    await put('c', { n: { N: '7' } });
    expect(
      await run(
        [
          `INSERT INTO Users VALUE {'Id': 'i'}`,
          `UPDATE Users SET n = n + 1 WHERE Id = 'u' AND n = 1`,
          `DELETE FROM Users WHERE Id = 'd'`,
          `EXISTS(SELECT * FROM Users WHERE Id = 'c' AND n = 7)`,
        ],
        { ReturnConsumedCapacity: 'TOTAL' },
      ),
    ).toEqual({
      Responses: [],
      ConsumedCapacity: [{ TableName: 'Users', CapacityUnits: 8, WriteCapacityUnits: 8 }],
    });
    expect(await userOf('i')).toEqual({ Id: { S: 'i' } });
    expect(await userOf('u')).toEqual({ Id: { S: 'u' }, n: { N: '2' } });
    expect(await userOf('d')).toBeUndefined();
  });

  it('does nothing when one fails, and says why', async () => {
    const Item = { Id: { S: 'there' }, n: { N: '1' } };
    await put('there', { n: Item.n });
    await put('other');
    const ReturnValuesOnConditionCheckFailure = 'ALL_OLD';
    expect(
      await fault([
        `INSERT INTO Users VALUE {'Id': 'fresh'}`,
        `INSERT INTO Users VALUE {'Id': 'there'}`,
        `UPDATE Users SET n = 1 WHERE Id = 'absent'`,
        `EXISTS(SELECT * FROM Users WHERE Id = 'other' AND n = 1)`,
      ]),
    ).toEqual(cancelled(none, duplicate, failed, failed));
    expect(await userOf('fresh')).toBeUndefined();
    expect(
      await fault([
        {
          Statement: `DELETE FROM Users WHERE Id = 'there' AND n = 2`,
          ReturnValuesOnConditionCheckFailure,
        },
      ]),
    ).toEqual(cancelled({ ...failed, Item }));
    expect(
      await fault([
        {
          Statement: `INSERT INTO Users VALUE {'Id': 'there'}`,
          ReturnValuesOnConditionCheckFailure,
        },
      ]),
    ).toEqual(cancelled({ ...duplicate, Item }));
  });

  it('is done once with a token', async () => {
    await put('counted', { n: { N: '0' } });
    const add = [`UPDATE Users SET n = n + 1 WHERE Id = 'counted'`];
    const token = { ClientRequestToken: 'once', ReturnConsumedCapacity: 'TOTAL' };
    expect(await run(add, token)).toEqual({
      Responses: [],
      ConsumedCapacity: [{ TableName: 'Users', CapacityUnits: 2, WriteCapacityUnits: 2 }],
    });
    expect(await run(add, token)).toEqual({
      Responses: [],
      ConsumedCapacity: [{ TableName: 'Users', CapacityUnits: 2, ReadCapacityUnits: 2 }],
    });
    expect(await userOf('counted')).toMatchObject({ n: { N: '1' } });
    expect(await fault([`DELETE FROM Users WHERE Id = 'counted'`], token)).toMatchObject({
      type: 'IdempotentParameterMismatchException',
    });
  });

  it('shares no token with TransactWriteItems', async () => {
    const ClientRequestToken = 'shared';
    const Delete = { TableName: 'Users', Key: { Id: { S: 'nobody' } } };
    await server.call('TransactWriteItems', { TransactItems: [{ Delete }], ClientRequestToken });
    expect(
      await run([`INSERT INTO Users VALUE {'Id': 'tokened'}`], { ClientRequestToken }),
    ).toEqual({ Responses: [] });
  });

  it('is cancelled for a key of another type, and for a table that is not there', async () => {
    const Message = 'The provided key element does not match the schema';
    expect(
      await fault([`DELETE FROM Users WHERE Id = 'a'`, `UPDATE Users SET n = 1 WHERE Id = 1`]),
    ).toEqual(cancelled(none, { Code: 'ValidationError', Message }));
    expect(
      await fault([`DELETE FROM Users WHERE Id = 'a'`, `DELETE FROM Absent WHERE Id = 'a'`]),
    ).toEqual(
      cancelled(none, { Code: 'ResourceNotFound', Message: 'Requested resource not found' }),
    );
  });
});

describe('a transaction is refused', () => {
  it.each([
    [
      [`SELECT * FROM Users WHERE Id = 'a'`, `DELETE FROM Users WHERE Id = 'b'`],
      'ExecuteTransaction API does not support both read and write operations in the same request.',
    ],
    [
      [`DELETE FROM Users WHERE Id = 'a'`, `INSERT INTO Users VALUE {'Id': 'a'}`],
      'Transaction request cannot include multiple operations on one item',
    ],
    [
      [{ Statement: `DELETE FROM Users WHERE Id = ?`, Parameters: [{ N: 'x' }] }],
      'The parameter cannot be converted to a numeric value: x',
    ],
  ])('%j', async (statements, message) => {
    expect(await fault(statements)).toEqual(invalid(message));
  });

  it.each([
    [
      `DELETE FROM Users WHERE Id = 'b' RETURNING ALL OLD *`,
      'RETURNING clause is not supported in ExecuteTransaction.',
    ],
    [
      `DELETE FROM Users WHERE Id = ?`,
      `Number of parameters in request and statement don't match.`,
    ],
    [
      `EXISTS(SELECT * FROM Users WHERE Id = 'b')`,
      'EXISTS() must contain a single item read with additional condition',
    ],
    [`UPDATE Users SET a = {'x': <<>>} WHERE Id = 'b'`, 'Empty bags are not supported'],
  ])('%s', async (statement, message) => {
    expect(await fault([`DELETE FROM Users WHERE Id = 'a'`, statement])).toEqual(
      invalidAt(1, message),
    );
  });

  it('with no statement, or more than 100', async () => {
    const many = Array.from({ length: 101 }, (_, id) => `DELETE FROM Users WHERE Id = '${id}'`);
    expect((await fault([])).message).toMatch(
      /at 'transactStatements' failed to satisfy constraint: Member must have length greater than or equal to 1$/,
    );
    expect((await fault(many)).message).toMatch(
      /at 'transactStatements' failed to satisfy constraint: Member must have length less than or equal to 100$/,
    );
    expect(await run(many.slice(1))).toEqual({ Responses: [] });
  });

  it('beyond 4 MB of items', async () => {
    const Parameters = [{ S: 'x'.repeat(399_000) }];
    const statements = Array.from({ length: 11 }, (_, id) => ({
      Statement: `UPDATE Users SET a = ? WHERE Id = '${id}'`,
      Parameters,
    }));
    expect((await fault(statements)).type).toBe('ValidationException');
  });
});
