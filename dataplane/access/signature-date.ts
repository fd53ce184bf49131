const BASIC_FORMAT = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** `20261121T060000Z`: ISO-8601 basic format. */
export function basicFormat(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/**
 * Milliseconds since the epoch of a basic-format date, or of an HTTP date (the `Date` header).
 * Undefined if it is neither, or no day of the calendar.
 */
export function parseSignatureDate(text: string): number | undefined {
  const parts = BASIC_FORMAT.exec(text);
  if (parts === null) {
    const httpDateMs = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isNaN(httpDateMs) ? undefined : httpDateMs;
  }
  const [, year, month, day, hour, minute, second] = parts;
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  // Date.parse rolls February 30 over into March on some engines; a date must read back the same.
  return Number.isNaN(timeMs) || basicFormat(timeMs) !== text ? undefined : timeMs;
}
