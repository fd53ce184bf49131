import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_ZONE } from './names.ts';
import { chooseZones, isUsable, type ZoneNode, type ZoneWishes } from './zones.ts';

const node = (
  name: string,
  zone: string | undefined,
  change: Partial<ZoneNode> = {},
): ZoneNode => ({
  name,
  zone,
  labels: {},
  taints: [],
  isReady: true,
  isUnschedulable: false,
  ...change,
});

const wishes: ZoneWishes = {
  slotsCount: 3,
  zones: [],
  whenZonesInsufficient: 'Colocate',
  nodeSelector: {},
  tolerations: [],
};

const choose = (
  nodes: readonly ZoneNode[],
  change: Partial<ZoneWishes> = {},
  more: { bound?: readonly (string | undefined)[]; counts?: Readonly<Record<string, number>> } = {},
) =>
  chooseZones({ ...wishes, ...change }, more.bound ?? [], {
    nodes,
    slotsCountOf: (zone) => more.counts?.[zone] ?? 0,
  });

const abc = [node('1', 'a'), node('2', 'b'), node('3', 'c')];

test('each slot gets a zone of its own, in order of names', () => {
  expect(choose(abc)).toEqual({ kind: 'chosen', zones: ['a', 'b', 'c'] });
});

test('of more zones than slots, those with the fewest slots of the installation', () => {
  const nodes = [...abc, node('4', 'd')];
  expect(choose(nodes, {}, { counts: { a: 5, b: 1, c: 2, d: 0 } })).toEqual({
    kind: 'chosen',
    zones: ['d', 'b', 'c'],
  });
});

test('bound slots stay, even where no node is any more', () => {
  expect(choose([node('1', 'a')], {}, { bound: ['c', undefined, undefined] })).toEqual({
    kind: 'chosen',
    zones: ['c', 'a', 'a'],
  });
  expect(choose([], {}, { bound: ['a', 'b', 'c'] })).toEqual({
    kind: 'chosen',
    zones: ['a', 'b', 'c'],
  });
});

test('too few zones are shared, or waited for', () => {
  const two = [node('1', 'a'), node('2', 'b')];
  expect(choose(two)).toEqual({ kind: 'chosen', zones: ['a', 'b', 'a'] });
  expect(choose(two, { whenZonesInsufficient: 'Wait' })).toMatchObject({
    kind: 'wait',
    message: expect.stringContaining('placement.whenZonesInsufficient'),
  });
});

test('nodes without zones are no zones, and zones that are named must be there', () => {
  const plain = [node('1', undefined)];
  expect(choose(plain)).toEqual({ kind: 'chosen', zones: [NO_ZONE, NO_ZONE, NO_ZONE] });
  expect(choose(plain, { zones: ['a'] })).toMatchObject({
    kind: 'wait',
    message: expect.stringContaining('placement.zones'),
  });
  expect(choose(abc, { zones: ['x'] })).toMatchObject({
    kind: 'wait',
    message: expect.stringContaining('there are a, b, c'),
  });
  expect(choose(abc, { zones: ['c', 'x'] })).toEqual({ kind: 'chosen', zones: ['c', 'c', 'c'] });
});

test.each([
  ['not ready', { isReady: false }],
  ['cordoned', { isUnschedulable: true }],
  ['tainted', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' as const }] }],
])('a node that is %s is not usable', (_, change) => {
  expect(isUsable(node('1', 'a', change), wishes)).toBe(false);
});

test.each([
  ['Exists', { key: 'k', operator: 'Exists' as const }, true],
  ['Equal', { key: 'k', value: 'v' }, true],
  ['another value', { key: 'k', value: 'w' }, false],
  ['another effect', { key: 'k', value: 'v', effect: 'NoExecute' as const }, false],
  ['everything', { operator: 'Exists' as const }, true],
])('a taint is tolerated: %s', (_, toleration, isTolerated) => {
  const tainted = node('1', 'a', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] });
  expect(isUsable(tainted, { nodeSelector: {}, tolerations: [toleration] })).toBe(isTolerated);
});

test('a node has to match the selector', () => {
  const labelled = node('1', 'a', { labels: { disk: 'ssd' } });
  expect(isUsable(labelled, { nodeSelector: { disk: 'ssd' }, tolerations: [] })).toBe(true);
  expect(isUsable(labelled, { nodeSelector: { disk: 'hdd' }, tolerations: [] })).toBe(false);
});

test('whatever the nodes: what is bound stays, and slots are spread as far as there are zones', () => {
  const zone = fc.constantFrom('a', 'b', 'c', 'd', undefined);
  const property = fc.property(
    fc.array(zone, { maxLength: 8 }),
    fc.array(fc.constantFrom('a', 'b', undefined), { maxLength: 3 }),
    (zones, bound) => {
      const nodes = zones.map((each, index) => node(String(index), each));
      const choice = choose(nodes, {}, { bound });
      if (choice.kind === 'wait') {
        expect(nodes.length).toBe(0);
        return;
      }
      expect(choice.zones).toHaveLength(3);
      for (const [slot, each] of bound.entries())
        if (each !== undefined) expect(choice.zones[slot]).toBe(each);
      const labelled = new Set(zones.filter((each) => each !== undefined));
      if (bound.every((each) => each === undefined) && labelled.size > 0) {
        expect(new Set(choice.zones).size).toBe(Math.min(3, labelled.size));
      }
    },
  );
  fc.assert(property, { numRuns: 300 });
});
