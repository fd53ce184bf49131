import {
  type Credential,
  CredentialsError,
  parseCredentials,
} from '../dataplane/access/credentials.ts';
import { principalOf } from '../dataplane/access/principal.ts';
import { UsageError } from '../dataplane/option-values.ts';

export interface RoleOwner {
  readonly clusterName: string;
  readonly accountId: string;
}

/**
 * The key that a cluster calls tables with, of a list of access keys as `--credentials` has it: the one
 * whose principal is `dax/<clusterName>`, else the first.
 * @param path named in messages
 * @throws UsageError, which shows no secret
 */
export function parseRole(text: string, path: string, owner: RoleOwner): Credential {
  const { clusterName, accountId } = owner;
  try {
    const keys = [...parseCredentials(text, path, accountId).values()];
    const { arn } = principalOf(`dax/${clusterName}`, accountId);
    const key = keys.find(({ principal }) => principal.arn === arn) ?? keys[0];
    if (key === undefined) throw new Error('a list of access keys has at least one');
    return key;
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

/** What tables that verify no signatures take. */
export function anyKey(accountId: string): Credential {
  const key = { accessKeyId: 'local', secretAccessKey: 'local' };
  const [credential] = parseCredentials(JSON.stringify([key]), 'none', accountId).values();
  if (credential === undefined) throw new Error('a list of one key has one');
  return credential;
}
