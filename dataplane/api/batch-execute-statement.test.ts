import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users, type WireFault } from './server.fixture.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
});
afterAll(() => server.close());

const run = (Statements: readonly (string | object)[], more: object = {}) =>
  server.call('BatchExecuteStatement', { Statements: Statements.map(member), ...more });
const fault = (Statements: readonly (string | object)[]) =>
  server.faultOf('BatchExecuteStatement', { Statements: Statements.map(member) });
const put = (id: string, more: object = {}) =>
  server.call('PutItem', { TableName: 'Users', Item: { Id: { S: id }, ...more } });
const userOf = async (id: string) =>
  (await server.call('GetItem', { TableName: 'Users', Key: { Id: { S: id } } })).Item;

function member(statement: string | object): object {
  return typeof statement === 'string' ? { Statement: statement } : statement;
}

function invalid(message: string): WireFault {
  return { type: 'ValidationException', message };
}

describe('a batch of reads', () => {
  it('answers each with its table, in order', async () => {
    await put('a', { n: { N: '1' }, m: { M: { x: { S: 'x' } } } });
    expect(
      await run(
        [
          `SELECT * FROM Users WHERE Id = 'a'`,
          { Statement: `SELECT * FROM Users WHERE Id = ?`, Parameters: [{ S: 'none' }] },
          {
            Statement: `SELECT * FROM Music WHERE Artist = 'a' AND Song = 's'`,
            ConsistentRead: true,
          },
        ],
        { ReturnConsumedCapacity: 'TOTAL' },
      ),
    ).toEqual({
      Responses: [
        {
          Item: { Id: { S: 'a' }, n: { N: '1' }, m: { M: { x: { S: 'x' } } } },
          TableName: 'Users',
        },
        { TableName: 'Users' },
        { TableName: 'Music' },
      ],
      ConsumedCapacity: [
        { TableName: 'Users', CapacityUnits: 1 },
        { TableName: 'Music', CapacityUnits: 1 },
      ],
    });
    expect(await run([`SELECT m."x" FROM Users WHERE Id = 'a'`])).toEqual({
      Responses: [{ Item: { x: { S: 'x' } }, TableName: 'Users' }],
    });
  });

  it('tells with each what is wrong with it', async () => {
    const needsKey = {
      Error: {
        Code: 'ValidationError',
        Message:
          'Select statements within BatchExecuteStatement must specify the primary key in the where clause.',
      },
    };
    const { Responses } = await run([
      `SELECT * FROM Music WHERE Artist = 'a'`,
      `SELECT * FROM Users`,
      `SELECT * FROM Users WHERE Id IN ['a', 'b']`,
      `SELECT * FROM Users WHERE Id = 'a' AND n = 1`,
      `SELECT * FROM Absent WHERE Id = 'a'`,
      `SELECT * FROM`,
      `EXISTS(SELECT * FROM Users WHERE Id = 'a')`,
      `SELECT * FROM Users WHERE Id = ?`,
    ]);
    expect(Responses).toEqual([
      needsKey,
      needsKey,
      needsKey,
      needsKey,
      {
        Error: { Code: 'ResourceNotFound', Message: 'Requested resource not found' },
        TableName: 'Absent',
      },
      {
        Error: {
          Code: 'ValidationError',
          Message: expect.stringMatching(/^Statement wasn't well/),
        },
      },
      {
        Error: {
          Code: 'ValidationError',
          Message: 'EXISTS can only be used in ExecuteTransaction write requests.',
        },
      },
      {
        Error: {
          Code: 'ValidationError',
          Message: "Number of parameters in request and statement don't match.",
        },
      },
    ]);
  });
});

describe('a batch of writes', () => {
  it('does each for itself', async () => {
    await put('u', { n: { N: '1' } });
    await put('d');
    expect(
      await run([
        `INSERT INTO Users VALUE {'Id': 'i'}`,
        `UPDATE Users SET n = 2 WHERE Id = 'u' RETURNING ALL NEW *`,
        `DELETE FROM Users WHERE Id = 'd' RETURNING ALL OLD *`,
      ]),
    ).toEqual({
      Responses: [
        { TableName: 'Users' },
        { Item: { Id: { S: 'u' }, n: { N: '2' } }, TableName: 'Users' },
        { Item: { Id: { S: 'd' } }, TableName: 'Users' },
      ],
    });
    expect(await userOf('i')).toEqual({ Id: { S: 'i' } });
    expect(await userOf('d')).toBeUndefined();
  });

  it('does the others when some fail, and counts what failed in the total', async () => {
    await put('there', { n: { N: '1' } });
    const failed = { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' };
    const Item = { Id: { S: 'there' }, n: { N: '1' } };
    expect(
      await run(
        [
          `INSERT INTO Users VALUE {'Id': 'there'}`,
          `UPDATE Users SET n = 2 WHERE Id = 'none'`,
          `INSERT INTO Users VALUE {'Id': 'new'}`,
          `INSERT INTO Users VALUE {'Id': 1}`,
        ],
        { ReturnConsumedCapacity: 'INDEXES' },
      ),
    ).toEqual({
      Responses: [
        {
          Error: { Code: 'DuplicateItem', Message: 'Duplicate primary key exists in table' },
          TableName: 'Users',
        },
        { Error: failed, TableName: 'Users' },
        { TableName: 'Users' },
        {
          Error: {
            Code: 'ValidationError',
            Message:
              'One or more parameter values were invalid: Type mismatch for key Id expected: S actual: N',
          },
        },
      ],
      ConsumedCapacity: [{ TableName: 'Users', CapacityUnits: 3, Table: { CapacityUnits: 1 } }],
    });
    const Statement = `DELETE FROM Users WHERE Id = 'there' AND n = 5`;
    expect(
      await run([
        { Statement, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' },
        `DELETE FROM Users WHERE Id = 'x'`,
      ]),
    ).toEqual({
      Responses: [{ Error: { ...failed, Item }, TableName: 'Users' }, { TableName: 'Users' }],
    });
  });

  it('names the table of what failed on the item that is there', async () => {
    await put('text', { n: { S: 'x' } });
    expect(await run([`UPDATE Users SET n = n + 1 WHERE Id = 'text'`])).toEqual({
      Responses: [
        {
          Error: {
            Code: 'ValidationError',
            Message: 'An operand in the update expression has an incorrect data type',
          },
          TableName: 'Users',
        },
      ],
    });
  });

  it('has no capacity when all failed', async () => {
    await put('there');
    expect(
      await run([`INSERT INTO Users VALUE {'Id': 'there'}`], { ReturnConsumedCapacity: 'TOTAL' }),
    ).toEqual({
      Responses: [
        {
          Error: { Code: 'DuplicateItem', Message: 'Duplicate primary key exists in table' },
          TableName: 'Users',
        },
      ],
    });
  });
});

describe('a batch is refused as a whole', () => {
  it('with reads and writes together', async () => {
    expect(
      await fault([`SELECT * FROM Users WHERE Id = 'a'`, `DELETE FROM Users WHERE Id = 'b'`]),
    ).toEqual(invalid('Read and write requests together in the same batch is not supported.'));
  });

  it('with two statements on one item', async () => {
    const duplicates = invalid('Provided list of item keys contains duplicates');
    const read = `SELECT * FROM Users WHERE Id = 'a'`;
    expect(await fault([read, read])).toEqual(duplicates);
    expect(
      await fault([`INSERT INTO Users VALUE {'Id': 'a'}`, `DELETE FROM Users WHERE Id = 'a'`]),
    ).toEqual(duplicates);
  });

  it('with none, or more than 25', async () => {
    const many = Array.from({ length: 26 }, (_, id) => `DELETE FROM Users WHERE Id = '${id}'`);
    expect((await fault([])).message).toMatch(
      /at 'statements' failed to satisfy constraint: Member must have length greater than or equal to 1$/,
    );
    expect((await fault(many)).message).toMatch(
      /at 'statements' failed to satisfy constraint: Member must have length less than or equal to 25$/,
    );
    expect((await run(many.slice(1))).Responses).toHaveLength(25);
  });
});
