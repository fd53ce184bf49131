import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Job, SeedResult } from './worker.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** A process is replaced after so many seeds: its memory only grows. */
const SEEDS_MAX = 1_000;
/** A seed that takes longer hangs. */
const SEED_MS_MAX = 300_000;

/** A process that died, or did not answer, at a seed. */
export class WorkerLost extends Error {}

/** Processes that run seeds, one at a time each. */
export class WorkerPool {
  readonly #jobsCount: number;

  constructor(jobsCount: number) {
    this.#jobsCount = jobsCount;
  }

  /** Runs jobs until there are none left, or `onResult` returns false. @throws WorkerLost */
  async run(jobs: Iterator<Job>, onResult: (result: SeedResult) => boolean): Promise<void> {
    const state = { isOver: false };
    const workers = Array.from({ length: this.#jobsCount }, () =>
      this.#work(jobs, state, onResult),
    );
    await Promise.all(workers);
  }

  async #work(
    jobs: Iterator<Job>,
    state: { isOver: boolean },
    onResult: (result: SeedResult) => boolean,
  ): Promise<void> {
    let child: ChildProcess | undefined;
    try {
      for (let count = 0; !state.isOver; count += 1) {
        const { value: job, done } = jobs.next();
        if (done === true) return;
        if (count % SEEDS_MAX === 0) {
          child?.disconnect();
          child = fork(WORKER);
        }
        if (child === undefined) return;
        const result = await answerOf(child, job);
        if (!state.isOver && !onResult(result)) state.isOver = true;
      }
    } catch (error) {
      state.isOver = true;
      throw error;
    } finally {
      child?.kill();
    }
  }
}

function answerOf(child: ChildProcess, job: Job): Promise<SeedResult> {
  const { promise, resolve, reject } = Promise.withResolvers<SeedResult>();
  const lost = (why: string) => reject(new WorkerLost(`seed ${job.seed}: ${why}`));
  const onExit = (code: number | null) => lost(`its process ended with ${code}`);
  const timer = setTimeout(() => lost(`no end after ${SEED_MS_MAX} ms`), SEED_MS_MAX);
  child.once('exit', onExit);
  child.once('message', (result) => resolve(result as SeedResult)); // As worker.ts sends it.
  child.send(job);
  return promise.finally(() => {
    clearTimeout(timer);
    child.off('exit', onExit);
  });
}
