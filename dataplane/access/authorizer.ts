import type { Principal } from './principal.ts';

/** One thing that a caller wants to do to one resource. */
export interface AccessRequest {
  /** `dynamodb:GetItem`. */
  readonly action: string;
  /** An ARN; `*` where the action is about no resource. */
  readonly resource: string;
  readonly conditions: ConditionValues;
}

/**
 * What conditions of policies are compared with, apart from what the caller's name and the clock say.
 * A `Map` is one.
 */
export interface ConditionValues {
  /**
   * @param key in lower case, as condition keys are compared: `dynamodb:leadingkeys`
   * @returns undefined: the request has no such key
   * @throws ClientFault when the request, or what it names, does not let its value be known
   */
  get(key: string): readonly string[] | undefined;
}

/** Decides what known callers may do. */
export interface Authorizer {
  /** Returns if the caller may. @throws ClientFault AccessDeniedException */
  authorize(caller: Principal, request: AccessRequest): void;
}

/** Where no policies are given. */
export const everythingAllowed: Authorizer = { authorize: () => undefined };
