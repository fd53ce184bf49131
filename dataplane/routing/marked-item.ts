import { ClientFault } from '../errors/client-fault.ts';
import type { WriteCommand } from '../partition/command.ts';

/** A write that looks at nothing waits so long for the transaction that has marked its item. */
const WAIT_MS_MAX = 500;
const PAUSE_MS_MIN = 4;
const PAUSE_MS_MAX = 64;

/**
 * Does a write, and does it again for a while when a transaction is under way on its item: most are
 * over in some milliseconds. Only writes without a condition wait; others are better decided by who
 * sent them.
 * @param write - one try; nothing is done when it rejects with TransactionConflictException
 * @throws what `write` throws
 */
export async function onceUnmarked<Result>(
  command: WriteCommand,
  write: () => Promise<Result>,
  pause: (ms: number) => Promise<void>,
): Promise<Result> {
  if (command.kind === 'update' || command.condition !== undefined) return write();
  let waitedMs = 0;
  for (let pauseMs = PAUSE_MS_MIN; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX)) {
    try {
      return await write();
    } catch (error) {
      if (!isConflict(error) || waitedMs + pauseMs > WAIT_MS_MAX) throw error;
    }
    await pause(pauseMs);
    waitedMs += pauseMs;
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof ClientFault && error.type === 'TransactionConflictException';
}
