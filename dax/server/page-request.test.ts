import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { encodeIndexKey, encodeKey } from '../protocol/keys.ts';
import { clientCompiles } from '../protocol/node-client.fixture.ts';
import type { QueryRequest, RequestOptions, ScanRequest, Select } from '../protocol/requests.ts';
import { type SelectForm, selectFormOf } from './caller.ts';
import { collectionOf, pageBody, pageRequestOf, requestKeyOf } from './page-request.ts';
import { music } from './table-info.fixture.ts';

const plain = { selectForm: 'plain' } as const;
const values = { ':a': { S: 'x' }, ':y': { N: '1998' } };

function compiled(kind: 'KeyCondition' | 'Filter' | 'Projection', text: string): Buffer {
  const used = Object.entries(values).filter(([token]) => text.includes(token));
  return clientCompiles(kind, text, { names: {}, values: Object.fromEntries(used) });
}

function query(condition: string | undefined, options: RequestOptions = {}): QueryRequest {
  const keyCondition = condition === undefined ? undefined : compiled('KeyCondition', condition);
  return { method: 'query', table: 'Music', keyCondition, options };
}

function scan(options: RequestOptions): ScanRequest {
  return { method: 'scan', table: 'Music', options };
}

function bodyOf(request: QueryRequest | ScanRequest): JsonObject {
  return pageBody(pageRequestOf(request, plain), music);
}

function keyOf(request: QueryRequest | ScanRequest): string {
  return requestKeyOf(bodyOf(request), pageRequestOf(request, plain).projection);
}

describe('the request for the table', () => {
  it('has all that the client asked for', () => {
    const request = query('Artist = :a', {
      filter: compiled('Filter', 'Plays > :y'),
      projection: compiled('Projection', 'Song, Info.Label'),
      limit: 5,
      scanIndexForward: false,
      select: 'SPECIFIC_ATTRIBUTES',
      exclusiveStartKey: encodeKey(music.key, { Artist: { S: 'x' }, Song: { S: 's' } }),
    });
    expect(bodyOf(request)).toEqual({
      TableName: 'Music',
      KeyConditionExpression: '#a=:a',
      FilterExpression: '#b>:b',
      ProjectionExpression: '#c,#d.#e',
      ExpressionAttributeNames: {
        '#a': 'Artist',
        '#b': 'Plays',
        '#c': 'Song',
        '#d': 'Info',
        '#e': 'Label',
      },
      ExpressionAttributeValues: { ':a': { S: 'x' }, ':b': { N: '1998' } },
      Limit: 5,
      ScanIndexForward: false,
      Select: 'SPECIFIC_ATTRIBUTES',
      ExclusiveStartKey: { Artist: { S: 'x' }, Song: { S: 's' } },
    });
  });

  it('of a segment of an index starts at keys of both', () => {
    const start = { Artist: { S: 'x' }, Song: { S: 's' }, Genre: { S: 'g' }, Year: { N: '1' } };
    const options = { indexName: 'ByGenre', segment: 1, totalSegments: 4 };
    const exclusiveStartKey = encodeIndexKey(start);
    expect(bodyOf(scan({ ...options, exclusiveStartKey }))).toEqual({
      TableName: 'Music',
      IndexName: 'ByGenre',
      Segment: 1,
      TotalSegments: 4,
      ExclusiveStartKey: start,
    });
  });

  it('asks for lists as a whole, since the answer would close them up', () => {
    const request = scan({
      projection: compiled('Projection', 'Tags[2], Tags[0], Info.a[1].b, Info.c'),
    });
    expect(bodyOf(request)).toMatchObject({
      ProjectionExpression: '#a,#b.a,#b.c',
      ExpressionAttributeNames: { '#a': 'Tags', '#b': 'Info' },
    });
  });

  it('leaves what leads into a key attribute for the table to refuse', () => {
    const request = scan({ projection: compiled('Projection', 'Tags[2], Genre[0]') });
    expect(bodyOf(request)).toMatchObject({ ProjectionExpression: '#a[2],#b[0]' });
  });

  const projection = compiled('Projection', 'Plays');
  it.each<[string, RequestOptions, string | undefined]>([
    ['a table', {}, undefined],
    ['a global index', { indexName: 'ByGenre' }, undefined],
    ['an index that is not there', { indexName: 'Other' }, undefined],
    ['a local index, where it adds attributes', { indexName: 'ByYear' }, 'ALL_ATTRIBUTES'],
    ['a projection', { projection, indexName: 'ByYear' }, undefined],
  ])(
    'of an unknown client has ALL_ATTRIBUTES only where it cannot be wrong: %s',
    (_, options, expected) => {
      const request = pageRequestOf(scan({ ...options, select: 'ALL_ATTRIBUTES' }), {
        selectForm: 'unsure',
      });
      expect(pageBody(request, music).Select).toBe(expected);
    },
  );

  it.each<[string, RequestOptions, string | undefined]>([
    ['a table, where it changes nothing', {}, undefined],
    ['a global index', { indexName: 'ByGenre' }, 'ALL_ATTRIBUTES'],
    ['a local index', { indexName: 'ByYear' }, 'ALL_ATTRIBUTES'],
    ['a projection', { projection }, 'ALL_ATTRIBUTES'],
  ])(
    "of Node's and Python's clients has ALL_ATTRIBUTES as it was said: %s",
    (_, options, expected) => {
      expect(bodyOf(scan({ ...options, select: 'ALL_ATTRIBUTES' })).Select).toBe(expected);
    },
  );

  it.each<[string | undefined, SelectForm]>([
    ['DaxGoV2Client-1.0.3', 'inverted'],
    ['DaxGoClient-1.2.14', 'plain'],
    ['DaxJSV3Client-3.1.0', 'plain'],
    ['DaxJSClient-1.2.10', 'plain'],
    ['DaxPythonClient-2.1.0', 'plain'],
    ['DaxJavaV2Client-2.0.5', 'plain'],
    ['DaxJavaClient-1.0.230341.0', 'plain'],
    ['DaxDotNetClient-1', 'unsure'],
    [undefined, 'unsure'],
  ])('knows what a client means by Select by its user agent: %s', (userAgent, expected) => {
    expect(selectFormOf(userAgent)).toBe(expected);
  });

  it.each<[Select | undefined, Select | undefined]>([
    ['ALL_ATTRIBUTES', undefined],
    [undefined, 'ALL_ATTRIBUTES'],
    ['COUNT', 'COUNT'],
    ['ALL_PROJECTED_ATTRIBUTES', 'ALL_PROJECTED_ATTRIBUTES'],
  ])("from Go's client has the Select that was meant: %s", (select, expected) => {
    const request = scan({ indexName: 'ByYear', ...(select && { select }) });
    expect(pageBody(pageRequestOf(request, { selectForm: 'inverted' }), music).Select).toBe(
      expected,
    );
  });

  it('without a key condition is refused as the table does it', () => {
    expect(() => bodyOf(query(undefined))).toThrow(
      expect.objectContaining({
        message:
          'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
      }),
    );
  });

  it.each([
    [
      query('Artist = :a', { exclusiveStartKey: Buffer.from('00', 'hex') }),
      'The provided starting key is invalid',
    ],
    [
      scan({
        exclusiveStartKey: encodeKey(music.key, { Artist: { S: 'x' }, Song: { S: 's' } }).subarray(
          0,
          2,
        ),
      }),
      'The provided starting key is invalid: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: Song',
    ],
  ])('with a start key that is none is refused as the table does it', (request, message) => {
    expect(() => bodyOf(request)).toThrow(expect.objectContaining({ message }));
  });
});

