import type { Response } from 'express';

/** Answers with one line of JSON. */
export function answer(response: Response, body: unknown, status = 200): void {
  response
    .status(status)
    .type('application/json')
    .send(`${JSON.stringify(body, shownInJson)}\n`);
}

/** Answers with JSON that is there already; nothing at all becomes an object without members. */
export function answerJson(response: Response, json: Uint8Array): void {
  const text = json.length === 0 ? '{}' : Buffer.from(json).toString('utf8');
  response.type('application/json').send(`${text}\n`);
}

/**
 * What JSON does not hold: bigints (partition ids) become strings, errors their message, bytes
 * base64, and numbers without an end null.
 */
function shownInJson(this: unknown, key: string, value: unknown): unknown {
  // Buffers have a toJSON of their own, whose result is what arrives as `value`.
  const raw: unknown = isRecord(this) ? this[key] : value;
  if (typeof raw === 'bigint') return `${raw}`;
  if (raw instanceof Uint8Array) return Buffer.from(raw).toString('base64');
  if (raw instanceof Error) return raw.message;
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
