import type { Policy } from './policy.ts';
import { PolicyError } from './policy-error.ts';
import { membersOf, quoted } from './policy-members.ts';
import { parsePolicy } from './policy-parser.ts';
import { isSubject } from './principal.ts';
import { StatementSet } from './statement-set.ts';

/** Bounds of a file of policies; a Secret of Kubernetes has at most 1 MiB. */
export const POLICIES_BYTES_MAX = 1024 * 1024;
const POLICIES_COUNT_MAX = 1_000;
const SUBJECTS_COUNT_MAX = 1_000;

/** What each subject (`user/ann`) may do; one that is not there may do nothing. */
export type Policies = ReadonlyMap<string, StatementSet>;

/**
 * Reads `{"policies": [{"name", "subjects": ["user/ann", ...], "document": {...}}]}`. Several policies
 * may be for one subject: all of their statements count.
 * @param place the file, for messages
 * @throws PolicyError
 */
export function parsePolicies(text: string, place: string): Policies {
  if (Buffer.byteLength(text) > POLICIES_BYTES_MAX) {
    throw new PolicyError(`${place} has more than ${POLICIES_BYTES_MAX} bytes`);
  }
  const entries = entriesOf(parseJson(text, place), place);
  const bySubject = new Map<string, Policy[]>();
  const names = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    const { name, subjects, policy } = parseEntry(entry, `policies[${index}] of ${place}`, place);
    if (names.has(name)) throw new PolicyError(`${place} has two policies called "${name}"`);
    names.add(name);
    for (const subject of new Set(subjects)) {
      const policies = bySubject.get(subject) ?? [];
      policies.push(policy);
      bySubject.set(subject, policies);
    }
  }
  return new Map(
    Array.from(bySubject, ([subject, policies]) => [subject, new StatementSet(policies)]),
  );
}

function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new PolicyError(`${place} is not JSON`);
  }
}

function entriesOf(value: unknown, place: string): readonly unknown[] {
  const list = membersOf(value, place, ['policies']).get('policies');
  if (!Array.isArray(list)) {
    throw new PolicyError(`${place} must be {"policies": [{"name", "subjects", "document"}]}`);
  }
  if (list.length > POLICIES_COUNT_MAX) {
    throw new PolicyError(`${place} has more than ${POLICIES_COUNT_MAX} policies`);
  }
  return list;
}

interface Entry {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly policy: Policy;
}

function parseEntry(value: unknown, place: string, file: string): Entry {
  const members = membersOf(value, place, ['name', 'subjects', 'document']);
  const name = members.get('name');
  if (typeof name !== 'string' || !/^[\w+=,.@/-]{1,253}$/.test(name)) {
    throw new PolicyError(`${place} needs a name of 1 to 253 letters, digits or +=,.@/-`);
  }
  const named = `policy "${name}" of ${file}`;
  return {
    name,
    subjects: subjectsOf(members.get('subjects'), named),
    policy: documentOf(members.get('document'), named),
  };
}

function subjectsOf(value: unknown, place: string): readonly string[] {
  if (!Array.isArray(value) || value.length > SUBJECTS_COUNT_MAX) {
    throw new PolicyError(`${place}: subjects must be a list of at most ${SUBJECTS_COUNT_MAX}`);
  }
  return value.map((subject: unknown) => {
    if (typeof subject === 'string' && isSubject(subject)) return subject;
    throw new PolicyError(
      `${place}: a subject is user/NAME, role/NAME or dax/NAME, not ${quoted(subject)}`,
    );
  });
}

function documentOf(value: unknown, place: string): Policy {
  try {
    return parsePolicy(value);
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    throw new PolicyError(`${place}: ${error.message}`, { cause: error });
  }
}
