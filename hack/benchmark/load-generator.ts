import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadJob, LoadResult, RunResult } from './load-job.ts';

/** The load generator's process, as this one sees it. One job at a time. */
export interface LoadGenerator {
  /** Throws when the endpoint cannot be measured; the reason is for people. */
  run(job: LoadJob): Promise<RunResult>;
  stop(): void;
}

/** @param cores what taskset is given, when processes are pinned */
export function startLoadGenerator(cores: string | undefined): LoadGenerator {
  const script = join(import.meta.dirname, 'generator.ts');
  const child =
    cores === undefined
      ? fork(script)
      : spawn('taskset', ['-c', cores, process.execPath, script], {
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
        });
  return {
    run: async (job) => {
      const answered = once(child, 'message');
      child.send(job);
      // The only messages of generator.ts are results.
      const [result] = (await answered) as [LoadResult];
      if (result.kind === 'failed') throw new Error(result.reason);
      return result.run;
    },
    stop: () => {
      child.kill('SIGTERM');
    },
  };
}
