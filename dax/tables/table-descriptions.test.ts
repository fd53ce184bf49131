import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JsonObject } from '../../dataplane/api/operation.ts';
import { startServer } from '../../dataplane/endpoint/endpoint.fixture.ts';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { callsTo } from './table-calls.fixture.ts';
import { TableCallError, type TableCalls } from './table-calls.ts';
import { TableDescriptions } from './table-descriptions.ts';

const ARN = 'arn:aws:dynamodb:us-east-1:000000000000:table/Music';

/** Tables that answer when the test says so. */
class HeldTables implements TableCalls {
  readonly asked: string[] = [];
  readonly #answers: ((answer: JsonObject | Error | ClientFault) => void)[] = [];

  call(_operation: string, { TableName }: JsonObject): Promise<JsonObject> {
    this.asked.push(String(TableName));
    return new Promise((resolve, reject) => {
      this.#answers.push((answer) => {
        if (answer instanceof Error || answer instanceof ClientFault) reject(answer);
        else resolve(answer);
      });
    });
  }

  answer(answer: JsonObject | Error | ClientFault = described('id-1')): void {
    for (const settle of this.#answers.splice(0)) settle(answer);
  }
}

function described(TableId: string): JsonObject {
  return {
    Table: {
      TableName: 'Music',
      TableId,
      TableArn: ARN,
      KeySchema: [{ AttributeName: 'Artist', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'Artist', AttributeType: 'S' }],
    },
  };
}

describe('descriptions', () => {
  let tables: HeldTables;
  let descriptions: TableDescriptions;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
    tables = new HeldTables();
    descriptions = new TableDescriptions(tables);
  });
  afterEach(() => {
    descriptions.close();
    vi.useRealTimers();
  });

  async function known(nameOrArn = 'Music') {
    const description = descriptions.describe(nameOrArn);
    tables.answer();
    return await description;
  }

  it.each(['valueOf', 'constructor', '__proto__'])('a table may be called %s', async (name) => {
    const described = descriptions.describe(name);
    expect(tables.asked).toEqual([name]);
    tables.answer();
    expect(await described).toMatchObject({ name: 'Music' });
  });

  it('are asked for once by many, and at hand afterwards', async () => {
    const both = [descriptions.describe('Music'), descriptions.describe('Music')];
    tables.answer();
    const [one, other] = await Promise.all(both);
    expect(one).toBe(other);
    expect(one).toMatchObject({ name: 'Music', id: 'id-1', arn: ARN });
    expect(descriptions.describe('Music')).toBe(one);
    expect(tables.asked).toEqual(['Music']);
  });

  it('are asked for again after 10 s, when they are used, and nobody waits for it', async () => {
    const start = Date.now();
    const info = await known();
    vi.setSystemTime(start + 9_999);
    expect(descriptions.describe('Music')).toBe(info);
    expect(tables.asked).toHaveLength(1);
    vi.setSystemTime(start + 10_000);
    expect(descriptions.describe('Music')).toBe(info);
    expect(descriptions.describe('Music')).toBe(info);
    expect(tables.asked).toHaveLength(2);
    tables.answer(described('id-2'));
    await vi.waitFor(() => expect(descriptions.describe('Music')).toMatchObject({ id: 'id-2' }));
    // By the ARN as well: no two of them show different tables.
    expect(descriptions.describe(ARN)).toBe(descriptions.describe('Music'));
    expect(tables.asked).toHaveLength(2);
  });

  it('are waited for when they are 20 s old', async () => {
    const start = Date.now();
    await known();
    vi.setSystemTime(start + 20_000);
    const description = descriptions.describe('Music');
    expect(description).toBeInstanceOf(Promise);
    tables.answer(described('id-2'));
    expect(await description).toMatchObject({ id: 'id-2' });
  });

  it('stay while the tables do not answer, and are asked for again later', async () => {
    const start = Date.now();
    const info = await known();
    vi.setSystemTime(start + 20_000);
    const description = descriptions.describe('Music');
    tables.answer(new TableCallError('away', false));
    expect(await description).toBe(info);
    expect(descriptions.describe('Music')).toBe(info);
    vi.setSystemTime(start + 30_000);
    expect(descriptions.describe('Music')).toBe(info);
    expect(tables.asked).toHaveLength(3);
    tables.answer();
  });

  it('go when the tables say that there is no such table, whoever asked', async () => {
    const start = Date.now();
    const info = await known();
    vi.setSystemTime(start + 10_000);
    expect(descriptions.describe('Music')).toBe(info);
    tables.answer(new ClientFault('ResourceNotFoundException', 'not there'));
    await vi.waitFor(() => expect(descriptions.describe('Music')).toBeInstanceOf(Promise));
    tables.answer();
  });

  it('are current as long as nobody has forgotten them, and of that very table', async () => {
    const info = await known();
    expect(descriptions.isCurrent(info)).toBe(true);
    expect(descriptions.isCurrent({ ...info, id: 'id-2' })).toBe(false);
    descriptions.forgetAll();
    expect(descriptions.isCurrent(info)).toBe(false);
    await known();
    expect(tables.asked).toHaveLength(2);
  });

  it('that were asked for by ARN are known by the name as well, and forgotten by either', async () => {
    const info = await known(ARN);
    expect(descriptions.describe(ARN)).toBe(info);
    expect(descriptions.describe('Music')).toBe(info);
    descriptions.forget('Music');
    await known(ARN);
    expect(tables.asked).toEqual([ARN, ARN]);
    descriptions.forget(ARN);
    await known();
    expect(tables.asked).toEqual([ARN, ARN, 'Music']);
  });

  it('that were forgotten while they were asked for are not kept', async () => {
    const old = descriptions.describe('Music');
    descriptions.forget('Music');
    const current = descriptions.describe('Music');
    expect(tables.asked).toEqual(['Music', 'Music']);
    tables.answer(described('id-2'));
    expect(await old).not.toBe(await current);
    expect(descriptions.describe('Music')).toBe(await current);
  });

  it('are not kept when the tables answer with a fault, which is handed on', async () => {
    const fault = new ClientFault('ResourceNotFoundException', 'not there');
    const description = descriptions.describe('Music');
    tables.answer(fault);
    await expect(description).rejects.toBe(fault);
    expect(await known()).toMatchObject({ name: 'Music' });
  });

  it.each([
    {},
    { Table: [] },
    { Table: { ...Object(described('x').Table), KeySchema: [] } },
    { Table: { ...Object(described('x').Table), AttributeDefinitions: [] } },
    { Table: { ...Object(described('x').Table), TableId: 7 } },
    { Table: { ...Object(described('x').Table), LocalSecondaryIndexes: 'none' } },
  ])('that are none are refused: %j', async (answer) => {
    const description = descriptions.describe('Music');
    tables.answer(answer);
    await expect(description).rejects.toBeInstanceOf(TableCallError);
  });
});

