import { describe, expect, it } from 'vitest';
import { RegistryError } from './registry-store.ts';
import {
  emptyView,
  isL2Shared,
  type View,
  type ViewMember,
  withDraining,
  withGeneration,
  withL2Reachable,
  withMember,
  withoutMembers,
} from './view.ts';
import { decodeView, encodeView } from './view-record.ts';

const member = (nodeId: number, incarnation: string): ViewMember => ({
  nodeId,
  incarnation,
  name: `node ${nodeId}`,
  zone: 'a',
  address: '127.0.0.1',
  port: 8111,
  tlsPort: 9111,
  peerPort: 8112,
  isDraining: false,
  isL2Reachable: true,
});

const nobody = emptyView('line', 'g0');
const two = withMember(withMember(nobody, member(2, 'two')), member(1, 'one'));
const shown = ({ epoch, exclusionEpoch, members }: View) => [
  epoch,
  exclusionEpoch,
  [...members.values()].map(({ incarnation }) => incarnation),
];

describe('changes of a view', () => {
  it('are one epoch each; members are in order of their ids', () => {
    expect(shown(two)).toEqual([2, 0, ['one', 'two']]);
  });

  it('that take somebody away, or his place, are exclusions; leaving in order is none', () => {
    const replaced = withMember(two, member(1, 'another'));
    expect(shown(replaced)).toEqual([3, 3, ['another', 'two']]);
    const gone = new Set(['two', 'unknown']);
    expect(withoutMembers(replaced, gone, true)).toMatchObject({ epoch: 4, exclusionEpoch: 4 });
    expect(withoutMembers(replaced, gone, false)).toMatchObject({ epoch: 4, exclusionEpoch: 3 });
    expect(withoutMembers(replaced, new Set(['unknown']), true)).toBeUndefined();
  });

  it('let a member drain once', () => {
    const draining = withDraining(two, 'one');
    expect(draining?.members.get(1)?.isDraining).toBe(true);
    expect(draining && withDraining(draining, 'one')).toBeUndefined();
    expect(withDraining(two, 'unknown')).toBeUndefined();
  });

  it('of L2 bring a generation, and say of which epoch it is', () => {
    expect(withGeneration(two, 'g1').l2).toEqual({ generation: 'g1', epoch: 3 });
    const without = withL2Reachable(two, member(1, 'one'), {
      isReachable: false,
      generation: 'g2',
    });
    expect(without.l2).toEqual({ generation: 'g2', epoch: 3 });
    expect([isL2Shared(two), isL2Shared(without)]).toEqual([true, false]);
    expect(isL2Shared(withMember(without, member(1, 'again')))).toBe(true);
  });
});

describe('the record of a view', () => {
  it('gives the view back', () => {
    const record = JSON.parse(JSON.stringify(encodeView(two)));
    expect(decodeView(record)).toEqual(two);
  });

  it.each([
    ['another format', { format: 2 }],
    ['no members', { members: undefined }],
    ['too many members', { members: Array.from({ length: 65 }, (_, n) => member(n, `${n}`)) }],
    ['a member without incarnation', { members: [{ ...member(1, 'x'), incarnation: undefined }] }],
    ['a port beyond all', { members: [{ ...member(1, 'x'), peerPort: 65_536 }] }],
    ['an epoch that is no number', { epoch: '7' }],
    ['a text that is too long', { lineage: 'x'.repeat(256) }],
    ['no generation', { l2: null }],
  ])('with %s is refused', (_name, change) => {
    expect(() => decodeView({ ...encodeView(two), ...change })).toThrow(RegistryError);
  });
});
