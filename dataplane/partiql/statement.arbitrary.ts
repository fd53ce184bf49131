import fc from 'fast-check';
import type { Condition, Update } from '../expression/ast.ts';
import { conditions, paths, updates, values } from '../expression/expression.arbitrary.ts';
import type { AttributeValue } from '../item/attribute-value.ts';
import { pathText, StatementText } from './statement-text.fixture.ts';

/** For tests: random statements on a table `Tab` with the key `p` (S) and `s` (N). */
export interface GeneratedStatement {
  readonly text: string;
  readonly parameters: readonly AttributeValue[];
}

/** Updates that PartiQL has: no if_not_exists, and ADD of sets only. */
export const statementUpdates: fc.Arbitrary<Update> = updates
  .map((update) =>
    update.filter(
      (action) =>
        !(action.kind === 'add' && 'N' in action.value) &&
        !(action.kind === 'set' && action.term.kind === 'ifNotExists'),
    ),
  )
  .filter((update) => update.length > 0);

const KEY = `p = 'a' AND s = 1`;
const wheres = fc.constantFrom(
  '',
  `p = 'a'`,
  KEY,
  `p IN ['a', 'b'] AND s BETWEEN 1 AND 3`,
  `(p = 'a' OR p = 'b') AND s > 2`,
  `p = 'a' AND s IN (1, 2, 3)`,
);
const columns = fc.oneof(
  fc.constant('*'),
  fc
    .uniqueArray(paths, { minLength: 1, maxLength: 3, selector: nameOf })
    .map((list) => list.map(pathText).join(', ')),
);

/** As columns are named: by the last name and the indexes behind it. */
function nameOf(path: readonly (string | number)[]): string {
  let last = path.length - 1;
  while (typeof path[last] === 'number') last--;
  return JSON.stringify(path.slice(last));
}

function joined(where: string, condition: string | undefined, word = 'WHERE'): string {
  const parts = [where, condition === undefined ? '' : `(${condition})`].filter(Boolean);
  return parts.length === 0 ? '' : ` ${word} ${parts.join(' AND ')}`;
}

const maybeCondition: fc.Arbitrary<Condition | undefined> = fc.option(conditions, {
  nil: undefined,
});

const selects = fc
  .record({
    usesLiterals: fc.boolean(),
    list: columns,
    where: wheres,
    condition: maybeCondition,
    isOrdered: fc.boolean(),
  })
  .map(({ usesLiterals, list, where, condition, isOrdered }): GeneratedStatement => {
    const text = new StatementText({ usesLiterals });
    const clause = joined(where, condition && text.condition(condition));
    const order = isOrdered && where !== '' ? ' ORDER BY p, s DESC' : '';
    return { text: `SELECT ${list} FROM "Tab"${clause}${order}`, parameters: text.parameters };
  });

const inserts = fc
  .record({
    usesLiterals: fc.boolean(),
    item: fc.dictionary(fc.constantFrom('a', 'b', 'c'), values, { maxKeys: 3 }),
  })
  .map(({ usesLiterals, item }): GeneratedStatement => {
    const text = new StatementText({ usesLiterals });
    const value = text.item({ ...item, p: { S: 'a' }, s: { N: '1' } });
    return { text: `INSERT INTO Tab VALUE ${value}`, parameters: text.parameters };
  });

const returning = fc.constantFrom(
  '',
  ' RETURNING ALL OLD *',
  ' RETURNING ALL NEW *',
  ' RETURNING MODIFIED OLD *',
  ' RETURNING MODIFIED NEW *',
);

const changes = fc
  .record({
    usesLiterals: fc.boolean(),
    update: statementUpdates,
    condition: maybeCondition,
    returning,
  })
  .map(({ usesLiterals, update, condition, returning: clause }): GeneratedStatement => {
    const text = new StatementText({ usesLiterals });
    const actions = text.update(update);
    const where = joined(KEY, condition && text.condition(condition));
    return { text: `UPDATE Tab ${actions}${where}${clause}`, parameters: text.parameters };
  });

const deletes = fc
  .record({ usesLiterals: fc.boolean(), condition: maybeCondition })
  .map(({ usesLiterals, condition }): GeneratedStatement => {
    const text = new StatementText({ usesLiterals });
    const where = joined(KEY, condition && text.condition(condition));
    return {
      text: `DELETE FROM Tab${where} RETURNING ALL OLD *`,
      parameters: text.parameters,
    };
  });

/** Statements with nothing wrong. */
export const statements: fc.Arbitrary<GeneratedStatement> = fc.oneof(
  selects,
  inserts,
  changes,
  deletes,
);

const fragments = [
  'SELECT',
  'INSERT INTO',
  'UPDATE',
  'DELETE FROM',
  'FROM',
  'WHERE',
  'SET',
  'REMOVE',
  'VALUE',
  'AND',
  'OR',
  'NOT',
  'IN',
  'BETWEEN',
  'IS',
  'MISSING',
  'NULL',
  'LIKE',
  'EXISTS',
  'RETURNING',
  'ALL OLD *',
  'ORDER BY',
  'DESC',
  'LIMIT',
  'GROUP BY',
  'Tab',
  '"Tab"',
  '"Tab"."Gix"',
  'p',
  's',
  'a.b[0]',
  '$1',
  '*',
  '?',
  "'x'",
  "'",
  '"',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  '<<',
  '>>',
  ',',
  ':',
  ';',
  '.',
  '=',
  '<>',
  '!=',
  '<',
  '>=',
  '+',
  '-',
  '--',
  '/*',
  '*/',
  '||',
  '1',
  '-1.5e3',
  '1e99999999999',
  'true',
  'size(a)',
  'set_add(a, <<1>>)',
  'begins_with(s, ?)',
  'é',
  '\u0000',
]; // prettier-ignore

/** Texts that look like statements. */
export const almostStatements: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...fragments), { maxLength: 25 })
  .map((parts) => parts.join(' '));

/** Statements with a place of their text changed. */
export const damagedStatements: fc.Arbitrary<GeneratedStatement> = fc
  .record({
    statement: statements,
    edits: fc.array(
      fc.record({
        at: fc.nat(),
        removed: fc.nat(9),
        added: fc.oneof(fc.constantFrom('', ...fragments), fc.string({ maxLength: 3 })),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    parametersCount: fc.nat(6),
  })
  .map(({ statement, edits, parametersCount }) => {
    let { text } = statement;
    for (const { at, removed, added } of edits) {
      const start = at % (text.length + 1);
      text = text.slice(0, start) + added + text.slice(start + removed);
    }
    return { text, parameters: statement.parameters.slice(0, parametersCount) };
  });
