const BASIC_FORMAT =
  /^\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ$/;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** The latest second that was asked for: who signs many requests asks for the same one again and again. */
let known = { second: Number.NaN, text: '' };

/** `20261121T060000Z`: ISO-8601 basic format. */
export function basicFormat(timeMs: number): string {
  const second = Math.floor(timeMs / 1_000);
  if (second !== known.second) {
    const text = `${new Date(second * 1_000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
    known = { second, text };
  }
  return known.text;
}

/** A moment as a signature writes it. */
export interface SignatureDate {
  readonly timeMs: number;
  /** In basic format, whichever form was sent. */
  readonly text: string;
}

/**
 * Reads a date in basic format, or an HTTP date (the `Date` header).
 * Undefined if it is neither, or no day of the calendar.
 */
export function parseSignatureDate(text: string): SignatureDate | undefined {
  if (BASIC_FORMAT.test(text)) return parseBasicFormat(text);
  const timeMs = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : { timeMs, text: basicFormat(timeMs) };
}

function parseBasicFormat(text: string): SignatureDate | undefined {
  const day = Number(text.slice(6, 8));
  const timeMs = Date.UTC(
    Number(text.slice(0, 4)),
    Number(text.slice(4, 6)) - 1,
    day,
    Number(text.slice(9, 11)),
    Number(text.slice(11, 13)),
    Number(text.slice(13, 15)),
  );
  // February 30 would have become a day of March.
  return new Date(timeMs).getUTCDate() === day ? { timeMs, text } : undefined;
}
