import { tagFaults } from '../errors/tables.ts';
import type { Tag } from './descriptor.ts';
import { TAG_KEY_LENGTH_MAX, TAG_VALUE_LENGTH_MAX, TAGS_COUNT_MAX } from './limits.ts';

/** A tag as it arrives: the service reports missing members in its own words. */
export interface TagInput {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** Letters and digits of any script, spaces, and + - = . _ : / @ (probed; reference/dynamodb.md §2). */
const CHARACTERS = /^[\p{L}\p{N}\p{Z}_.:/=+\-@]*$/u;
const RESERVED_PREFIX = 'aws:';

/**
 * Checks the tags of one request; all of them are refused when one is wrong.
 * @throws ClientFault ValidationException
 */
export function checkTags(tags: readonly TagInput[]): readonly Tag[] {
  const keys = new Set<string>();
  const checked = tags.map(({ Key, Value }) => {
    const key = checkedKey(Key);
    if (Value === undefined || Value.length > TAG_VALUE_LENGTH_MAX || !CHARACTERS.test(Value)) {
      throw tagFaults.value(Value);
    }
    if (keys.has(key)) throw tagFaults.duplicateKey(key);
    keys.add(key);
    return { Key: key, Value };
  });
  if (checked.length > TAGS_COUNT_MAX) throw tagFaults.tooMany();
  return checked;
}

/** Keys to remove: the count is limited though nothing is added. @throws ClientFault */
export function checkTagKeys(keys: readonly string[]): void {
  for (const key of keys) checkedKey(key);
  if (keys.length > TAGS_COUNT_MAX) throw tagFaults.tooMany();
}

/** The tags after setting some: old places are kept, new keys go to the end. @throws ClientFault */
export function withTags(current: readonly Tag[], added: readonly Tag[]): readonly Tag[] {
  const byKey = new Map(current.map((tag) => [tag.Key, tag]));
  for (const tag of added) byKey.set(tag.Key, tag);
  if (byKey.size > TAGS_COUNT_MAX) throw tagFaults.tooMany();
  return [...byKey.values()];
}

export function withoutTags(current: readonly Tag[], keys: readonly string[]): readonly Tag[] {
  const removed = new Set(keys);
  return current.filter((tag) => !removed.has(tag.Key));
}

function checkedKey(key: string | undefined): string {
  const isValid =
    key !== undefined &&
    key.length >= 1 &&
    key.length <= TAG_KEY_LENGTH_MAX &&
    CHARACTERS.test(key);
  if (!isValid) throw tagFaults.key(key);
  if (key.startsWith(RESERVED_PREFIX)) throw tagFaults.reservedKey(key);
  return key;
}
