import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { parseCondition } from '../../dataplane/expression/condition-parser.ts';
import {
  conditions as anyConditions,
  updates as anyUpdates,
  paths,
} from '../../dataplane/expression/expression.arbitrary.ts';
import { EXPRESSION_BYTES_MAX } from '../../dataplane/expression/limits.ts';
import { checkPathsDisjoint } from '../../dataplane/expression/path-tree.ts';
import {
  type PrintedExpression,
  printCondition,
  printProjection,
  printUpdate,
} from '../../dataplane/expression/print.ts';
import { parseProjection } from '../../dataplane/expression/projection-parser.ts';
import { Substitutions } from '../../dataplane/expression/substitutions.ts';
import { parseUpdate } from '../../dataplane/expression/update-parser.ts';
import type { AttributeValue } from '../../dataplane/item/attribute-value.ts';
import { validateValue } from '../../dataplane/item/validate.ts';
import {
  compiled,
  compiledCondition,
  compiledProjection,
  compiledUpdate,
  type Part,
  pathPart,
} from './expression-encoder.fixture.ts';
import { decodeCondition, decodeProjection, decodeUpdate } from './expressions.ts';
import { faultOf } from './fault-of.fixture.ts';
import { clientCompiles } from './node-client.fixture.ts';

const a: Part = [18, 'a'];
const b: Part = [18, 'b'];
const value: Part = [17, 0];
const one: AttributeValue = { N: '1' };

/** Their values are canonical: the decoder sorts sets. */
const conditions = anyConditions.map(withSortedSets);
const updates = anyUpdates.map(withSortedSets);

const disjointPaths = fc
  .uniqueArray(paths, { minLength: 1, selector: (path) => path[0] })
  .filter((list) => faultOf(() => checkPathsDisjoint(list, 'ProjectionExpression')) === undefined);

describe('decoded trees have a text whose parse they are', () => {
  it('conditions', () => {
    fc.assert(
      fc.property(conditions, (condition) => {
        const decoded = decodeCondition(compiledCondition(condition), 'ConditionExpression');
        expect(decoded).toEqual(condition);
        const { text, names, values } = printCondition(decoded);
        fc.pre(fits(text));
        const substitutions = new Substitutions(names, values);
        expect(parseCondition(text, 'ConditionExpression', substitutions)).toEqual(decoded);
      }),
      { numRuns: 500 },
    );
  });

  it('updates', () => {
    fc.assert(
      fc.property(updates, (update) => {
        const decoded = decodeUpdate(compiledUpdate(update));
        expect(decoded).toEqual(update);
        const { text, names, values } = printUpdate(decoded);
        fc.pre(fits(text));
        expect(parseUpdate(text, new Substitutions(names, values))).toEqual(decoded);
      }),
      { numRuns: 500 },
    );
  });

  it('projections', () => {
    fc.assert(
      fc.property(disjointPaths, (projection) => {
        const decoded = decodeProjection(compiledProjection(projection.map(pathPart)));
        expect(decoded).toEqual(projection);
        const { text, names } = printProjection(decoded);
        fc.pre(fits(text));
        expect(parseProjection(text, new Substitutions(names, undefined))).toEqual(decoded);
      }),
    );
  });

  it('any tree of nodes: a fault, or a tree that has a text', () => {
    const { node } = fc.letrec<{ node: Part }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<Part>(a, b, value, [17, 1], [17, 2], [18, 'a', { index: 0 }]),
        fc
          .tuple(fc.integer({ min: 0, max: 27 }), fc.array(tie('node'), { maxLength: 3 }))
          .map(([code, parts]): Part => [code, ...parts]),
        fc
          .tuple(fc.constantFrom(0, 4, 6, 7, 14, 15), tie('node'), tie('node'))
          .map((parts): Part => parts),
      ),
    }));
    const values: AttributeValue[] = [one, { S: 'x' }, { L: [] }];
    fc.assert(
      fc.property(node, fc.boolean(), (tree, isUpdate) => {
        if (isUpdate) {
          checkHasText(() => decodeUpdate(compiled([tree], values)), printUpdate, parseUpdate);
        } else {
          checkHasText(
            () => decodeCondition(compiled(tree, values), 'FilterExpression'),
            printCondition,
            (text, substitutions) => parseCondition(text, 'FilterExpression', substitutions),
          );
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('what the Node client compiles', () => {
  it('is the condition of the text', () => {
    fc.assert(
      fc.property(conditions, (condition) => {
        const printed = printCondition(condition);
        fc.pre(fits(printed.text));
        const bytes = clientCompiles('Condition', printed.text, printed);
        expect(decodeCondition(bytes, 'ConditionExpression')).toEqual(condition);
      }),
      { numRuns: 200 },
    );
  });

  it('is the update of the text', () => {
    fc.assert(
      fc.property(updates, (update) => {
        const printed = printUpdate(update);
        fc.pre(fits(printed.text));
        expect(decodeUpdate(clientCompiles('Update', printed.text, printed))).toEqual(update);
      }),
      { numRuns: 200 },
    );
  });

  it('is the projection of the text, in its order', () => {
    fc.assert(
      fc.property(disjointPaths, (projection) => {
        const { text, names, values } = printProjection(projection);
        fc.pre(fits(text));
        expect(decodeProjection(clientCompiles('Projection', text, { names, values }))).toEqual(
          projection,
        );
      }),
      { numRuns: 100 },
    );
  });
});

function withSortedSets<T>(part: T): T {
  return sorted(part) as T; // the same shape
}

function sorted(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(sorted);
  if (typeof part !== 'object' || part === null) return part;
  if ('SS' in part || 'NS' in part || 'BS' in part) return validateValue(part);
  return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, sorted(inner)]));
}

/** Random trees may print to more than an expression may hold; those prove nothing here. */
function fits(text: string): boolean {
  return text.length <= EXPRESSION_BYTES_MAX;
}

function checkHasText<T>(
  decode: () => T,
  print: (tree: T) => PrintedExpression,
  parse: (text: string, substitutions: Substitutions) => T,
): void {
  let decoded: T;
  try {
    decoded = decode();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ClientFault);
    return;
  }
  const { text, names, values } = print(decoded);
  expect(parse(text, new Substitutions(names, values))).toEqual(decoded);
}
