import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualTime } from '../control/virtual-time.fixture.ts';
import { STREAM_RETENTION_MS } from '../partition/stream.ts';
import type { TriggerSchema } from '../partition/trigger.ts';
import { sequenceNumberOf } from '../stream/sequence-number.ts';
import { streamArn } from '../stream/stream-arn.ts';
import { PartitionTriggers } from './partition-triggers.ts';
import {
  BROKEN,
  FakeSource,
  failedItems,
  OK,
  REFUSED,
  STREAM_ID,
  TABLE,
  type TestContext,
  TRIGGER_ID,
  testContext,
  trigger,
} from './trigger.fixture.ts';

let time: VirtualTime;
let source: FakeSource;
let context: TestContext;
let running: PartitionTriggers[] = [];

beforeEach(() => {
  time = newTime();
  source = new FakeSource(time);
  context = testContext(time);
  running = [];
});

afterEach(() => {
  for (const triggers of running) triggers.stop();
});

/** Time that goes on also while nobody waits for it. */
function newTime(): VirtualTime {
  const made = new VirtualTime();
  const tick = () => {
    made.after(1_000, tick);
  };
  tick();
  return made;
}

function start(...triggers: readonly TriggerSchema[]): PartitionTriggers {
  const { lastSequence } = source;
  const all = new PartitionTriggers({
    context,
    table: TABLE,
    source,
    lastSequence: () => lastSequence,
  });
  running.push(all);
  all.configure(triggers);
  return all;
}

/** Writes a record each, and tells the triggers. */
function write(triggers: PartitionTriggers | undefined, ...values: readonly string[]): void {
  for (const value of values) source.add(value, value);
  triggers?.wake();
}

const counts = (name = 'audit') => context.register.counts(TABLE.name, name);
const posted = () => context.poster.posted;
const sent = () => context.poster.valuesAt();
const saved = (name = 'audit') => source.progressSaved.get(name)?.next;

it('trigger: posts the events of Lambda, records in order', async () => {
  const writtenMs = time.nowMs();
  write(start(trigger()), 'a', 'b');
  await time.until(() => counts().delivered === 2);
  const first = {
    eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
    eventName: 'INSERT',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'eu-west-1',
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(writtenMs / 1000),
      Keys: { id: { S: 'a' } },
      NewImage: { id: { S: 'a' }, value: { S: 'a' }, padding: { S: '' } },
      SequenceNumber: sequenceNumberOf(1),
      SizeBytes: 10,
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
    eventSourceARN: streamArn(TABLE.arn, STREAM_ID),
  };
  expect(posted()[0]?.json).toEqual({ Records: [first, expect.anything()] });
  expect(sent()).toEqual([['a', 'b']]);
});

it('trigger: batches have batchSize records at most', async () => {
  write(undefined, 'a', 'b', 'c', 'd', 'e');
  start(trigger({ batchSize: 2 }));
  await time.until(() => counts().delivered === 5);
  expect(sent()).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

it('trigger: a batch that is not full waits for its window', async () => {
  const triggers = start(trigger({ batchSize: 3, maximumBatchingWindowSeconds: 10 }));
  const startMs = time.nowMs();
  write(triggers, 'a');
  await time.pass(6_000);
  write(triggers, 'b');
  await time.until(() => counts().delivered === 2);
  expect(posted()[0]?.atMs).toBe(startMs + 10_000);
  write(triggers, 'c', 'd', 'e', 'f');
  await time.until(() => counts().delivered === 6);
  expect(sent()).toEqual([['a', 'b'], ['c', 'd', 'e'], ['f']]);
  expect(posted()[1]?.atMs).toBe(startMs + 10_000);
});

it('trigger: an event has 6 MB at most, and one record however large', async () => {
  for (const value of ['a', 'b', 'c']) source.add(value, value, 2_500_000);
  source.add('d', 'd', 7_000_000);
  start(trigger());
  await time.until(() => counts().delivered === 4);
  expect(sent()).toEqual([['a', 'b'], ['c'], ['d']]);
});

it('trigger: records of two shards are in two events, the parent done before its child', async () => {
  write(undefined, 'a', 'b');
  source.rollShard();
  write(undefined, 'c');
  let failures = 0;
  context.poster.answer = ({ values }) => {
    failures += 1;
    return values[0] === 'a' && failures < 3 ? BROKEN : OK;
  };
  start(trigger({ parallelizationFactor: 4 }));
  await time.until(() => counts().delivered === 3);
  const flat = sent().flat();
  expect(flat.at(-1)).toBe('c');
  expect(flat.filter((value) => value === 'c')).toHaveLength(1);
});

it('trigger: what fails is tried again after 0.5 s, 1 s, 2 s ... up to a minute', async () => {
  context.poster.answer = () => (posted().length <= 10 ? REFUSED : OK);
  write(start(trigger()), 'a');
  await time.until(() => counts().delivered === 1, { limitMs: 600_000 });
  const waits = posted().map(({ atMs }, index) => atMs - (posted()[index - 1]?.atMs ?? atMs));
  expect(waits.slice(1)).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
  ]);
  expect(counts().failures).toBe(10);
});

