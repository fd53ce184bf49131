import { describe, expect, it } from 'vitest';
import { parseCondition } from '../../dataplane/expression/condition-parser.ts';
import { parseProjection } from '../../dataplane/expression/projection-parser.ts';
import { Substitutions } from '../../dataplane/expression/substitutions.ts';
import { parseUpdate } from '../../dataplane/expression/update-parser.ts';
import type { AttributeMap } from '../../dataplane/item/attribute-value.ts';
import { validateItem } from '../../dataplane/item/validate.ts';
import { decodeCondition, decodeProjection, decodeUpdate } from './expressions.ts';
import { decodeItemValues } from './items.ts';
import { decodeIndexKey, decodeKey } from './keys.ts';
import { requestIn } from './parsing.fixture.ts';
import type { DaxRequest, RequestOptions } from './requests.ts';
import {
  hex,
  itemAt,
  type Json,
  namesOf,
  type OperationVector,
  requestsOf,
  schemaOf,
  vectors,
} from './vectors.fixture.ts';

/**
 * Requests as the API has them: names and values put into expressions, numbers in normal form. Options
 * that say what holds anyway are left out, as some clients send them and some do not.
 */
type View = { readonly [member: string]: unknown };

/** Expressions that no text of the parameters gives: of the old-style parameters. */
const legacyExpressions: { readonly [id: string]: View } = {
  'v1-attributes-to-get': { ProjectionExpression: [['v'], ['pk']] },
  'v1-expected': { ConditionExpression: compare('v', '=', { N: '1' }) },
  'v1-attribute-updates': {
    UpdateExpression: [
      { kind: 'set', path: ['w'], term: { kind: 'value', value: { S: 'x' } } },
      { kind: 'add', path: ['v'], value: { N: '2' }, legacy: false },
      { kind: 'remove', path: ['q'] },
    ],
  },
  'v1-key-conditions': {
    KeyConditionExpression: {
      kind: 'and',
      left: compare('pk', '=', { S: 'p' }),
      right: compare('sk', '<', { N: '3' }),
    },
  },
  'v1-scan-filter': {
    FilterExpression: {
      kind: 'in',
      operand: { kind: 'path', path: ['v'] },
      candidates: [
        { kind: 'value', value: { S: 'v1' } },
        { kind: 'value', value: { S: 'v2' } },
      ],
    },
  },
};

function compare(name: string, comparator: string, value: unknown) {
  const left = { kind: 'path', path: [name] };
  return { kind: 'compare', comparator, left, right: { kind: 'value', value } };
}

describe('decodeRequest', () => {
  describe.each(vectors.operations.map((vector) => [vector.id, vector] as const))(
    '%s',
    (_, vector) => {
      it.each(requestsOf(vector))('from %s is the parameters that were given', (client, bytes) => {
        const view = viewOf(requestIn(bytes));
        const expected = { ...expectedView(vector), ...legacyExpressions[vector.id] };
        expect(flattened(withoutUnasked(view, client, vector))).toEqual(flattened(expected));
      });
    },
  );

  it.each(vectors.authorizeConnection.map((vector) => [vector.client, vector] as const))(
    'authorizeConnection from %s is the credentials given',
    (_, { request, accessKeyId, signature, stringToSign, sessionToken, userAgent }) => {
      expect(requestIn(hex(request))).toEqual({
        method: 'authorizeConnection',
        accessKeyId,
        signature,
        stringToSign,
        sessionToken: sessionToken ?? undefined,
        userAgent,
      });
    },
  );

  it('endpoints has no arguments', () => {
    expect(requestIn(hex(vectors.endpoints.request))).toEqual({ method: 'endpoints' });
  });

  it('lookups name a table, an attribute list or its id', () => {
    const requests = vectors.lookups.map(({ request }) => requestIn(hex(request)));
    expect(requests.map(({ method }) => method)).toEqual(
      vectors.lookups.map(({ operation }) => operation),
    );
    expect(requests.slice(0, 4)).toEqual([
      { method: 'defineKeySchema', table: 'HashS' },
      { method: 'defineKeySchema', table: 'HashN' },
      { method: 'defineAttributeListId', names: ['v'] },
      { method: 'defineKeySchema', table: 'HashB' },
    ]);
    expect(requests[10]).toEqual({ method: 'defineAttributeList', id: 2 });
  });

  it('of an option that comes twice the last value counts', () => {
    const request = requestIn(hex('011a3c69622141614161bf0441780443830102ff'));
    expect(request).toMatchObject({ options: { condition: hex('830102') } });
  });

  it('names may be a set, as the clients for Java send them', () => {
    const request = requestIn(hex('013a495927bb d90cf9 82 6161 6162'.replaceAll(' ', '')));
    expect(request).toEqual({ method: 'defineAttributeListId', names: ['a', 'b'] });
  });

  it('an empty start key is none: the older client for Java begins each Scan with it', () => {
    const request = requestIn(hex('013a6fc8309b 4141 bf 0940 ff'.replaceAll(' ', '')));
    expect(request).toEqual({ method: 'scan', table: 'A', options: {} });
  });

  it('options may be null, empty, or a map of definite length', () => {
    for (const options of ['f6', 'bfff', 'a0']) {
      expect(requestIn(hex(`011a0fb0cc6a41614162${options}`))).toMatchObject({ options: {} });
    }
    expect(requestIn(hex('011a0fb0cc6a41614162a102f5'))).toMatchObject({
      options: { consistentRead: true },
    });
  });

  it('reads flags as booleans and as integers', () => {
    for (const [flag, consistentRead] of [
      ['f4', false],
      ['f5', true],
      ['00', false],
      ['01', true],
    ] as const) {
      expect(requestIn(hex(`011a0fb0cc6a41614162bf02${flag}ff`))).toMatchObject({
        options: { consistentRead },
      });
    }
  });
});

