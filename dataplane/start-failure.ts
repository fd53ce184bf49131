import { CredentialsError } from './access/credentials.ts';
import type { EmbeddedOptions } from './options.ts';
import { StoreError } from './storage/store.ts';

const LISTENING = ['listen', 'bind', 'getaddrinfo'];

/**
 * The one line that tells why the server could not start; undefined for what nobody expected, which
 * is a defect and keeps its stack.
 */
export function startFailure(error: unknown, options: EmbeddedOptions): Error | undefined {
  if (error instanceof StoreError || error instanceof CredentialsError) return error;
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return undefined;
  if (!LISTENING.includes(String(error.syscall))) return undefined;
  const place = `port ${options.port} of ${options.host}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(`${place} is in use: stop the other server, or give --port N`);
    case 'EACCES':
      return new Error(`${place} is not allowed for this user: give --port N above 1023`);
    default:
      return new Error(`cannot listen on ${place}: ${error.code}`);
  }
}