it('trigger: chance takes up to half off a wait', async () => {
  context = testContext(time, () => 1);
  context.poster.answer = () => (posted().length < 3 ? BROKEN : OK);
  write(start(trigger()), 'a');
  await time.until(() => counts().delivered === 1);
  const waits = posted().map(({ atMs }, index) => atMs - (posted()[index - 1]?.atMs ?? atMs));
  expect(waits.slice(1)).toEqual([250, 500]);
});

it('trigger: after maximumRetryAttempts a batch goes to the dead-letter address, and it goes on', async () => {
  const deadLetter = { url: 'http://dead/', caBundle: undefined, auth: undefined };
  context.poster.answer = ({ url, values }) =>
    url === 'http://target/' && values.includes('b') ? BROKEN : OK;
  const writtenMs = time.nowMs();
  write(undefined, 'a', 'b', 'c');
  start(trigger({ batchSize: 2, maximumRetryAttempts: 2, deadLetter }));
  await time.until(() => counts().delivered === 1);
  expect(sent()).toEqual([['a', 'b'], ['a', 'b'], ['a', 'b'], ['c']]);
  const [dead] = posted().filter(({ url }) => url === 'http://dead/');
  expect(dead?.json).toEqual({
    requestContext: {
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      functionArn: `${TABLE.arn}/trigger/audit`,
      condition: 'RetryAttemptsExhausted',
      approximateInvokeCount: 3,
    },
    responseContext: { statusCode: 500, functionError: 'the target answered 500' },
    version: '1.0',
    timestamp: new Date(dead?.atMs ?? 0).toISOString(),
    DDBStreamBatchInfo: {
      shardId: 'shardId-00000000000000000000-00000000',
      startSequenceNumber: sequenceNumberOf(1),
      endSequenceNumber: sequenceNumberOf(2),
      approximateArrivalOfFirstRecord: new Date(writtenMs).toISOString().replace('.000', ''),
      approximateArrivalOfLastRecord: new Date(writtenMs).toISOString().replace('.000', ''),
      batchSize: 2,
      streamArn: streamArn(TABLE.arn, STREAM_ID),
    },
    payload: { Records: [expect.anything(), expect.anything()] },
  });
  expect(counts()).toMatchObject({ deadLetters: 2, discarded: 0, failures: 3 });
});

it('trigger: without a dead-letter address what is given up is logged and counted', async () => {
  context.poster.answer = ({ values }) => (values.includes('a') ? BROKEN : OK);
  write(undefined, 'a', 'b');
  start(trigger({ batchSize: 1, maximumRetryAttempts: 0 }));
  await time.until(() => counts().delivered === 1);
  expect(sent()).toEqual([['a'], ['b']]);
  expect(counts().discarded).toBe(1);
  expect(context.logged.filter(({ event }) => event === 'triggerRecordsDiscarded')).toEqual([
    {
      event: 'triggerRecordsDiscarded',
      fields: {
        trigger: `${TABLE.arn}/trigger/audit`,
        partitionId: '7',
        reason: 'RetryAttemptsExhausted',
        attempts: 1,
        failure: 'the target answered 500',
        recordsCount: 1,
        shardId: 'shardId-00000000000000000000-00000000',
        firstSequenceNumber: sequenceNumberOf(1),
        lastSequenceNumber: sequenceNumberOf(1),
        isDeadLetter: false,
      },
    },
  ]);
});

