import { expect, it } from 'vitest';
import type { TriggerSchema } from '../partition/trigger.ts';
import { ControlPlane, table } from './control.fixture.ts';

const streaming = {
  ...table(),
  StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
};
const audit = { name: 'audit', target: { url: 'http://hook.test/audit' }, batchSize: 10 };
const update = (...Triggers: object[]) => ({ TableName: 'Music', Triggers });

async function planeWithTable(): Promise<ControlPlane> {
  const plane = await ControlPlane.open();
  await plane.call('CreateTable', streaming);
  await plane.untilActive();
  return plane;
}

/** The triggers that all partitions of the table have; undefined when they differ. */
function triggersOf(plane: ControlPlane): readonly TriggerSchema[] | undefined {
  const all = plane.cluster.groups.map(({ configuration }) => configuration?.layout.triggers ?? []);
  const [first = []] = all;
  return all.every((each) => JSON.stringify(each) === JSON.stringify(first)) ? first : undefined;
}

async function untilTriggers(plane: ControlPlane, holds: (names: string) => boolean) {
  const names = () => triggersOf(plane)?.map(({ name, id }) => `${name} ${id}`);
  await plane.time.until(() => holds(names()?.join() ?? 'different'));
  return triggersOf(plane) ?? [];
}

it('UpdateTriggers: all partitions learn them, with defaults and ids', async () => {
  const plane = await planeWithTable();
  const answer = await plane.call('UpdateTriggers', update(audit));
  expect(answer).toEqual({
    Triggers: [
      {
        ...audit,
        enabled: true,
        maximumBatchingWindowSeconds: 0,
        startingPosition: 'LATEST',
        parallelizationFactor: 1,
        maximumRetryAttempts: -1,
        maximumRecordAgeSeconds: -1,
        bisectBatchOnFunctionError: false,
        reportBatchItemFailures: false,
        filterPatterns: [],
        timeoutSeconds: 30,
      },
    ],
  });
  const [trigger] = await untilTriggers(plane, (names) => names.startsWith('audit'));
  const [stream] = plane.cluster.groups.flatMap(({ configuration }) => {
    const stream = configuration?.layout.schema.stream;
    return stream === undefined ? [] : [stream];
  });
  expect(trigger?.id).toBeGreaterThan(stream?.id ?? Number.POSITIVE_INFINITY);
});

it('UpdateTriggers: a trigger that stays keeps its id, one that is made again gets another', async () => {
  const plane = await planeWithTable();
  await plane.call('UpdateTriggers', update(audit));
  const [first] = await untilTriggers(plane, (names) => names.startsWith('audit'));
  await plane.call('UpdateTriggers', update({ ...audit, batchSize: 20 }));
  const [changed] = await untilTriggers(plane, (names) => names === `audit ${first?.id}`);
  expect(changed?.id).toBe(first?.id);
  await plane.call('UpdateTriggers', update());
  await untilTriggers(plane, (names) => names === '');
  await plane.call('UpdateTriggers', update(audit));
  const [again] = await untilTriggers(plane, (names) => names.startsWith('audit'));
  expect(again?.id).toBeGreaterThan(first?.id ?? Number.POSITIVE_INFINITY);
});

it('UpdateTriggers: the same once more changes nothing', async () => {
  const plane = await planeWithTable();
  await plane.call('UpdateTriggers', update(audit));
  await plane.time.pass(5_000);
  const versions = () =>
    plane.cluster.groups.map(({ configurationVersion }) => configurationVersion);
  const before = versions();
  await plane.call('UpdateTriggers', update(audit));
  await plane.time.pass(5_000);
  expect(versions()).toEqual(before);
});

it('DescribeTriggers: shows them, also at the next leader of the catalog', async () => {
  const plane = await planeWithTable();
  expect(await plane.call('DescribeTriggers', { TableName: 'Music' })).toEqual({ Triggers: [] });
  await plane.call('UpdateTriggers', update(audit));
  await plane.failOver();
  expect(await plane.call('DescribeTriggers', { TableName: 'Music' })).toMatchObject({
    Triggers: [audit],
  });
});

it('UpdateTriggers: what is no trigger, and a table that is not there, are faults', async () => {
  const plane = await planeWithTable();
  const refusal = (body: object) => plane.refusalOf('UpdateTriggers', body);
  expect(await refusal(update({ name: 'audit' }))).toBe('fault ValidationException');
  expect(await refusal({ TableName: 'Music' })).toBe('fault ValidationException');
  expect(await refusal({ ...update(), TableName: 'Absent' })).toBe(
    'fault ResourceNotFoundException',
  );
});
