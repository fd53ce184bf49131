import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { music, type Server, startServer, users } from './server.fixture.ts';

let server: Server;
const TableName = 'Music';
const songs = [
  {
    Artist: { S: 'Nina' },
    Song: { S: 'A' },
    Year: { N: '1965' },
    Genre: { S: 'Jazz' },
    Stars: { N: '3' },
  },
  {
    Artist: { S: 'Nina' },
    Song: { S: 'B' },
    Year: { N: '1958' },
    Genre: { S: 'Jazz' },
    Label: { S: 'x' },
  },
  { Artist: { S: 'Nina' }, Song: { S: 'C' }, Year: { N: '1961' } },
  { Artist: { S: 'Bob' }, Song: { S: 'D' }, Year: { N: '1966' }, Genre: { S: 'Folk' } },
];
beforeAll(async () => {
  server = await startServer();
  await server.createTable(music);
  await server.createTable(users);
  for (const Item of songs) await server.call('PutItem', { TableName, Item });
  await server.indexesCaughtUp(TableName);
});
afterAll(() => server.close());

const nina = {
  TableName,
  KeyConditionExpression: 'Artist = :a',
  ExpressionAttributeValues: { ':a': { S: 'Nina' } },
};
const jazz = {
  TableName,
  IndexName: 'ByGenre',
  KeyConditionExpression: 'Genre = :g',
  ExpressionAttributeValues: { ':g': { S: 'Jazz' } },
};
const legacyNina = {
  TableName,
  KeyConditions: { Artist: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: 'Nina' }] } },
};
const keyOf = (song: { Artist: object; Song: object }) => ({
  Artist: song.Artist,
  Song: song.Song,
});