it('trigger: while the dead-letter address fails, nothing is lost and nothing goes on', async () => {
  const deadLetter = { url: 'http://dead/', caBundle: undefined, auth: undefined };
  let isDeadAway = true;
  context.poster.answer = ({ url, values }) => {
    if (url === 'http://dead/') return isDeadAway ? REFUSED : OK;
    return values.includes('a') ? BROKEN : OK;
  };
  write(undefined, 'a', 'b');
  start(trigger({ batchSize: 1, maximumRetryAttempts: 0, deadLetter }));
  await time.pass(3_600_000);
  expect(sent()).toEqual([['a']]);
  isDeadAway = false;
  await time.until(() => counts().delivered === 1);
  expect(counts()).toMatchObject({ deadLetters: 1, discarded: 0 });
});

it('trigger: bisecting finds the record that cannot be taken, and gives up that one alone', async () => {
  context.poster.answer = ({ values }) => (values.includes('f') ? BROKEN : OK);
  write(undefined, ...'abcdefgh');
  start(trigger({ bisectBatchOnFunctionError: true, maximumRetryAttempts: 1 }));
  await time.until(() => counts().delivered === 7);
  expect(sent().map((values) => values.join(''))).toEqual([
    ...['abcdefgh', 'abcd', 'efgh', 'ef', 'e', 'f', 'f', 'gh'],
  ]);
  expect(counts().discarded).toBe(1);
});

it('trigger: of a batch that was taken in part, the rest is sent again', async () => {
  context.poster.answer = ({ values }) =>
    posted().length === 1 && values.length === 4
      ? failedItems(sequenceNumberOf(4), sequenceNumberOf(3))
      : OK;
  write(undefined, ...'abcd');
  start(trigger({ reportBatchItemFailures: true }));
  await time.until(() => counts().delivered === 4);
  expect(sent().map((values) => values.join(''))).toEqual(['abcd', 'cd']);
});

it('trigger: a record that fails again and again in partial answers is given up after its tries', async () => {
  context.poster.answer = ({ values }) => {
    const at = values.indexOf('c');
    return at < 0 ? OK : failedItems(sequenceNumberOf(3));
  };
  write(undefined, ...'abcd');
  start(
    trigger({
      reportBatchItemFailures: true,
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 1,
    }),
  );
  await time.until(() => counts().delivered === 3);
  expect(sent().map((values) => values.join(''))).toEqual(['abcd', 'cd', 'c', 'd']);
  expect(counts().discarded).toBe(1);
});

it('trigger: records older than maximumRecordAgeSeconds are given up', async () => {
  context.poster.answer = ({ values }) => (values.includes('a') ? BROKEN : OK);
  const triggers = start(trigger({ maximumRecordAgeSeconds: 60 }));
  write(triggers, 'a');
  await time.pass(30_000);
  write(triggers, 'b');
  await time.until(() => counts().delivered === 1);
  expect(counts().discarded).toBe(1);
  expect(sent().at(-1)).toEqual(['b']);
});

it('trigger: without a bound, records are tried until the stream has lost them', async () => {
  context.poster.answer = () => BROKEN;
  write(start(trigger()), 'a');
  await time.pass(STREAM_RETENTION_MS - 60_000);
  expect(counts().discarded).toBe(0);
  await time.pass(121_000);
  expect(counts().discarded).toBe(1);
});

it('trigger: records that no pattern matches are passed over, and do not come again', async () => {
  const pattern = '{"dynamodb":{"NewImage":{"value":{"S":[{"prefix":"yes"}]}}}}';
  write(undefined, 'no', 'yes1', 'no2', 'yes2', 'no3');
  start(trigger({ filterPatterns: ['{"eventName":["REMOVE"]}', pattern] }));
  await time.until(() => saved() === 6);
  expect(sent()).toEqual([['yes1', 'yes2']]);
  expect(counts()).toMatchObject({ delivered: 2, filtered: 3 });
});

it('trigger: LATEST begins behind what is there, TRIM_HORIZON before it', async () => {
  write(undefined, 'a', 'b');
  const triggers = start(
    trigger({ name: 'late', startingPosition: 'LATEST' }),
    trigger({ name: 'early', startingPosition: 'TRIM_HORIZON' }),
  );
  await time.until(() => saved('late') === 3 && counts('early').delivered === 2);
  write(triggers, 'c');
  await time.until(() => counts('early').delivered === 3 && counts('late').delivered === 1);
});

