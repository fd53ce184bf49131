import { describe, expect, it } from 'vitest';
import { AcyclicOrder } from './acyclic-order.ts';
import { SimRandom } from './random.ts';
import { Reachability } from './reachability.ts';

const NODES = 12;

describe('acyclic order', () => {
  it('takes an edge unless it makes a cycle, and keeps all edges pointing forward', () => {
    for (let seed = 0; seed < 300; seed += 1) {
      const random = new SimRandom(seed);
      const order = emptyOrder();
      const edges: [number, number][] = [];
      for (let step = 0; step < 60; step += 1) {
        if (random.chance(0.1)) {
          const kept = random.int(edges.length + 1);
          edges.length = kept;
          order.keep(kept);
        }
        const [from, to] = [random.int(NODES), random.int(NODES)];
        const isCycle = from === to || reachable(edges).has(to, from);
        const isRefused = order.add(from, to, step) !== undefined;
        if (!isCycle) edges.push([from, to]);
        const isInOrder = edges.every(([one, other]) => order.isBefore(one, other));
        if (isRefused !== isCycle || !isInOrder) expect.fail(`seed ${seed}, step ${step}`);
      }
    }
  });

  it('tells which edges stand in the way, but not those that were given', () => {
    const order = new AcyclicOrder([[], [0], [], []], [0, 1, 2, 3]);
    expect(order.add(1, 2, 7)).toBeUndefined();
    expect(order.add(2, 3, 8)).toBeUndefined();
    expect(order.add(3, 0, 9)).toEqual(new Set([7, 8]));
    expect(order.add(1, 0, 9)).toEqual(new Set());
  });

  function emptyOrder(): AcyclicOrder {
    const nodes = Array.from({ length: NODES }, (_, node) => node);
    return new AcyclicOrder(
      nodes.map(() => []),
      nodes,
    );
  }

  function reachable(edges: readonly (readonly [number, number])[]): Reachability {
    const edgesTo: number[][] = Array.from({ length: NODES }, () => []);
    for (const [from, to] of edges) edgesTo[to]?.push(from);
    return new Reachability(edgesTo);
  }
});

describe('reachability', () => {
  it('is that of all paths', () => {
    for (let seed = 0; seed < 100; seed += 1) {
      const random = new SimRandom(seed);
      const count = random.between(1, 80);
      const edgesTo = Array.from({ length: count }, (_, to) =>
        to === 0
          ? []
          : random.sample(
              Array.from({ length: to }, (_, from) => from),
              random.int(3),
            ),
      );
      const reachability = new Reachability(edgesTo);
      const wrong: (readonly [seed: number, from: number, to: number])[] = [];
      for (let to = 0; to < count; to += 1) {
        const before = new Set(edgesTo[to]);
        for (const node of before) for (const from of edgesTo[node] ?? []) before.add(from);
        for (let from = 0; from < count; from += 1) {
          if (reachability.has(from, to) !== before.has(from)) wrong.push([seed, from, to]);
        }
      }
      expect(wrong).toEqual([]);
    }
  });

  it('has no order where there is a cycle', () => {
    expect(new Reachability([[1], [0]]).order).toBeUndefined();
    expect(new Reachability([[], [0]]).order).toEqual(Int32Array.of(0, 1));
  });
});
