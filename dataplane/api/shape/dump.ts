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

/** The value as it came, which may have no type or several. Nested content is shown as JSON. */
export function attributeDump(value: AttributeValue): string {
  const members: { readonly [type: string]: unknown } = value;
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
  return typeof content === 'object' ? JSON.stringify(content) : String(content);
}
