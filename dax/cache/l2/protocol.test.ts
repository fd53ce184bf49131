import { describe, expect, test } from 'vitest';
import { explore, type PlantedFault, type Scene, type Writer } from './protocol-model.fixture.ts';

/** Every order of the steps of writers and readers on one key, with a Redis that forgets. */

const here: Writer = { node: 0, kind: 'acknowledged' };
const there: Writer = { node: 1, kind: 'acknowledged' };

const failed: Writer = { node: 1, kind: 'failed' };
const uncertain: Writer = { node: 1, kind: 'uncertain' };

/** The small ones first: planted faults are looked for in this order. */
const scenes: readonly [name: string, scene: Scene][] = [
  ['one writer, three readers', { writers: [here], readers: [0, 1, 1], evictionsCount: 2 }],
  ['two writers on one node', { writers: [here, here], readers: [0, 1], evictionsCount: 1 }],
  ['two on two, readers here', { writers: [here, there], readers: [0, 0], evictionsCount: 1 }],
  ['two on two, a reader each', { writers: [here, there], readers: [0, 1], evictionsCount: 1 }],
  ['two on two, forgetful', { writers: [here, there], readers: [1], evictionsCount: 3 }],
  ['three writers', { writers: [here, there, there], readers: [1], evictionsCount: 0 }],
  ['beside a failed write', { writers: [here, failed], readers: [0, 1], evictionsCount: 1 }],
  ['beside an uncertain one', { writers: [here, uncertain], readers: [0, 1], evictionsCount: 1 }],
];

describe('no order of steps gives an old value', () => {
  test.each(scenes)('%s', (_, scene) => {
    const { violation, statesCount } = explore(scene);
    expect(violation).toBeUndefined();
    expect(statesCount).toBeGreaterThan(10_000);
  });
});

describe('the search finds', () => {
  const faults: readonly PlantedFault[] = [
    'peers told before L2',
    'own memory before L2',
    'stored over other marks',
    'filled without lease',
    'flights survive invalidations',
    'flights survive own writes',
    'overlapping writes are kept',
    'no finish in L2',
  ];
  test.each(faults)('%s', (fault) => {
    const hasFound = ([, scene]: (typeof scenes)[number]) =>
      explore({ ...scene, fault }).violation !== undefined;
    expect(scenes.some(hasFound)).toBe(true);
  });
});