it('trigger: LATEST begins at the start of a stream that is younger than the trigger', async () => {
  write(undefined, 'a');
  start(trigger({ startingPosition: 'LATEST', id: STREAM_ID }));
  await time.until(() => counts().delivered === 1);
});

it('trigger: waits for a stream, and goes on from one stream to the next', async () => {
  source.isEnabled = false;
  source.all = [];
  const triggers = start(trigger({ startingPosition: 'LATEST' }));
  await time.pass(10_000);
  source.enable(TRIGGER_ID + 10);
  write(triggers, 'a');
  await time.until(() => counts().delivered === 1);
  context.poster.answer = () => BROKEN;
  write(triggers, 'b');
  await time.pass(1_000);
  source.disable();
  source.enable(TRIGGER_ID + 20);
  write(triggers, 'c');
  await time.pass(10_000);
  context.poster.answer = () => OK;
  await time.until(() => counts().delivered === 3, { limitMs: 600_000 });
  const arns = posted().map(({ json, values }) => {
    const { Records: records } = json as { Records: { eventSourceARN: string }[] };
    return [values.join(''), records[0]?.eventSourceARN];
  });
  expect(arns[0]).toEqual(['a', streamArn(TABLE.arn, TRIGGER_ID + 10)]);
  expect(arns.at(-2)).toEqual(['b', streamArn(TABLE.arn, TRIGGER_ID + 10)]);
  expect(arns.at(-1)).toEqual(['c', streamArn(TABLE.arn, TRIGGER_ID + 20)]);
});

it('trigger: one that is idle reads nothing and saves nothing', async () => {
  write(start(trigger(), trigger({ name: 'other' })), 'a');
  await time.until(() => counts().delivered === 1 && counts('other').delivered === 1);
  await time.pass(5_000);
  const { readsCount, savesCount } = source;
  await time.pass(3_600_000);
  expect(source.readsCount).toBe(readsCount);
  expect(source.savesCount).toBe(savesCount);
});

it('trigger: progress is saved once a second at most, for all triggers at once', async () => {
  const triggers = start(trigger(), trigger({ name: 'other' }));
  for (let second = 0; second < 100; second++) {
    write(triggers, `${second}`);
    await time.pass(100);
  }
  await time.until(() => saved() === 101 && saved('other') === 101);
  expect(source.savesCount).toBeLessThanOrEqual(14);
});

it('trigger: what an ended leadership delivered last is delivered again by the next', async () => {
  const first = start(trigger({ batchSize: 1 }));
  write(first, 'a');
  await time.until(() => saved() === 2);
  source.isLost = true;
  write(first, 'b');
  await time.until(() => counts().delivered === 2);
  first.stop();
  source.isLost = false;
  write(undefined, 'c');
  start(trigger({ batchSize: 1 }));
  await time.until(() => counts().delivered === 4);
  expect(sent()).toEqual([['a'], ['b'], ['b'], ['c']]);
});

it('trigger: stopping ends the event under way at once, and counts and saves nothing of it', async () => {
  context.poster.answer = () => new Promise(() => {});
  const triggers = start(trigger());
  write(triggers, 'a');
  await time.until(() => posted().length === 1);
  triggers.stop();
  await time.pass(10_000);
  expect(context.poster.endedCount).toBe(1);
  expect(counts()).toMatchObject({ delivered: 0, failures: 0 });
  expect(saved() ?? 0).toBeLessThanOrEqual(1);
});

it('trigger: finishing waits for the event under way, and saves', async () => {
  const answer = Promise.withResolvers<typeof OK>();
  context.poster.answer = () => answer.promise;
  const triggers = start(trigger({ batchSize: 1 }));
  write(triggers, 'a', 'b');
  await time.until(() => posted().length === 1);
  const finishing = triggers.finish(5_000);
  await time.pass(1_000);
  answer.resolve(OK);
  await time.during(finishing);
  expect(sent()).toEqual([['a']]);
  expect(saved()).toBe(2);
});

it('trigger: finishing does not wait longer than it may', async () => {
  context.poster.answer = () => new Promise(() => {});
  const triggers = start(trigger());
  write(triggers, 'a');
  await time.until(() => posted().length === 1);
  await time.during(triggers.finish(5_000));
  expect(context.poster.endedCount).toBe(1);
});

