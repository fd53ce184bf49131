import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WireFault } from './server.fixture.ts';
import { music, type Server, startServer, users } from './server.fixture.ts';

let server: Server;
const song = (artist: string, title: string, year: number, more: object = {}) => ({
  Artist: { S: artist },
  Song: { S: title },
  Year: { N: `${year}` },
  Genre: { S: 'Jazz' },
  ...more,
});
const songs = [
  song('a', '1', 1990, { Tags: { SS: ['x', 'y'] } }),
  song('a', '2', 1970, { Notes: { L: [{ S: 'first' }, { M: { by: { S: 'me' } } }] } }),
  song('a', '3', 1980, { Label: { S: 'Blue' } }),
  song('b', '1', 1985, { Genre: { S: 'Rock' } }),
  song('c', '1', 1995),
];

beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
  for (const Item of songs) await server.call('PutItem', { TableName: 'Music', Item });
  await server.indexesCaughtUp('Music');
});
afterAll(() => server.close());

const run = (Statement: string, more: object = {}) =>
  server.call('ExecuteStatement', { Statement, ...more });
const fault = (Statement: string, more: object = {}) =>
  server.faultOf('ExecuteStatement', { Statement, ...more });
const userOf = async (id: string) =>
  (await server.call('GetItem', { TableName: 'Users', Key: { Id: { S: id } } })).Item;

function invalid(message: string): WireFault {
  return { type: 'ValidationException', message };
}

