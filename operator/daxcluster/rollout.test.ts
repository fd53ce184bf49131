import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clusterOf, nodeOf, nowMs, REVISION } from './observed.fixture.ts';
import type { ObservedNode } from './observed.ts';
import { isServing, planRollout, type RolloutFacts } from './rollout.ts';

const cluster = clusterOf();
const old = { revision: 'cache-1' };
const MINUTE_MS = 60_000;
const node = (ordinal: number, change: Parameters<typeof nodeOf>[2] = {}) =>
  nodeOf(cluster, ordinal, change);

const plan = (nodes: readonly ObservedNode[], change: Partial<RolloutFacts> = {}) =>
  planRollout({
    nodes,
    nodesCount: 3,
    updateRevision: REVISION,
    blockedBy: undefined,
    nowMs,
    ...change,
  });
const goneIn = (nodes: readonly ObservedNode[], change: Partial<RolloutFacts> = {}) =>
  plan(nodes, change)?.deletion?.pod.slice(-1);

test('nodes with the newest template are left alone', () => {
  expect(plan([node(0), node(1), node(2)])).toBeUndefined();
});

test('while the StatefulSet controller has not seen the newest template, nothing goes', () => {
  const nodes = [node(0, old), node(1, old), node(2, old)];
  expect(plan(nodes, { updateRevision: undefined })).toBeUndefined();
});

test('the last one goes first, when all serve', () => {
  expect(goneIn([node(0, old), node(1, old), node(2, old)])).toBe('2');
  expect(goneIn([node(0, old), node(1, old), node(2)])).toBe('1');
});

test('while one is away, ends, or is not ready, no other one goes', () => {
  expect(goneIn([node(0, old), node(1, old)])).toBeUndefined();
  const ending = node(2, { ...old, deletionTimestamp: new Date(nowMs).toISOString() });
  expect(goneIn([node(0, old), node(1, old), ending])).toBeUndefined();
  const starting = node(2, { isReady: false, sinceMs: nowMs - 1000 });
  expect(plan([node(0, old), node(1, old), starting])).toMatchObject({
    phase: 'Restarting',
    deletion: undefined,
  });
});

test('one that is ready but no member yet counts as not ready', () => {
  const idle = node(2);
  const outsider: ObservedNode = { ...idle, view: { ...idle.view, isActive: false } as never };
  expect(isServing(outsider)).toBe(false);
  expect(goneIn([node(0, old), node(1, old), outsider])).toBeUndefined();
});

test('the next one goes when the former has been well for ten seconds', () => {
  const fresh = (ms: number) => node(2, { sinceMs: nowMs - ms });
  expect(plan([node(0, old), node(1, old), fresh(9000)])?.phase).toBe('Soaking');
  expect(goneIn([node(0, old), node(1, old), fresh(10_000)])).toBe('1');
});

test('an old one that does not serve goes before those that do', () => {
  expect(goneIn([node(0, { ...old, isReady: false }), node(1, old), node(2, old)])).toBe('0');
});

test('a new one that is not well after five minutes stops the rollout, and the next template goes on', () => {
  const bad = { isReady: false, sinceMs: nowMs - 6 * MINUTE_MS };
  const nodes = [node(0, old), node(1, old), node(2, bad)];
  const stopped = plan(nodes);
  expect(stopped).toMatchObject({ phase: 'Stopped', deletion: undefined });
  expect(stopped?.message).toContain('is not ready after 5 minutes');
  // Whoever corrects the template: what failed goes first.
  expect(goneIn(nodes, { updateRevision: 'cache-3' })).toBe('2');
});

test('a pod that does not end stops the rollout, too', () => {
  const deletionTimestamp = new Date(nowMs - 6 * MINUTE_MS).toISOString();
  const stuck = node(1, { ...old, deletionTimestamp });
  expect(plan([node(0, old), stuck, node(2)])?.phase).toBe('Stopped');
});

test("while it is another cluster's turn, none goes", () => {
  const nodes = [node(0, old), node(1, old), node(2, old)];
  expect(plan(nodes, { blockedBy: 'shop/other' })).toMatchObject({
    phase: 'Waiting',
    deletion: undefined,
    message: expect.stringContaining('shop/other goes first'),
  });
});

test('a cluster of one node loses it for the time of a start', () => {
  expect(goneIn([node(0, old)], { nodesCount: 1 })).toBe('0');
});

test('nodes that are on their way out hold nobody up', () => {
  const leaving = node(3, { ...old, deletionTimestamp: new Date(nowMs).toISOString() });
  expect(goneIn([node(0, old), node(1, old), node(2, old), leaving])).toBe('2');
});

const STEP_MS = 5_000;
const STEPS_MAX = 400;

/** A pod as a StatefulSet with OnDelete plays it: away for a step, then it starts, then it serves. */
interface Played {
  readonly revision: string;
  readonly phase: 'away' | 'starting' | 'serving';
  /** Of the phase. */
  readonly sinceStep: number;
}

/** What becomes of a pod by itself. @param startSteps how long it takes to start */
function next(pod: Played, step: number, startSteps: number): Played {
  const age = step - pod.sinceStep;
  if (pod.phase === 'away' && age > 1) {
    return { revision: REVISION, phase: 'starting', sinceStep: step };
  }
  if (pod.phase === 'starting' && age >= startSteps) {
    return { ...pod, phase: 'serving', sinceStep: step };
  }
  return pod;
}

function played(pod: Played, ordinal: number): readonly ObservedNode[] {
  const { revision, phase, sinceStep } = pod;
  const sinceMs = nowMs + sinceStep * STEP_MS;
  return phase === 'away'
    ? []
    : [node(ordinal, { revision, isReady: phase === 'serving', sinceMs })];
}

test('whatever nodes do, the rollout never takes one that serves while another does not, and comes to its end', () => {
  const crash = fc.record({ step: fc.nat(60), ordinal: fc.nat(4) });
  const scenario = fc.record({
    count: fc.integer({ min: 1, max: 5 }),
    crashes: fc.array(crash, { maxLength: 6 }),
    startSteps: fc.integer({ min: 1, max: 8 }),
  });
  fc.assert(
    fc.property(scenario, ({ count, crashes, startSteps }) => {
      const begin: Played = { revision: 'cache-1', phase: 'serving', sinceStep: -10 };
      let pods: readonly Played[] = Array.from({ length: count }, () => begin);
      for (let step = 0; step < STEPS_MAX; step++) {
        const crashed = crashes.filter((each) => each.step === step).map(({ ordinal }) => ordinal);
        pods = pods.map((pod, ordinal) =>
          crashed.includes(ordinal) && pod.phase !== 'away'
            ? { ...pod, phase: 'starting', sinceStep: step }
            : next(pod, step, startSteps),
        );
        const nodes = pods.flatMap(played);
        const result = plan(nodes, { nodesCount: count, nowMs: nowMs + step * STEP_MS });
        const isWhole = nodes.length === count;
        if (result === undefined && isWhole) {
          expect(pods.every(({ revision }) => revision === REVISION)).toBe(true);
          return;
        }
        const victim = Number(result?.deletion?.pod.slice(-1) ?? Number.NaN);
        if (Number.isNaN(victim)) continue;
        expect(pods[victim]?.revision).toBe('cache-1');
        if (pods[victim]?.phase === 'serving') expect(nodes.filter(isServing)).toHaveLength(count);
        pods = pods.map((pod, ordinal) =>
          ordinal === victim ? { ...pod, phase: 'away', sinceStep: step } : pod,
        );
      }
      throw new Error('the rollout does not end');
    }),
  );
});
