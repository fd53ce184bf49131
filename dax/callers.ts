import type { Logger } from 'pino';
import { type Authorizer, everythingAllowed } from '../dataplane/access/authorizer.ts';
import { CredentialsFile } from '../dataplane/access/credentials.ts';
import { PolicyFile } from '../dataplane/access/policy-file.ts';
import { rootOf } from '../dataplane/access/principal.ts';
import { SignaturePresence } from '../dataplane/access/signature-presence.ts';
import { SignatureVerifier } from '../dataplane/access/signature-verifier.ts';
import type { Authenticator } from '../dataplane/access/signed-message.ts';
import type { DaxOptions } from './options.ts';
import { AnyHandshakes, type Handshakes, SignedHandshakes } from './server/handshake.ts';

/** Who may call a node, and what they may do, at both of its doors. */
export interface Callers {
  /** Of the JSON door. */
  readonly authenticator: Authenticator;
  /** Of the DAX door. */
  readonly handshakes: Handshakes;
  readonly authorizer: Authorizer;
  /** Stops looking for changes of the files. */
  readonly close: () => void;
}

export type CallersOptions = Pick<
  DaxOptions,
  'credentials' | 'policiesFile' | 'region' | 'accountId'
>;

/**
 * Reads access keys and policies, and again when their files change.
 * @throws CredentialsError, PolicyError
 */
export function openCallers(options: CallersOptions, log: Logger): Callers {
  const { credentials, policiesFile, region, accountId } = options;
  const logged = (event: string, fields: { error?: string; count?: number }) =>
    fields.error === undefined ? log.info(fields, event) : log.error(fields, event);
  const policies = policiesFile === undefined ? undefined : PolicyFile.open(policiesFile, logged);
  const authorizer = policies ?? everythingAllowed;
  if (credentials.file === undefined) {
    return {
      authenticator: new SignaturePresence(accountId),
      handshakes: new AnyHandshakes(rootOf(accountId)),
      authorizer,
      close: () => policies?.close(),
    };
  }
  try {
    const keys = CredentialsFile.open(credentials.file, accountId, logged);
    return {
      authenticator: new SignatureVerifier({ credentials: keys, region }),
      handshakes: new SignedHandshakes({ credentials: keys, region }),
      authorizer,
      close: () => {
        keys.close();
        policies?.close();
      },
    };
  } catch (error) {
    policies?.close();
    throw error;
  }
}