it('trigger: one that is changed goes on where it is, once the event under way is answered', async () => {
  const answer = Promise.withResolvers<typeof OK>();
  context.poster.answer = ({ values }) => (values[0] === 'a' ? answer.promise : OK);
  const triggers = start(trigger({ batchSize: 1 }));
  write(triggers, 'a', 'b', 'c');
  await time.until(() => posted().length === 1);
  triggers.configure([trigger({ batchSize: 10 })]);
  await time.pass(1_000);
  expect(sent()).toEqual([['a']]);
  answer.resolve(OK);
  await time.until(() => counts().delivered === 3);
  expect(sent()).toEqual([['a'], ['b', 'c']]);
});

it('trigger: one whose event under way takes long holds up no other that is changed with it', async () => {
  const answer = Promise.withResolvers<typeof OK>();
  context.poster.answer = ({ values, url }) =>
    values[0] === 'a' && url === 'http://target/' ? answer.promise : OK;
  const triggers = start(trigger());
  write(triggers, 'a');
  await time.until(() => posted().length === 1);
  const other = { url: 'http://other/', caBundle: undefined, auth: undefined };
  triggers.configure([trigger({ batchSize: 10 }), trigger({ name: 'other', target: other })]);
  await time.until(() => counts('other').delivered === 1);
  answer.resolve(OK);
  write(triggers, 'b');
  await time.until(() => counts().delivered === 2);
});

it('trigger: where it begins in a first stream is saved at once, also of several', async () => {
  source.isEnabled = false;
  source.all = [];
  const names = ['one', 'two', 'three'];
  const triggers = start(...names.map((name) => trigger({ name, startingPosition: 'LATEST' })));
  await time.pass(10_000);
  context.poster.answer = () => BROKEN;
  source.enable(TRIGGER_ID + 10);
  write(triggers, 'a');
  await time.pass(100);
  expect([...source.progressSaved.keys()].sort()).toEqual(names.toSorted());
});

it('trigger: one that is not enabled keeps its place', async () => {
  const triggers = start(trigger());
  write(triggers, 'a');
  await time.until(() => saved() === 2);
  triggers.configure([trigger({ enabled: false })]);
  write(triggers, 'b');
  await time.pass(10_000);
  expect(sent()).toEqual([['a']]);
  triggers.configure([trigger()]);
  await time.until(() => counts().delivered === 2);
  expect(sent()).toEqual([['a'], ['b']]);
});

it('trigger: one that is removed leaves nothing, and begins anew when it is made again', async () => {
  const triggers = start(trigger());
  write(triggers, 'a');
  await time.until(() => saved() === 2);
  triggers.configure([]);
  await time.until(() => saved() === undefined);
  triggers.configure([trigger({ id: TRIGGER_ID + 5 })]);
  await time.until(() => counts().delivered === 2);
  expect(sent()).toEqual([['a'], ['a']]);
});

it('trigger: the progress of an earlier trigger of that name is not taken for its own', async () => {
  write(undefined, 'a');
  source.progressSaved.set('audit', { triggerId: 1, streamId: STREAM_ID, next: 2 });
  start(trigger());
  await time.until(() => counts().delivered === 1);
});

it('trigger: a store that cannot be read is asked again', async () => {
  source.isUnreadable = true;
  write(start(trigger()), 'a');
  await time.pass(5_000);
  source.isUnreadable = false;
  await time.until(() => counts().delivered === 1);
  expect(context.logged.filter(({ event }) => event === 'triggerRecordsUnreadable')).toHaveLength(
    1,
  );
});

it('trigger: records that were trimmed before it came to them are told of', async () => {
  const triggers = start(trigger());
  write(triggers, 'a');
  await time.until(() => saved() === 2);
  source.lastSequence += 10;
  source.trimmedBelow = 11;
  write(triggers, 'b');
  await time.until(() => counts().delivered === 2);
  expect(context.logged.find(({ event }) => event === 'triggerRecordsTrimmed')?.fields).toEqual({
    trigger: `${TABLE.arn}/trigger/audit`,
    partitionId: '7',
    from: sequenceNumberOf(2),
    to: sequenceNumberOf(11),
  });
});

