import { startFailure } from '../dataplane/start-failure.ts';
import { RegistryError } from './cluster/registry-store.ts';
import type { DaxOptions } from './options.ts';

/**
 * The one line that tells why a node could not start; undefined for what nobody expected, which is a
 * defect and keeps its stack.
 */
export function daxStartFailure(error: unknown, options: DaxOptions): Error | undefined {
  if (error instanceof RegistryError) return error;
  return startFailure(error, {
    host: options.bind,
    port: options.port ?? options.tls?.port ?? 0,
    inUse: 'is this node running already? If not, give another port (--help lists the options)',
    notAllowed: 'give one above 1023 (--help lists the options)',
  });
}
