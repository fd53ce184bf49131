import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RolloutStatus } from '../../dataplane/kubernetes/table-types.ts';
import {
  DEAD_MS,
  DRAIN_MS_MAX,
  planRollout,
  READY_MS_MAX,
  type RolloutInput,
  type RolloutSlot,
  SOAK_MS,
} from './rollout.ts';

const nowMs = Date.parse('2026-11-26T12:00:00Z');
const ago = (ms: number) => nowMs - ms;
const stamp = (ms: number) => new Date(ms).toISOString();

/** A pod that is well and at revision 1, while 2 is wished. */
const slot = (number: number, change: Partial<RolloutSlot> = {}): RolloutSlot => ({
  slot: number,
  pod: `z${number}`,
  partition: 1,
  isTemplateCurrent: true,
  isObserved: true,
  currentRevision: '1',
  updateRevision: '2',
  podRevision: '1',
  podUid: `uid-${number}`,
  isPodReady: true,
  isTerminating: false,
  podCreatedMs: ago(3_600_000),
  sinceMs: ago(3_600_000),
  isAnswering: true,
  leaderships: number,
  isDraining: false,
  complaint: undefined,
  ...change,
});

const done = (number: number) => slot(number, { podRevision: '2', currentRevision: '2' });

const plan = (slots: readonly RolloutSlot[], change: Partial<RolloutInput> = {}) =>
  planRollout({
    slots,
    isFull: true,
    isFullBut: () => true,
    brokenLinks: [],
    isFounded: true,
    hindrance: undefined,
    blockedBy: undefined,
    previous: undefined,
    nowMs,
    ...change,
  });

const at = (phase: string, number: number, ms: number): RolloutStatus => ({
  phase,
  slot: number,
  pod: `z${number}`,
  startedAt: stamp(ago(ms)),
});

test('all pods at the newest template: nothing to do', () => {
  const result = plan([done(0), done(1), done(2)]);
  expect(result.status).toBeUndefined();
  expect(result.requeueAfterMs).toBeUndefined();
});

test('a new template is written with all pods held', () => {
  const result = plan([
    slot(0, { isTemplateCurrent: false, partition: 0 }),
    slot(1, { isTemplateCurrent: false }),
  ]);
  expect([...result.partitions.values()]).toEqual([1, 1]);
  expect(result.status?.phase).toBe('Pending');
});

test('the pod that leads least begins: it is drained, and held until it leads nothing', () => {
  const slots = [
    slot(0, { leaderships: 3 }),
    slot(1, { leaderships: 1 }),
    slot(2, { leaderships: 2 }),
  ];
  const result = plan(slots);
  expect(result.status).toMatchObject({ phase: 'Draining', slot: 1 });
  expect([...result.draining]).toEqual(['z1']);
  expect([...result.partitions.values()]).toEqual([1, 1, 1]);
});

test('drained, it is let go, and stays drained until another process is in its place', () => {
  const drained = slot(1, { leaderships: 0, isDraining: true, isPodReady: false });
  const result = plan([slot(0), drained, slot(2)], { previous: at('Draining', 1, 5_000) });
  expect([...result.partitions.values()]).toEqual([1, 0, 1]);
  expect(result.status?.phase).toBe('Restarting');
  expect([...result.draining]).toEqual(['z1']);
});

test('a pod that does not lose its leaderships in a minute is let go all the same', () => {
  const stubborn = slot(1, { leaderships: 1, isDraining: true, isPodReady: false });
  const early = plan([slot(0), stubborn, slot(2)], {
    previous: at('Draining', 1, DRAIN_MS_MAX - 1_000),
  });
  expect(early.partitions.get(1)).toBe(1);
  const late = plan([slot(0), stubborn, slot(2)], {
    previous: at('Draining', 1, DRAIN_MS_MAX + 1_000),
  });
  expect(late.partitions.get(1)).toBe(0);
});

test.each([
  ['not all partitions are full', { isFull: false }],
  ['two others do not reach each other', { brokenLinks: [['z1', 'z2']] }],
  ['a zone is lost', { hindrance: 'waiting until zone a is back' }],
  ['another table is rolling', { blockedBy: 'shop/other' }],
] as const)('nothing begins while %s', (_, change) => {
  const result = plan([slot(0), slot(1), slot(2)], change);
  expect(result.status?.phase).toBe('Pending');
  expect([...result.partitions.values()]).toEqual([1, 1, 1]);
  expect(result.draining.size).toBe(0);
});

test('a pod that does not reach another may be the one that goes', () => {
  const brokenLinks = [['z0', 'z2']] as const;
  expect(plan([slot(0), slot(1), slot(2)], { brokenLinks }).status?.phase).toBe('Draining');
});

