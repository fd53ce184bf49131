import { readFileSync } from 'node:fs';
import { accessFaults } from '../errors/access.ts';
import { FileWatch } from '../file-watch.ts';
import type { AccessRequest, Authorizer } from './authorizer.ts';
import { CallerValues } from './caller-values.ts';
import { type Policies, parsePolicies } from './policies.ts';
import { PolicyError } from './policy-error.ts';
import { type Principal, subjectOf } from './principal.ts';

/** One line for the log; `error` is set when a changed file was refused. */
export type PoliciesLog = (event: string, fields: { error?: string; count?: number }) => void;

/**
 * Policies of a file, which is read again when it changes. A change that is not well formed is logged,
 * and the former policies stay.
 */
export class PolicyFile implements Authorizer {
  readonly #path: string;
  readonly #log: PoliciesLog;
  readonly #watch: FileWatch;
  #policies: Policies;

  /**
   * @param path absolute
   * @throws PolicyError: the file is missing or not well formed; one line that names it and the place
   */
  static open(path: string, log: PoliciesLog): PolicyFile {
    return new PolicyFile(path, log);
  }

  private constructor(path: string, log: PoliciesLog) {
    this.#path = path;
    this.#log = log;
    // First, so that no change between the two is missed.
    this.#watch = FileWatch.start({ paths: () => [path], onChange: () => this.#reload() });
    try {
      this.#policies = readPolicies(path);
    } catch (error) {
      this.#watch.close();
      throw error;
    }
  }

  authorize(caller: Principal, { action, resource, conditions }: AccessRequest): void {
    if (caller.isRoot) return;
    const values = new CallerValues(caller, conditions, Date.now);
    const isAllowed = this.#policies
      .get(subjectOf(caller))
      ?.isAllowed({ action, resource, values, lookup: values.one });
    if (isAllowed !== true) throw accessFaults.denied(caller.arn, action, resource);
  }

  /** Stops looking for changes. */
  close(): void {
    this.#watch.close();
  }

  #reload(): void {
    try {
      this.#policies = readPolicies(this.#path);
      this.#log('policies reloaded', { count: this.#policies.size });
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      this.#log('policies not reloaded; the former ones stay', { error: error.message });
    }
  }
}

function readPolicies(path: string): Policies {
  return parsePolicies(readText(path), `the policies file ${path}`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new PolicyError(`cannot read the policies file ${path}: ${String(error.code)}`, {
      cause: error,
    });
  }
}
