import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readHistoryLines, recordedOperations } from './history-file.ts';
import { parseOptions, type RunOptions, UsageError, usage } from './options.ts';
import { ChaosRun } from './run.ts';
import { judgeHistory } from './verdict.ts';

/** `hack/chaos`: faults under load on real processes, and the check of what clients saw. */

async function run(options: RunOptions): Promise<number> {
  const folder = join(import.meta.dirname, `../../.cache/chaos-${process.pid}`);
  console.log(`seed ${options.seed}, ${options.durationMs / 1000} s of faults, in ${folder}`);
  const chaos = new ChaosRun(options, folder);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupt.abort();
      void chaos.end().then(() => process.exit(1));
    });
  }
  let isGood = false;
  try {
    isGood = await chaos.run(interrupt.signal);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    console.log(`failed: ${error.stack}`);
  } finally {
    await chaos.end();
  }
  console.log(isGood ? 'all is well' : `SOMETHING IS WRONG (seed ${options.seed})`);
  if (isGood && !options.isKept) rmSync(folder, { recursive: true, force: true });
  else console.log(`kept: ${folder}; again: hack/chaos check ${chaos.historyFile}`);
  return isGood ? 0 : 1;
}

async function check(file: string): Promise<number> {
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const { isGood, lines } = judgeHistory(recordedOperations(await readHistoryLines([file])));
  console.log(lines.join('\n'));
  return isGood ? 0 : 1;
}

/** @returns the exit status */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args, () => randomBytes(4).toString('hex'));
    switch (options.kind) {
      case 'help':
        process.stdout.write(usage);
        return 0;
      case 'check':
        return await check(options.file);
      case 'run':
        return await run(options);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`hack/chaos: ${error.message} (see --help)`);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
