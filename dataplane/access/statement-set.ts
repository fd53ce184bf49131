import { arnParts } from './arn-pattern.ts';
import type { ConditionValues } from './authorizer.ts';
import { conditionHolds } from './condition.ts';
import { isAboutAction, type Policy, type Statement } from './policy.ts';
import type { VariableLookup } from './policy-text.ts';

/** One action on one resource. */
export interface Question {
  readonly action: string;
  readonly resource: string;
  readonly values: ConditionValues;
  readonly lookup: VariableLookup;
}

/** Actions whose statements are remembered; there are some sixty. */
const ACTIONS_COUNT_MAX = 256;

/**
 * All statements that are for one subject. A Deny that applies wins, else an Allow is needed.
 *
 * Statements are looked at in an order that asks for no more than is needed to decide: whether the
 * table exists, above all. Only a caller for whom all else is settled in its favour has the table
 * looked at; whoever would be refused whatever is in it, is refused without.
 */
export class StatementSet {
  readonly #statements: readonly Statement[];
  readonly #byAction = new Map<string, OrderedStatements>();

  constructor(policies: readonly Policy[]) {
    this.#statements = policies.flatMap(({ statements }) => statements);
  }

  /** @throws what `values` throws */
  isAllowed(question: Question): boolean {
    const { denials, allowances, tableDenials } = this.#about(question.action);
    const resource = arnParts(question.resource);
    const applies = (statement: Statement) => isMet(statement, resource, question);
    return !denials.some(applies) && allowances.some(applies) && !tableDenials.some(applies);
  }

  #about(action: string): OrderedStatements {
    const known = this.#byAction.get(action);
    if (known !== undefined) return known;
    const lower = action.toLowerCase();
    const ordered = inOrder(this.#statements.filter((each) => isAboutAction(each, lower)));
    if (this.#byAction.size >= ACTIONS_COUNT_MAX) this.#byAction.clear();
    this.#byAction.set(action, ordered);
    return ordered;
  }
}

/** The statements about one action, in the order in which they are looked at. */
interface OrderedStatements {
  readonly denials: readonly Statement[];
  /** Those that depend on the table come last. */
  readonly allowances: readonly Statement[];
  readonly tableDenials: readonly Statement[];
}

function inOrder(statements: readonly Statement[]): OrderedStatements {
  const of = (effect: Statement['effect'], dependsOnTable: boolean) =>
    statements.filter((each) => each.effect === effect && each.dependsOnTable === dependsOnTable);
  return {
    denials: of('Deny', false),
    allowances: [...of('Allow', false), ...of('Allow', true)],
    tableDenials: of('Deny', true),
  };
}

function isMet(
  { resources, conditions, effect }: Statement,
  resource: readonly string[],
  { values, lookup }: Question,
): boolean {
  const isNamed = resources.patterns.some((pattern) => pattern.matches(resource, lookup));
  if (resources.isNot === isNamed) return false;
  return conditions.every((condition) => conditionHolds(condition, { effect, values, lookup }));
}
