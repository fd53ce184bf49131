import type { Logger } from 'pino';
import type { Authorizer } from './access/authorizer.ts';
import { CredentialsFile } from './access/credentials.ts';
import { PolicyFile } from './access/policy-file.ts';
import { SignaturePresence } from './access/signature-presence.ts';
import { SignatureVerifier } from './access/signature-verifier.ts';
import type { Authenticator } from './access/signed-message.ts';
import type { Place } from './catalog/arn.ts';

/** Who may call, and what callers may do. */
export interface CallerAccess {
  readonly authenticator: Authenticator;
  /** Undefined: whoever may call may do everything. */
  readonly authorizer: Authorizer | undefined;
  /** Stops looking at the files. */
  readonly close: () => void;
}

/** Absolute paths. */
export interface AccessFiles {
  readonly credentialsFile: string | undefined;
  readonly policiesFile: string | undefined;
}

/**
 * Verifies signatures against the access keys of a file, and requests against the policies of another;
 * both are read again when they change. Without keys any signature will do, and whoever calls acts for
 * the account itself.
 * @throws CredentialsError, PolicyError
 */
export function openCallerAccess(
  { credentialsFile, policiesFile }: AccessFiles,
  { region, accountId }: Place,
  log: Logger,
): CallerAccess {
  const logged = (event: string, fields: { readonly error?: string }) =>
    fields.error === undefined ? log.info(fields, event) : log.error(fields, event);
  if (credentialsFile === undefined) {
    const authenticator = new SignaturePresence(accountId);
    return { authenticator, authorizer: undefined, close: () => undefined };
  }
  const policies = policiesFile === undefined ? undefined : PolicyFile.open(policiesFile, logged);
  try {
    const credentials = CredentialsFile.open(credentialsFile, accountId, logged);
    return {
      authenticator: new SignatureVerifier({ credentials, region }),
      authorizer: policies,
      close: () => {
        credentials.close();
        policies?.close();
      },
    };
  } catch (error) {
    policies?.close();
    throw error;
  }
}
