/** The load generator: a process of its own that gets jobs as messages and answers with figures. */
import { Histogram } from './histogram.ts';
import { Caller, LoadConnection } from './load-connection.ts';
import type { FillJob, LoadJob, LoadResult, RunJob, RunResult } from './load-job.ts';
import { requestBytes } from './request.ts';
import { requestPool } from './request-pool.ts';
import { BATCH_ITEMS, batchWriteRequest, workloads } from './workload.ts';

/** Slow endpoints are measured longer than asked, until they gave this many answers, within bounds. */
const ANSWERS_MIN = 20;
const MEASURE_MS_MAX = 60_000;
/** Tries of one batch that the server leaves unprocessed or refuses for its rate. */
const FILL_TRIES_MAX = 20;

process.on('message', (job: LoadJob) => {
  answer(job).then((result) => process.send?.(result));
});

async function answer(job: LoadJob): Promise<LoadResult> {
  try {
    const run = job.kind === 'run' ? await runJob(job) : await fillJob(job);
    return { kind: 'done', run };
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}

async function runJob(job: RunJob): Promise<RunResult> {
  const requests = requestPool(job);
  const answerBytes = await checkedAnswerBytes(job, requests[0]);
  return new Promise((resolve, reject) => {
    const startMs = performance.now() + job.warmUpMs;
    const endMs = startMs + job.measureMs;
    const histogram = new Histogram();
    const cpuBefore = process.cpuUsage();
    let answers = 0;
    let errors = 0;
    let position = 0;
    let lastMs = endMs;
    const connections: LoadConnection[] = [];
    const finish = (error?: Error): void => {
      for (const connection of connections.splice(0)) connection.close();
      if (error !== undefined) {
        reject(error);
        return;
      }
      const cpu = process.cpuUsage(cpuBefore);
      resolve({
        perSecond: histogram.count / ((lastMs - startMs) / 1000),
        p50Us: histogram.percentileUs(0.5),
        p99Us: histogram.percentileUs(0.99),
        errors,
        answers,
        answerBytes,
        generatorLoad: (cpu.user + cpu.system) / 1000 / (lastMs - startMs + job.warmUpMs),
      });
    };
    for (let index = 0; index < job.connections; index += 1) {
      let sentMs = 0;
      const send = (connection: LoadConnection, nowMs: number): void => {
        const request = requests[position % requests.length];
        if (request === undefined) throw new Error('no requests');
        position += 1;
        sentMs = nowMs;
        connection.send(request);
      };
      const connection = new LoadConnection({
        port: job.port,
        collectsBodies: false,
        onFailure: finish,
        onAnswer: ({ status, bodyBytes }, self) => {
          const nowMs = performance.now();
          const isOver = nowMs > endMs && histogram.count >= ANSWERS_MIN;
          answers += 1;
          if (status !== 200 || bodyBytes !== answerBytes) errors += 1;
          else if (nowMs >= startMs && !isOver) {
            histogram.record(nowMs - sentMs);
            if (nowMs > endMs) lastMs = nowMs;
          }
          if (!isOver && nowMs < startMs + MEASURE_MS_MAX) send(self, nowMs);
          else if (connections.length > 0) finish();
        },
      });
      connections.push(connection);
      send(connection, performance.now());
    }
  });
}

/** Length of a right answer; refuses an endpoint whose first answer is not one. */
async function checkedAnswerBytes(job: RunJob, request: Buffer | undefined): Promise<number> {
  if (request === undefined) throw new Error('no requests');
  const caller = new Caller(job.port);
  const { status, body = '', bodyBytes } = await caller.call(request);
  caller.close();
  if (status !== 200) throw new Error(`answers ${status}: ${body.slice(0, 300)}`);
  if (!workloads[job.operation].isRight(JSON.parse(body))) {
    throw new Error(`not a right answer: ${body.slice(0, 300)}`);
  }
  return bodyBytes;
}

/** Stores the items; every connection takes the next batch until none is left. */
async function fillJob(job: FillJob): Promise<RunResult> {
  const startMs = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: job.connections }, async () => {
      const caller = new Caller(job.port);
      while (next < job.itemCount) {
        const first = next;
        next = Math.min(first + BATCH_ITEMS, job.itemCount);
        const indexes = Array.from({ length: next - first }, (_, offset) => first + offset);
        await storeBatch(caller, job, batchWriteRequest(job.table, indexes, job.itemBytes));
      }
      caller.close();
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  return {
    perSecond: job.itemCount / seconds,
    p50Us: 0,
    p99Us: 0,
    errors: 0,
    answers: Math.ceil(job.itemCount / BATCH_ITEMS),
    answerBytes: 0,
    generatorLoad: 0,
  };
}

async function storeBatch(caller: Caller, job: FillJob, body: object): Promise<void> {
  let left = body;
  for (let tries = 0; tries < FILL_TRIES_MAX; tries += 1) {
    const bytes = requestBytes({ ...job, target: 'BatchWriteItem', body: left });
    const answered = await caller.call(bytes);
    if (answered.status !== 200) {
      throw new Error(`filling answers ${answered.status}: ${answered.body?.slice(0, 300)}`);
    }
    const { UnprocessedItems: unprocessed } = JSON.parse(answered.body ?? '{}');
    if (unprocessed === undefined || Object.keys(unprocessed).length === 0) return;
    left = { RequestItems: unprocessed };
  }
  throw new Error(`a batch stayed unprocessed after ${FILL_TRIES_MAX} tries`);
}
