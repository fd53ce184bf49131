import { CredentialsError } from './access/credentials.ts';
import { PolicyError } from './access/policy-error.ts';
import { IdentityError } from './identity.ts';
import { UsageError } from './option-values.ts';
import { StoreError } from './storage/store.ts';
import { TlsFilesError } from './tls-files.ts';
import { TopologyError } from './topology.ts';
import { TriggersFileError } from './trigger/triggers-file.ts';

const EXPECTED = [
  ...[StoreError, CredentialsError, IdentityError, TopologyError, TlsFilesError, UsageError],
  ...[TriggersFileError, PolicyError],
] as const;
const LISTENING = ['listen', 'bind', 'getaddrinfo'];

/** What to do about a port that is in use, and about one that is not allowed. */
export interface PortAdvice {
  /** Where the process was to listen, when the error does not say. */
  readonly host: string;
  readonly port: number;
  readonly inUse: string;
  readonly notAllowed: string;
}

/**
 * The one line that tells why a process could not start; undefined for what nobody expected, which
 * is a defect and keeps its stack.
 */
export function startFailure(error: unknown, advice: PortAdvice): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  if (EXPECTED.some((kind) => error instanceof kind)) return error;
  if (!('syscall' in error && 'code' in error)) return undefined;
  if (!LISTENING.includes(String(error.syscall))) return undefined;
  const place = placeOf(error, advice);
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(`${place} is in use: ${advice.inUse}`);
    case 'EACCES':
      return new Error(`${place} is not allowed for this user: ${advice.notAllowed}`);
    default:
      return new Error(`cannot listen on ${place}: ${String(error.code)}`);
  }
}

/** A process may listen on several ports; the system's error names the one that failed. */
function placeOf(error: Error, { host, port }: PortAdvice): string {
  const hasPlace = 'address' in error && 'port' in error && typeof error.port === 'number';
  return hasPlace ? `port ${error.port} of ${String(error.address)}` : `port ${port} of ${host}`;
}
