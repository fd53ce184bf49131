import { describe, expect, it } from 'vitest';
import { project } from '../../dataplane/expression/project.ts';
import { parseProjection } from '../../dataplane/expression/projection-parser.ts';
import { Substitutions } from '../../dataplane/expression/substitutions.ts';
import type { AttributeMap, Item } from '../../dataplane/item/attribute-value.ts';
import { normaliseNumber } from '../../dataplane/item/number.ts';
import { cborTrees, lengthless } from './cbor-tree.fixture.ts';
import { errorReply } from './errors.ts';
import { attributeNames, encodeItemValues, encodeUpdatedValues } from './items.ts';
import { encodeIndexKey, encodeKey } from './keys.ts';
import { projectedValues } from './projection-map.ts';
import {
  batchGetItemReply,
  batchWriteItemReply,
  type ConsumedCapacity,
  defineAttributeListIdReply,
  defineAttributeListReply,
  defineKeySchemaReply,
  endpointsReply,
  getItemReply,
  type ItemCollectionMetrics,
  type MetricsByTable,
  pageReply,
  type ReplyItem,
  type ReplyItemWithKey,
  transactGetItemsReply,
  transactWriteItemsReply,
  wholeItemReply,
  writeReply,
} from './replies.ts';
import {
  hex,
  itemAt,
  type Json,
  listIdOf,
  namesOf,
  type OperationVector,
  schemaOf,
  vectors,
} from './vectors.fixture.ts';

/**
 * The replies that the clients accepted, made again from the results that the clients showed. Whole
 * items behind a projection are those that the vectors before put.
 */
const stored = new Map<string, Item[]>();

/** An unprocessed put, which we never answer: only Go could read it. */
const notOurs = ['batch-write-unprocessed'];

