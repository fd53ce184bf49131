import type {
  RecordsAnswer,
  ShardsAnswer,
  StreamAnswers,
  StreamAnswerTo,
  StreamCall,
  StreamSchema,
  StreamShard,
} from '../partition/stream.ts';
import { encodeStreamRecord } from '../partition/stream-record.ts';
import type { TriggerSchema } from '../partition/trigger.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import { StoreError } from '../storage/store.ts';
import type { PostResult } from './batch-answer.ts';
import type { TriggerProgress } from './progress-record.ts';
import {
  BufferMemory,
  type EventPost,
  type EventPoster,
  type TriggerContext,
} from './trigger-context.ts';
import { TriggerRegister } from './trigger-counts.ts';
import type { ProgressChanges, TriggerSource } from './trigger-source.ts';
import type { TriggeredTable } from './trigger-worker.ts';

export const TABLE: TriggeredTable = {
  name: 'Employees',
  arn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/Employees',
  partitionKey: 'id',
  hasLastingIds: true,
};

/** Ids of streams and triggers are times. */
export const STREAM_ID = Date.UTC(2026, 10, 20);
export const TRIGGER_ID = STREAM_ID + 1_000;

export function trigger(changes: Partial<TriggerSchema> = {}): TriggerSchema {
  return {
    name: 'audit',
    id: TRIGGER_ID,
    target: { url: 'http://target/', caBundle: undefined, auth: undefined },
    enabled: true,
    batchSize: 100,
    maximumBatchingWindowSeconds: 0,
    startingPosition: 'TRIM_HORIZON',
    parallelizationFactor: 1,
    maximumRetryAttempts: -1,
    maximumRecordAgeSeconds: -1,
    bisectBatchOnFunctionError: false,
    reportBatchItemFailures: false,
    filterPatterns: [],
    timeoutSeconds: 30,
    deadLetter: undefined,
    ...changes,
  };
}

/** A partition's streams and progress, in memory: what a store would hold through a crash. */
export class FakeSource implements TriggerSource {
  readonly partitionId = 7n;
  readonly progressSaved = new Map<string, TriggerProgress>();
  readonly #clock: { nowMs(): number };
  readonly #records = new Map<number, { sequence: number; record: Uint8Array }[]>();
  readonly #shards = new Map<number, StreamShard[]>();
  all: StreamSchema[] = [];
  isEnabled = false;
  lastSequence = 0;
  trimmedBelow = 0;
  readsCount = 0;
  savesCount = 0;
  /** Saves are refused. */
  isLost = false;
  /** Reads fail. */
  isUnreadable = false;

  constructor(clock: { nowMs(): number }) {
    this.#clock = clock;
    this.enable(STREAM_ID);
  }

  enable(id: number): void {
    this.all = [...this.all, { id, viewType: 'NEW_AND_OLD_IMAGES' }];
    this.isEnabled = true;
    this.#records.set(id, []);
    this.#shards.set(id, []);
    this.#openShard(id);
  }

  disable(): void {
    this.#closeShard(this.#id);
    this.isEnabled = false;
  }

  rollShard(): void {
    this.#closeShard(this.#id);
    this.#openShard(this.#id);
  }

  /** A change of the item with this id. */
  add(id: string, value: string, padding = 0): number {
    this.lastSequence += 1;
    const image = { id: { S: id }, value: { S: value }, padding: { S: 'x'.repeat(padding) } };
    const record = encodeStreamRecord({
      event: 'INSERT',
      byTimeToLive: false,
      writtenMs: this.#clock.nowMs(),
      sizeBytes: 10,
      keys: Buffer.from(JSON.stringify({ id: { S: id } })),
      newImage: Buffer.from(JSON.stringify(image)),
      oldImage: undefined,
    });
    this.#records.get(this.#id)?.push({ sequence: this.lastSequence, record });
    return this.lastSequence;
  }

  streams() {
    return { all: this.all, isEnabled: this.isEnabled };
  }

  async read<Call extends StreamCall>(call: Call): Promise<StreamAnswerTo<Call>> {
    await new Promise((resolve) => setImmediate(resolve));
    this.readsCount += 1;
    if (this.isUnreadable) throw new StoreError('io', 'The disk is away.');
    const answer: StreamAnswers[StreamCall['kind']] =
      call.kind === 'shards' ? this.#answerShards(call.streamId) : this.#answerRecords(call);
    // The answer is that of the call's kind.
    return answer as StreamAnswerTo<Call>;
  }

  progress(name: string): TriggerProgress | undefined {
    return this.progressSaved.get(name);
  }

  async names(): Promise<readonly string[]> {
    return [...this.progressSaved.keys()];
  }

