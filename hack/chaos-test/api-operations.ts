import type { Operation, Outcome, RegisterValue } from '../../dataplane/simulation/history.ts';
import { hashText } from '../../dataplane/simulation/random.ts';

/** The table: key `pk`, the value at `v` (a text or a number), and `shelf`, which the index is by. */
export const TABLE = 'Chaos';
export const INDEX = 'ByShelf';
const SHELVES_COUNT = 8;

/** CreateTable's body. */
export const tableRequest = {
  TableName: TABLE,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'shelf', AttributeType: 'S' },
  ],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  GlobalSecondaryIndexes: [
    {
      IndexName: INDEX,
      KeySchema: [
        { AttributeName: 'shelf', KeyType: 'HASH' },
        { AttributeName: 'pk', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
} as const;

/** One call of the API. */
export interface ApiRequest {
  /** As X-Amz-Target names it, without the version. */
  readonly target: string;
  readonly body: object;
}

export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: AnswerBody }
  /** The request has certainly not left. */
  | { readonly kind: 'notSent'; readonly reason: string }
  /** No answer, or not a whole one: nobody knows. */
  | { readonly kind: 'lost'; readonly reason: string };

/** What is looked at of answers. */
export interface AnswerBody {
  readonly __type?: string;
  readonly message?: string;
  readonly Item?: ApiItem;
  readonly Attributes?: ApiItem;
}

export type ApiItem = Readonly<Record<string, ApiValue>>;
interface ApiValue {
  readonly S?: string;
  readonly N?: string;
}

/** What an operation is in terms of the API. */
export function requestOf(key: string, operation: Operation): ApiRequest {
  const Key = { pk: { S: key } };
  switch (operation.kind) {
    case 'get':
      return { target: 'GetItem', body: { TableName: TABLE, Key, ConsistentRead: true } };
    case 'getEventual':
      return { target: 'GetItem', body: { TableName: TABLE, Key } };
    case 'put':
      return { target: 'PutItem', body: { TableName: TABLE, Item: itemOf(key, operation.value) } };
    case 'putIf':
      return {
        target: 'PutItem',
        body: {
          TableName: TABLE,
          Item: itemOf(key, operation.value),
          ...conditionOf(operation.expected),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        },
      };
    case 'delete':
      return { target: 'DeleteItem', body: { TableName: TABLE, Key } };
    case 'add':
      return {
        target: 'UpdateItem',
        body: {
          TableName: TABLE,
          Key,
          UpdateExpression: 'ADD v :by SET shelf = if_not_exists(shelf, :shelf)',
          ExpressionAttributeValues: {
            ':by': { N: String(operation.by) },
            ':shelf': { S: shelfOf(key) },
          },
          ReturnValues: 'UPDATED_NEW',
        },
      };
  }
}

/**
 * What the client knows from an answer. An error of the server may come after it has carried out a
 * write, or before; one of the client comes instead of it.
 */
export function outcomeOf(operation: Operation, answer: Answer): Outcome {
  if (answer.kind === 'notSent') return { kind: 'failed' };
  if (answer.kind === 'lost' || answer.status >= 500) return { kind: 'unknown' };
  const { status, body } = answer;
  if (status === 200) return okOf(operation, body);
  if (body.__type?.endsWith('#ConditionalCheckFailedException') && operation.kind === 'putIf') {
    return { kind: 'conditionFailed', old: { value: registerValue(body.Item) } };
  }
  return { kind: 'failed' };
}

/** A refusal that the workload should never meet; undefined when there is nothing strange. */
export function surpriseOf(answer: Answer): string | undefined {
  if (answer.kind !== 'answered' || answer.status === 200 || answer.status >= 500) return undefined;
  const type = answer.body.__type?.split('#').at(-1) ?? String(answer.status);
  const isExpected = expectedRefusals.has(type);
  return isExpected ? undefined : `${type}: ${answer.body.message ?? ''}`;
}

const expectedRefusals: ReadonlySet<string> = new Set([
  'ConditionalCheckFailedException',
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
]);

function okOf({ kind }: Operation, { Item, Attributes }: AnswerBody): Outcome {
  if (kind === 'get' || kind === 'getEventual') return { kind: 'ok', value: registerValue(Item) };
  if (kind === 'add') return { kind: 'ok', value: registerValue(Attributes) };
  return { kind: 'ok' };
}

/** The register's value in an item. */
export function registerValue(item: ApiItem | undefined): RegisterValue {
  const value = item?.v;
  return value?.N === undefined ? value?.S : Number(value.N);
}

function itemOf(key: string, value: RegisterValue): ApiItem {
  const v: ApiValue = typeof value === 'number' ? { N: String(value) } : { S: String(value) };
  return { pk: { S: key }, v, shelf: { S: shelfOf(String(value)) } };
}

/** Values move items from one place of the index to another. */
function shelfOf(text: string): string {
  return `shelf-${hashText(text) % SHELVES_COUNT}`;
}

function conditionOf(expected: RegisterValue): object {
  if (expected === undefined) return { ConditionExpression: 'attribute_not_exists(pk)' };
  const value = typeof expected === 'number' ? { N: String(expected) } : { S: expected };
  return { ConditionExpression: 'v = :v', ExpressionAttributeValues: { ':v': value } };
}
