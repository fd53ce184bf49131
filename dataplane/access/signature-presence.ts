import { type Principal, rootOf } from './principal.ts';
import { readSignature } from './signature.ts';
import type { Authenticator, SignedMessage } from './signed-message.ts';

/**
 * Accepts any credentials: the signature's parts must be there, as the service demands before it
 * looks at them, and are not verified. For loopback, or where nobody else can reach the port. Whoever
 * calls acts for the account itself.
 */
export class SignaturePresence implements Authenticator {
  readonly #root: Principal;

  constructor(accountId: string) {
    this.#root = rootOf(accountId);
  }

  authenticate(message: SignedMessage): Principal {
    readSignature(message);
    return this.#root;
  }
}
