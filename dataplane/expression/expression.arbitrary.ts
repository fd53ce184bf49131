import fc from 'fast-check';
import type { AttributeType, AttributeValue, Item } from '../item/attribute-value.ts';
import type { Condition, Operand, Path, Update, UpdateTerm } from './ast.ts';

/**
 * Random expressions and items for the property tests of this folder. Conditions keep the static
 * rules of expressions, so that each has a text; items use few names, so that paths often hit.
 */

const attributeNames = fc.constantFrom('a', 'b', 'c', 'd.e', 'Status', '__proto__', 'toString');

export const paths: fc.Arbitrary<Path> = fc
  .tuple(attributeNames, fc.array(fc.oneof(attributeNames, fc.nat({ max: 3 })), { maxLength: 3 }))
  .map(([head, tail]): Path => [head, ...tail]);

const texts = fc.constantFrom('', 'x', 'xy', 'é', '😀');
const numbers = fc.constantFrom('0', '1', '-2.5', '10', '99999999999999999999999999999999999999');
const binaries = fc.constantFrom('', 'AQ==', 'AQID');

const scalars: fc.Arbitrary<AttributeValue> = fc.oneof(
  texts.map((S): AttributeValue => ({ S })),
  numbers.map((N): AttributeValue => ({ N })),
  binaries.map((B): AttributeValue => ({ B })),
);

const sets: fc.Arbitrary<AttributeValue> = fc.oneof(
  fc.uniqueArray(texts, { minLength: 1 }).map((SS): AttributeValue => ({ SS })),
  fc.uniqueArray(numbers, { minLength: 1 }).map((NS): AttributeValue => ({ NS })),
  fc.uniqueArray(binaries, { minLength: 1 }).map((BS): AttributeValue => ({ BS })),
);

const { value: anyValue } = fc.letrec<{ value: AttributeValue; map: Item }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalars,
    sets,
    fc.boolean().map((BOOL): AttributeValue => ({ BOOL })),
    fc.constant<AttributeValue>({ NULL: true }),
    fc.array(tie('value'), { maxLength: 3 }).map((L): AttributeValue => ({ L })),
    tie('map').map((M): AttributeValue => ({ M })),
  ),
  map: fc.array(fc.tuple(attributeNames, tie('value')), { maxLength: 4 }).map(Object.fromEntries),
}));

export const values: fc.Arbitrary<AttributeValue> = anyValue;

export const items: fc.Arbitrary<Item> = fc
  .array(fc.tuple(attributeNames, values), { maxLength: 6 })
  .map((entries): Item => Object.fromEntries(entries));

const pathOperand = paths.map((path): Operand => ({ kind: 'path', path }));
const size = pathOperand.map((of): Operand => ({ kind: 'size', of }));
const valueOperand = (from: fc.Arbitrary<AttributeValue>) =>
  from.map((value): Operand => ({ kind: 'value', value }));

/** A path on one side and no path on the other, so that operands always differ. */
const comparison: fc.Arbitrary<Condition> = fc
  .record({
    kind: fc.constant('compare' as const),
    comparator: fc.constantFrom('=', '<>', '<', '<=', '>', '>='),
    left: fc.oneof(pathOperand, size),
    right: fc.oneof(valueOperand(scalars), size),
  })
  .chain((condition) =>
    fc.boolean().map((isSwapped): Condition => {
      const { left, right } = condition;
      return isSwapped ? { ...condition, left: right, right: left } : condition;
    }),
  );

const typeNames: readonly AttributeType[] = ['S', 'N', 'B', 'BOOL', 'NULL', 'M', 'L', 'SS', 'NS'];

