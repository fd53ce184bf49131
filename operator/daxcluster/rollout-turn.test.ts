import { expect, test } from 'vitest';
import type { StatefulSet } from '../table/objects.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { DaxCaches } from './dax-caches.ts';
import { clusterOf, nodeOf } from './observed.fixture.ts';
import { DaxRolloutTurn } from './rollout-turn.ts';

const cluster = (name: string, reason?: string): DaxClusterResource =>
  clusterOf(
    { replicationFactor: 1 },
    {
      metadata: { name, uid: `uid-${name}` },
      status: {
        conditions: reason
          ? [{ type: 'X', status: 'True', reason, message: '', lastTransitionTime: '' }]
          : [],
      },
    },
  );

/** Clusters whose nodes run `trestle:1` and are to run the image that is given for them. */
function turnOf(
  clusters: readonly DaxClusterResource[],
  images: Readonly<Record<string, string>> = {},
): DaxRolloutTurn {
  const caches: Pick<DaxCaches, 'allClusters' | 'statefulSet' | 'pod'> = {
    *allClusters() {
      yield* clusters;
    },
    statefulSet: ({ name }) => {
      const owner = clusters.find((each) => namesOf(each).base === name);
      const image = images[owner?.metadata.name ?? ''] ?? 'trestle:1';
      const metadata = { name, annotations: { 'trestle.dev/data-image': image } };
      return { metadata } as unknown as StatefulSet;
    },
    pod: ({ name }) => {
      const owner = clusters.find((each) => name.startsWith(namesOf(each).base));
      return owner && nodeOf(owner, 0).pod;
    },
  };
  return new DaxRolloutTurn(caches);
}

test('one cluster at a time: who has begun goes on, the others wait until it is done', () => {
  const [a, b] = [cluster('a'), cluster('b')];
  const turn = turnOf([a, b]);
  expect(turn.rollingBesides(a)).toBeUndefined();
  turn.planned(a, 'Restarting');
  expect(turn.rollingBesides(a)).toBeUndefined();
  expect(turn.rollingBesides(b)).toBe('shop/a');
  turn.planned(b, 'Waiting');
  turn.planned(a, 'Soaking');
  expect(turn.rollingBesides(b)).toBe('shop/a');
  turn.planned(a, undefined);
  expect(turn.rollingBesides(b)).toBeUndefined();
});

test('who began before this operator did is known by its conditions', () => {
  const [a, b, waiting] = [
    cluster('a', 'RollingOut'),
    cluster('b'),
    cluster('c', 'RolloutPending'),
  ];
  const turn = turnOf([a, b, waiting]);
  expect(turn.rollingBesides(b)).toBe('shop/a');
  expect(turn.rollingBesides(a)).toBeUndefined();
});

test('an upgrade that has stopped holds the upgrades of others, and nothing else', () => {
  const [a, b, c] = [cluster('a', 'RolloutStopped'), cluster('b'), cluster('c')];
  const turn = turnOf([a, b, c], { a: 'bad', b: 'bad' });
  expect(turn.rollingBesides(b)).toBe('shop/a');
  expect(turn.rollingBesides(c)).toBeUndefined();
});

test('a rollout that has stopped for its own template holds nobody', () => {
  const [a, b] = [cluster('a', 'RolloutStopped'), cluster('b')];
  expect(turnOf([a, b], { b: 'trestle:2' }).rollingBesides(b)).toBeUndefined();
});

test('a cluster that is gone holds nobody', () => {
  const [a, b] = [cluster('a'), cluster('b')];
  const turn = turnOf([a, b]);
  turn.planned(a, 'Restarting');
  turn.forget('shop/a');
  expect(turn.rollingBesides(b)).toBeUndefined();
});
