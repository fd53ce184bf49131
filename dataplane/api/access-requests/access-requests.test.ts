import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientFault } from '../../errors/client-fault.ts';
import type { JsonObject, OperationContext } from '../operation.ts';
import { operations } from '../operations.ts';
import { music, type Server, startServer, users } from '../server.fixture.ts';
import { accessRequests, ruledOperations } from './access-requests.ts';

let server: Server;
beforeAll(async () => {
  server = await startServer();
  await server.createTable(users);
  await server.createTable(music);
});
afterAll(() => server.close());

const KEYS = [
  'LeadingKeys',
  'Attributes',
  'Select',
  'ReturnValues',
  'ReturnConsumedCapacity',
  'FullTableScan',
  'EnclosingOperation',
];
const TABLES = 'arn:aws:dynamodb:us-east-1:000000000000:table/';

/** `action resource`, and the condition keys that have values but for `ReturnConsumedCapacity NONE`. */
function needs(operation: string, body: object): unknown[] {
  const wire: JsonObject = JSON.parse(JSON.stringify(body));
  return accessRequests(operation, wire, server.context).map(({ action, resource, conditions }) => {
    const values = KEYS.flatMap((key) => {
      const given = conditions.get(`dynamodb:${key.toLowerCase()}`) ?? [];
      const isUsual = key === 'ReturnConsumedCapacity' && given[0] === 'NONE';
      return given.length === 0 || isUsual ? [] : [[key, [...given].sort()] as const];
    });
    const shown = resource.startsWith(TABLES) ? resource.slice(TABLES.length) : resource;
    return [`${action.replace('dynamodb:', '')} ${shown}`, Object.fromEntries(values)];
  });
}

function faultOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (thrown) {
    if (thrown instanceof ClientFault) return { type: thrown.type, message: thrown.message };
    throw thrown;
  }
}

const song = { Artist: { S: 'ann' }, Song: { S: 's' } };
const query = {
  TableName: 'Music',
  KeyConditionExpression: 'Artist = :a AND begins_with(Song, :s)',
  ExpressionAttributeValues: { ':a': { S: 'ann' }, ':s': { S: 's' } },
};

