import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { EmbeddedServer } from './embedded.ts';
import {
  type Command,
  type EmbeddedOptions,
  helpText,
  parseCommand,
  UsageError,
} from './options.ts';

/**
 * The data plane's process. Reads the command line and starts the role that it names; so far the
 * embedded server is the only one. Roles are loaded when asked for, after the compile cache is on:
 * it keeps stripped and compiled sources and halves the time to start.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Asks a reader to give the reason in one line; further lines of a message are left out. */
function fail(error: Error, status: 1 | 2): never {
  const [line] = error.message.split('\n');
  process.stderr.write(`trestle: ${line}${status === 2 ? ' (see --help)' : ''}\n`);
  process.exit(status);
}

function readCommand(): Command {
  try {
    return parseCommand(process.argv.slice(2), `${ROOT}data`);
  } catch (error) {
    if (error instanceof UsageError) fail(error, 2);
    throw error;
  }
}

async function runEmbedded(options: EmbeddedOptions): Promise<void> {
  const { startEmbedded } = await import('./embedded.ts');
  const { startFailure } = await import('./start-failure.ts');
  const server = await startEmbedded(options, (error) => fail(error, 1)).catch((error: unknown) => {
    const expected = startFailure(error, options);
    if (expected === undefined) throw error;
    return fail(expected, 1);
  });
  stopOnSignals(server);
  // Whoever reads our output may have gone away; serving goes on.
  process.stdout.on('error', () => undefined);
  process.stdout.write(greeting(server.url, options));
  flushCompileCache();
}

function greeting(url: string, options: EmbeddedOptions): string {
  const storage =
    options.folder === undefined
      ? 'in memory: all is gone when this process ends'
      : `in ${options.folder}${options.durability === 'relaxed' ? '; a crash of the machine may lose the last second of writes' : ''}`;
  const key =
    options.credentialsFile === undefined
      ? 'AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local '
      : `AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... `;
  return (
    `Trestle serves the DynamoDB API on ${url} (tables ${storage}).\nTry:\n` +
    `  ${key}aws dynamodb list-tables --endpoint-url ${url} --region ${options.region}\n`
  );
}

/** Ends in order on the first signal and at once on the second; a defect ends the process too. */
function stopOnSignals(server: EmbeddedServer): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1);
    isStopping = true;
    server.log.info({ signal }, 'stopping');
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        server.log.fatal({ err: error }, 'could not stop in order');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', (error) => {
    server.log.fatal({ err: error }, 'defect');
    process.exit(1);
  });
}

enableCompileCache(`${ROOT}node_modules/.cache/trestle`);
const command = readCommand();
if (command.kind === 'help') process.stdout.write(helpText);
else await runEmbedded(command.options);