test('a new pod is waited for until all others reach it', () => {
  const released = slot(1, { podRevision: '2', currentRevision: '2', partition: 0 });
  const waiting = plan([slot(0), released, slot(2)], { brokenLinks: [['z0', 'z1']] });
  expect(waiting.status?.phase).toBe('Restarting');
  expect(waiting.message).toMatch(/^waiting until z0 and z1 are connected with each other/);
  expect([...waiting.partitions.values()]).toEqual([1, 0, 1]);
  expect(plan([slot(0), released, slot(2)]).partitions.get(1)).toBe(1);
});

test('what turned unwell during the drain holds the pod', () => {
  const drained = slot(1, { leaderships: 0, isDraining: true });
  const result = plan([slot(0), drained, slot(2)], {
    isFull: false,
    previous: at('Draining', 1, 5_000),
  });
  expect(result.partitions.get(1)).toBe(1);
});

test('a pod that was let go is waited for: to be replaced, ready, full again, and well for a while', () => {
  const old = slot(1, { partition: 0 });
  expect(plan([slot(0), old, slot(2)]).status).toMatchObject({ phase: 'Restarting', slot: 1 });
  const starting = {
    ...done(1),
    partition: 0 as const,
    currentRevision: '1',
    isPodReady: false,
    podCreatedMs: ago(1_000),
  };
  expect(plan([slot(0), starting, slot(2)]).status).toMatchObject({ phase: 'Restarting', slot: 1 });
  const ready = { ...done(1), partition: 0 as const };
  expect(plan([slot(0), ready, slot(2)], { isFull: false }).status).toMatchObject({
    phase: 'Restarting',
    slot: 1,
  });
  const fresh = { ...ready, sinceMs: ago(SOAK_MS - 1_000) };
  expect(plan([slot(0), fresh, slot(2)]).status).toMatchObject({ phase: 'Soaking', slot: 1 });
  const settled = plan([slot(0), ready, slot(2)]);
  expect([...settled.partitions.values()]).toEqual([1, 1, 1]);
});

test('a pod that is not ready in time stops the rollout, and says why', () => {
  const bad = {
    ...done(1),
    ...{ partition: 0 as const, currentRevision: '1', isPodReady: false, isAnswering: false },
    podCreatedMs: ago(READY_MS_MAX + 1_000),
    complaint: 'ImagePullBackOff',
  };
  const result = plan([slot(0), bad, slot(2)]);
  expect(result.status).toMatchObject({ phase: 'Stopped', slot: 1 });
  expect(result.message).toContain('ImagePullBackOff');
  expect([...result.partitions.values()]).toEqual([1, 0, 1]);
});

test('a pod that is stuck at a template that nobody wants any more is deleted', () => {
  const stuck = slot(1, { updateRevision: '3', podRevision: '2', isPodReady: false });
  const result = plan([slot(0, { updateRevision: '3' }), stuck, slot(2, { updateRevision: '3' })], {
    isFull: false,
  });
  expect(result.deletions).toEqual([{ pod: 'z1', uid: 'uid-1' }]);
});

test('pods that do not run at all get the new template at once, if they had their time', () => {
  const dead = (number: number, ms: number) =>
    slot(number, { isPodReady: false, isAnswering: false, sinceMs: ago(ms) });
  const result = plan([dead(0, DEAD_MS + 1), dead(1, DEAD_MS + 1), dead(2, 1_000)], {
    isFull: false,
    isFullBut: () => false,
  });
  expect([...result.partitions.values()]).toEqual([0, 0, 1]);
  const young = plan([dead(0, 0), dead(1, 0), dead(2, 0)], {
    isFull: false,
    isFullBut: () => false,
    isFounded: false,
  });
  expect([...young.partitions.values()]).toEqual([0, 0, 0]);
});

test('a table of one replica is not drained: nobody could take over', () => {
  expect(plan([slot(0)]).partitions.get(0)).toBe(0);
});

/** A table whose pods and StatefulSets do what Kubernetes' do, on a clock of its own. */
class Model {
  readonly slots: RolloutSlot[] = [slot(0), slot(1), slot(2)];
  readonly bad = new Set<string>();
  previous: RolloutStatus | undefined;
  nowMs = nowMs;
  revision = 2;