describe('operations on items', () => {
  it.each([
    [
      'GetItem',
      { TableName: 'Music', Key: song },
      { LeadingKeys: ['ann'], Attributes: ['Artist', 'Song'], Select: ['ALL_ATTRIBUTES'] },
    ],
    [
      'GetItem',
      {
        TableName: `${TABLES}Music`,
        Key: song,
        ProjectionExpression: '#a, Song, info.plays[0]',
        ExpressionAttributeNames: { '#a': 'Label' },
        ReturnConsumedCapacity: 'TOTAL',
      },
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Label', 'Song', 'info'],
        Select: ['SPECIFIC_ATTRIBUTES'],
        ReturnConsumedCapacity: ['TOTAL'],
      },
    ],
    [
      'GetItem',
      { TableName: 'Music', Key: song, AttributesToGet: ['Label'] },
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Label', 'Song'],
        Select: ['SPECIFIC_ATTRIBUTES'],
      },
    ],
    [
      'PutItem',
      {
        TableName: 'Music',
        Item: { ...song, Plays: { N: '1' } },
        ConditionExpression: 'attribute_not_exists(Secret) OR size(Further) < :n',
        ExpressionAttributeValues: { ':n': { N: '1' } },
        ReturnValues: 'ALL_OLD',
      },
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Further', 'Plays', 'Secret', 'Song'],
        ReturnValues: ['ALL_OLD'],
      },
    ],
    [
      'UpdateItem',
      {
        TableName: 'Music',
        Key: song,
        UpdateExpression: 'SET Plays = if_not_exists(Origin, :n) + :n REMOVE Gone ADD Summed :n',
        ConditionExpression: 'Checked = :n',
        ExpressionAttributeValues: { ':n': { N: '1' } },
      },
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Checked', 'Gone', 'Origin', 'Plays', 'Song', 'Summed'],
        ReturnValues: ['NONE'],
      },
    ],
    [
      'UpdateItem',
      {
        TableName: 'Music',
        Key: song,
        AttributeUpdates: { Plays: { Value: { N: '1' } } },
        Expected: { Old: { Exists: false } },
        ReturnValues: 'UPDATED_NEW',
      },
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Old', 'Plays', 'Song'],
        ReturnValues: ['UPDATED_NEW'],
      },
    ],
    [
      'DeleteItem',
      {
        TableName: 'Music',
        Key: song,
        ConditionExpression: 'Secret = :n',
        ExpressionAttributeValues: { ':n': { N: '1' } },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Secret', 'Song'],
        ReturnValues: ['ALL_OLD'],
      },
    ],
    [
      'Query',
      query,
      { LeadingKeys: ['ann'], Attributes: ['Artist', 'Song'], Select: ['ALL_ATTRIBUTES'] },
    ],
    [
      'Query',
      {
        ...query,
        FilterExpression: 'Secret < :s',
        ProjectionExpression: 'Label',
        ExclusiveStartKey: song,
      },
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Label', 'Secret', 'Song'],
        Select: ['SPECIFIC_ATTRIBUTES'],
      },
    ],
    [
      'Query',
      {
        TableName: 'Music',
        KeyConditions: {
          Artist: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'ann' }] },
        },
        QueryFilter: { Secret: { ComparisonOperator: 'NOT_NULL' } },
        Select: 'COUNT',
      },
      { LeadingKeys: ['ann'], Attributes: ['Artist', 'Secret'], Select: ['COUNT'] },
    ],
    ['Scan', { TableName: 'Music' }, { Select: ['ALL_ATTRIBUTES'] }],
    [
      'Scan',
      { TableName: 'Music', FilterExpression: 'attribute_exists(a.b)', AttributesToGet: undefined },
      { Attributes: ['a'], Select: ['ALL_ATTRIBUTES'] },
    ],
  ])('%s %j', (operation, body, conditions) => {
    expect(needs(operation, body)).toEqual([[`${operation} Music`, conditions]]);
  });

  it('of an index name the index, and its own partition keys', () => {
    const byGenre = {
      TableName: 'Music',
      IndexName: 'ByGenre',
      KeyConditionExpression: 'Genre = :g',
      ExpressionAttributeValues: { ':g': { S: 'jazz' } },
    };
    expect(needs('Query', byGenre)).toEqual([
      [
        'Query Music/index/ByGenre',
        { LeadingKeys: ['jazz'], Attributes: ['Genre'], Select: ['ALL_PROJECTED_ATTRIBUTES'] },
      ],
    ]);
    expect(needs('Scan', { TableName: 'Music', IndexName: 'ByGenre' })).toEqual([
      ['Scan Music/index/ByGenre', { Select: ['ALL_PROJECTED_ATTRIBUTES'] }],
    ]);
  });

  it('numbers are in normal form, and binary values in base64', async () => {
    const of = (type: string) => ({
      TableName: `Of${type}`,
      AttributeDefinitions: [{ AttributeName: 'k', AttributeType: type }],
      KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }],
    });
    await server.createTable(of('N'));
    await server.createTable(of('B'));
    expect(needs('GetItem', { TableName: 'OfN', Key: { k: { N: '01.50e1' } } })).toMatchObject([
      ['GetItem OfN', { LeadingKeys: ['15'] }],
    ]);
    expect(needs('GetItem', { TableName: 'OfB', Key: { k: { B: 'AQI=' } } })).toMatchObject([
      ['GetItem OfB', { LeadingKeys: ['AQI='] }],
    ]);
  });
});

describe('batches', () => {
  it('need each of their tables', () => {
    const RequestItems = {
      Music: { Keys: [song, { ...song, Artist: { S: 'bob' } }], ProjectionExpression: 'Label' },
      Users: { Keys: [{ Id: { S: 'u' } }] },
    };
    expect(needs('BatchGetItem', { RequestItems })).toEqual([
      [
        'BatchGetItem Music',
        {
          LeadingKeys: ['ann', 'bob'],
          Attributes: ['Artist', 'Label', 'Song'],
          Select: ['SPECIFIC_ATTRIBUTES'],
        },
      ],
      [
        'BatchGetItem Users',
        { LeadingKeys: ['u'], Attributes: ['Id'], Select: ['ALL_ATTRIBUTES'] },
      ],
    ]);
  });

  it('writes name keys and items', () => {
    const RequestItems = {
      Music: [
        { PutRequest: { Item: { ...song, Label: { S: 'l' } } } },
        { DeleteRequest: { Key: { ...song, Artist: { S: 'bob' } } } },
      ],
    };
    expect(needs('BatchWriteItem', { RequestItems })).toEqual([
      [
        'BatchWriteItem Music',
        { LeadingKeys: ['ann', 'bob'], Attributes: ['Artist', 'Label', 'Song'] },
      ],
    ]);
  });
});