describe('what equal requests have in common', () => {
  it('does not depend on defaults that one client sends and another does not', () => {
    expect(keyOf(query('Artist = :a', { scanIndexForward: true, select: 'ALL_ATTRIBUTES' }))).toBe(
      keyOf(query('Artist = :a')),
    );
  });

  it('does not depend on the order of a list of ordinals alone: the answer has them', () => {
    const [one, other] = ['Tags[2], Tags[0]', 'Tags[0], Tags[2]'].map((text) =>
      scan({ projection: compiled('Projection', text) }),
    );
    if (one === undefined || other === undefined) throw new Error('two requests');
    expect(bodyOf(one)).toEqual(bodyOf(other));
    expect(keyOf(one)).not.toBe(keyOf(other));
  });

  it.each<[string, QueryRequest | ScanRequest]>([
    ['index', query('Artist = :a', { indexName: 'ByYear' })],
    ['filter', query('Artist = :a', { filter: compiled('Filter', 'Plays > :y') })],
    ['projection', query('Artist = :a', { projection: compiled('Projection', 'Plays') })],
    ['limit', query('Artist = :a', { limit: 1 })],
    ['direction', query('Artist = :a', { scanIndexForward: false })],
    ['count', query('Artist = :a', { select: 'COUNT' })],
    ['sort key condition', query('Artist = :a AND Song = :a')],
    [
      'start',
      query('Artist = :a', {
        exclusiveStartKey: encodeKey(music.key, { Artist: { S: 'x' }, Song: { S: 's' } }),
      }),
    ],
    ['segment', scan({ segment: 0, totalSegments: 2 })],
  ])('says what the answer depends on: %s', (_, request) => {
    expect(keyOf(request)).not.toBe(keyOf(query('Artist = :a')));
  });
});

describe('the item collection of a Query', () => {
  const expected = encodeKey(music.key, { Artist: { S: 'x' }, Song: { S: 's' } }).subarray(0, 2);

  it.each([
    query('Artist = :a'),
    query(':a = Artist'),
    query('Song = :a AND Artist = :a'),
    query('Artist = :a AND Year > :y', { indexName: 'ByYear' }),
  ])('is what keys begin with', (request) => {
    expect(collectionOf(pageRequestOf(request, plain), music)).toEqual(expected);
  });

  it.each([
    scan({}),
    query('Genre = :a', { indexName: 'ByGenre' }),
    query('Artist = :y'),
    query('Artist > :a'),
    query('Other = :a'),
  ])('is not known of anything else', (request) => {
    expect(collectionOf(pageRequestOf(request, plain), music)).toBeUndefined();
  });
});
