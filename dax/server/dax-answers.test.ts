import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Authorizer, everythingAllowed } from '../../dataplane/access/authorizer.ts';
import { principalOf } from '../../dataplane/access/principal.ts';
import { accessFaults } from '../../dataplane/errors/access.ts';
import { ClientFault, RelayedFault } from '../../dataplane/errors/client-fault.ts';
import { CoherenceError } from '../cluster/coherence.ts';
import { RegistryError } from '../cluster/registry-store.ts';
import { CborReader } from '../protocol/cbor-reader.ts';
import { encodeItemValues } from '../protocol/items.ts';
import { encodeKey } from '../protocol/keys.ts';
import { clientCompiles } from '../protocol/node-client.fixture.ts';
import type { DaxRequest, GetItemRequest, PutItemRequest } from '../protocol/requests.ts';
import { TableCallError } from '../tables/table-calls.ts';
import type { Caller } from './caller.ts';
import { CallerAccess } from './caller-access.ts';
import { newCounters } from './counters.ts';
import { DaxAnswers } from './dax-answers.ts';
import { type Door, openDoor } from './door.fixture.ts';
import type { DoorLists, DoorTables } from './door-tables.ts';

const caller: Caller = {
  principal: principalOf('user/ann', '123456789012'),
  isTls: false,
  sourceIp: '127.0.0.1',
  selectForm: 'plain',
};
const clusterArn = 'arn:aws:dax:us-east-1:123456789012:cache/test';
const schema = { hash: { name: 'pk', type: 'S' }, range: undefined } as const;
const opened: { door?: Door } = {};

afterEach(async () => {
  await opened.door?.close();
  delete opened.door;
});

function answersOver(
  tables: DoorTables,
  lists: DoorLists,
  { authorizer = everythingAllowed }: { authorizer?: Authorizer } = {},
) {
  const counters = newCounters();
  const lines: string[] = [];
  const log = pino({ level: 'warn', base: null }, { write: (line) => lines.push(line) });
  const access = new CallerAccess(authorizer, clusterArn);
  const answers = new DaxAnswers({ tables, lists, members: () => [], access, counters, log });
  return { answers, counters, lines };
}

async function openHashTable(): Promise<Door> {
  const door = await openDoor();
  opened.door = door;
  await door.tables.createTable({
    TableName: 'HashS',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  });
  return door;
}

function get(pk: string, options: GetItemRequest['options'] = {}): GetItemRequest {
  return { method: 'getItem', table: 'HashS', key: encodeKey(schema, { pk: { S: pk } }), options };
}

async function put(door: Door, pk: string, text: string): Promise<PutItemRequest> {
  const listId = await door.lists.idOf(['v']);
  const values = encodeItemValues(listId, ['v'], { v: { S: text } });
  return { method: 'putItem', table: 'HashS', key: Buffer.from(pk), values, options: {} };
}

interface ReadFault {
  readonly codes: readonly number[];
  readonly message: string;
  readonly errorCode: string;
  readonly status: number;
}

function readFault(reply: Buffer): ReadFault {
  const reader = new CborReader(reply);
  const codes = Array.from({ length: reader.definiteArrayCount() }, () => reader.integer());
  const message = reader.text();
  reader.definiteArrayCount();
  expect(reader.text()).toMatch(/^[0-9A-V]{52}$/); // request id
  return { codes, message, errorCode: reader.text(), status: reader.integer() };
}