describe('transactions', () => {
  it('need what each of their parts needs', () => {
    const values = { ExpressionAttributeValues: { ':v': { S: 'v' } } };
    const user = { TableName: 'Users', Key: { Id: { S: 'u' } } };
    const TransactItems = [
      null,
      { Put: { TableName: 'Music', Item: song } },
      { Update: { ...user, UpdateExpression: 'SET a = :v', ...values } },
      { Delete: { ...user, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } },
      { ConditionCheck: { ...user, ConditionExpression: 'Secret = :v', ...values } },
    ];
    const EnclosingOperation = ['TransactWriteItems'];
    const common = { ReturnValues: ['NONE'], EnclosingOperation };
    expect(needs('TransactWriteItems', { TransactItems })).toEqual([
      ['PutItem Music', { LeadingKeys: ['ann'], Attributes: ['Artist', 'Song'], ...common }],
      ['UpdateItem Users', { LeadingKeys: ['u'], Attributes: ['Id', 'a'], ...common }],
      [
        'DeleteItem Users',
        { LeadingKeys: ['u'], Attributes: ['Id'], ...common, ReturnValues: ['ALL_OLD'] },
      ],
      ['ConditionCheckItem Users', { LeadingKeys: ['u'], Attributes: ['Id', 'Secret'], ...common }],
    ]);
  });

  it('reads are of single items', () => {
    const TransactItems = [
      { Get: { TableName: 'Users', Key: { Id: { S: 'u' } }, ProjectionExpression: 'a' } },
      { Get: { TableName: 'Music', Key: song } },
    ];
    const EnclosingOperation = ['TransactGetItems'];
    expect(needs('TransactGetItems', { TransactItems })).toEqual([
      [
        'GetItem Users',
        {
          LeadingKeys: ['u'],
          Attributes: ['Id', 'a'],
          Select: ['SPECIFIC_ATTRIBUTES'],
          EnclosingOperation,
        },
      ],
      [
        'GetItem Music',
        {
          LeadingKeys: ['ann'],
          Attributes: ['Artist', 'Song'],
          Select: ['ALL_ATTRIBUTES'],
          EnclosingOperation,
        },
      ],
    ]);
  });
});