describe('Query', () => {
  it('answers an item collection in sort-key order, also backwards', async () => {
    expect(await server.call('Query', nina)).toEqual({
      Items: songs.slice(0, 3),
      Count: 3,
      ScannedCount: 3,
    });
    const { Items } = await server.call('Query', { ...nina, ScanIndexForward: false });
    expect(Items).toEqual(songs.slice(0, 3).reverse());
  });

  it('takes legacy parameters', async () => {
    const { Items, Count, ScannedCount } = await server.call('Query', {
      TableName,
      KeyConditions: {
        ...legacyNina.KeyConditions,
        Song: { ComparisonOperator: 'BETWEEN', AttributeValueList: [{ S: 'A' }, { S: 'B' }] },
      },
      QueryFilter: {
        Stars: { ComparisonOperator: 'GT', AttributeValueList: [{ N: '2' }] },
        Label: { ComparisonOperator: 'NOT_NULL' },
      },
      ConditionalOperator: 'OR',
      AttributesToGet: ['Song'],
    });
    expect({ Items, Count, ScannedCount }).toEqual({
      Items: [{ Song: { S: 'A' } }, { Song: { S: 'B' } }],
      Count: 2,
      ScannedCount: 2,
    });
  });

  it('pages by Limit, and the last key leads to the rest', async () => {
    const first = await server.call('Query', { ...nina, Limit: 2 });
    expect(first).toEqual({
      Items: songs.slice(0, 2),
      Count: 2,
      ScannedCount: 2,
      LastEvaluatedKey: { Artist: { S: 'Nina' }, Song: { S: 'B' } },
    });
    const second = await server.call('Query', {
      ...nina,
      Limit: 2,
      ExclusiveStartKey: first.LastEvaluatedKey,
    });
    expect(second).toEqual({ Items: [songs[2]], Count: 1, ScannedCount: 1 });
  });

  it('counts what the filter lets through, and what it has looked at', async () => {
    const body = { ...nina, FilterExpression: 'attribute_exists(Stars)' };
    expect(await server.call('Query', { ...body, Select: 'COUNT' })).toEqual({
      Count: 1,
      ScannedCount: 3,
    });
    expect((await server.call('Query', body)).Items).toEqual([songs[0]]);
  });

  it('reads a global index: what it projects, in its order, charged to it', async () => {
    expect(await server.call('Query', { ...jazz, ReturnConsumedCapacity: 'INDEXES' })).toEqual({
      Items: [
        { ...songs[1], Stars: undefined },
        { Artist: { S: 'Nina' }, Song: { S: 'A' }, Year: { N: '1965' }, Genre: { S: 'Jazz' } },
      ].map((item) => JSON.parse(JSON.stringify(item))),
      Count: 2,
      ScannedCount: 2,
      ConsumedCapacity: {
        TableName,
        CapacityUnits: 0.5,
        Table: { CapacityUnits: 0 },
        GlobalSecondaryIndexes: { ByGenre: { CapacityUnits: 0.5 } },
      },
    });
  });

  it('reads a local index through to the table for attributes it does not hold', async () => {
    const body = { ...nina, IndexName: 'ByYear' };
    const keysOnly = await server.call('Query', body);
    expect(keysOnly.Items[0]).toEqual({
      Artist: { S: 'Nina' },
      Song: { S: 'B' },
      Year: { N: '1958' },
    });
    const whole = await server.call('Query', { ...body, Select: 'ALL_ATTRIBUTES' });
    expect(whole.Items[0]).toEqual(songs[1]);
    const label = await server.call('Query', { ...body, ProjectionExpression: 'Label' });
    expect(label.Items).toEqual([{ Label: { S: 'x' } }, {}, {}]);
  });

  it('reads a local index with strong consistency', async () => {
    const { Count } = await server.call('Query', {
      ...nina,
      IndexName: 'ByYear',
      ConsistentRead: true,
    });
    expect(Count).toBe(3);
  });

  const faults: [string, object, string][] = [
    [
      'a limit below 1 and an empty table name, together and first',
      { ...nina, TableName: '', Limit: 0, ReturnConsumedCapacity: 'X' },
      "2 validation errors detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1; Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'no parameters but wrong ones',
      { Limit: 0, Select: 'X' },
      "3 validation errors detected: Value 'X' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]; Value null at 'tableName' failed to satisfy constraint: Member must not be null; Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      'an unknown Select after mixed parameters',
      { ...nina, Select: 'X' },
      "1 validation error detected: Value 'X' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]",
    ],
    [
      'mixed parameters',
      { ...nina, ...legacyNina, QueryFilter: {}, AttributesToGet: ['a'], Select: 'X' },
      'Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet, QueryFilter, KeyConditions} Expression parameters: {KeyConditionExpression}',
    ],
    [
      'values without a place for them',
      {
        ...legacyNina,
        ExpressionAttributeValues: { ':a': { S: 'a' } },
        ProjectionExpression: 'Song',
      },
      'ExpressionAttributeValues can only be specified when using expressions: FilterExpression and KeyConditionExpression are null',
    ],
    [
      'no key condition',
      { TableName },
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    ],
    [
      'a condition without an operator',
      { TableName, KeyConditions: { Artist: {} } },
      "1 validation error detected: Value null at 'keyConditions.Artist.member.comparisonOperator' failed to satisfy constraint: Member must not be null",
    ],
    [
      'ConditionalOperator with one filter',
      {
        ...legacyNina,
        QueryFilter: { Stars: { ComparisonOperator: 'NULL' } },
        ConditionalOperator: 'OR',
      },
      'ConditionalOperator can only be used when Filter or Expected has two or more elements',
    ],
    [
      'SPECIFIC_ATTRIBUTES without naming any',
      { ...nina, Select: 'SPECIFIC_ATTRIBUTES' },
      '1 validation error detected: Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES',
    ],
    [
      'a projection of a count',
      { ...nina, Select: 'COUNT', ProjectionExpression: 'Song' },
      '1 validation error detected: Cannot specify the ProjectionExpression when choosing to get only the Count',
    ],
    [
      'ALL_PROJECTED_ATTRIBUTES of a table',
      { ...nina, Select: 'ALL_PROJECTED_ATTRIBUTES' },
      '1 validation error detected: ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName',
    ],
    [
      'an empty filter, before what a key condition cannot be',
      { TableName, KeyConditionExpression: 'Artist = Song', FilterExpression: '' },
      'Invalid FilterExpression: The expression can not be empty;',
    ],
    [
      'an unused name, before what a key condition cannot be',
      {
        TableName,
        KeyConditionExpression: '(#a = Song)',
        ExpressionAttributeNames: { '#a': 'Artist', '#b': 'b' },
      },
      'Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}',
    ],
    [
      'two attributes in one key condition',
      { TableName, KeyConditionExpression: 'Artist = Song' },
      'Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition',
    ],
    [
      'an empty set among the values',
      { ...nina, ExpressionAttributeValues: { ':a': { SS: [] } } },
      'One or more parameter values were invalid: An string set  may not be empty',
    ],
    [
      'an empty partition key',
      { ...nina, ExpressionAttributeValues: { ':a': { S: '' } } },
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: Artist',
    ],
    [
      'an empty partition key, of KeyConditions',
      {
        TableName,
        KeyConditions: { Artist: { ComparisonOperator: 'EQ', AttributeValueList: [{ S: '' }] } },
      },
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: Artist',
    ],
    [
      'an empty bound of the sort key',
      {
        TableName,
        KeyConditionExpression: 'Artist = :a AND Song BETWEEN :b AND :a',
        ExpressionAttributeValues: { ':a': { S: 'Nina' }, ':b': { S: '' } },
      },
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: Song',
    ],
    [
      'an empty partition key of a global index',
      { ...jazz, ExpressionAttributeValues: { ':g': { S: '' } } },
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ByGenre, IndexKey: Genre',
    ],
    [
      "an empty partition key of a local index, which is the table's",
      { ...nina, IndexName: 'ByYear', ExpressionAttributeValues: { ':a': { S: '' } } },
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: Artist',
    ],
    [
      'an absent index',
      { ...nina, IndexName: 'Absent' },
      'The table does not have the specified index: Absent',
    ],
    [
      'strong consistency of a global index',
      { ...jazz, ConsistentRead: true },
      'Consistent reads are not supported on global secondary indexes',
    ],
    [
      'ALL_ATTRIBUTES of a global index that has not all',
      { ...jazz, Select: 'ALL_ATTRIBUTES' },
      'One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index ByGenre because its projection type is not ALL',
    ],
    [
      'attributes that a global index does not have',
      { ...jazz, ProjectionExpression: 'Song, Stars' },
      'One or more parameter values were invalid: Global secondary index ByGenre does not project [Stars]',
    ],
    [
      'a filter on what the index does not hold',
      { ...nina, IndexName: 'ByYear', FilterExpression: 'attribute_exists(Stars)' },
      'One or more parameter values were invalid: Secondary index ByYear does not project one or more filter attributes: [Stars]',
    ],
    [
      'a filter on the key',
      { ...nina, FilterExpression: 'Song <> :a' },
      'Filter Expression can only contain non-primary key attributes: Primary key attribute: Song',
    ],
    [
      'a legacy filter on the key',
      { ...legacyNina, QueryFilter: { Artist: { ComparisonOperator: 'NOT_NULL' } } },
      'QueryFilter can only contain non-primary key attributes: Primary key attribute: Artist',
    ],
    [
      'conditions that leave out the partition key',
      { ...nina, KeyConditionExpression: 'Song = :a' },
      'Query condition missed key schema element: Artist',
    ],
    [
      'a start key with too few attributes',
      { ...nina, ExclusiveStartKey: { Artist: { S: 'Nina' } } },
      'The provided starting key is invalid',
    ],
    [
      'a start key without a type',
      { ...nina, ExclusiveStartKey: { Artist: {}, Song: { S: 'A' } } },
      'The provided starting key is invalid: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes',
    ],
    [
      'a start key of another collection',
      { ...nina, ExclusiveStartKey: { Artist: { S: 'Bob' }, Song: { S: 'D' } } },
      'The provided starting key is outside query boundaries based on provided conditions',
    ],
    [
      'a path into a key of an index',
      { ...nina, ProjectionExpression: 'Genre.a' },
      "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: Genre",
    ],
  ];
  it.each(faults)('refuses %s', async (_, body, message) => {
    expect(await server.faultOf('Query', body)).toEqual({ type: 'ValidationException', message });
  });

  it('pages at 1 MB', async () => {
    const Item = { Id: { S: 'x' } };
    await server.call('PutItem', { TableName: 'Users', Item });
    for (let index = 0; index < 6; index++) {
      const big = { Artist: { S: 'Big' }, Song: { S: `${index}` }, A: { S: 'x'.repeat(300_000) } };
      await server.call('PutItem', { TableName, Item: big });
    }
    const body = { ...nina, ExpressionAttributeValues: { ':a': { S: 'Big' } } };
    const first = await server.call('Query', body);
    expect(first.LastEvaluatedKey).toEqual(keyOf(first.Items.at(-1)));
    const rest = await server.call('Query', { ...body, ExclusiveStartKey: first.LastEvaluatedKey });
    expect(first.Count + rest.Count).toBe(6);
    expect(rest.LastEvaluatedKey).toBeUndefined();
  });
});
