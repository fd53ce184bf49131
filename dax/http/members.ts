/** Bodies of requests, which are any JSON until they are recognised. */

type Members = { readonly [member: string]: unknown };

export function isRecord(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a body has no other members than these. */
export function hasOnly(body: Members, names: ReadonlySet<string>): boolean {
  for (const name in body) if (!names.has(name)) return false;
  return true;
}

/** A member that is false, or not there. */
export function isFalse(member: unknown): member is false | undefined {
  return member === undefined || member === false;
}
