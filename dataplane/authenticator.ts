import type { Logger } from 'pino';
import { CredentialsFile } from './access/credentials.ts';
import { SignaturePresence } from './access/signature-presence.ts';
import { SignatureVerifier } from './access/signature-verifier.ts';
import type { Authenticator } from './access/signed-message.ts';

/**
 * Verifies signatures against the access keys of a file, which is read again when it changes;
 * without a file, any signature will do.
 * @throws CredentialsError
 */
export function openAuthenticator(
  credentialsFile: string | undefined,
  region: string,
  log: Logger,
): { readonly authenticator: Authenticator; readonly closeCredentials: () => void } {
  if (credentialsFile === undefined) {
    return { authenticator: new SignaturePresence(), closeCredentials: () => undefined };
  }
  const credentials = CredentialsFile.open(credentialsFile, (event, fields) =>
    fields.error === undefined ? log.info(fields, event) : log.error(fields, event),
  );
  return {
    authenticator: new SignatureVerifier({ credentials, region }),
    closeCredentials: () => credentials.close(),
  };
}
