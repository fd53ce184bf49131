import type { ConditionValues } from './authorizer.ts';
import { type Principal, subjectOf } from './principal.ts';

/**
 * What conditions and variables are about: who calls, and when, beside what a request says.
 *
 * `aws:username` is the name of a user; roles and clusters have none. `aws:userid` is the name of
 * whoever it is: there are no other ids.
 */
export class CallerValues implements ConditionValues {
  readonly #caller: Principal;
  readonly #request: ConditionValues;
  readonly #nowMs: () => number;

  constructor(caller: Principal, request: ConditionValues, nowMs: () => number) {
    this.#caller = caller;
    this.#request = request;
    this.#nowMs = nowMs;
  }

  get(key: string): readonly string[] | undefined {
    if (!key.startsWith('aws:')) return this.#request.get(key);
    switch (key) {
      case 'aws:username': {
        const [kind, name] = this.#subject();
        return kind === 'user' && name !== undefined ? [name] : undefined;
      }
      case 'aws:userid': {
        const [, name] = this.#subject();
        return name === undefined ? undefined : [name];
      }
      case 'aws:principalarn':
        return [this.#caller.arn];
      case 'aws:currenttime':
        return [new Date(this.#nowMs()).toISOString()];
      case 'aws:epochtime':
        return [String(Math.floor(this.#nowMs() / 1_000))];
      default:
        return this.#request.get(key);
    }
  }

  /** For policy variables: a key that has several values stands for none. */
  readonly one = (key: string): string | undefined => {
    const values = this.get(key);
    return values?.length === 1 ? values[0] : undefined;
  };

  #subject(): readonly string[] {
    return subjectOf(this.#caller).split('/');
  }
}
