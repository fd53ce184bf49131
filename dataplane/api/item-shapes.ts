import { ATTRIBUTE_NAME_BYTES_MAX } from '../item/limits.ts';
import {
  attributeMap,
  attributeValue,
  boolean,
  integer,
  list,
  map,
  type Shape,
  string,
  structure,
} from './shape/shape.ts';
import { NAME_LENGTH_MAX, NAME_LENGTH_MIN, NAME_PATTERN } from './table-name.ts';

/**
 * Shapes that several item operations share. The order of enum values is that of the service's
 * messages.
 * @see service model dynamodb 2012-08-10; dynalite validations/ (orders); dynoxide 3.2.0
 */
export const returnConsumedCapacity = string({ enum: ['INDEXES', 'TOTAL', 'NONE'] });
export const returnItemCollectionMetrics = string({ enum: ['SIZE', 'NONE'] });
export const returnValuesOnConditionCheckFailure = string({ enum: ['ALL_OLD', 'NONE'] });

const RETURN_VALUES = ['ALL_NEW', 'UPDATED_OLD', 'ALL_OLD', 'NONE', 'UPDATED_NEW'] as const;

/** The service's message names neither value nor member, and misspells one of its values. */
export const returnValues = string({
  enum: RETURN_VALUES,
  shownEnum: ['ALL_OLD', 'UPDATED_OLD', 'ALL_NEW', 'UPDATE_NEW', 'NONE'],
  report: { kind: 'bare' },
});

/** As requests without their key have it. */
export const returnValuesEchoed = string({ enum: RETURN_VALUES });

export const indexName = string({
  min: NAME_LENGTH_MIN,
  max: NAME_LENGTH_MAX,
  pattern: NAME_PATTERN,
});

export const select = string({
  enum: ['SPECIFIC_ATTRIBUTES', 'COUNT', 'ALL_ATTRIBUTES', 'ALL_PROJECTED_ATTRIBUTES'],
});

/** Query and Scan look at the value after other parameters, with `stage`. */
export const selectCheckedLater = checkedLater(select);

/** Any text: what it may be depends on the conditions it joins (write-condition.ts). */
export const conditionalOperator = string();
export const text = string();

export const attributesToGet = list(string({ max: ATTRIBUTE_NAME_BYTES_MAX }), { min: 1 });
export const expressionAttributeNames = map(string());
export const expressionAttributeValues = attributeMap();

const COMPARISON_OPERATORS = [
  'IN',
  'NULL',
  'BETWEEN',
  'LT',
  'NOT_CONTAINS',
  'EQ',
  'GT',
  'NOT_NULL',
  'NE',
  'LE',
  'BEGINS_WITH',
  'GE',
  'CONTAINS',
] as const;

export const comparisonOperators: ReadonlySet<string> = new Set(COMPARISON_OPERATORS);

/** An unknown one is refused after other parameters, with a text of its own. */
const comparisonOperator = checkedLater(string({ enum: COMPARISON_OPERATORS }));

/** `Expected`: legacy conditions of writes. */
export const expected = map(
  structure(
    {
      AttributeValueList: list(attributeValue()),
      ComparisonOperator: comparisonOperator,
      Exists: boolean(),
      Value: attributeValue(),
    },
    { name: 'ExpectedAttributeValue' },
  ),
);

/** `KeyConditions`, `QueryFilter`, `ScanFilter`: legacy conditions of reads. */
export const conditions = map(
  structure(
    {
      AttributeValueList: list(attributeValue()),
      ComparisonOperator: comparisonOperator,
    },
    { name: 'Condition', required: ['ComparisonOperator'] },
  ),
);

/** The action's enum is checked later, with a text of its own. */
export const attributeUpdates = map(
  structure(
    { Action: checkedLater(string({ enum: ['ADD', 'DELETE', 'PUT'] })), Value: attributeValue() },
    { name: 'AttributeValueUpdate' },
  ),
);

const SEGMENT_MAX = 999_999;
const TOTAL_SEGMENTS_MAX = 1_000_000;

/** Numbers of Query and Scan, checked before other members and reported without their value. */
export const pagingNumbers = {
  Limit: integer({ min: 1, report: { kind: 'member', path: 'Limit' } }),
  Segment: integer({ min: 0, max: SEGMENT_MAX, report: { kind: 'member', path: 'Segment' } }),
  TotalSegments: integer({
    min: 1,
    max: TOTAL_SEGMENTS_MAX,
    report: { kind: 'member', path: 'TotalSegments' },
  }),
} as const;

/** The same where the table name is missing. */
export const pagingNumbersEchoed = {
  Limit: integer({ min: 1 }),
  Segment: integer({ min: 0, max: SEGMENT_MAX }),
  TotalSegments: integer({ min: 1, max: TOTAL_SEGMENTS_MAX }),
} as const;

/** The same shape without its constraints, which whoever uses it has to check. */
function checkedLater<Value>(shape: Shape<Value>): Shape<Value> {
  return { ...shape, texts: [], violated: () => [], holds: () => true };
}
