import { createHash } from 'node:crypto';

/** Longer texts are named by their digest: a request may have megabytes, and its key is kept as long as its answer. */
const TEXT_CHARS_MAX = 512;

/** Two for each of the 32 levels of a value, and those around it; the tables refuse what is deeper. */
const LEVELS_MAX = 100;

/**
 * What equal requests have in common: their JSON with the members of all objects in order, or the digest of
 * that.
 * @param body as JSON.parse gave it
 * @returns undefined for a body that is nested too deeply to be a request
 */
export function requestKeyOf(body: unknown): string | undefined {
  const text = canonicalJson(body, LEVELS_MAX);
  if (text === undefined || text.length <= TEXT_CHARS_MAX) return text;
  return `sha256:${createHash('sha256').update(text).digest('base64')}`;
}

/** JSON with members sorted by name and lists as they are; undefined beyond `levels`. */
function canonicalJson(value: unknown, levels: number): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (levels === 0) return undefined;
  const isList = Array.isArray(value);
  const members = Object.entries(value);
  if (!isList) members.sort(([a], [b]) => (a < b ? -1 : 1));
  const parts: string[] = [];
  for (const [name, member] of members) {
    const text = canonicalJson(member, levels - 1);
    if (text === undefined) return undefined;
    parts.push(isList ? text : `${JSON.stringify(name)}:${text}`);
  }
  return isList ? `[${parts.join()}]` : `{${parts.join()}}`;
}
