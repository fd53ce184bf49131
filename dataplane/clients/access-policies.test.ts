import { writeFileSync } from 'node:fs';
import * as dynamodb from '@aws-sdk/client-dynamodb';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  as,
  byTitle,
  denied,
  Item,
  Key,
  oneScore,
  outcome,
  policiesFile,
  TABLE,
  TableName,
  usePolicyServer,
  writePolicies,
} from './policy-server.fixture.ts';
import { waitFor } from './wait-for.ts';

/** How soon a changed file counts; what it takes is a tenth of a second. */
const CHANGE_MS_MAX = 20_000;

usePolicyServer();

function select(Statement: string) {
  return new dynamodb.ExecuteStatementCommand({ Statement });
}

describe("AWS's examples of fine-grained access", () => {
  const ProjectionExpression = 'UserId, Wins';

  it('an item is for the user whose name is its partition key', async () => {
    const get = (UserId: string) =>
      new dynamodb.GetItemCommand({
        TableName,
        Key: { ...Key, UserId: { S: UserId } },
        ProjectionExpression,
      });
    expect(await outcome(as('ann').send(get('ann')))).toBe('allowed');
    expect(await outcome(as('bob').send(get('bob')))).toBe('allowed');
    expect(await outcome(as('bob').send(get('ann')))).toBe(denied('bob', 'GetItem', TABLE));
    const put = (UserId: string) =>
      new dynamodb.PutItemCommand({ TableName, Item: { ...Item, UserId: { S: UserId } } });
    expect(await outcome(as('ann').send(put('ann')))).toBe('allowed');
    expect(await outcome(as('ann').send(put('bob')))).toBe(denied('ann', 'PutItem', TABLE));
  });

  it('one key of another user spoils a batch', async () => {
    const batch = (...users: string[]) => {
      const Keys = users.map((user) => ({ ...Key, UserId: { S: user } }));
      const RequestItems = { [TableName]: { Keys, ProjectionExpression } };
      return new dynamodb.BatchGetItemCommand({ RequestItems });
    };
    expect(await outcome(as('ann').send(batch('ann')))).toBe('allowed');
    expect(await outcome(as('ann').send(batch('ann', 'bob')))).toBe(
      denied('ann', 'BatchGetItem', TABLE),
    );
  });

  it('attributes have to be named, and only those that are listed', async () => {
    const get = (projection: string | undefined) =>
      new dynamodb.GetItemCommand({ TableName, Key, ProjectionExpression: projection });
    expect(await outcome(as('ann').send(get('Wins, TopScore')))).toBe('allowed');
    expect(await outcome(as('ann').send(get('Wins, Losses')))).toBe(
      denied('ann', 'GetItem', TABLE),
    );
    expect(await outcome(as('ann').send(get(undefined)))).toBe(denied('ann', 'GetItem', TABLE));
    const query = (more: object) =>
      new dynamodb.QueryCommand({
        TableName,
        KeyConditionExpression: 'UserId = :u',
        ExpressionAttributeValues: { ':u': { S: 'ann' } },
        ...more,
      });
    expect(await outcome(as('ann').send(query({ ProjectionExpression })))).toBe('allowed');
    expect(await outcome(as('ann').send(query({})))).toBe(denied('ann', 'Query', TABLE));
    expect(await outcome(as('ann').send(query({ Select: 'COUNT' })))).toBe(
      denied('ann', 'Query', TABLE),
    );
    const hidden = { ProjectionExpression, FilterExpression: 'attribute_exists(Losses)' };
    expect(await outcome(as('ann').send(query(hidden)))).toBe(denied('ann', 'Query', TABLE));
  });

  it('no write returns more than it was to', async () => {
    const update = (more: object) =>
      new dynamodb.UpdateItemCommand({
        TableName,
        Key,
        UpdateExpression: 'SET Wins = :w',
        ExpressionAttributeValues: { ':w': { N: '2' } },
        ...more,
      });
    expect(await outcome(as('ann').send(update({})))).toBe('allowed');
    expect(await outcome(as('ann').send(update({ ReturnValues: 'UPDATED_NEW' })))).toBe('allowed');
    for (const more of [
      { ReturnValues: 'ALL_NEW' },
      { ReturnValues: 'ALL_OLD' },
      { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' },
    ]) {
      expect(await outcome(as('ann').send(update(more)))).toBe(denied('ann', 'UpdateItem', TABLE));
    }
  });

  it('full scans are denied, reads by key are not', async () => {
    expect(await outcome(as('analyst').send(select(oneScore)))).toBe('allowed');
    expect(await outcome(as('analyst').send(select('SELECT * FROM GameScores')))).toBe(
      denied('analyst', 'PartiQLSelect', TABLE),
    );
  });

  it('an index is a resource of its own', async () => {
    expect(await outcome(as('analyst').send(new dynamodb.QueryCommand(byTitle)))).toBe('allowed');
    const ofTable = new dynamodb.QueryCommand({
      TableName,
      KeyConditionExpression: 'UserId = :u',
      ExpressionAttributeValues: { ':u': { S: 'ann' } },
    });
    expect(await outcome(as('analyst').send(ofTable))).toBe(denied('analyst', 'Query', TABLE));
  });
});

describe('transactions', () => {
  it('are allowed part by part, and a Deny wins', async () => {
    const write = (...TransactItems: dynamodb.TransactWriteItem[]) =>
      new dynamodb.TransactWriteItemsCommand({ TransactItems });
    const put = { Put: { TableName, Item } };
    const remove = { Delete: { TableName, Key: { ...Key, UserId: { S: 'bob' } } } };
    expect(await outcome(as('writer').send(write(put)))).toBe('allowed');
    expect(await outcome(as('writer').send(write(put, remove)))).toBe(
      denied('writer', 'DeleteItem', TABLE),
    );
    const alone = new dynamodb.PutItemCommand({ TableName, Item });
    expect(await outcome(as('writer').send(alone))).toBe(denied('writer', 'PutItem', TABLE));
  });
});

describe('statements of a batch', () => {
  beforeAll(async () => {
    await as('root').send(new dynamodb.PutItemCommand({ TableName, Item }));
  });
  const batch = (...statements: string[]) =>
    new dynamodb.BatchExecuteStatementCommand({
      Statements: statements.map((Statement) => ({ Statement })),
    });
  const errorOf = (action: string, resource: string) => ({
    Code: 'AccessDenied',
    Message: denied('analyst', action, resource),
  });

  it('are denied each on its own; the others run', async () => {
    const absent = "SELECT * FROM Absent WHERE Id = 'a'";
    const { Responses } = await as('analyst').send(batch(absent, oneScore));
    expect(Responses).toEqual([
      {
        Error: errorOf('PartiQLSelect', TABLE.replace(TableName, 'Absent')),
        TableName: 'Absent',
      },
      { Item, TableName },
    ]);
  });

  it('may all be denied, and the answer is one of success', async () => {
    const remove = "DELETE FROM GameScores WHERE UserId = 'ann' AND GameTitle = 'Chess'";
    const { Responses } = await as('analyst').send(batch(remove));
    expect(Responses).toEqual([{ Error: errorOf('PartiQLDelete', TABLE), TableName }]);
    const { Responses: after } = await as('analyst').send(batch(oneScore));
    expect(after).toEqual([{ Item, TableName }]);
  });

  it('of a transaction are denied as a whole', async () => {
    const TransactStatements = [oneScore, "SELECT * FROM Absent WHERE Id = 'a'"].map(
      (Statement) => ({ Statement }),
    );
    const transaction = new dynamodb.ExecuteTransactionCommand({ TransactStatements });
    expect(await outcome(as('analyst').send(transaction))).toBe(
      denied('analyst', 'PartiQLSelect', TABLE.replace(TableName, 'Absent')),
    );
  });
});

describe('a changed policies file', () => {
  it('counts within moments; what is not well formed does not', async () => {
    const scan = () => outcome(as('lister').send(new dynamodb.ScanCommand({ TableName })));
    const list = () => outcome(as('lister').send(new dynamodb.ListTablesCommand({})));
    expect([await scan(), await list()]).toEqual([denied('lister', 'Scan', TABLE), 'allowed']);

    const document = { Statement: { Effect: 'Allow', Action: 'dynamodb:Scan', Resource: TABLE } };
    writePolicies([{ name: 'scanners', subjects: ['user/lister'], document }]);
    await waitFor(scan, (now) => now === 'allowed', CHANGE_MS_MAX);
    expect(await list()).toBe('allowed');

    writeFileSync(policiesFile, '{"policies": [');
    // Only what comes behind it shows that it was looked at.
    expect([await scan(), await list()]).toEqual(['allowed', 'allowed']);
    writePolicies();
    await waitFor(scan, (now) => now !== 'allowed', CHANGE_MS_MAX);
    expect(await list()).toBe('allowed');
  });
});
