import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventQueue, type SimEvent } from './event-queue.ts';

function eventAt(atUs: number, order: number, tie = 0): SimEvent {
  return { atUs, tie, order, process: 0, label: 'test', isTimer: false, fn: () => {} };
}

it('pop: events come by time, then tie, then order, without the cancelled ones', () => {
  const step = fc.record({
    atUs: fc.nat(20),
    tie: fc.nat(2),
    isCancelled: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new EventQueue();
      const events = steps.map(({ atUs, tie }, order) => eventAt(atUs, order, tie));
      for (const event of events) {
        queue.push(event);
      }
      const kept = events.filter((event, index) => {
        if (steps[index]?.isCancelled === true) {
          queue.cancel(event);
          return false;
        }
        return true;
      });
      expect(queue.length).toBe(kept.length);
      const sorted = kept.toSorted(
        (one, other) => one.atUs - other.atUs || one.tie - other.tie || one.order - other.order,
      );
      expect(drain(queue)).toEqual(sorted);
    }),
  );
});

it('cancel: many cancelled events are swept out, the others stay', () => {
  const queue = new EventQueue();
  const events = Array.from({ length: 5_000 }, (_, index) =>
    eventAt((index * 7_919) % 1_000, index),
  );
  for (const event of events) {
    queue.push(event);
  }
  const cancelled = events.filter(({ order }) => order % 10 !== 0);
  for (const event of cancelled) {
    queue.cancel(event);
  }
  expect(drain(queue)).toHaveLength(500);
});

function drain(queue: EventQueue): readonly SimEvent[] {
  const drained: SimEvent[] = [];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    drained.push(next);
  }
  return drained;
}
