import { pino } from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import { KubeError } from '../dataplane/kubernetes/kube-error.ts';
import { keyOf } from '../dataplane/kubernetes/object.ts';
import { ManualScheduler, turns } from '../dataplane/node/manual-scheduler.fixture.ts';
import { Controller, type ControllerOptions, type ReconcileResult } from './controller.ts';

let clock: ManualScheduler;
let passes: string[];
let reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>;
let logged: { readonly level: number; readonly msg: string; readonly key?: string }[];

beforeEach(() => {
  clock = new ManualScheduler();
  passes = [];
  logged = [];
  reconcile = () => Promise.resolve();
});

function controllerOf(options: Partial<ControllerOptions> = {}): Controller {
  return new Controller({
    name: 'thing',
    reconcile: (key, signal) => {
      passes.push(key);
      return reconcile(key, signal);
    },
    exists: () => true,
    mayAct: () => true,
    log: pino({ level: 'debug' }, { write: (line) => void logged.push(JSON.parse(line)) }),
    clock,
    random: () => 0.5,
    ...options,
  });
}

async function started(options: Partial<ControllerOptions> = {}): Promise<Controller> {
  const controller = controllerOf(options);
  await controller.start([]);
  return controller;
}

function conflict(
  causes: readonly { field: string; message: string; reason: string }[],
): KubeError {
  return new KubeError('conflict', { status: 409, reason: 'Conflict', causes });
}

describe('sources', () => {
  it('no pass begins before all of them are whole', async () => {
    const one = Promise.withResolvers<void>();
    const controller = controllerOf();
    const start = controller.start([{ synced: one.promise }, { synced: Promise.resolve() }]);
    controller.add('ns/a');
    await turns();
    expect(passes).toEqual([]);
    one.resolve();
    await start;
    expect(passes).toEqual(['ns/a']);
  });

  it('a change wakes the keys that depend on it', async () => {
    const controller = await started();
    const onChange = controller.onChange(({ object }) => [keyOf(object.metadata), 'ns/other']);
    const metadata = { namespace: 'ns', name: 'a' };
    onChange({ kind: 'set', object: { apiVersion: 'v1', kind: 'Thing', metadata } });
    expect(passes).toEqual(['ns/a', 'ns/other']);
  });
});

describe('passes', () => {
  it('come back when they ask for it', async () => {
    reconcile = () => Promise.resolve({ requeueAfterMs: 2000 });
    const controller = await started();
    controller.add('ns/a');
    await clock.advance(2000);
    expect(passes).toEqual(['ns/a', 'ns/a']);
    expect(controller.counts).toMatchObject({ requeued: 2, succeeded: 0 });
  });

  it('come back every five minutes, more or less, while the object is there', async () => {
    const controller = await started();
    controller.add('ns/a');
    await clock.advance(299_999);
    expect(passes).toHaveLength(1);
    await clock.advance(1);
    expect(passes).toHaveLength(2);
    const early = await started({ random: () => 0 });
    early.add('ns/b');
    await clock.advance(240_000);
    expect(passes.filter((key) => key === 'ns/b')).toHaveLength(2);
  });

  it('that want to come back later than that do not', async () => {
    reconcile = () => Promise.resolve({ requeueAfterMs: 3_600_000 });
    (await started()).add('ns/a');
    await clock.advance(300_000);
    expect(passes).toHaveLength(2);
  });

  it('of what is gone do not come back', async () => {
    const controller = await started({ exists: () => false });
    controller.add('ns/a');
    await clock.advance(3_600_000);
    expect(passes).toEqual(['ns/a']);
  });

  it('are measured', async () => {
    reconcile = async () => {
      await clock.advance(30);
    };
    const controller = await started();
    controller.add('ns/a');
    await turns(40);
    expect(controller.durationsMs).toMatchObject({ count: 1, sum: 30 });
    expect(controller.counts.succeeded).toBe(1);
  });

  it('that take too long are told to stop', async () => {
    reconcile = (_, signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      );
    const controller = await started();
    controller.add('ns/a');
    await clock.advance(120_000);
    expect(controller.counts.failed).toBe(1);
    expect(logged.at(-1)).toMatchObject({ key: 'ns/a', reason: 'Timeout' });
  });
});

describe('failures', () => {
  async function passThatFails(error: unknown): Promise<Controller> {
    reconcile = () => Promise.reject(error);
    const controller = await started();
    controller.add('ns/a');
    await turns();
    return controller;
  }

  it('of the API server are tried again, and logged', async () => {
    const error = KubeError.answered('PATCH /x', 500, { message: 'broken' });
    const controller = await passThatFails(error);
    expect(controller.counts.failed).toBe(1);
    expect(controller.failingCount).toBe(1);
    expect(logged).toMatchObject([{ level: 40, key: 'ns/a', status: 500 }]);
    await clock.advance(250);
    expect(passes).toHaveLength(2);
  });

  it('wait as long as the API server asks for', async () => {
    await passThatFails(KubeError.answered('PATCH /x', 429, {}, '3'));
    await clock.advance(2999);
    expect(passes).toHaveLength(1);
    await clock.advance(1);
    expect(passes).toHaveLength(2);
  });

  it('by an outdated version are no news', async () => {
    const controller = await passThatFails(conflict([]));
    expect(controller.counts).toMatchObject({ conflicted: 1, failed: 0 });
    expect(logged).toMatchObject([{ level: 20 }]);
  });

  it('by another owner of a field are news', async () => {
    const causes = [
      { field: '.spec.a', message: 'conflict with "x"', reason: 'FieldManagerConflict' },
    ];
    const controller = await passThatFails(conflict(causes));
    expect(controller.counts).toMatchObject({ conflicted: 0, failed: 1 });
    expect(logged).toMatchObject([{ level: 40, causes }]);
  });

  it('by a defect end neither the process nor the passes of others', async () => {
    const controller = await passThatFails(new TypeError('x is undefined'));
    expect(controller.counts.defective).toBe(1);
    expect(logged).toMatchObject([{ level: 50, key: 'ns/a' }]);
    reconcile = () => Promise.resolve();
    controller.add('ns/b');
    await clock.advance(250);
    expect(passes).toEqual(['ns/a', 'ns/b', 'ns/a']);
    expect(controller.failingCount).toBe(0);
  });
});

describe('leadership', () => {
  it('who does not lead begins no pass, and looks again', async () => {
    let isLeader = false;
    const controller = await started({ mayAct: () => isLeader });
    controller.add('ns/a');
    await clock.advance(1500);
    expect(passes).toEqual([]);
    isLeader = true;
    await clock.advance(500);
    expect(passes).toEqual(['ns/a']);
  });
});

describe('close', () => {
  it('tells passes to stop, and waits for them', async () => {
    reconcile = (_, signal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const controller = await started();
    controller.add('ns/a');
    await controller.close();
    controller.add('ns/b');
    await clock.advance(600_000);
    expect(passes).toEqual(['ns/a']);
    expect(logged).toEqual([]);
  });

  it('before the sources are whole, begins nothing', async () => {
    const source = Promise.withResolvers<void>();
    const controller = controllerOf();
    const start = controller.start([{ synced: source.promise }]);
    controller.add('ns/a');
    await controller.close();
    source.resolve();
    await start;
    expect(passes).toEqual([]);
  });
});
