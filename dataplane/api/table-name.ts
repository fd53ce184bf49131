import { type Shape, stage, string, structure } from './shape/shape.ts';

/** Names of tables and indexes. */
export const NAME_PATTERN = '[a-zA-Z0-9_.-]+';
export const NAME_LENGTH_MIN = 3;
export const NAME_LENGTH_MAX = 255;
const ARN_PREFIX = 'arn:';
const ARN_LENGTH_MAX = 1024;

/**
 * The TableName of an item operation: a name or the table's ARN. Which ARNs name a table here is
 * the catalog's to say. Of several constraints that a name violates, the item operations report
 * the first (length before pattern), UpdateItem all (pattern first).
 * @see dynoxide 3.2.0, captures of October 2026
 */
export function tableNameOrArn(reports: 'first' | 'all' = 'first'): Shape<string> {
  const name = string({
    min: NAME_LENGTH_MIN,
    max: NAME_LENGTH_MAX,
    pattern: NAME_PATTERN,
    reports,
  });
  return {
    ...name,
    holds: (value) => isArn(value) || name.holds(value),
    violated: (value) => (isArn(value) ? [] : name.violated(value)),
  };
}

/** The keys of RequestItems. */
export function tableNameKey(): Shape<string> {
  // The texts of a map's keys stand in another order than those of a member.
  const name = string({ max: NAME_LENGTH_MAX, min: NAME_LENGTH_MIN, pattern: NAME_PATTERN });
  const [pattern = '', min = '', max = ''] = name.texts;
  return {
    ...name,
    texts: [max, min, pattern],
    holds: (value) => isArn(value) || name.holds(value),
  };
}

/** Looked at before everything else, together with a few numbers (Query, Scan). */
export const nonEmptyTableName = string({
  min: 1,
  report: { kind: 'member', path: 'TableName' },
});

export const checkTableNameNotEmpty = stage(structure({ TableName: nonEmptyTableName }));

function isArn(value: string): boolean {
  return value.startsWith(ARN_PREFIX) && value.length <= ARN_LENGTH_MAX;
}