describe('PartiQL', () => {
  const FullTableScan = ['false'];
  it.each([
    [
      'SELECT * FROM Music',
      'PartiQLSelect Music',
      { Select: ['ALL_ATTRIBUTES'], FullTableScan: ['true'] },
    ],
    [
      "SELECT Label FROM Music WHERE Artist = 'ann'",
      'PartiQLSelect Music',
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Label'],
        Select: ['SPECIFIC_ATTRIBUTES'],
        FullTableScan,
      },
    ],
    [
      "SELECT * FROM Music WHERE Artist IN ['ann', 'bob'] AND Secret > 1 ORDER BY Artist",
      'PartiQLSelect Music',
      {
        LeadingKeys: ['ann', 'bob'],
        Attributes: ['Artist', 'Secret'],
        Select: ['ALL_ATTRIBUTES'],
        FullTableScan,
      },
    ],
    [
      "SELECT * FROM Music WHERE Artist = 'ann' OR Secret = 1",
      'PartiQLSelect Music',
      {
        Attributes: ['Artist', 'Secret'],
        Select: ['ALL_ATTRIBUTES'],
        FullTableScan: ['true'],
      },
    ],
    [
      `SELECT * FROM "Music"."ByGenre" WHERE Genre = 'jazz'`,
      'PartiQLSelect Music/index/ByGenre',
      {
        LeadingKeys: ['jazz'],
        Attributes: ['Genre'],
        Select: ['ALL_PROJECTED_ATTRIBUTES'],
        FullTableScan,
      },
    ],
    [
      "INSERT INTO Music VALUE {'Artist': 'ann', 'Song': 's', 'Label': 'l'}",
      'PartiQLInsert Music',
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Label', 'Song'],
        ReturnValues: ['NONE'],
      },
    ],
    [
      "UPDATE Music SET Plays = Total + 1 WHERE Artist = 'ann' AND Song = 's' AND c = 1 RETURNING ALL OLD *",
      'PartiQLUpdate Music',
      {
        LeadingKeys: ['ann'],
        Attributes: ['Artist', 'Plays', 'Song', 'Total', 'c'],
        ReturnValues: ['ALL_OLD'],
      },
    ],
    [
      "DELETE FROM Music WHERE Artist = 'ann' AND Song = 's'",
      'PartiQLDelete Music',
      { LeadingKeys: ['ann'], Attributes: ['Artist', 'Song'], ReturnValues: ['NONE'] },
    ],
  ])('%s', (Statement, needed, conditions) => {
    expect(needs('ExecuteStatement', { Statement })).toEqual([[needed, conditions]]);
  });

  it('statements of a batch say so; one that cannot be read is not run', () => {
    const Statements = [
      { Statement: "DELETE FROM Users WHERE Id = 'u'" },
      { Statement: 'DELETE FROM' },
      { Statement: 'DELETE FROM Users WHERE Id = ?', Parameters: [{ S: 'v' }] },
      { Statement: 'DELETE FROM Users WHERE Id = ?' },
    ];
    const EnclosingOperation = ['BatchExecuteStatement'];
    const common = { Attributes: ['Id'], ReturnValues: ['NONE'], EnclosingOperation };
    expect(needs('BatchExecuteStatement', { Statements })).toEqual([
      ['PartiQLDelete Users', { LeadingKeys: ['u'], ...common }],
      ['PartiQLDelete Users', { LeadingKeys: ['v'], ...common }],
      ['PartiQLDelete Users', { EnclosingOperation }],
    ]);
  });

  it('statements of a transaction say so', () => {
    const TransactStatements = [
      { Statement: "INSERT INTO Users VALUE {'Id': 'u'}" },
      { Statement: "EXISTS(SELECT * FROM Music WHERE Artist = 'ann' AND Song = 's' AND c = 1)" },
    ];
    const common = { ReturnValues: ['NONE'], EnclosingOperation: ['ExecuteTransaction'] };
    expect(needs('ExecuteTransaction', { TransactStatements })).toEqual([
      ['PartiQLInsert Users', { LeadingKeys: ['u'], Attributes: ['Id'], ...common }],
      [
        'ConditionCheckItem Music',
        { LeadingKeys: ['ann'], Attributes: ['Artist', 'Song', 'c'], ...common },
      ],
    ]);
  });
});

describe('streams and the control plane', () => {
  const stream = `${TABLES}Music/stream/2026-11-21T00:00:00.000`;
  it.each([
    ['ListTables', {}, '*'],
    ['ListStreams', { TableName: 'Music' }, '*'],
    ['DescribeLimits', {}, '*'],
    ['DescribeEndpoints', {}, '*'],
    ['DescribeTable', { TableName: 'Music' }, 'Music'],
    ['DescribeTable', { TableName: `${TABLES}Music` }, 'Music'],
    ['CreateTable', { TableName: 'New' }, 'New'],
    ['UpdateTable', { TableName: 'Music' }, 'Music'],
    ['DeleteTable', { TableName: 'Music' }, 'Music'],
    ['DescribeTimeToLive', { TableName: 'Music' }, 'Music'],
    ['UpdateTimeToLive', { TableName: 'Music' }, 'Music'],
    ['TagResource', { ResourceArn: `${TABLES}Music` }, 'Music'],
    ['UntagResource', { ResourceArn: `${TABLES}Music` }, 'Music'],
    ['ListTagsOfResource', { ResourceArn: `${TABLES}Music` }, 'Music'],
    ['DescribeStream', { StreamArn: stream }, 'Music/stream/2026-11-21T00:00:00.000'],
    ['GetShardIterator', { StreamArn: stream }, 'Music/stream/2026-11-21T00:00:00.000'],
    ['GetRecords', { ShardIterator: `${stream}|1|AAAA` }, 'Music/stream/2026-11-21T00:00:00.000'],
  ])('%s %j needs %s', (operation, body, resource) => {
    expect(needs(operation, body)).toEqual([[`${operation} ${resource}`, {}]]);
  });

  it('every operation has its rule, and an unknown one needs to be allowed on everything', () => {
    expect([...ruledOperations].sort()).toEqual([...operations.keys()].sort());
    expect(needs('RestoreTable', { TableName: 'Music' })).toEqual([['RestoreTable *', {}]]);
  });
});