async function allPages(Statement: string, more: object = {}) {
  const pages: unknown[][] = [];
  let NextToken: string | undefined;
  do {
    const page = await run(Statement, { ...more, NextToken });
    pages.push(page.Items);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return pages;
}

describe('SELECT', () => {
  it('of a whole key answers the item, at the price of GetItem', async () => {
    const Statement = `SELECT * FROM Music WHERE Artist = 'a' AND Song = '1'`;
    expect(await run(Statement, { ReturnConsumedCapacity: 'TOTAL' })).toEqual({
      Items: [songs[0]],
      ConsumedCapacity: { TableName: 'Music', CapacityUnits: 0.5 },
    });
    expect(
      await run(Statement, { ReturnConsumedCapacity: 'INDEXES', ConsistentRead: true }),
    ).toEqual({
      Items: [songs[0]],
      ConsumedCapacity: { TableName: 'Music', CapacityUnits: 1, Table: { CapacityUnits: 1 } },
    });
  });

  it('of an item that is not there answers none', async () => {
    expect(await run(`SELECT * FROM Users WHERE Id = 'none'`)).toEqual({ Items: [] });
  });

  it('shows chosen attributes and paths, under their last names', async () => {
    const [Tags, Notes] = [{ SS: ['x', 'y'] }, { S: 'first' }];
    expect(
      await run(`SELECT Tags, "Song" FROM Music WHERE Artist = ? AND Song = ?`, {
        Parameters: [{ S: 'a' }, { S: '1' }],
      }),
    ).toEqual({ Items: [{ Tags, Song: { S: '1' } }] });
    expect(
      await run(`SELECT Notes[0], Notes[1]."by" FROM Music WHERE Artist = 'a' AND Song = '2'`),
    ).toEqual({ Items: [{ 'Notes[0]': Notes, by: { S: 'me' } }] });
  });

  it('of a partition key is a query, in the order that is asked for', async () => {
    const titles = async (order: string) =>
      (await run(`SELECT Song FROM Music WHERE Artist = 'a' ORDER BY Song ${order}`)).Items;
    expect(await titles('')).toEqual(['1', '2', '3'].map((S) => ({ Song: { S } })));
    expect(await titles('DESC')).toEqual(['3', '2', '1'].map((S) => ({ Song: { S } })));
  });

  it('of anything else is a scan', async () => {
    const { Items } = await run(`SELECT Song FROM Music WHERE "Year" > 1980 AND Genre <> 'Rock'`);
    expect(Items).toHaveLength(2);
    expect((await run('SELECT * FROM Music')).Items).toHaveLength(5);
  });

  it('reads indexes', async () => {
    expect(
      await run(`SELECT Label, Song FROM "Music"."ByGenre" WHERE Genre = 'Jazz' AND "Year" < 1985`),
    ).toEqual({ Items: [{ Song: { S: '2' } }, { Song: { S: '3' }, Label: { S: 'Blue' } }] });
    expect(
      await run(`SELECT Song FROM "Music"."ByYear" WHERE Artist = 'a' ORDER BY "Year"`, {
        ReturnConsumedCapacity: 'INDEXES',
      }),
    ).toEqual({
      Items: ['2', '3', '1'].map((S) => ({ Song: { S } })),
      ConsumedCapacity: {
        TableName: 'Music',
        CapacityUnits: 0.5,
        Table: { CapacityUnits: 0 },
        LocalSecondaryIndexes: { ByYear: { CapacityUnits: 0.5 } },
      },
    });
    expect(
      await fault(`SELECT Song FROM Music.ByGenre WHERE Genre = 'Jazz'`, { ConsistentRead: true }),
    ).toEqual(invalid('Strongly consistent read is not supported on Global Secondary Indexes'));
    expect(await fault('SELECT * FROM Music.Absent')).toEqual(
      invalid('The table does not have the specified index'),
    );
  });

  it('of a table that is not there fails', async () => {
    expect(await fault('SELECT * FROM Absent')).toEqual({
      type: 'ResourceNotFoundException',
      message: 'Requested resource not found',
    });
  });
});

describe('pages', () => {
  const inStatement = `SELECT Artist, Song FROM Music WHERE Artist IN ['c', 'a', 'b']`;

  it('go on over several keys where they stopped', async () => {
    const whole = (await run(inStatement)).Items;
    expect(whole).toHaveLength(5);
    for (const Limit of [1, 2, 3, 4]) {
      const pages = await allPages(inStatement, { Limit });
      expect(pages.flat()).toEqual(whole);
      for (const page of pages) expect(page.length).toBeLessThanOrEqual(Limit);
    }
  });

  it('have the key they stopped at beside the token', async () => {
    const page = await run(`SELECT Song FROM Music WHERE Artist = 'a'`, { Limit: 2 });
    expect(page).toEqual({
      Items: ['1', '2'].map((S) => ({ Song: { S } })),
      NextToken: expect.any(String),
      LastEvaluatedKey: { Artist: { S: 'a' }, Song: { S: '2' } },
    });
  });

  it('count the items looked at, not those found', async () => {
    const pages = await allPages(`SELECT Song FROM Music WHERE Artist = 'a' AND "Year" = 1980`, {
      Limit: 1,
    });
    expect(pages).toEqual([[], [], [{ Song: { S: '3' } }], []]);
  });

  it('are of one megabyte over all keys', async () => {
    const big = { A: { S: 'x'.repeat(300_000) } };
    const ids = Array.from({ length: 7 }, (_, index) => `big-${index}`);
    for (const id of ids) {
      await server.call('PutItem', { TableName: 'Users', Item: { Id: { S: id }, ...big } });
    }
    const list = ids.map((id) => `'${id}'`).join(', ');
    const pages = await allPages(`SELECT Id FROM Users WHERE Id IN (${list})`);
    expect(pages.flat()).toHaveLength(7);
    expect(pages.length).toBeGreaterThan(1);
    for (const page of pages) expect(page.length).toBeLessThanOrEqual(4);
  });

  it('take the same parameters along', async () => {
    const statement = 'SELECT Song FROM Music WHERE Artist = ?';
    const Parameters = [{ S: 'a' }];
    const { NextToken } = await run(statement, { Parameters, Limit: 1 });
    expect(await run(statement, { Parameters, Limit: 1, NextToken })).toMatchObject({
      Items: [{ Song: { S: '2' } }],
    });
    expect(await fault(statement, { Parameters: [{ S: 'b' }], NextToken })).toEqual(
      invalid('NextToken does not match request'),
    );
  });

  it('take no token of another request, nor a forged one', async () => {
    const { NextToken } = await run(inStatement, { Limit: 1 });
    const other = await fault('SELECT * FROM Music', { NextToken });
    expect(other).toEqual(invalid('NextToken does not match request'));
    const write = await fault(`DELETE FROM Users WHERE Id = 'x'`, { NextToken });
    expect(write).toEqual(invalid('NextToken does not match request'));
    const middle = NextToken.length >> 1;
    const changed = NextToken[middle] === 'A' ? 'B' : 'A';
    for (const forged of [
      'x',
      NextToken.slice(0, -4),
      NextToken.slice(0, middle) + changed + NextToken.slice(middle + 1),
    ]) {
      expect(await fault(inStatement, { NextToken: forged })).toEqual(invalid('Invalid NextToken'));
    }
  });
});

describe('INSERT', () => {
  it('puts an item that is not there, at the price of PutItem', async () => {
    const Statement = `INSERT INTO Users VALUE {'Id': 'i', 'l': [1, 'x', true, null], 's': <<1, 2>>}`;
    expect(await run(Statement, { ReturnConsumedCapacity: 'TOTAL' })).toEqual({
      Items: [],
      ConsumedCapacity: { TableName: 'Users', CapacityUnits: 1 },
    });
    expect(await userOf('i')).toEqual({
      Id: { S: 'i' },
      l: { L: [{ N: '1' }, { S: 'x' }, { BOOL: true }, { NULL: true }] },
      s: { NS: ['1', '2'] },
    });
    expect(await fault(Statement)).toEqual({
      type: 'DuplicateItemException',
      message: 'Duplicate primary key exists in table',
    });
  });

  it('takes parameters of any type', async () => {
    const value = { M: { b: { B: 'AQ==' }, s: { BS: ['AQ==', 'Ag=='] } } };
    await run(`INSERT INTO Users VALUE {'Id': ?, 'm': ?}`, { Parameters: [{ S: 'par' }, value] });
    expect(await userOf('par')).toEqual({ Id: { S: 'par' }, m: value });
  });

  it('keeps the rules of items', async () => {
    expect(await fault(`INSERT INTO Users VALUE {'x': 1}`)).toEqual(
      invalid('One or more parameter values were invalid: Missing the key Id in the item'),
    );
    expect(await fault(`INSERT INTO Users VALUE {'Id': 1}`)).toEqual(
      invalid(
        'One or more parameter values were invalid: Type mismatch for key Id expected: S actual: N',
      ),
    );
  });
});

describe('UPDATE', () => {
  const put = (id: string, more: object) =>
    server.call('PutItem', { TableName: 'Users', Item: { Id: { S: id }, ...more } });

  it('changes an item that is there', async () => {
    await put('u', { n: { N: '1' }, l: { L: [] }, s: { SS: ['a'] }, gone: { S: 'x' } });
    const result = await run(
      `UPDATE Users SET n = n + 1 SET l = list_append(l, ['x']) SET s = set_add(s, <<'b'>>) REMOVE gone WHERE Id = 'u'`,
      { ReturnConsumedCapacity: 'TOTAL' },
    );
    expect(result).toEqual({
      Items: [],
      ConsumedCapacity: { TableName: 'Users', CapacityUnits: 1 },
    });
    expect(await userOf('u')).toEqual({
      Id: { S: 'u' },
      n: { N: '2' },
      l: { L: [{ S: 'x' }] },
      s: { SS: ['a', 'b'] },
    });
  });

  it.each([
    ['ALL OLD', { Id: { S: 'r' }, a: { N: '1' }, b: { N: '1' } }],
    ['ALL NEW', { Id: { S: 'r' }, a: { N: '2' }, b: { N: '1' } }],
    ['MODIFIED OLD', { a: { N: '1' } }],
    ['MODIFIED NEW', { a: { N: '2' } }],
  ])('RETURNING %s shows the item', async (clause, row) => {
    await put('r', { a: { N: '1' }, b: { N: '1' } });
    expect(await run(`UPDATE Users SET a = 2 WHERE Id = 'r' RETURNING ${clause} *`)).toEqual({
      Items: [row],
    });
  });

  it('makes no item', async () => {
    const failed = {
      type: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
    };
    expect(await fault(`UPDATE Users SET a = 1 WHERE Id = 'none'`)).toEqual(failed);
    expect(await userOf('none')).toBeUndefined();
    await put('c', { a: { N: '1' } });
    const Statement = `UPDATE Users SET a = 2 WHERE Id = 'c' AND a > 5`;
    expect(await fault(Statement)).toEqual(failed);
    expect(await fault(Statement, { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' })).toEqual({
      ...failed,
      members: { Item: { Id: { S: 'c' }, a: { N: '1' } } },
    });
  });

  it('makes an item of 400 KB, and no larger one', async () => {
    await put('full', {});
    const setTo = (length: number) =>
      [
        `UPDATE Users SET a = ? WHERE Id = 'full'`,
        { Parameters: [{ S: 'x'.repeat(length) }] },
      ] as const;
    const room = 409_600 - 'Id'.length - 'full'.length - 'a'.length;
    expect(await run(...setTo(room))).toEqual({ Items: [] });
    expect(await fault(...setTo(room + 1))).toEqual(
      invalid('Item size to update has exceeded the maximum allowed size'),
    );
  });

  it('makes no document that is too deep', async () => {
    await put('deep', { m: { M: {} } });
    const Parameters = [JSON.parse(`${'{"M":{"a":'.repeat(31)}{"S":"x"}${'}}'.repeat(31)}`)];
    expect(await fault(`UPDATE Users SET m.d = ? WHERE Id = 'deep'`, { Parameters })).toEqual(
      invalid('Nesting Levels have exceeded supported limits'),
    );
  });

  it('needs the whole key, and no other', async () => {
    const needed = invalid(
      'Where clause does not contain a mandatory equality on all key attributes',
    );
    expect(await fault(`UPDATE Music SET x = 1 WHERE Artist = 'a'`)).toEqual(needed);
    expect(await fault(`UPDATE Users SET x = 1 WHERE Id > 'a'`)).toEqual(needed);
    expect(await fault(`UPDATE Users SET Id = 'y' WHERE Id = 'x'`)).toEqual(
      invalid(
        'One or more parameter values were invalid: Cannot update attribute Id. This attribute is part of the key',
      ),
    );
  });
});

describe('DELETE', () => {
  it('deletes the item that is there, and shows it', async () => {
    const Item = { Id: { S: 'd' }, n: { N: '1' } };
    await server.call('PutItem', { TableName: 'Users', Item });
    expect(await run(`DELETE FROM Users WHERE Id = 'd' RETURNING ALL OLD *`)).toEqual({
      Items: [Item],
    });
    expect(await run(`DELETE FROM Users WHERE Id = 'd' RETURNING ALL OLD *`)).toEqual({
      Items: [],
    });
  });

  it('fails when the item is not as it is to be', async () => {
    await server.call('PutItem', { TableName: 'Users', Item: { Id: { S: 'd' }, n: { N: '1' } } });
    expect(await fault(`DELETE FROM Users WHERE Id = 'd' AND n = 2`)).toEqual({
      type: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
    });
    expect(await userOf('d')).toBeDefined();
    expect(await fault(`DELETE FROM Users WHERE Id = 'd' RETURNING MODIFIED OLD *`)).toEqual(
      invalid(
        'Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE statements.',
      ),
    );
  });
});

describe('a request', () => {
  it.each([
    [
      {},
      `1 validation error detected: Value null at 'statement' failed to satisfy constraint: Member must not be null`,
    ],
    [
      { Statement: '' },
      `1 validation error detected: Value '' at 'statement' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    ],
    [
      { Statement: 'SELECT * FROM Users', Limit: 0 },
      `1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`,
    ],
    [
      { Statement: 'SELECT * FROM Users', Parameters: [] },
      `1 validation error detected: Value '[]' at 'parameters' failed to satisfy constraint: Member must have length greater than or equal to 1`,
    ],
    [
      { Statement: 'SELECT * FROM Users WHERE Id = ?' },
      `Number of parameters in request and statement don't match.`,
    ],
    [
      { Statement: 'SELECT * FROM Users WHERE Id = ?', Parameters: [{ N: 'x' }] },
      'The parameter cannot be converted to a numeric value: x',
    ],
    [
      { Statement: `EXISTS(SELECT * FROM Users WHERE Id = 'a')` },
      'EXISTS can only be used in ExecuteTransaction write requests.',
    ],
  ])('%j is refused', async (body, message) => {
    expect(await server.faultOf('ExecuteStatement', body)).toEqual(invalid(message));
  });

  it('is at most 8192 characters long', async () => {
    const head = `SELECT * FROM Users WHERE Id = 'a'`;
    expect(await run(head.padEnd(8192))).toEqual({ Items: [] });
    expect((await fault(head.padEnd(8193))).message).toMatch(
      /at 'statement' failed to satisfy constraint: Member must have length less than or equal to 8192$/,
    );
  });
});
