import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import { type KubeApi, startKubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import type { KubeObject } from '../dataplane/kubernetes/object.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import { ManualScheduler } from '../dataplane/node/manual-scheduler.fixture.ts';
import { EventRecorder, type RecordedEvent } from './event-recorder.ts';
import { microTime } from './micro-time.ts';

/** A real API server; time is moved by hand. */

interface KubeEvent extends KubeObject {
  readonly note: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

const rollout: RecordedEvent = {
  type: 'Normal',
  reason: 'RolloutStarted',
  action: 'Reconcile',
  note: 'a new image',
};

let api: KubeApi;
let namespace: string;
let subject: KubeObject;
let clock: ManualScheduler;
let recorder: EventRecorder;
let logged: string[];

beforeAll(async () => {
  api = await startKubeApi();
});
afterAll(() => api?.close());

beforeEach(async () => {
  namespace = await api.newNamespace();
  subject = await api.client.create(resources.configMaps, {
    metadata: { namespace, name: 'music' },
  });
  clock = new ManualScheduler();
  logged = [];
  recorder = recorderOf(api.client);
});
afterEach(() => recorder.close());

function recorderOf(client: KubeClient): EventRecorder {
  const log = pino({}, { write: (line) => void logged.push(line) });
  return new EventRecorder({ client, instance: 'operator-1', log, clock });
}

async function events(inNamespace = namespace): Promise<KubeEvent[]> {
  const { items } = await api.client.listAll<KubeEvent>(resources.events, {
    namespace: inNamespace,
  });
  return items.toSorted((one, other) => one.note.localeCompare(other.note));
}

/** Notes with how often each was seen. */
async function notes(): Promise<string[]> {
  return (await events()).map(({ note, series }) => `${note} ${series?.count ?? 1}`);
}

function eventually(): ReturnType<typeof expect.poll> {
  return expect.poll(notes, { interval: 10 });
}

describe('an event', () => {
  it('says what happened to which object, and who says so', async () => {
    recorder.record(subject, rollout);
    await eventually().toEqual(['a new image 1']);
    expect((await events())[0]).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      eventTime: microTime(clock.nowMs()),
      type: 'Normal',
      reason: 'RolloutStarted',
      action: 'Reconcile',
      reportingController: 'trestle.dev/operator',
      reportingInstance: 'operator-1',
      regarding: { kind: 'ConfigMap', name: 'music', namespace, uid: subject.metadata.uid },
    });
  });

  it('about an object of no namespace stands in default', async () => {
    // The API server makes it, in its own time.
    const name = 'default';
    await expect.poll(() => api.client.get(resources.namespaces, { name })).toBeDefined();
    const node = await api.client.create(resources.nodes, { metadata: { name: 'node-1' } });
    recorder.record(node, rollout);
    await expect.poll(() => events('default')).toHaveLength(1);
  });

  it('with a note that is too long is cut', async () => {
    recorder.record(subject, { ...rollout, note: 'x'.repeat(2000) });
    await expect.poll(async () => (await events())[0]?.note.length).toBe(1024);
  });
});

describe('at most once a minute', () => {
  it('the same again is counted, and told when the minute is over', async () => {
    recorder.record(subject, rollout);
    await eventually().toEqual(['a new image 1']);
    for (let i = 0; i < 5; i++) recorder.record(subject, rollout);
    await clock.advance(59_999);
    expect(await notes()).toEqual(['a new image 1']);
    await clock.advance(1);
    await eventually().toEqual(['a new image 6']);
    expect((await events())[0]?.series?.lastObservedTime).toBe(microTime(clock.nowMs()));
  });

  it('of other notes the last is told, as an event of its own', async () => {
    recorder.record(subject, rollout);
    await eventually().toEqual(['a new image 1']);
    recorder.record(subject, { ...rollout, note: 'b' });
    recorder.record(subject, { ...rollout, note: 'c' });
    await clock.advance(60_000);
    await eventually().toEqual(['a new image 1', 'c 2']);
  });

  it('for each reason', async () => {
    recorder.record(subject, rollout);
    recorder.record(subject, { ...rollout, reason: 'ZoneLost', type: 'Warning', note: 'z' });
    await eventually().toEqual(['a new image 1', 'z 1']);
  });

  it('and after a quiet minute at once', async () => {
    recorder.record(subject, rollout);
    await eventually().toEqual(['a new image 1']);
    await clock.advance(60_000);
    recorder.record(subject, rollout);
    await eventually().toEqual(['a new image 2']);
  });

  it('after half an hour a series begins anew', async () => {
    recorder.record(subject, rollout);
    await eventually().toEqual(['a new image 1']);
    await clock.advance(1_800_000);
    recorder.record(subject, rollout);
    await eventually().toEqual(['a new image 1', 'a new image 1']);
  });

  it('an event that has expired is made again', async () => {
    recorder.record(subject, rollout);
    await expect.poll(events).toHaveLength(1);
    for (const { metadata } of await events()) await api.client.delete(resources.events, metadata);
    await clock.advance(60_000);
    recorder.record(subject, rollout);
    await eventually().toEqual(['a new image 2']);
  });
});

describe('failures', () => {
  it('are logged, and nobody else hears of them', async () => {
    await recorder.close();
    recorder = recorderOf(api.clientAs('nobody'));
    recorder.record(subject, rollout);
    await expect.poll(() => logged).toHaveLength(1);
    expect(JSON.parse(logged[0] ?? '')).toMatchObject({ level: 40, status: 403 });
  });

  it('close drops what is held', async () => {
    recorder.record(subject, rollout);
    await eventually().toEqual(['a new image 1']);
    recorder.record(subject, rollout);
    await recorder.close();
    recorder.record(subject, { ...rollout, reason: 'Other' });
    await clock.advance(120_000);
    expect(await notes()).toEqual(['a new image 1']);
    expect(logged).toEqual([]);
  });
});
