import { describe, expect, it } from 'vitest';
import { appliedIndexOf, type ReplicaState, StateComparison } from './replica-states.ts';

const STORAGE_ID = Buffer.from('8000000000000001', 'hex');
const PLACE_KEY = Buffer.from([0x07, 0x03, 0x00]);

function state(node: string, index: number, value: string): ReplicaState {
  const place = Buffer.alloc(21);
  place.writeBigUInt64BE(BigInt(index), 5);
  const pairs: readonly (readonly [Buffer, Buffer])[] = [
    [Buffer.from('\x01item'), Buffer.from(value)],
    [PLACE_KEY, place],
  ];
  const entries = pairs.map(([name, bytes]) => {
    const key = Buffer.concat([STORAGE_ID, name]);
    return { key: key.toString('latin1'), bytes: key, value: bytes };
  });
  return { node, partitionId: 1n, replicaId: Number(node.slice(1)), entries };
}

const never = () => false;

describe('states of replicas', () => {
  it('say up to where the log is applied', () => {
    expect(appliedIndexOf(state('n1', 12, 'x'))).toBe(12);
    expect(appliedIndexOf({ ...state('n1', 12, 'x'), entries: [] })).toBeUndefined();
  });

  it('may differ at different indexes, and are the same at one', () => {
    const states = new StateComparison();
    for (const each of [state('n1', 1, 'x'), state('n2', 2, 'y'), state('n3', 1, 'x')]) {
      states.take(each, never);
    }
    expect(states.comparedCount).toBe(1);
    expect(states.violations).toEqual([]);
  });

  it('are convicted when they differ at the same index, whenever that was seen', () => {
    const states = new StateComparison();
    for (const each of [state('n1', 1, 'x'), state('n1', 2, 'y'), state('n2', 1, 'z')]) {
      states.take(each, never);
    }
    expect(states.violations).toHaveLength(1);
    expect(states.violations[0]).toMatch(/^Replicas of partition 1\/1 differ: 01.* n1 78, n2 7a$/);
  });

  it('are not looked at where somebody changed them on purpose', () => {
    const states = new StateComparison();
    states.take(state('n1', 1, 'x'), never);
    states.take(state('n2', 1, 'z'), ({ node }) => node === 'n2');
    expect(states.violations).toEqual([]);
  });
});
