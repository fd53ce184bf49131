import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** Scopes in use at a time: two dates around midnight, one region, and room for clock skew. */
const SCOPES_MAX = 16;

/**
 * The signing keys of one secret, derived once per date and region.
 *
 * `HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request")`. Bounded: only
 * scopes that passed the scope check arrive here, and the oldest is dropped beyond `SCOPES_MAX`.
 */
export class SigningKeys {
  readonly #secret: string;
  readonly #keys = new Map<string, KeyObject>();

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** @param scope `date/region/service/aws4_request` */
  keyFor(scope: string): KeyObject {
    const known = this.#keys.get(scope);
    if (known !== undefined) return known;
    let key = Buffer.from(`AWS4${this.#secret}`, 'utf8');
    for (const part of scope.split('/')) {
      key = createHmac('sha256', key).update(part).digest();
    }
    const derived = createSecretKey(key);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size < SCOPES_MAX) break;
      this.#keys.delete(oldest);
    }
    this.#keys.set(scope, derived);
    return derived;
  }
}
