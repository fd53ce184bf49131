import { FALSE, NULL, TRUE } from './cbor-head.ts';
import type { CborReader } from './cbor-reader.ts';
import { malformedFaults } from './faults.ts';
import type {
  RequestOptions,
  ReturnConsumedCapacity,
  ReturnItemCollectionMetrics,
  ReturnValues,
  Select,
} from './requests.ts';

/**
 * Reads the options of a request: null or a map of integers to values (reference/dax-protocol.md
 * section 9). Of a key that comes twice the last value counts: Python sends the condition's text
 * before its compiled form.
 * @throws ClientFault ValidationException: unknown keys, values of the wrong kind
 */
export function readOptions(reader: CborReader): RequestOptions {
  if (reader.peek() === NULL) {
    reader.tryNull();
    return none;
  }
  const count = reader.mapCount();
  if (!reader.hasElement(0, count)) return none;
  const options: MutableOptions = {};
  let index = 0;
  do readOption(reader, options);
  while (reader.hasElement(++index, count));
  return options;
}

type MutableOptions = { -readonly [Name in keyof RequestOptions]: RequestOptions[Name] };

/** Most requests have no options: they share this. */
const none: RequestOptions = Object.freeze({});

const KEY = {
  projectionExpression: 0,
  expressionAttributeNames: 1,
  consistentRead: 2,
  returnConsumedCapacity: 3,
  conditionExpression: 4,
  expressionAttributeValues: 5,
  returnItemCollectionMetrics: 6,
  returnValues: 7,
  updateExpression: 8,
  exclusiveStartKey: 9,
  filterExpression: 10,
  indexName: 11,
  limit: 13,
  scanIndexForward: 14,
  select: 15,
  segment: 16,
  totalSegments: 17,
  clientRequestToken: 19,
} as const;

const capacities: readonly ReturnConsumedCapacity[] = ['NONE', 'TOTAL', 'INDEXES'];
const collectionMetrics: readonly ReturnItemCollectionMetrics[] = ['NONE', 'SIZE'];
const returnValues: readonly (ReturnValues | undefined)[] = [
  undefined,
  'NONE',
  'ALL_OLD',
  'UPDATED_OLD',
  'ALL_NEW',
  'UPDATED_NEW',
];
const selects: readonly (Select | undefined)[] = [
  undefined,
  'ALL_ATTRIBUTES',
  'ALL_PROJECTED_ATTRIBUTES',
  'COUNT',
  'SPECIFIC_ATTRIBUTES',
];

function readOption(reader: CborReader, options: MutableOptions): void {
  const key = reader.integer();
  switch (key) {
    case KEY.projectionExpression:
      options.projection = reader.byteString();
      break;
    case KEY.conditionExpression:
      options.condition = reader.byteString();
      break;
    case KEY.updateExpression:
      options.update = reader.byteString();
      break;
    case KEY.exclusiveStartKey:
      readStartKey(reader, options);
      break;
    case KEY.filterExpression:
      options.filter = reader.byteString();
      break;
    case KEY.indexName:
      options.indexName = reader.byteText();
      break;
    case KEY.clientRequestToken:
      options.clientRequestToken = reader.text();
      break;
    case KEY.expressionAttributeNames:
    case KEY.expressionAttributeValues:
      reader.skip(); // Python's; the expressions have them already
      break;
    default:
      readNumberOption(reader, key, options);
  }
}

/** The older client for Java begins each Scan with an empty one. */
function readStartKey(reader: CborReader, options: MutableOptions): void {
  const key = reader.byteString();
  if (key.length > 0) options.exclusiveStartKey = key;
}

function readNumberOption(reader: CborReader, key: number, options: MutableOptions): void {
  switch (key) {
    case KEY.consistentRead:
      options.consistentRead = readFlag(reader, 'ConsistentRead');
      break;
    case KEY.scanIndexForward:
      options.scanIndexForward = readFlag(reader, 'ScanIndexForward');
      break;
    case KEY.returnConsumedCapacity:
      options.returnConsumedCapacity = oneOf(reader, capacities, 'ReturnConsumedCapacity');
      break;
    case KEY.returnItemCollectionMetrics:
      options.returnItemCollectionMetrics = oneOf(
        reader,
        collectionMetrics,
        'ReturnItemCollectionMetrics',
      );
      break;
    case KEY.returnValues:
      options.returnValues = oneOf(reader, returnValues, 'ReturnValues');
      break;
    case KEY.select:
      options.select = oneOf(reader, selects, 'Select');
      break;
    case KEY.limit:
      options.limit = reader.integer();
      break;
    case KEY.segment:
      options.segment = reader.integer();
      break;
    case KEY.totalSegments:
      options.totalSegments = reader.integer();
      break;
    default:
      throw malformedFaults.option(key);
  }
}

/** A boolean (GetItem), or 0 or 1 (Query and Scan). */
function readFlag(reader: CborReader, name: string): boolean {
  const head = reader.peek();
  if (head === TRUE || head === FALSE) return reader.boolean();
  const value = reader.integer();
  if (value !== 0 && value !== 1) throw malformedFaults.optionValue(name);
  return value === 1;
}

function oneOf<T>(reader: CborReader, values: readonly (T | undefined)[], name: string): T {
  const value = values[reader.integer()];
  if (value === undefined) throw malformedFaults.optionValue(name);
  return value;
}