describe('answers', () => {
  it('a hit of GetItem is there without a promise, and asks nobody', async () => {
    const door = await openHashTable();
    const { answers } = answersOver(door.cache, door.lists);
    await answers.answer(await put(door, 'a', 'text'), caller);
    const reply = answers.answer(get('a'), caller);
    if (reply instanceof Promise) throw new Error('a hit is not waited for');
    expect(reply.subarray(0, 3).toString('hex')).toBe('80bf00');
    expect(reply.subarray(-5, -1).toString()).toBe('text');
    // The tables are not asked: they have nothing under that name any more.
    await door.tables.call('DeleteTable', { TableName: 'HashS' });
    expect(answers.answer(get('a'), caller)).toEqual(reply);
  });

  it('so is one with a projection, and one of an item that is not there', async () => {
    const door = await openHashTable();
    const { answers } = answersOver(door.cache, door.lists);
    await answers.answer(await put(door, 'a', 'text'), caller);
    await answers.answer(get('nobody'), caller);
    const projection = clientCompiles('Projection', 'nope, v', { names: {}, values: {} });
    const projected = answers.answer(get('a', { projection }), caller);
    expect(projected).toEqual(Buffer.from('80bf00a1016474657874ff', 'hex'));
    expect(answers.answer(get('nobody'), caller)).toEqual(Buffer.from('80f6', 'hex'));
  });

  it('so is a hit of Query', async () => {
    const door = await openHashTable();
    const { answers } = answersOver(door.cache, door.lists);
    await answers.answer(await put(door, 'a', 'text'), caller);
    const keyCondition = clientCompiles('KeyCondition', 'pk = :a', {
      names: {},
      values: { ':a': { S: 'a' } },
    });
    const query: DaxRequest = { method: 'query', table: 'HashS', keyCondition, options: {} };
    const first = await answers.answer(query, caller);
    expect(answers.answer(query, caller)).toEqual(first);
  });

  it('an attribute list that nobody defined is a fault of the request', async () => {
    const door = await openHashTable();
    const { answers } = answersOver(door.cache, door.lists);
    const values = encodeItemValues(12_345, ['v'], { v: { S: 'x' } });
    const reply = await answers.answer({ ...(await put(door, 'a', 'x')), values }, caller);
    expect(readFault(reply)).toMatchObject({
      codes: [4, 37, 38, 39, 46],
      errorCode: 'ValidationException',
      message: 'The request is malformed: attribute list 12345 is not known',
      status: 400,
    });
  });

  it('one that another node defined is asked for first', async () => {
    const door = await openHashTable();
    const ask = vi.fn(async () => ['v']);
    const { answers } = answersOver(door.cache, {
      idOf: (names) => door.lists.idOf(names),
      namesOf: ask,
    });
    const values = encodeItemValues(12_345, ['v'], { v: { S: 'x' } });
    await answers.answer({ ...(await put(door, 'a', 'x')), values }, caller);
    expect(ask).toHaveBeenCalledWith(12_345);
    const { Item } = await door.tables.call('GetItem', {
      TableName: 'HashS',
      Key: { pk: { S: 'a' } },
    });
    expect(Item).toEqual({ pk: { S: 'a' }, v: { S: 'x' } });
  });

  it('a list that names the key cannot change it', async () => {
    const door = await openHashTable();
    const { answers } = answersOver(door.cache, door.lists);
    const names = ['pk', 'v'];
    const item = { pk: { S: 'other' }, v: { S: 'x' } };
    const values = encodeItemValues(await door.lists.idOf(names), names, item);
    const request = { ...(await put(door, 'a', 'x')), values };
    expect(await answers.answer(request, caller)).toEqual(Buffer.from('80f6', 'hex'));
    const { Items } = await door.tables.call('Scan', { TableName: 'HashS' });
    expect(Items).toEqual([{ pk: { S: 'a' }, v: { S: 'x' } }]);
  });
});