function viewOf(request: DaxRequest): View {
  switch (request.method) {
    case 'getItem':
    case 'updateItem':
    case 'deleteItem': {
      const Key = decodeKey(schemaOf(request.table), request.key);
      return { TableName: request.table, Key, ...optionsView(request.table, request.options) };
    }
    case 'putItem':
      return {
        TableName: request.table,
        Item: itemOf(request.table, request.key, request.values),
        ...optionsView(request.table, request.options),
      };
    case 'query':
    case 'scan':
      return {
        TableName: request.table,
        ...('keyCondition' in request &&
          request.keyCondition !== undefined && {
            KeyConditionExpression: decodeCondition(request.keyCondition, 'KeyConditionExpression'),
          }),
        ...optionsView(request.table, request.options),
      };
    case 'batchGetItem':
      return {
        RequestItems: Object.fromEntries(
          request.tables.map(({ table, keys, consistentRead, projection }) => [
            table,
            {
              Keys: keys.map((key) => decodeKey(schemaOf(table), key)),
              ...(consistentRead && { ConsistentRead: true }),
              ...(projection && { ProjectionExpression: decodeProjection(projection) }),
            },
          ]),
        ),
        ...optionsView('', request.options),
      };
    case 'batchWriteItem':
      return {
        RequestItems: Object.fromEntries(
          request.tables.map(({ table, writes }) => [
            table,
            writes.map(({ key, values }) =>
              values === undefined
                ? { DeleteRequest: { Key: decodeKey(schemaOf(table), key) } }
                : { PutRequest: { Item: itemOf(table, key, values) } },
            ),
          ]),
        ),
        ...optionsView('', request.options),
      };
    default:
      return transactionView(request);
  }
}

