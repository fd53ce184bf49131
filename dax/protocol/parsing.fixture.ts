import { type Arrival, RequestParser } from './request-parser.ts';
import type { DaxRequest } from './requests.ts';
import { preamble } from './vectors.fixture.ts';

/** Everything a parser finds in these pieces, which come one after the other. */
export function arrivalsOf(pieces: readonly Buffer[], requestBytesMax = 1 << 24): Arrival[] {
  const parser = new RequestParser({ requestBytesMax });
  const arrivals: Arrival[] = [];
  for (const piece of pieces) {
    parser.push(piece);
    for (let next = parser.next(); next !== undefined; next = parser.next()) arrivals.push(next);
  }
  return arrivals;
}

/** The one request in these bytes, which a preamble goes before. */
export function requestIn(bytes: Buffer): DaxRequest {
  const [first, second, ...rest] = arrivalsOf([preamble, bytes]);
  if (first?.kind !== 'preamble' || rest.length > 0) throw new Error('not one request');
  if (second === undefined) throw new Error('the request is not whole');
  if (second.kind === 'invalid') throw second.fault;
  if (second.kind === 'preamble') throw new Error('two preambles');
  return second.request;
}
