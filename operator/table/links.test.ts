import { expect, test } from 'vitest';
import { brokenLinks } from './links.ts';
import type { NodeView } from './node-answer.ts';
import { nodeOf } from './observed.fixture.ts';

const pods = ['z0', 'z1', 'z2'];

test('nodes that are all connected have no broken link', () => {
  expect(brokenLinks(pods.map((pod) => nodeOf(pod, pods)))).toEqual([]);
});

test('a link is broken when either side says so', () => {
  const [first, second, third] = [
    nodeOf('z0', pods),
    nodeOf('z1', pods, { unreached: ['z2', 'a-router'] }),
    nodeOf('z2', pods),
  ];
  expect(brokenLinks([first, second, third])).toEqual([['z1', 'z2']]);
  const both = nodeOf('z2', pods, { unreached: ['z1', 'z0'] });
  expect(brokenLinks([first, second, both])).toEqual([
    ['z0', 'z2'],
    ['z1', 'z2'],
  ]);
});

test('a node that does not answer is missing, which is told otherwise', () => {
  const silent: NodeView = { pod: 'z2', kind: 'silent', reason: 'no answer' };
  const others = ['z0', 'z1'].map((pod) => nodeOf(pod, pods, { unreached: ['z2'] }));
  expect(brokenLinks([...others, silent])).toEqual([]);
});