  async save(changes: ProgressChanges): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isLost) throw new StoreError('closed', 'It is led elsewhere.');
    this.savesCount += 1;
    for (const [name, progress] of changes) {
      if (progress === undefined) this.progressSaved.delete(name);
      else this.progressSaved.set(name, progress);
    }
  }

  get #id(): number {
    return this.all.at(-1)?.id ?? 0;
  }

  #openShard(id: number): void {
    const shards = this.#shards.get(id) ?? [];
    const first = this.lastSequence + 1;
    const startedMs = this.#clock.nowMs();
    const parentId = shards.at(-1)?.id;
    const shardId = `shardId-${`${shards.length}`.padStart(20, '0')}-0000000${shards.length}`;
    shards.push({ id: shardId, parentId, first, last: undefined, startedMs });
  }

  #closeShard(id: number): void {
    const shards = this.#shards.get(id) ?? [];
    const open = shards.pop();
    if (open !== undefined) shards.push({ ...open, last: this.lastSequence });
    this.lastSequence += 1;
  }

  #answerShards(streamId: number): ShardsAnswer {
    return { shards: this.#shards.get(streamId) ?? [], lastSequence: this.lastSequence };
  }

  #answerRecords({ streamId, from, limit }: StreamCall & { kind: 'records' }): RecordsAnswer {
    const start = Math.max(from, this.trimmedBelow);
    const all = this.#records.get(streamId) ?? [];
    const records = all.filter(({ sequence }) => sequence >= start).slice(0, limit);
    const isFull = records.length === limit;
    const next = isFull ? (records.at(-1)?.sequence ?? 0) + 1 : this.lastSequence + 1;
    return { records, next: Math.max(from, next), trimmedBelow: this.trimmedBelow };
  }
}

export interface PostedEvent {
  readonly url: string;
  readonly atMs: number;
  /** What the values of its records say, in order. */
  readonly values: readonly string[];
  readonly ids: readonly string[];
  readonly json: Record<string, unknown>;
}

type Answer = PostResult | Promise<PostResult>;

export const OK: PostResult = { kind: 'answered', status: 200, body: Buffer.alloc(0) };
export const REFUSED: PostResult = { kind: 'failed', reason: 'ECONNREFUSED' };
export const BROKEN: PostResult = { kind: 'answered', status: 500, body: Buffer.from('broken') };

export function failedItems(...sequenceNumbers: readonly (string | null)[]): PostResult {
  const failures = sequenceNumbers.map((itemIdentifier) => ({ itemIdentifier }));
  const body = Buffer.from(JSON.stringify({ batchItemFailures: failures }));
  return { kind: 'answered', status: 200, body };
}

/** Targets that answer as a test says. */
export class FakePoster implements EventPoster {
  readonly posted: PostedEvent[] = [];
  readonly #clock: { nowMs(): number };
  answer: (event: PostedEvent) => Answer = () => OK;
  /** Events that were ended by their signal. */
  endedCount = 0;

  constructor(clock: { nowMs(): number }) {
    this.#clock = clock;
  }

  async post({ target, body, signal }: EventPost): Promise<PostResult> {
    // Made by the code under test; read loosely.
    const json = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    const records = recordsOf(json);
    const event: PostedEvent = {
      url: target.url,
      atMs: this.#clock.nowMs(),
      values: records.map(({ dynamodb }) => dynamodb.NewImage.value.S),
      ids: records.map(({ dynamodb }) => dynamodb.NewImage.id.S),
      json,
    };
    this.posted.push(event);
    const ended = Promise.withResolvers<PostResult>();
    const onAbort = () => {
      this.endedCount += 1;
      ended.resolve({ kind: 'failed', reason: 'aborted' });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([this.answer(event), ended.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Values of all events at an address, in the order of their posting. */
  valuesAt(url = 'http://target/'): readonly string[][] {
    return this.posted.filter((event) => event.url === url).map(({ values }) => [...values]);
  }
}

interface PostedRecord {
  readonly dynamodb: {
    readonly NewImage: { readonly id: { S: string }; readonly value: { S: string } };
  };
}

function recordsOf(json: Record<string, unknown>): readonly PostedRecord[] {
  const { Records: records, payload } = json as {
    Records?: PostedRecord[];
    payload?: { Records: PostedRecord[] };
  };
  return records ?? payload?.Records ?? [];
}

export interface LoggedEvent {
  readonly event: string;
  readonly fields: object;
}

export interface TestContext extends TriggerContext {
  readonly poster: FakePoster;
  readonly logged: LoggedEvent[];
}

/** @param random - of back-off; 0: none of it is left off */
export function testContext(scheduler: Scheduler, random = () => 0): TestContext {
  const logged: LoggedEvent[] = [];
  return {
    poster: new FakePoster(scheduler),
    scheduler,
    random,
    log: (event, fields) => logged.push({ event, fields }),
    register: new TriggerRegister(),
    memory: new BufferMemory(),
    logged,
  };
}
