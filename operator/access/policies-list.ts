import { DAX_REGISTRY_TABLE } from './names.ts';
import { EVERYTHING_DENIED, type Place } from './policy-document.ts';

/** One policy of a policies file. */
export interface PolicyEntry {
  readonly name: string;
  /** Principals: `user/ann`. */
  readonly subjects: readonly string[];
  readonly document: object;
}

/** An AccessPolicy, with its subjects found. */
export interface PolicySource {
  readonly name: string;
  readonly subjects: readonly string[];
  /** Undefined: it is not valid. */
  readonly document: object | undefined;
  /** Of a paused one what stands in the file for it, which stays; 'none': nothing does. */
  readonly held: PolicyEntry | 'none' | undefined;
}

/** A cluster that calls tables, as whom. */
export interface ClusterCaller {
  readonly clusterName: string;
  readonly principal: string;
}

/** The policies file of a namespace. */
export interface PoliciesList {
  readonly text: string;
  /** By name of their AccessPolicy: what stands in the file for it. */
  readonly entries: ReadonlyMap<string, PolicyEntry>;
  /** Names of AccessPolicies that would make the file too large. */
  readonly leftOut: ReadonlySet<string>;
}

/**
 * With 256 KiB of credentials, less than the MiB that a Secret may have, also if all callers are named once
 * more because of policies that are left out.
 */
const POLICIES_BYTES_MAX = 480 * 1024;

/** What those who read the file take (dataplane/access/policies.ts). */
const ENTRIES_COUNT_MAX = 1000;
const SUBJECTS_COUNT_MAX = 1000;

/** Cannot be names of AccessPolicies: those have no slash. */
const REGISTRY_PREFIX = 'trestle/dax-registry/';
const WITHHELD_PREFIX = 'trestle/withheld/';

/** What a node does to keep what all nodes of its cluster must know. */
const REGISTRY_ACTIONS = ['dynamodb:GetItem', 'dynamodb:PutItem'] as const;

/**
 * The policies of AccessPolicies, and for each cluster one that lets it keep its records in the registry.
 *
 * Fails closed: a policy that is not valid allows nothing, and since nobody knows what it was to deny, it
 * denies its subjects everything. The same for subjects of a policy that would make the file too large.
 * @param sources the older first: those are in the file
 * @param callers principals that have a key: whoever has none is refused anyway
 */
export function policiesList(
  sources: readonly PolicySource[],
  {
    clusters,
    callers,
    place,
  }: {
    readonly clusters: readonly ClusterCaller[];
    readonly callers: ReadonlySet<string>;
    readonly place: Place;
  },
): PoliciesList {
  const builtIn = clusters.map((cluster) => registryPolicy(cluster, place));
  const entries = new Map<string, PolicyEntry>();
  const leftOut = new Set<string>();
  const withheld = new Set<string>();
  const entriesCountMax = ENTRIES_COUNT_MAX - builtIn.length - chunksCount(callers.size);
  let bytes = Buffer.byteLength(textOf(builtIn));
  for (const source of sources) {
    const entry = entryOf(source);
    if (entry === undefined) continue;
    const entryBytes = Buffer.byteLength(textOf([entry]));
    const fits = bytes + entryBytes <= POLICIES_BYTES_MAX && entries.size < entriesCountMax;
    if (fits && entry.subjects.length <= SUBJECTS_COUNT_MAX) {
      bytes += entryBytes;
      entries.set(source.name, entry);
      continue;
    }
    leftOut.add(source.name);
    for (const subject of entry.subjects) if (callers.has(subject)) withheld.add(subject);
  }
  const all = [...entries.values(), ...builtIn, ...withholding(withheld)];
  return { text: textOf(all.toSorted(byName)), entries, leftOut };
}

function entryOf({ name, subjects, document, held }: PolicySource): PolicyEntry | undefined {
  if (held !== undefined) return held === 'none' ? undefined : held;
  if (subjects.length === 0) return undefined;
  return { name, subjects: sorted(subjects), document: document ?? EVERYTHING_DENIED };
}

/** The entries of AccessPolicies in a policies file, by name; none of a text that is no such file. */
export function policiesIn(text: string | undefined): ReadonlyMap<string, PolicyEntry> {
  const entries = entryList(text).flatMap((value): readonly [string, PolicyEntry][] => {
    if (typeof value !== 'object' || value === null) return [];
    const { name, subjects, document } = value as Readonly<Record<string, unknown>>; // Read leniently: what is no entry is not taken.
    const isEntry =
      typeof name === 'string' &&
      Array.isArray(subjects) &&
      subjects.every((subject) => typeof subject === 'string') &&
      typeof document === 'object' &&
      document !== null;
    return isEntry ? [[name, { name, subjects, document }]] : [];
  });
  return new Map(entries);
}

function entryList(text: string | undefined): readonly unknown[] {
  try {
    const file: unknown = JSON.parse(text ?? '{}');
    const { policies } = file as { readonly policies?: unknown }; // Looked at before it is used.
    return Array.isArray(policies) ? policies : [];
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    return [];
  }
}

function withholding(subjects: ReadonlySet<string>): readonly PolicyEntry[] {
  const all = sorted([...subjects]);
  return Array.from({ length: chunksCount(all.length) }, (_, index) => ({
    name: `${WITHHELD_PREFIX}${index}`,
    subjects: all.slice(index * SUBJECTS_COUNT_MAX, (index + 1) * SUBJECTS_COUNT_MAX),
    document: EVERYTHING_DENIED,
  }));
}

function chunksCount(subjectsCount: number): number {
  return Math.ceil(subjectsCount / SUBJECTS_COUNT_MAX);
}

/** The records of a cluster have its name as their partition key. */
function registryPolicy({ clusterName, principal }: ClusterCaller, place: Place): PolicyEntry {
  const { region, accountId } = place;
  const table = `arn:aws:dynamodb:${region}:${accountId}:table/${DAX_REGISTRY_TABLE}`;
  const own = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [clusterName] } };
  return {
    name: `${REGISTRY_PREFIX}${clusterName}`,
    subjects: [principal],
    document: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: REGISTRY_ACTIONS, Resource: table, Condition: own }],
    },
  };
}

function textOf(policies: readonly PolicyEntry[]): string {
  return `${JSON.stringify({ policies })}\n`;
}

function sorted(subjects: readonly string[]): readonly string[] {
  return [...new Set(subjects)].toSorted();
}

function byName(one: PolicyEntry, other: PolicyEntry): number {
  return one.name < other.name ? -1 : Number(one.name > other.name);
}