function transactionView(request: DaxRequest): View {
  if (request.method === 'transactGetItems') {
    const gets = request.gets.map(({ table, key, projection }) => ({
      Get: {
        TableName: table,
        Key: decodeKey(schemaOf(table), key),
        ...(projection && { ProjectionExpression: decodeProjection(projection) }),
      },
    }));
    return { TransactItems: gets, ...optionsView('', request.options) };
  }
  if (request.method !== 'transactWriteItems') throw new Error(`${request.method} has no items`);
  const writes = request.writes.map(
    ({ operation, table, key, values, condition, update, ...rest }) => ({
      [operation]: {
        TableName: table,
        ...(values
          ? { Item: itemOf(table, key, values) }
          : { Key: decodeKey(schemaOf(table), key) }),
        ...(condition && {
          ConditionExpression: decodeCondition(condition, 'ConditionExpression'),
        }),
        ...(update && { UpdateExpression: decodeUpdate(update) }),
        ...(rest.returnValuesOnConditionCheckFailure === 'ALL_OLD' && {
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      },
    }),
  );
  return { TransactItems: writes, ...optionsView('', request.options) };
}

function itemOf(table: string, key: Buffer, bytes: Buffer): AttributeMap {
  const values = decodeItemValues(bytes);
  return { ...values.valuesAt(namesOf(values.listId)), ...decodeKey(schemaOf(table), key) };
}

function optionsView(table: string, options: RequestOptions): View {
  const { condition, filter, update, projection, exclusiveStartKey } = options;
  return present({
    ReturnConsumedCapacity: unless(options.returnConsumedCapacity, 'NONE'),
    ReturnItemCollectionMetrics: unless(options.returnItemCollectionMetrics, 'NONE'),
    ReturnValues: unless(options.returnValues, 'NONE'),
    ConsistentRead: options.consistentRead,
    ConditionExpression: condition && decodeCondition(condition, 'ConditionExpression'),
    FilterExpression: filter && decodeCondition(filter, 'FilterExpression'),
    UpdateExpression: update && decodeUpdate(update),
    ProjectionExpression: projection && decodeProjection(projection),
    ExclusiveStartKey:
      exclusiveStartKey &&
      (options.indexName === undefined
        ? decodeKey(schemaOf(table), exclusiveStartKey)
        : decodeIndexKey(exclusiveStartKey)),
    IndexName: options.indexName,
    Limit: options.limit,
    ScanIndexForward: options.scanIndexForward,
    Select: options.select,
    Segment: options.segment,
    TotalSegments: options.totalSegments,
    ClientRequestToken: options.clientRequestToken,
  });
}

/** Chains of AND and OR as lists: Python's begin at the right, which says the same. */
function flattened(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(flattened);
  if (typeof node !== 'object' || node === null) return node;
  const { kind } = node as { readonly kind?: unknown };
  if (kind === 'and' || kind === 'or') return { kind, all: chainOf(node as Chain, kind) };
  return Object.fromEntries(Object.entries(node).map(([name, part]) => [name, flattened(part)]));
}

type Chain = { readonly kind: unknown; readonly left?: Chain; readonly right?: Chain };

function chainOf(node: Chain | undefined, kind: unknown): unknown[] {
  if (node === undefined || node.kind !== kind) return [flattened(node)];
  return [...chainOf(node.left, kind), ...chainOf(node.right, kind)];
}

/** What Go sends in Query and Scan although nobody set it. */
function withoutUnasked(view: View, client: string, { parameters }: OperationVector): View {
  const isUnasked = client === 'go' && !('Select' in parameters);
  if (!isUnasked) return view;
  const { Select: _, ...rest } = view;
  return rest;
}

function expectedView({ parameters }: OperationVector): View {
  return expectedOf(parameters);
}

const nested = ['Get', 'Put', 'Update', 'Delete', 'ConditionCheck', 'PutRequest', 'DeleteRequest'];

/** Parameters with their expressions parsed and their items in canonical form. */
function expectedOf(parameters: Json): View {
  const names = parameters.ExpressionAttributeNames as Record<string, string> | undefined;
  const values = itemAt(parameters, 'ExpressionAttributeValues');
  const substitutions = new Substitutions(names, values && validateItem(values).item);
  const view: Record<string, unknown> = {};
  for (const [member, value] of Object.entries(parameters)) {
    const read = expectedMember(member, value, substitutions);
    if (read !== undefined) view[member] = read;
  }
  return view;
}

const legacy = ['AttributesToGet', 'Expected', 'AttributeUpdates', 'KeyConditions', 'ScanFilter'];

function expectedMember(member: string, value: unknown, substitutions: Substitutions): unknown {
  if (member.startsWith('ExpressionAttribute') || legacy.includes(member)) return undefined;
  switch (member) {
    case 'ConditionExpression':
    case 'FilterExpression':
    case 'KeyConditionExpression':
      return parseCondition(String(value), member, substitutions);
    case 'UpdateExpression':
      return parseUpdate(String(value), substitutions);
    case 'ProjectionExpression':
      return parseProjection(String(value), substitutions);
    case 'Key':
    case 'Item':
    case 'ExclusiveStartKey':
      return validateItem(value).item;
    case 'Keys':
      return (value as readonly unknown[]).map((key) => validateItem(key).item);
    case 'RequestItems':
      return expectedTables(value as Json);
    case 'TransactItems':
      return (value as readonly Json[]).map(expectedOf);
    case 'ReturnValues':
      return unless(value, 'NONE');
    default:
      return nested.includes(member) ? expectedOf(value as Json) : value;
  }
}

function expectedTables(tables: Json): View {
  return Object.fromEntries(
    Object.entries(tables).map(([table, parts]) => [
      table,
      Array.isArray(parts) ? parts.map(expectedOf) : expectedOf(parts as Json),
    ]),
  );
}

function unless(value: unknown, usual: string): unknown {
  return value === usual ? undefined : value;
}

function present(members: View): View {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