it('a real table is described with its indexes', async () => {
  const server = await startServer();
  const calls = callsTo(`http://127.0.0.1:${server.port}`);
  const descriptions = new TableDescriptions(calls);
  const all = { Projection: { ProjectionType: 'ALL' } };
  const keyOf = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ];
  await calls.call('CreateTable', {
    TableName: 'Music',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'Artist', AttributeType: 'S' },
      { AttributeName: 'Song', AttributeType: 'N' },
      { AttributeName: 'Label', AttributeType: 'B' },
    ],
    KeySchema: keyOf('Artist', 'Song'),
    LocalSecondaryIndexes: [{ IndexName: 'ByLabel', KeySchema: keyOf('Artist', 'Label'), ...all }],
    GlobalSecondaryIndexes: [{ IndexName: 'Labels', KeySchema: keyOf('Label', 'Song'), ...all }],
  });
  const [artist, song, label] = [
    { name: 'Artist', type: 'S' },
    { name: 'Song', type: 'N' },
    { name: 'Label', type: 'B' },
  ];
  expect(await descriptions.describe('Music')).toEqual({
    name: 'Music',
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    arn: ARN,
    key: { hash: artist, range: song },
    localIndexes: new Map([['ByLabel', { hash: artist, range: label }]]),
    globalIndexes: new Map([['Labels', { hash: [label], range: [song] }]]),
  });
  await expect(descriptions.describe('nope')).rejects.toMatchObject({
    type: 'ResourceNotFoundException',
    message: 'Requested resource not found: Table: nope not found',
  });
  descriptions.close();
  calls.close();
  await server.close();
});
