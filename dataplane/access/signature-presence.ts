import { readSignature } from './signature.ts';
import type { Authenticator, SignedMessage } from './signed-message.ts';

/**
 * Accepts any credentials: the signature's parts must be there, as the service demands before it
 * looks at them, and are not verified. For loopback, or where nobody else can reach the port.
 */
export class SignaturePresence implements Authenticator {
  authenticate(message: SignedMessage): void {
    readSignature(message);
  }
}
