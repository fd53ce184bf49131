import { CallerValues } from './caller-values.ts';
import { parsePolicy } from './policy-parser.ts';
import { principalOf } from './principal.ts';
import { StatementSet } from './statement-set.ts';

/** For tests: one request against one document. */

export const ACCOUNT = '123456789012';
export const TABLE = `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/GameScores`;
export const NOW_MS = Date.UTC(2026, 10, 21, 6, 0, 0);

export interface Asked {
  /** `user/ann` unless given. */
  readonly caller?: string;
  readonly action?: string;
  readonly resource?: string;
  /** By condition key, in lower case. */
  readonly conditions?: Readonly<Record<string, readonly string[]>>;
}

export function isAllowed(document: unknown, asked: Asked = {}): boolean {
  const { caller = 'user/ann', action = 'dynamodb:GetItem', resource = TABLE } = asked;
  const conditions = new Map(Object.entries(asked.conditions ?? {}));
  const values = new CallerValues(principalOf(caller, ACCOUNT), conditions, () => NOW_MS);
  const statements = new StatementSet([parsePolicy(document)]);
  return statements.isAllowed({ action, resource, values, lookup: values.one });
}

/** A document of one statement, which allows everything unless it is given otherwise. */
export function document(statement: object, version = '2012-10-17'): object {
  const whole = { Effect: 'Allow', Action: '*', Resource: '*', ...statement };
  return { Version: version, Statement: whole };
}
