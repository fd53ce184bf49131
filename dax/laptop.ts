import { fileURLToPath } from 'node:url';
import { getHeapStatistics } from 'node:v8';
import { UsageError } from '../dataplane/option-values.ts';
import { fail } from '../dataplane/process-life.ts';
import { heapMebibytes } from './heap.ts';
import { type LaptopCommand, type LaptopOptions, parseLaptopCommand } from './laptop-options.ts';
import { LaunchedProcess } from './launched-process.ts';

/**
 * `hack/run --dax`: the embedded server of tables and a node of a DAX cluster beside it, as two processes
 * with one fate. They end in order, the node first; and when one of them ends by itself, so does the
 * other.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MEBIBYTE = 1024 * 1024;

function readCommand(): LaptopCommand {
  try {
    return parseLaptopCommand(process.argv.slice(2), `${ROOT}data`);
  } catch (error) {
    if (error instanceof UsageError) fail(error, 2);
    throw error;
  }
}

/** @returns the exit status: 0 after a signal */
async function run({ tablesArgs, daxArgsFor, cacheBytes }: LaptopOptions): Promise<number> {
  // Latest first: the node before the tables that it stands on.
  const running: LaunchedProcess[] = [];
  const stopped = Promise.withResolvers<number>();
  let isStopping = false;
  const stop = async (status: number) => {
    if (isStopping) {
      // Asked a second time, each of them ends at once.
      for (const each of running) each.askToStop();
      return;
    }
    isStopping = true;
    for (const each of running) await each.stop();
    stopped.resolve(status);
  };
  const launch = (name: string, args: readonly string[]) => {
    const launched = new LaunchedProcess(name, args);
    running.unshift(launched);
    launched.ended.then((status) => {
      if (isStopping) return;
      if (running.length > 1) {
        process.stderr.write(`trestle: ${name} has ended, and the rest ends with it\n`);
      }
      stop(status === 0 ? 1 : status);
    });
    return launched;
  };
  process.on('SIGTERM', () => stop(0));
  process.on('SIGINT', () => stop(0));
  const tables = launch('the server of tables', [`${ROOT}dataplane/main.ts`, ...tablesArgs]);
  const url = await tables.prints(/ on (http:\/\/\S+) /);
  if (url !== undefined && !isStopping) {
    launch('the DAX node', [...heapFlags(cacheBytes), `${ROOT}dax/main.ts`, ...daxArgsFor(url)]);
  }
  return stopped.promise;
}

/** For a cache that does not fit the heap that V8 would take by itself. */
function heapFlags(cacheBytes: number): readonly string[] {
  const needed = heapMebibytes(cacheBytes);
  const isEnough = getHeapStatistics().heap_size_limit >= needed * MEBIBYTE;
  return isEnough ? [] : [`--max-old-space-size=${needed}`];
}

const command = readCommand();
switch (command.kind) {
  case 'help':
    process.stdout.write(command.text);
    break;
  case 'run':
    process.exitCode = await run(command.options);
    break;
}
