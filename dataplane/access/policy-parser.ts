import { ArnPattern } from './arn-pattern.ts';
import type { Condition, Effect } from './condition.ts';
import { parseConditions } from './condition-parser.ts';
import type { ActionMatch, Policy, ResourceMatch, Statement } from './policy.ts';
import { PolicyError } from './policy-error.ts';
import { membersOf, quoted, textsOf } from './policy-members.ts';
import { ANY_CHARACTER, ANY_TEXT, Wildcard } from './wildcard.ts';

/** Characters of a document as JSON without blanks; IAM allows 6,144 to 20,480 by kind of policy. */
export const DOCUMENT_CHARACTERS_MAX = 20_480;

/** Versions of the grammar; the second one has policy variables. Without one, it is the first. */
const VERSIONS = ['2008-10-17', '2012-10-17'];

const POLICY_MEMBERS = ['Version', 'Id', 'Statement'];
const STATEMENT_MEMBERS = [
  ...['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition'],
  ...['Principal', 'NotPrincipal'],
];

/**
 * Reads a policy document.
 * @param document parsed JSON
 * @throws PolicyError with one line that names the place: `Statement[0].Effect must be ...`
 * @see IAM user guide, "Grammar of the IAM JSON policy language"
 */
export function parsePolicy(document: unknown): Policy {
  const members = membersOf(document, 'the document', POLICY_MEMBERS);
  if (JSON.stringify(document).length > DOCUMENT_CHARACTERS_MAX) {
    throw new PolicyError(`the document has more than ${DOCUMENT_CHARACTERS_MAX} characters`);
  }
  const version = members.get('Version') ?? VERSIONS[0];
  if (!VERSIONS.some((known) => known === version)) {
    throw new PolicyError(`Version must be "2012-10-17" or "2008-10-17", not ${quoted(version)}`);
  }
  const hasVariables = version === '2012-10-17';
  const statements = statementsIn(members.get('Statement')).map(([statement, place]) =>
    parseStatement(statement, place, hasVariables),
  );
  checkSids(statements);
  return Object.freeze({ id: textIn(members, 'Id', ''), statements: Object.freeze(statements) });
}

/** A statement may stand for a list of one. */
function statementsIn(value: unknown): readonly (readonly [statement: unknown, place: string])[] {
  if (!Array.isArray(value)) return [[value, 'Statement']];
  if (value.length === 0) throw new PolicyError('Statement must have one statement at least');
  return value.map((statement: unknown, index) => [statement, `Statement[${index}]`]);
}

function parseStatement(value: unknown, place: string, hasVariables: boolean): Statement {
  const members = membersOf(value, place, STATEMENT_MEMBERS);
  for (const name of ['Principal', 'NotPrincipal']) {
    if (members.has(name)) {
      throw new PolicyError(
        `${place}.${name} cannot stand in a policy of identities: its subjects are given beside the document`,
      );
    }
  }
  const sid = textIn(members, 'Sid', `${place}.`);
  if (sid !== undefined && !/^[A-Za-z0-9]*$/.test(sid)) {
    throw new PolicyError(`${place}.Sid must be of letters and digits, not ${quoted(sid)}`);
  }
  const conditions = parseConditions(members.get('Condition'), `${place}.Condition`, hasVariables);
  const tableConditions = conditions.filter(dependsOnTable);
  return Object.freeze({
    sid,
    effect: effectOf(members.get('Effect'), place),
    actions: actionsOf(members, place),
    resources: resourcesOf(members, place, hasVariables),
    conditions: [
      ...conditions.filter((condition) => !dependsOnTable(condition)),
      ...tableConditions,
    ],
    dependsOnTable: tableConditions.length > 0,
  });
}

/** Keys whose values need the table's key schema. */
const KEYS_OF_TABLES: ReadonlySet<string> = new Set([
  'dynamodb:leadingkeys',
  'dynamodb:fulltablescan',
]);

function dependsOnTable({ key }: Condition): boolean {
  return KEYS_OF_TABLES.has(key);
}

function effectOf(value: unknown, place: string): Effect {
  if (value === 'Allow' || value === 'Deny') return value;
  throw new PolicyError(`${place}.Effect must be "Allow" or "Deny", not ${quoted(value)}`);
}

/** A service and an operation of it, with wildcards. */
const ACTION = /^(?:\*|[A-Za-z0-9*?-]{1,64}:[A-Za-z0-9*?]{1,128})$/;

function actionsOf(members: ReadonlyMap<string, unknown>, place: string): ActionMatch {
  const [name, isNot] = oneOf(members, ['Action', 'NotAction'], place);
  const patterns = textsOf(members.get(name), `${place}.${name}`).map(({ text, place: at }) => {
    if (!ACTION.test(text)) {
      throw new PolicyError(
        `${at} must be "*" or an action like "dynamodb:GetItem", not ${quoted(text)}`,
      );
    }
    return actionPattern(text.toLowerCase());
  });
  return Object.freeze({ patterns: Object.freeze(patterns), isNot });
}

function actionPattern(text: string): Wildcard {
  return new Wildcard(
    Array.from(text, (character) => {
      if (character === '*') return ANY_TEXT;
      return character === '?' ? ANY_CHARACTER : character;
    }),
  );
}

function resourcesOf(
  members: ReadonlyMap<string, unknown>,
  place: string,
  hasVariables: boolean,
): ResourceMatch {
  const [name, isNot] = oneOf(members, ['Resource', 'NotResource'], place);
  const patterns = textsOf(members.get(name), `${place}.${name}`).map(({ text, place: at }) =>
    ArnPattern.parse(text, hasVariables, at),
  );
  return Object.freeze({ patterns: Object.freeze(patterns), isNot });
}

/** Which of a member and its negation is there. @throws PolicyError for both or none */
function oneOf(
  members: ReadonlyMap<string, unknown>,
  [name, negation]: readonly [string, string],
  place: string,
): readonly [name: string, isNot: boolean] {
  if (members.has(name) && members.has(negation)) {
    throw new PolicyError(`${place} has both ${name} and ${negation}`);
  }
  if (members.has(name)) return [name, false];
  if (members.has(negation)) return [negation, true];
  throw new PolicyError(`${place} needs ${name} or ${negation}`);
}

function textIn(
  members: ReadonlyMap<string, unknown>,
  name: string,
  prefix: string,
): string | undefined {
  const value = members.get(name);
  if (value === undefined || typeof value === 'string') return value;
  throw new PolicyError(`${prefix}${name} must be a text, not ${quoted(value)}`);
}

function checkSids(statements: readonly Statement[]): void {
  const seen = new Set<string>();
  for (const { sid } of statements) {
    if (sid === undefined || sid === '') continue;
    if (seen.has(sid))
      throw new PolicyError(`the document has two statements with the Sid "${sid}"`);
    seen.add(sid);
  }
}
