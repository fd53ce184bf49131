import type { AttributeMap, AttributeValue } from '../../item/attribute-value.ts';

/**
 * Values in the notation of constraint messages (Java's toString of the service's classes): lists
 * `[a, b]`, maps `{k=v}`, structures `Name(member=v, member=null)`. Only rejected requests pay for it.
 */
export function structureDump(
  name: string,
  members: readonly (readonly [string, string])[],
): string {
  return `${name}(${members.map(([member, text]) => `${member}=${text}`).join(', ')})`;
}

/** Characters of a dump that a message shows: a body of 16 MB must not come back as an error of 32. */
const DUMP_LENGTH_MAX = 65_536;

export function cutDump(dump: string): string {
  return dump.length <= DUMP_LENGTH_MAX ? dump : dump.slice(0, DUMP_LENGTH_MAX);
}

export function attributeMapDump(map: AttributeMap): string {
  const parts = Object.entries(map).map(([name, value]) => `${name}=${attributeDump(value)}`);
  return `{${parts.join(', ')}}`;
}

/** Members as the service's class declares them, those that no client knows too. */
const memberNames: readonly (readonly [shown: string, type: string | undefined])[] = [
  ['s', 'S'],
  ['n', 'N'],
  ['b', 'B'],
  ['iNT', undefined],
  ['dECIMAL', undefined],
  ['dOUBLE', undefined],
  ['sS', 'SS'],
  ['nS', 'NS'],
  ['bS', 'BS'],
  ['iNTSET', undefined],
  ['dECIMALSET', undefined],
  ['dOUBLESET', undefined],
  ['m', 'M'],
  ['l', 'L'],
  ['nULL', 'NULL'],
  ['bOOL', 'BOOL'],
];

/** The value as it came, which may be null, have no type or several. Nested content is shown as JSON. */
export function attributeDump(value: AttributeValue | null): string {
  const members: { readonly [type: string]: unknown } = value ?? {};
  return structureDump(
    'AttributeValue',
    memberNames.map(([shown, type]) => [
      shown,
      type === undefined ? 'null' : contentDump(members[type]),
    ]),
  );
}

function contentDump(content: unknown): string {
  if (content === undefined || content === null) return 'null';
  return typeof content === 'object' ? jsonDump(content) : String(content);
}

/** Levels of nesting that a dump shows; what was refused may be of any depth. */
const DUMP_LEVELS_MAX = 64;

/** JSON, cut where it is nested too deep for its writer. */
export function jsonDump(value: unknown, level = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (level >= DUMP_LEVELS_MAX) return '...';
  if (Array.isArray(value)) {
    return `[${value.map((element) => jsonDump(element, level + 1)).join(',')}]`;
  }
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${jsonDump(member, level + 1)}`,
  );
  return `{${members.join(',')}}`;
}