describe('replies', () => {
  for (const vector of vectors.operations) {
    store(vector);
    if (vector.result === undefined || notOurs.includes(vector.id)) continue;
    const reply = replyTo(vector, vector.result);
    it(`${vector.id}: is the reply that clients accepted, but for the form of maps`, () => {
      const accepted = lengthless(cborTrees(hex(vector.response)));
      expect(lengthless(cborTrees(reply))).toEqual(accepted);
    });
  }

  it.each(
    vectors.operations
      .filter(({ error }) => error !== undefined)
      .map((vector) => [vector.id, vector] as const),
  )('%s: is the error reply that clients accepted', (_, { response, error }) => {
    const [, message, info] = cborTrees(hex(response));
    const requestId =
      typeof info === 'object' && info !== null && 'array' in info ? info.array[0] : '';
    const reasons = error?.cancellationReasons?.map((reason) => ({
      code: String(reason.Code),
      message: reason.Message === null ? undefined : String(reason.Message),
      values: reason.Item === null ? undefined : valuesOf('HashS', itemAt(reason, 'Item') ?? {}),
    }));
    const fault = {
      type: error?.code ?? '',
      message: String(message),
      status: 400,
      ...(reasons && { cancellationReasons: reasons }),
    };
    expect(errorReply(fault, String(requestId)).toString('hex')).toBe(response);
  });

  it('endpoints: is the reply that clients accepted', () => {
    const endpoints = vectors.endpoints.decoded.map(({ node, hostname, role, ...rest }) => ({
      ...rest,
      nodeId: node,
      hostName: hostname,
      isLeader: role === 1,
    }));
    expect(endpointsReply(endpoints).toString('hex')).toBe(vectors.endpoints.response);
  });

  it('endpoints: addresses of version 6 are 16 bytes, replicas have role 2', () => {
    const reply = endpointsReply([
      {
        nodeId: 300,
        hostName: 'b',
        address: 'fd00::a:10.0.0.7',
        port: 9111,
        isLeader: false,
        zone: 'z',
        leaderSessionId: 2 ** 40,
      },
    ]);
    expect(reply.toString('hex')).toBe(
      '8081a70019012c01616202 50fd00000000000000000 0000a0a000007 0319239704020 5617a061b0000010000000000'.replaceAll(
        ' ',
        '',
      ),
    );
  });

  it('lookups: are the replies that clients accepted', () => {
    const replies = new Map(
      vectors.lookups.map(({ request, response }) => [request, response] as const),
    );
    const tables = Object.keys(vectors.tables);
    for (const table of tables) {
      const request = `013a2c43e27e${(0x40 + table.length).toString(16)}${Buffer.from(table).toString('hex')}`;
      expect(replies.get(request)).toBe(defineKeySchemaReply(schemaOf(table)).toString('hex'));
    }
    let listsCount = 0;
    for (const [request, response] of replies) {
      if (!request.startsWith('011a27f9bd71')) continue;
      const names = namesOf(Number.parseInt(request.slice(12), 16));
      expect(defineAttributeListReply(names).toString('hex')).toBe(response);
      listsCount++;
    }
    expect(listsCount).toBe(11);
    expect(defineAttributeListIdReply(2).toString('hex')).toBe(replies.get('013a495927bb816176'));
    const unknownTable = {
      type: 'ResourceNotFoundException',
      message: 'Requested resource not found',
      status: 400,
    };
    expect(errorReply(unknownTable, 'req-2').toString('hex')).toBe(
      replies.get('013a2c43e27e4b4e6f537563685461626c65'),
    );
    expect(defineAttributeListIdReply(2 ** 53 - 1).toString('hex')).toBe('801b001fffffffffffff');
  });

  it('a whole item may be bytes, or their latin1 text as caches keep it', () => {
    const values = Buffer.concat([hex('0259012c'), Buffer.alloc(300, 0xf9)]);
    expect(wholeItemReply(values)).toEqual(wholeItemReply(values.toString('latin1')));
    expect(wholeItemReply(values)).toEqual(
      getItemReply({ item: { kind: 'whole', values: values.toString('latin1') } }),
    );
  });

  it('maps are indefinite where clients for Java insist on it', () => {
    const attributes = encodeUpdatedValues(8, ['a'], { a: { N: '6' } });
    const capacity = { TableName: 't', CapacityUnits: 1 };
    const units = 'fb3ff0000000000000';
    const result = { attributes, consumedCapacity: capacity };
    expect(writeReply(result).toString('hex')).toBe(
      `80bf 02 45 08bf0006ff 01 4e 6174${units}f6f6f6 ff`.replaceAll(' ', ''),
    );
    const transaction = transactWriteItemsReply({ consumedCapacity: [capacity] });
    expect(transaction.toString('hex')).toBe(
      `8083 80 81 bf 04 6174 01 ${units} ff a0`.replaceAll(' ', ''),
    );
  });

  it('nothing to say is null, and never a member that is null', () => {
    expect(getItemReply({}).toString('hex')).toBe('80f6');
    expect(writeReply({}).toString('hex')).toBe('80f6');
    expect(pageReply({ count: 0, scannedCount: 0 }).toString('hex')).toBe('80bf08000a00ff');
  });

  it('nothing found by a projection is an empty map', () => {
    const item: ReplyItem = { kind: 'projected', found: [undefined, undefined] };
    expect(getItemReply({ item }).toString('hex')).toBe('80bf00a0ff');
  });

  it('batches and transactions without capacities and metrics have empty arrays and maps', () => {
    expect(batchGetItemReply({ tables: [], unprocessedKeys: [] }).toString('hex')).toBe(
      '8082a0a080',
    );
    expect(batchWriteItemReply({ unprocessedDeletes: [] }).toString('hex')).toBe('80a080a0');
    expect(transactGetItemsReply({ items: [undefined] }).toString('hex')).toBe('808281f680');
    expect(transactWriteItemsReply({}).toString('hex')).toBe('80838080a0');
  });

  it('unprocessed deletes are keys with null behind each', () => {
    const reply = batchWriteItemReply({
      unprocessedDeletes: [{ table: 't', keys: ['a', Buffer.from('b')] }],
    });
    expect(reply.toString('hex')).toBe('80a1 6174 84 4161f6 4162f6 80a0'.replaceAll(' ', ''));
  });
});

/** Remembers what a request put. */
function store({ operation, parameters, error }: OperationVector): void {
  if (error !== undefined) return;
  if (operation === 'PutItem') put(String(parameters.TableName), itemAt(parameters, 'Item'));
  if (operation === 'BatchWriteItem') {
    for (const [table, writes] of Object.entries(parameters.RequestItems as Json)) {
      for (const { PutRequest } of writes as readonly { PutRequest?: Json }[]) {
        if (PutRequest !== undefined) put(table, itemAt(PutRequest, 'Item'));
      }
    }
  }
  if (operation === 'TransactWriteItems') {
    for (const { Put } of parameters.TransactItems as readonly { Put?: Json }[]) {
      if (Put !== undefined) put(String(Put.TableName), itemAt(Put, 'Item'));
    }
  }
}

function put(table: string, item: AttributeMap | undefined): void {
  if (item !== undefined) stored.set(table, [...(stored.get(table) ?? []), normalised(item)]);
}

