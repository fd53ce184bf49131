import type { AttributeMap, AttributeValue } from '../../item/attribute-value.ts';

/**
 * Values in the notation of constraint messages (Java's toString of the service's classes): lists
 * `[a, b]`, maps `{k=v}`, structures `Name(member=v, member=v)`. Only rejected requests pay for it.
 */
export function structureDump(
  name: string,
  members: readonly (readonly [string, string])[],
): string {
  return `${name}(${members.map(([member, text]) => `${member}=${text}`).join(', ')})`;
}

export function attributeMapDump(map: AttributeMap): string {
  const parts = Object.entries(map).map(([name, value]) => `${name}=${attributeDump(value)}`);
  return `{${parts.join(', ')}}`;
}

/** The value as it came, which may have no type or several; nested parts are shown as JSON. */
export function attributeDump(value: AttributeValue): string {
  const parts = Object.entries(value).map(
    ([type, content]) =>
      [
        type.toLowerCase(),
        typeof content === 'string' ? content : JSON.stringify(content),
      ] as const,
  );
  return structureDump('AttributeValue', parts);
}
