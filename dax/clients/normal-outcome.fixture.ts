import { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { normaliseNumber } from '../../dataplane/item/number.ts';
import type { Outcome } from './client-process.ts';
import type { OfficialClient } from './official-clients.fixture.ts';

type Members = { readonly [member: string]: unknown };

/** What a client adds of its own, or what a cache does not know. */
const UNCOMPARED: ReadonlySet<string> = new Set(['$metadata', 'ResponseMetadata']);

/** Members that some clients leave out when they are empty. */
const OMITTED_EMPTY: ReadonlySet<string> = new Set([
  'ItemCollectionMetrics',
  'UnprocessedItems',
  'UnprocessedKeys',
]);

/** Of messages: names and kinds of errors; in Java the codes of the reply, `[4.37.38.39.46] `. */
const OWN_PREFIX = /^(?:(?:api error |unknown error(?=:))?(?:\w+)?: |\[[\d.]+\] )/;

/** What to look away from. */
export interface Comparison {
  /** Reads that the cache may answer cost nothing then. */
  readonly isCached: boolean;
  /** Python shows items of cancelled transactions as they were sent. */
  readonly hidesReasonItems: boolean;
  /** Go and Java show an empty list beside a count. */
  readonly hidesEmptyItems: boolean;
  /** Java's second shows reasons of a cancellation in the order in which it learns the names of their attributes. */
  readonly mixesReasons: boolean;
}

type Habits = Omit<Comparison, 'isCached'>;

/** What clients of a language do otherwise. */
export const habits: Readonly<Record<OfficialClient['language'], Habits>> = {
  node: { hidesReasonItems: false, hidesEmptyItems: false, mixesReasons: false },
  python: { hidesReasonItems: true, hidesEmptyItems: false, mixesReasons: false },
  go: { hidesReasonItems: false, hidesEmptyItems: true, mixesReasons: false },
  java: { hidesReasonItems: false, hidesEmptyItems: true, mixesReasons: true },
};

/**
 * An outcome without what clients show in different ways: numbers in normal form, what they put before
 * messages, empty members, the order of tables.
 */
export function normalOutcome(
  outcome: Outcome,
  { isCached, hidesReasonItems, hidesEmptyItems, mixesReasons }: Comparison,
): unknown {
  if (!('error' in outcome)) {
    const { Items, ...others } = normalValue(outcome.result) as Members;
    const isHidden = hidesEmptyItems && Array.isArray(Items) && Items.length === 0;
    const result: Members = Items === undefined || isHidden ? others : { ...others, Items };
    if (!isCached) return { result };
    const { ConsumedCapacity: _, ...rest } = result;
    return { result: rest };
  }
  const { code, message, reasons } = outcome.error;
  return {
    error: {
      code,
      message: message.replace(OWN_PREFIX, ''),
      ...(Array.isArray(reasons) && {
        reasons: ordered(normalReasons(reasons, hidesReasonItems), mixesReasons),
      }),
    },
  };
}

function ordered(reasons: readonly unknown[], isMixed: boolean): readonly unknown[] {
  if (!isMixed) return reasons;
  return reasons.toSorted((one, other) => textOf(one).localeCompare(textOf(other)));
}

/** With the members of all objects in the same order. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, member) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort())
      : member,
  );
}

/** Python's is the flat list as it was sent: code, message, values. */
function normalReasons(reasons: readonly unknown[], hidesItems: boolean): readonly unknown[] {
  if (typeof reasons[0] === 'string') {
    return reasons.flatMap((Code, at) => {
      if (at % 3 !== 0) return [];
      const [Message, values] = [reasons[at + 1], reasons[at + 2]];
      return [normalValue({ Code, Message, ...(values !== null && { Item: HIDDEN }) })];
    });
  }
  return reasons.map((reason) => {
    const hasItem = typeof reason === 'object' && reason !== null && 'Item' in reason;
    return normalValue(hidesItems && hasItem ? { ...reason, Item: HIDDEN } : reason);
  });
}

const HIDDEN = 'an item';

function normalValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalValue);
  if (typeof value !== 'object' || value === null) return value;
  const members: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined || member === null || UNCOMPARED.has(name)) continue;
    if (OMITTED_EMPTY.has(name) && Object.keys(member).length === 0) continue;
    members.push([name, normalMember(name, member)]);
  }
  return Object.fromEntries(members);
}

/** What is no number of the data model stays as it is. */
function normalNumber(text: string): string {
  try {
    return normaliseNumber(text);
  } catch (error) {
    if (!(error instanceof ClientFault)) throw error;
    return text;
  }
}

function normalMember(name: string, member: unknown): unknown {
  if (name === 'N' && typeof member === 'string') return normalNumber(member);
  if (name === 'NS' && Array.isArray(member)) return member.map(String).map(normalNumber);
  if (name === 'ConsumedCapacity' && Array.isArray(member)) return byTable(member.map(normalValue));
  return normalValue(member);
}

/** Tables stand in the order of the request, which Go draws by lot. */
function byTable(capacities: readonly unknown[]): readonly unknown[] {
  return capacities.toSorted((one, other) => tableOf(one).localeCompare(tableOf(other)));
}

function tableOf(capacity: unknown): string {
  return String((capacity as Members).TableName); // of a list of capacities
}