function replyTo({ operation, parameters }: OperationVector, result: Json): Buffer {
  const table = String(parameters.TableName);
  const capacity = result.ConsumedCapacity as ConsumedCapacity | undefined;
  switch (operation) {
    case 'GetItem': {
      const item = itemAt(result, 'Item');
      return getItemReply({
        item: item && replyItem(table, item, parameters),
        consumedCapacity: capacity,
      });
    }
    case 'PutItem':
    case 'DeleteItem':
    case 'UpdateItem':
      return writeReply({
        attributes: attributesOf(parameters, itemAt(result, 'Attributes')),
        consumedCapacity: capacity,
        itemCollectionMetrics: result.ItemCollectionMetrics as ItemCollectionMetrics | undefined,
      });
    case 'Query':
    case 'Scan': {
      const last = itemAt(result, 'LastEvaluatedKey');
      const isIndex = parameters.IndexName !== undefined;
      const items = result.Items as readonly Item[] | undefined;
      return pageReply({
        items: items?.map((item) => replyItem(table, item, parameters)),
        count: Number(result.Count),
        scannedCount: Number(result.ScannedCount),
        lastEvaluatedKey:
          last && (isIndex ? encodeIndexKey(last) : encodeKey(schemaOf(table), last)),
        consumedCapacity: capacity,
      });
    }
    default:
      return replyToSeveral(operation, parameters, result);
  }
}

function replyToSeveral(operation: string, parameters: Json, result: Json): Buffer {
  const consumedCapacity = result.ConsumedCapacity as readonly ConsumedCapacity[] | undefined;
  const itemCollectionMetrics = result.ItemCollectionMetrics as MetricsByTable | undefined;
  switch (operation) {
    case 'BatchGetItem': {
      const requests = parameters.RequestItems as Readonly<Record<string, Json>>;
      const responses = result.Responses as Readonly<Record<string, readonly Item[]>>;
      const unprocessed = result.UnprocessedKeys as Readonly<Record<string, { Keys: Item[] }>>;
      return batchGetItemReply({
        tables: Object.entries(responses).map(([table, items]) => ({
          table,
          items: items.map((item) => replyItem(table, item, requests[table] ?? {})),
        })),
        unprocessedKeys: Object.entries(unprocessed).map(([table, { Keys }]) => ({
          table,
          keys: Keys.map((key) => encodeKey(schemaOf(table), key)),
        })),
        consumedCapacity,
      });
    }
    case 'BatchWriteItem':
      return batchWriteItemReply({
        unprocessedDeletes: [],
        consumedCapacity,
        itemCollectionMetrics,
      });
    case 'TransactGetItems': {
      const gets = parameters.TransactItems as readonly { readonly Get: Json }[];
      const responses = result.Responses as readonly Json[];
      return transactGetItemsReply({
        items: responses.map((response, index) => {
          const item = itemAt(response, 'Item');
          const get = gets[index]?.Get ?? {};
          return item && replyItem(String(get.TableName), item, get);
        }),
        consumedCapacity,
      });
    }
    case 'TransactWriteItems':
      return transactWriteItemsReply({ consumedCapacity, itemCollectionMetrics });
    default:
      throw new Error(`no reply to ${operation} is known`);
  }
}

function replyItem(table: string, shown: Item, parameters: Json): ReplyItemWithKey {
  const item = normalised(shown);
  const projection = projectionOf(parameters);
  if (projection === undefined) {
    const key = encodeKey(schemaOf(table), item);
    return { kind: 'whole', key, values: valuesOf(table, item) };
  }
  const whole = stored
    .get(table)
    ?.findLast(
      (each) => JSON.stringify(sorted(project(projection, each))) === JSON.stringify(sorted(item)),
    );
  if (whole === undefined) throw new Error(`no item of ${table} has this projection`);
  return { kind: 'projected', found: projectedValues(projection, whole) };
}

function projectionOf(parameters: Json) {
  const names = parameters.ExpressionAttributeNames as Record<string, string> | undefined;
  const old = parameters.AttributesToGet as readonly string[] | undefined;
  const text = parameters.ProjectionExpression ?? old?.join();
  return text === undefined
    ? undefined
    : parseProjection(String(text), new Substitutions(names, undefined));
}

function valuesOf(table: string, item: Item): Buffer {
  const names = attributeNames(schemaOf(table), item);
  return encodeItemValues(listIdOf(names), names, normalised(item));
}

function attributesOf(parameters: Json, attributes: Item | undefined): Buffer | undefined {
  if (attributes === undefined) return undefined;
  const isUpdated = String(parameters.ReturnValues).startsWith('UPDATED');
  if (!isUpdated) return valuesOf(String(parameters.TableName), attributes);
  const names = Object.keys(attributes).sort();
  return encodeUpdatedValues(listIdOf(names), names, attributes);
}

/** Numbers in normal form; members of sets stay in the order in which clients showed them. */
function normalised(item: Item): Item {
  return JSON.parse(JSON.stringify(item), (member, value) => {
    if (member === 'N' && typeof value === 'string') return normaliseNumber(value);
    return member === 'NS' ? value.map(normaliseNumber) : value;
  });
}

function sorted(item: Item): readonly unknown[] {
  return Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A page with its keys and values decoded. */