describe('answers to what fails', () => {
  async function answerTo(error: unknown, request: DaxRequest = get('a')) {
    const door = await openHashTable();
    const failing: DoorTables = {
      describe: (name) => door.cache.describe(name),
      getItem: () => Promise.reject(error),
      batchGetItem: () => Promise.reject(error),
      page: () => Promise.reject(error),
      write: () => Promise.reject(error),
      batchWriteItem: () => Promise.reject(error),
      transactGetItems: () => Promise.reject(error),
      transactWriteItems: () => Promise.reject(error),
    };
    const { answers, counters, lines } = answersOver(failing, door.lists);
    const fault = readFault(await answers.answer(request, caller));
    return { fault, counters, lines };
  }

  const remove: DaxRequest = {
    method: 'deleteItem',
    table: 'HashS',
    key: Buffer.from('a'),
    options: {},
  };

  it('a fault of the tables is passed on', async () => {
    const { fault, counters, lines } = await answerTo(
      new ClientFault('ProvisionedThroughputExceededException', 'slower'),
    );
    expect(fault).toEqual({
      codes: [4, 37, 38, 39, 40],
      errorCode: 'ProvisionedThroughputExceededException',
      message: 'slower',
      status: 400,
    });
    expect([...counters.errors]).toEqual([['ProvisionedThroughputExceededException', 1]]);
    expect(lines).toEqual([]);
  });

  it.each([
    ['a read', get('a'), new TableCallError('away', true), [4, 37, 38, 39, 47]],
    ['a write that may have been done', remove, new TableCallError('away', true), [1, 37, 38, 53]],
    ['a write that was not done', remove, new TableCallError('away', false), [4, 37, 38, 39, 47]],
    ['a write that not all nodes know of', remove, new CoherenceError('late'), [1, 37, 38, 53]],
    ['a registry that is away', get('a'), new RegistryError('away'), [4, 37, 38, 39, 47]],
  ])('%s is answered with 500, in general terms', async (_, request, error, codes) => {
    const { fault, lines } = await answerTo(error, request);
    expect(fault).toEqual({
      codes,
      errorCode: 'InternalServerError',
      message: 'The replicas that have this data cannot be reached; try again.',
      status: 500,
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('daxRequestNotAnswered');
  });

  it.each([
    [get('a'), new ClientFault('InternalServerError', 'The volume is full.'), [4, 37, 38, 39, 47]],
    [remove, new ClientFault('InternalServerError', 'The volume is full.'), [1, 37, 38, 53]],
    [
      remove,
      new RelayedFault({ wireType: 'x#ServiceUnavailable', status: 503 }, 'The volume is full.'),
      [1, 37, 38, 53],
    ],
  ])('what the tables say of their failure is passed on (%#)', async (request, said, codes) => {
    const error = new TableCallError('500', true, { fault: said });
    const { fault, counters, lines } = await answerTo(error, request);
    const [errorCode, status] =
      said instanceof RelayedFault ? [said.wireName, 503] : ['InternalServerError', 500];
    expect(fault).toEqual({ codes, errorCode, message: 'The volume is full.', status });
    expect([...counters.errors]).toEqual([['InternalServerError', 1]]);
    expect(lines).toHaveLength(1);
  });

  it('a fault that only the tables know keeps its name and words', async () => {
    const novel = new RelayedFault({ wireType: 'x#NovelException', status: 400 }, 'new');
    const { fault, counters } = await answerTo(novel, remove);
    expect(fault).toMatchObject({ errorCode: 'NovelException', message: 'new', status: 400 });
    expect([...counters.errors]).toEqual([['ValidationException', 1]]);
  });

  it('a defect is logged and told nobody', async () => {
    const { fault, lines } = await answerTo(new TypeError('secret'));
    expect(fault).toMatchObject({ errorCode: 'InternalServerError', status: 500 });
    expect(fault.message).not.toContain('secret');
    expect(lines[0]).toContain('secret');
  });

  it('a table that is not there has the words of operations on items', async () => {
    const { fault } = await answerTo(undefined, { ...get('a'), table: 'Nowhere' });
    expect(fault).toMatchObject({
      codes: [4, 37, 38, 39, 41],
      errorCode: 'ResourceNotFoundException',
      message: 'Requested resource not found',
    });
  });

  it('callers who may not are told what and where, before anything is looked at', async () => {
    const describe = vi.fn();
    const authorize: Authorizer['authorize'] = ({ arn }, { action, resource }) => {
      throw accessFaults.denied(arn, action, resource);
    };
    const tables = { describe } as unknown as DoorTables; // nothing else may be touched
    const door = await openHashTable();
    const { answers } = answersOver(tables, door.lists, { authorizer: { authorize } });
    const reply = await answers.answer(get('a'), caller);
    expect(readFault(reply)).toMatchObject({
      codes: [4, 37, 38, 42],
      errorCode: 'AccessDeniedException',
    });
    expect(readFault(reply).message).toContain(
      `User: arn:aws:iam::123456789012:user/ann is not authorized to perform: dax:GetItem on resource: ${clusterArn}`,
    );
    expect(describe).not.toHaveBeenCalled();
  });
});