const predicates: fc.Arbitrary<Condition> = fc.oneof(
  comparison,
  fc.record({
    kind: fc.constant('compare' as const),
    comparator: fc.constantFrom('=', '<>'),
    left: pathOperand,
    right: valueOperand(values),
  }),
  fc.record({
    kind: fc.constant('between' as const),
    operand: fc.oneof(pathOperand, valueOperand(scalars)),
    lower: size,
    upper: valueOperand(scalars),
  }),
  fc.record({
    kind: fc.constant('in' as const),
    operand: pathOperand,
    candidates: fc.array(valueOperand(values), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('exists' as const), path: paths, negated: fc.boolean() }),
  fc.record({
    kind: fc.constant('attributeType' as const),
    path: paths,
    type: fc.constantFrom(...typeNames),
  }),
  fc.record({
    kind: fc.constant('beginsWith' as const),
    operand: pathOperand,
    prefix: valueOperand(texts.map((S): AttributeValue => ({ S }))),
  }),
  fc.record({
    kind: fc.constant('contains' as const),
    operand: fc.oneof(pathOperand, valueOperand(sets)),
    member: valueOperand(values),
  }),
);

/** Conditions that have a text. */
export const conditions: fc.Arbitrary<Condition> = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 5 },
    predicates,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      left: tie('condition'),
      right: tie('condition'),
    }),
    fc.record({ kind: fc.constant('not' as const), condition: tie('condition') }),
  ),
})).condition;

/** Any condition can be evaluated; those with a text will do. */
export const evaluableConditions = conditions;

const plainTerms: fc.Arbitrary<UpdateTerm> = fc.oneof(
  paths.map((path): UpdateTerm => ({ kind: 'path', path })),
  values.map((value): UpdateTerm => ({ kind: 'value', value })),
);

const listTerms: fc.Arbitrary<UpdateTerm> = fc.oneof(
  paths.map((path): UpdateTerm => ({ kind: 'path', path })),
  fc.array(values, { maxLength: 2 }).map((L): UpdateTerm => ({ kind: 'value', value: { L } })),
);

const numberTerms: fc.Arbitrary<UpdateTerm> = fc.oneof(
  paths.map((path): UpdateTerm => ({ kind: 'path', path })),
  numbers.map((N): UpdateTerm => ({ kind: 'value', value: { N } })),
);

const terms: fc.Arbitrary<UpdateTerm> = fc.oneof(
  plainTerms,
  fc.record({
    kind: fc.constant('ifNotExists' as const),
    path: paths,
    otherwise: plainTerms,
  }),
  fc.record({ kind: fc.constant('listAppend' as const), left: listTerms, right: listTerms }),
  fc.record({
    kind: fc.constant('arithmetic' as const),
    operator: fc.constantFrom('+' as const, '-' as const),
    left: numberTerms,
    right: numberTerms,
  }),
);

/** Updates that have a text: paths neither overlap nor conflict, actions come by section. */
export const updates: fc.Arbitrary<Update> = fc
  .record({
    paths: fc.uniqueArray(paths, { minLength: 1, maxLength: 6, selector: (path) => path[0] }),
    sections: fc.shuffledSubarray(['set', 'remove', 'add', 'delete'] as const, { minLength: 1 }),
    terms: fc.array(terms, { minLength: 6, maxLength: 6 }),
    sets: fc.array(sets, { minLength: 6, maxLength: 6 }),
    numbers: fc.array(numbers, { minLength: 6, maxLength: 6 }),
  })
  .map(({ paths: targets, sections, terms: sources, sets: members, numbers: addends }) =>
    sections.flatMap(
      (kind, section): Update =>
        targets
          .filter((_, index) => index % sections.length === section)
          .map((path, index) => {
            if (kind === 'remove') return { kind, path };
            if (kind === 'set') return { kind, path, term: at(sources, index) };
            const isNumber = kind === 'add' && index % 2 === 0;
            const value = isNumber ? { N: at(addends, index) } : at(members, index);
            return { kind, path, value, legacy: false };
          }),
    ),
  )
  .filter((update) => update.length > 0);

function at<T>(list: readonly T[], index: number): T {
  const element = list[index];
  if (element === undefined) throw new Error('lists are as long as the paths');
  return element;
}