describe('a body in which nothing can be read', () => {
  const needNoBody = ['DescribeEndpoints', 'DescribeLimits', 'ListStreams', 'ListTables'];
  const names = [...operations.keys()].filter((name) => !needNoBody.includes(name));

  it.each(names)('%s: gets the answer of the operation itself', async (name) => {
    for (const value of [undefined, null, 7, '', [], {}, [{}], [7], { '': 1 }, { T: 7 }]) {
      const members = ['TableName', 'RequestItems', 'TransactItems', 'Statement', 'Statements'];
      const others = ['TransactStatements', 'StreamArn', 'ShardIterator', 'ResourceArn'];
      const body = Object.fromEntries([...members, ...others].map((member) => [member, value]));
      const run = async () =>
        operations.get(name)?.handle(JSON.parse(JSON.stringify(body)), server.context);
      const own: unknown = await run().catch((thrown: unknown) => thrown);
      expect(own).toBeInstanceOf(ClientFault);
      const { type, message } = own as ClientFault;
      const asked = faultOf(() => needs(name, body));
      // Names of tables that are well formed are asked about.
      if (!Array.isArray(asked)) expect(asked).toEqual({ type, message });
    }
  });

  it.each([
    ['GetItem', { TableName: 'x'.repeat(1_025), Key: song }],
    ['Query', { TableName: 'Music', IndexName: 7 }],
    ['ExecuteStatement', { Statement: 'SELECT * FROM' }],
    ['ExecuteStatement', { Statement: `SELECT * FROM Music WHERE a = '${'x'.repeat(8_192)}'` }],
    ['TagResource', { ResourceArn: 'Music', Tags: [] }],
    ['TagResource', { Tags: [] }],
    [
      'BatchGetItem',
      {
        RequestItems: Object.fromEntries(
          Array.from({ length: 101 }, (_, index) => [`Table${index}`, { Keys: [song] }]),
        ),
      },
    ],
    [
      'TransactGetItems',
      { TransactItems: Array(101).fill({ Get: { TableName: 'Music', Key: song } }) },
    ],
    ['DescribeStream', { StreamArn: `${TABLES}Music` }],
    ['GetRecords', { ShardIterator: 'x|1|AAAA' }],
    ['GetItem', { TableName: 'arn:aws:dynamodb:us-east-1:999999999999:table/Music', Key: song }],
    ['GetItem', { TableName: 'arn:aws:dynamodb:eu-west-1:000000000000:table/Music', Key: song }],
  ])('%s %j, too', async (name, body) => {
    const own = await server.faultOf(name, body);
    expect(faultOf(() => needs(name, body))).toEqual(own);
  });
});

describe('what is asked for', () => {
  /** Tables that are opened while the access of a request is read. */
  function opened(operation: string, body: object, keys: readonly string[]): readonly string[] {
    const names: string[] = [];
    const tables: OperationContext['tables'] = {
      openTable: (name) => {
        names.push(name);
        return server.context.tables.openTable(name);
      },
    };
    const wire: JsonObject = JSON.parse(JSON.stringify(body));
    for (const { conditions } of accessRequests(operation, wire, { ...server.context, tables })) {
      for (const key of keys) conditions.get(key);
    }
    return names;
  }

  it('tables are looked at for partition keys and full scans alone', () => {
    const body = { TableName: 'Music', Key: song };
    const others = KEYS.map((key) => `dynamodb:${key.toLowerCase()}`).filter(
      (key) => !['dynamodb:leadingkeys', 'dynamodb:fulltablescan'].includes(key),
    );
    expect(opened('GetItem', body, [...others, 'aws:username'])).toEqual([]);
    expect(opened('GetItem', body, ['dynamodb:leadingkeys'])).toEqual(['Music']);
    const statement = { Statement: 'SELECT * FROM Music' };
    expect(opened('ExecuteStatement', statement, others)).toEqual([]);
    expect(opened('ExecuteStatement', statement, ['dynamodb:fulltablescan'])).toEqual(['Music']);
  });

  it('a request that is not well formed is refused before its table is looked at', () => {
    const body = { TableName: 'Absent', Key: { Artist: { S: 'ann', N: '1' } } };
    expect(faultOf(() => opened('GetItem', body, ['dynamodb:leadingkeys']))).toMatchObject({
      type: 'ValidationException',
    });
  });
});
