import type { ArnPattern } from './arn-pattern.ts';
import type { Condition, Effect } from './condition.ts';
import type { Wildcard } from './wildcard.ts';

/** A policy document of IAM's grammar, checked and ready to be evaluated; frozen. */
export interface Policy {
  readonly id: string | undefined;
  readonly statements: readonly Statement[];
}

/** All that a request has to meet, so that the effect is its. */
export interface Statement {
  readonly sid: string | undefined;
  readonly effect: Effect;
  readonly actions: ActionMatch;
  readonly resources: ResourceMatch;
  /** Those whose keys depend on the table come last (`dependsOnTable`). */
  readonly conditions: readonly Condition[];
  /** Whether one of the conditions is about a key that is known only with the table's description. */
  readonly dependsOnTable: boolean;
}

export interface ActionMatch {
  /** Of names in lower case. */
  readonly patterns: readonly Wildcard[];
  /** `NotAction`: all that match none of them. */
  readonly isNot: boolean;
}

export interface ResourceMatch {
  readonly patterns: readonly ArnPattern[];
  /** `NotResource`: all that match none of them. */
  readonly isNot: boolean;
}

/** Whether the statement is about an action, given in lower case. */
export function isAboutAction({ actions }: Statement, action: string): boolean {
  return actions.isNot !== actions.patterns.some((pattern) => pattern.matches(action));
}
