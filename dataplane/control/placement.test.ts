import { describe, expect, it } from 'vitest';
import { type CandidateNode, chooseFurtherNode, chooseNodes } from './placement.ts';

/** `zone node replicas`, with `!` behind it when the node is not well. */
function nodes(...texts: readonly string[]): readonly CandidateNode[] {
  return texts.map((text) => {
    const [zone = '', node = '', count = '0'] = text.replace('!', '').split(' ');
    return { zone, node, replicasCount: Number(count), isHealthy: !text.endsWith('!') };
  });
}

describe('placement of a new partition', () => {
  const cases: readonly (readonly [string, readonly CandidateNode[], readonly string[]])[] = [
    ['no node: none', nodes(), []],
    ['one node: one replica', nodes('a n1'), ['n1']],
    ['two nodes: both', nodes('a n1', 'a n2'), ['n1', 'n2']],
    ['one a zone', nodes('a a0', 'a a1', 'b b0', 'c c0'), ['a0', 'b0', 'c0']],
    [
      'the same place in each zone, where replicas are few',
      nodes('a a0 4', 'a a1 3', 'b b0 4', 'b b1 3', 'c c0 4', 'c c1 3'),
      ['a1', 'b1', 'c1'],
    ],
    [
      'ten nodes a zone count as numbers do',
      nodes('a a2 1', 'a a10 0', 'b b2 1', 'b b10 0', 'c c2 1', 'c c10 0'),
      ['a10', 'b10', 'c10'],
    ],
    [
      'a node that is away gives way to another one of its zone',
      nodes('a a0', 'b b0!', 'b b1 9', 'c c0'),
      ['a0', 'c0', 'b1'],
    ],
    [
      'a zone that is away is covered all the same',
      nodes('a a0', 'a a1', 'b b0', 'c c0!'),
      ['a0', 'b0', 'c0'],
    ],
    ['two zones: spread over both', nodes('a a0', 'a a1', 'b b0', 'b b1'), ['a0', 'b0', 'a1']],
    ['one zone: three nodes of it', nodes('a n1 5', 'a n2', 'a n3', 'a n4'), ['n2', 'n3', 'n4']],
    [
      'four zones: the three with the fewest replicas',
      nodes('a a0 1', 'b b0', 'c c0', 'd d0'),
      ['b0', 'c0', 'd0'],
    ],
  ];
  for (const [name, candidates, chosen] of cases) {
    it(name, () => {
      expect([...chooseNodes(candidates)].sort()).toEqual([...chosen].sort());
      expect(chooseNodes([...candidates].reverse())).toEqual(chooseNodes(candidates));
    });
  }

  it('many partitions are spread evenly, each over all zones', () => {
    const counts = new Map<string, number>();
    const names = ['a0', 'a1', 'a2', 'b0', 'b1', 'b2', 'c0', 'c1', 'c2'];
    for (let i = 0; i < 90; i++) {
      const all = names.map((name) => `${name[0]} ${name} ${counts.get(name) ?? 0}`);
      const chosen = chooseNodes(nodes(...all));
      expect(chosen.map((name) => name[0]).sort()).toEqual(['a', 'b', 'c']);
      for (const name of chosen) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual(Array(9).fill(30));
  });
});

describe('placement of one more replica', () => {
  const cases: readonly (readonly [
    string,
    readonly CandidateNode[],
    readonly string[],
    string | undefined,
  ])[] = [
    ['in the zone that has none', nodes('a a0', 'a a1', 'b b0', 'c c0 9'), ['a0', 'b0'], 'c0'],
    [
      'the one with the fewest replicas',
      nodes('a a0', 'b b0', 'c c0 9', 'c c1 3'),
      ['a0', 'b0'],
      'c1',
    ],
    ['in a covered zone rather than nowhere', nodes('a a0', 'a a1', 'b b0'), ['a0', 'b0'], 'a1'],
    ['never on a node that is away', nodes('a a0', 'b b0', 'c c0!'), ['a0', 'b0'], undefined],
    ['never on a node that has one', nodes('a a0', 'b b0'), ['a0', 'b0'], undefined],
  ];
  for (const [name, candidates, taken, chosen] of cases) {
    it(name, () => expect(chooseFurtherNode(candidates, taken)).toBe(chosen));
  }
});
