/**
 * Bounds on what JSON.parse may build from one body.
 *
 * 16 MB of `{},` become 400 MB of objects and 16 MB of `[` a gigabyte of parser stack, which is
 * enough to end a small process. Bodies up to a megabyte cannot do such harm and are not looked at.
 *
 * Differs: the service's own bounds are unknown. The largest body of use (25 items of lists of
 * one-digit numbers) has 1.6 million openings.
 */
export const BOUNDED_FROM_BYTES = 1024 * 1024;

/** Objects and arrays in one body. */
const OPENINGS_COUNT_MAX = 2_000_000;

const NESTING_LEVELS_MAX = 500_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Bit 5 tells `[` from `{`, and `]` from `}`: with it set, both are braces. */
const BRACE_BIT = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/**
 * Whether a body is within the bounds. Brackets inside strings do not count. Says nothing about
 * whether it is JSON; takes about 2 ms a megabyte.
 */
export function isWithinJsonBounds(body: Buffer): boolean {
  let openings = 0;
  let depth = 0;
  for (let i = 0; i < body.length; i += 1) {
    const byte = body[i] ?? 0;
    if (byte === QUOTE) {
      i = endOfString(body, i);
      continue;
    }
    const brace = byte | BRACE_BIT;
    if (brace === CLOSING) depth -= 1;
    if (brace !== OPENING) continue;
    openings += 1;
    depth += 1;
    if (openings > OPENINGS_COUNT_MAX || depth > NESTING_LEVELS_MAX) return false;
  }
  return true;
}

/** Index of the closing quote, or the end of the body. */
function endOfString(body: Buffer, start: number): number {
  let i = start + 1;
  while (i < body.length && body[i] !== QUOTE) i += body[i] === BACKSLASH ? 2 : 1;
  return i;
}