  get isFull(): boolean {
    return this.slots.every((each) => this.#isUp(each));
  }

  pass(): void {
    const input: RolloutInput = {
      slots: this.slots,
      isFull: this.isFull,
      isFullBut: (pod) => this.slots.every((each) => each.pod === pod || this.#isUp(each)),
      brokenLinks: [],
      isFounded: true,
      hindrance: undefined,
      blockedBy: undefined,
      previous: this.previous,
      nowMs: this.nowMs,
    };
    const result = planRollout(input);
    for (const [number, partition] of result.partitions) this.#apply(number, partition);
    for (const { pod } of result.deletions) {
      const victim = this.#of(pod);
      expect(this.#isUp(victim)).toBe(false);
      this.#restart(victim);
    }
    for (const each of this.slots) {
      const isDraining = result.draining.has(each.pod);
      this.#set(each.slot, { isDraining, leaderships: isDraining ? 0 : each.leaderships });
    }
    this.previous = result.status;
  }

  /** A pod is let go only while all others are up, or when it is down anyway. */
  #apply(number: number, partition: 0 | 1): void {
    const each = this.#at(number);
    if (each.partition === 1 && partition === 0 && this.#isUp(each)) {
      for (const other of this.slots) if (other !== each) expect(this.#isUp(other)).toBe(true);
    }
    const isTemplateCurrent = true;
    const updateRevision = String(this.revision);
    this.#set(number, { partition, isTemplateCurrent, updateRevision });
  }

  /** What Kubernetes does meanwhile. */
  step(ms: number): void {
    this.nowMs += ms;
    for (const each of [...this.slots]) {
      const isOutdated = each.podRevision !== each.updateRevision;
      if (each.partition === 0 && isOutdated) this.#restart(each);
      const now = this.#at(each.slot);
      const isGood = !this.bad.has(now.podRevision ?? '');
      if (!now.isPodReady && isGood && this.nowMs - now.podCreatedMs >= 2_000) {
        this.#set(each.slot, {
          isPodReady: true,
          isAnswering: true,
          leaderships: 1,
          sinceMs: this.nowMs,
        });
      }
      const { podRevision, updateRevision, isPodReady } = this.#at(each.slot);
      if (isPodReady && podRevision === updateRevision)
        this.#set(each.slot, { currentRevision: updateRevision });
    }
  }

  change(isBad: boolean): void {
    this.revision += 1;
    if (isBad) this.bad.add(String(this.revision));
    for (const each of [...this.slots]) this.#set(each.slot, { isTemplateCurrent: false });
  }

  crash(number: number): void {
    const each = this.#at(number);
    this.#set(number, {
      isPodReady: false,
      isAnswering: false,
      podCreatedMs: this.nowMs,
      sinceMs: this.nowMs,
      podUid: each.podUid,
    });
  }

  #restart(each: RolloutSlot): void {
    const podRevision = each.partition === 0 ? each.updateRevision : each.currentRevision;
    this.#set(each.slot, {
      podRevision,
      podUid: `${each.podUid}+`,
      ...{
        isPodReady: false,
        isAnswering: false,
        isDraining: false,
        podCreatedMs: this.nowMs,
        sinceMs: this.nowMs,
      },
    });
  }

  #isUp({ isPodReady }: RolloutSlot): boolean {
    return isPodReady;
  }

  #at(number: number): RolloutSlot {
    const found = this.slots[number];
    if (found === undefined) throw new Error(`no slot ${number}`);
    return found;
  }

  #of(pod: string): RolloutSlot {
    const found = this.slots.find((each) => each.pod === pod);
    if (found === undefined) throw new Error(`no pod ${pod}`);
    return found;
  }

  #set(number: number, change: Partial<RolloutSlot>): void {
    this.slots[number] = { ...this.#at(number), ...change };
  }
}

test('whatever happens: no pod is taken while another is down, and a good template reaches all pods', () => {
  const event = fc.oneof(
    { weight: 8, arbitrary: fc.constant('pass' as const) },
    { weight: 1, arbitrary: fc.constant('good' as const) },
    { weight: 1, arbitrary: fc.constant('bad' as const) },
    { weight: 2, arbitrary: fc.constantFrom(0, 1, 2) },
    { weight: 1, arbitrary: fc.constant('lose status' as const) },
  );
  const property = fc.property(fc.array(event, { maxLength: 60 }), (events) => {
    const model = new Model();
    for (const each of events) {
      if (each === 'good' || each === 'bad') model.change(each === 'bad');
      else if (each === 'lose status') model.previous = undefined;
      else if (typeof each === 'number') model.crash(each);
      model.pass();
      model.step(3_000);
    }
    model.change(false);
    for (let n = 0; n < 400; n++) {
      model.pass();
      model.step(3_000);
    }
    expect(model.slots.map(({ podRevision }) => podRevision)).toEqual(
      Array(3).fill(String(model.revision)),
    );
    expect(model.previous).toBeUndefined();
  });
  fc.assert(property, { numRuns: 300 });
});
