import { enableCompileCache, flushCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { getHeapStatistics } from 'node:v8';
import { UsageError } from '../dataplane/option-values.ts';
import { fail, obeySignals } from '../dataplane/process-life.ts';
import { checkHeap } from './heap.ts';
import { type DaxCommand, type DaxOptions, parseDaxCommand } from './options.ts';

/**
 * The process of a node of a DAX cluster: reads the command line and starts it. What it is made of is
 * loaded after the compile cache is on, which halves the time to start.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function readCommand(): DaxCommand {
  try {
    return parseDaxCommand(process.argv.slice(2), `${ROOT}data/dax`);
  } catch (error) {
    if (error instanceof UsageError) fail(error, 2);
    throw error;
  }
}

async function serve(options: DaxOptions): Promise<void> {
  const { daxStartFailure } = await import('./start-failure.ts');
  const { startDaxNode } = await import('./node.ts');
  try {
    checkHeap(options.cacheBytes, getHeapStatistics().heap_size_limit);
    const node = await startDaxNode(options);
    obeySignals(node);
    // Whoever reads our output may have gone away; serving goes on.
    process.stdout.on('error', () => undefined);
    process.stdout.write(node.greeting);
  } catch (error) {
    const expected = daxStartFailure(error, options);
    if (expected === undefined) throw error;
    fail(expected, 1);
  }
  flushCompileCache();
}

enableCompileCache(`${ROOT}node_modules/.cache/trestle`);
const command = readCommand();
switch (command.kind) {
  case 'help':
    process.stdout.write(command.text);
    break;
  case 'serve':
    await serve(command.options);
    break;
}
