import type { Logger } from 'pino';

/** A process that serves. */
export interface Running {
  readonly log: Logger;
  /** What people read on standard output. */
  readonly greeting: string;
  /** On SIGHUP. */
  readonly reload?: () => void;
  readonly close: () => Promise<void>;
}

/** Why a process ends in order. */
type Reason = NodeJS.Signals | 'the launcher is gone';

/**
 * Ends in order on the first signal and at once on the second; a defect ends the process too, and so
 * does the end of the process that started it with a channel to itself (`hack/run --dax`).
 */
export function obeySignals({ log, reload, close }: Running): void {
  let isStopping = false;
  const stop = (reason: Reason) => {
    if (isStopping) process.exit(1);
    isStopping = true;
    log.info({ signal: reason }, 'stopping');
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, 'could not stop in order');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const stopAlone = () => {
    if (!isStopping) stop('the launcher is gone');
  };
  process.on('disconnect', stopAlone);
  // It may have ended while this process started; without a channel there is nothing to be connected.
  if (process.connected === false) stopAlone();
  if (reload !== undefined) process.on('SIGHUP', reload);
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'defect');
    process.exit(1);
  });
}

/** Asks a reader to give the reason in one line; further lines of a message are left out. */
export function fail(error: Error, status: 1 | 2): never {
  const [line] = error.message.split('\n');
  process.stderr.write(`trestle: ${line}${status === 2 ? ' (see --help)' : ''}\n`);
  process.exit(status);
}