it('trigger: one with rules of a later release waits for a node that knows them', async () => {
  const later = ['{"a":[{"wildcard":"x*"}]}'];
  write(undefined, 'a');
  const triggers = start(trigger({ name: 'later', filterPatterns: later }), trigger());
  await time.until(() => counts().delivered === 1);
  expect(context.logged.map(({ event }) => event)).toEqual(['triggerNotUnderstood']);
  triggers.configure([trigger({ name: 'later' })]);
  await time.until(() => counts('later').delivered === 1);
});

it('trigger: a lane that is stuck does not hold up the others for ever, nor fill the memory', async () => {
  context.poster.answer = ({ ids }) => (ids.includes('stuck') ? BROKEN : OK);
  source.add('stuck', 'stuck');
  for (let count = 0; count < 200; count++) source.add(`k${count}`, `${count}`);
  start(trigger({ batchSize: 1, parallelizationFactor: 10, maximumRetryAttempts: 3 }));
  await time.until(() => counts().delivered === 200);
  expect(counts().discarded).toBe(1);
});

it('trigger: its age is that of the oldest record that is not delivered', async () => {
  context.poster.answer = () => BROKEN;
  const triggers = start(trigger());
  write(triggers, 'a');
  await time.pass(7_000);
  const age = () => context.register.readings(time.nowMs())[0]?.iteratorAgeMs;
  expect(age()).toBe(7_000);
  context.poster.answer = () => OK;
  await time.until(() => counts().delivered === 1);
  await time.pass(1);
  expect(age()).toBe(0);
});

it('trigger: through failures, restarts and lost leaderships nothing is skipped and each item keeps its order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      async (chances) => {
        const chance = () => chances.next().value ?? 0;
        time = newTime();
        source = new FakeSource(time);
        context = testContext(time, chance);
        running = [];
        await runHistory(chance);
      },
    ),
    { numRuns: 30 },
  );
});

/** A random life of a trigger; then all it was sent is looked at. */
async function runHistory(chance: () => number): Promise<void> {
  const schema = trigger({
    batchSize: 1 + Math.floor(chance() * 5),
    parallelizationFactor: 1 + Math.floor(chance() * 10),
    maximumBatchingWindowSeconds: Math.floor(chance() * 3),
    bisectBatchOnFunctionError: chance() < 0.5,
    reportBatchItemFailures: chance() < 0.5,
  });
  let isCalm = false;
  const taken: [id: string, version: number][] = [];
  context.poster.answer = async (event) => {
    await time.pass(Math.floor(chance() * 300));
    const { Records: records } = event.json as {
      Records: { dynamodb: { SequenceNumber: string } }[];
    };
    const takenCount = isCalm ? records.length : Math.floor(chance() * (records.length + 1));
    const take = (count: number) => {
      for (let at = 0; at < count; at++) {
        taken.push([event.ids[at] ?? '', Number(event.values[at])]);
      }
    };
    if (takenCount === records.length) {
      take(takenCount);
      // It was done, but the answer may be lost.
      return isCalm || chance() < 0.8 ? OK : REFUSED;
    }
    if (schema.reportBatchItemFailures && chance() < 0.7) {
      take(takenCount);
      return failedItems(records[takenCount]?.dynamodb.SequenceNumber ?? '');
    }
    take(takenCount);
    return BROKEN;
  };
  const written = new Map<string, number>();
  let triggers = start(schema);
  for (let step = 0; step < 40; step++) {
    const choice = chance();
    if (choice < 0.7) {
      const id = `item${Math.floor(chance() * 6)}`;
      const version = (written.get(id) ?? 0) + 1;
      written.set(id, version);
      source.add(id, `${version}`);
      triggers.wake();
    } else if (choice < 0.75) {
      source.rollShard();
    } else if (choice < 0.85) {
      source.isLost = chance() < 0.5;
      triggers.stop();
      await time.pass(Math.floor(chance() * 400));
      source.isLost = false;
      triggers = start(schema);
    } else {
      await time.pass(Math.floor(chance() * 2_000));
    }
  }
  isCalm = true;
  await time.until(() => saved() !== undefined && (saved() ?? 0) > source.lastSequence, {
    limitMs: 3_600_000,
  });
  triggers.stop();
  for (const [id, versions] of written) {
    const versionsTaken = taken.filter(([each]) => each === id).map(([, version]) => version);
    // Each comes; and none comes for the first time before the one ahead of it has come.
    const firsts = [...new Set(versionsTaken)];
    expect(firsts).toEqual(Array.from({ length: versions }, (_, at) => at + 1));
  }
}
