import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Which cores servers and load generator run on; undefined where nothing is pinned. */
export interface Cores {
  readonly servers: string;
  readonly generator: string;
}

/**
 * The last core for the load generator and all others for the server under test, so that neither takes time
 * from the other. On two cores that holds every server, of one thread or of many, to one core.
 */
export function coresFor(isPinned: boolean): Cores | undefined {
  const last = availableParallelism() - 1;
  if (!isPinned || last < 1 || !hasTaskset()) return undefined;
  return { servers: last === 1 ? '0' : `0-${last - 1}`, generator: String(last) };
}

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
