import { describe, expect, it } from 'vitest';
import { type Member, memberRoles } from '../cluster/coherence.ts';
import { CborReader } from '../protocol/cbor-reader.ts';
import { endpointsOf } from './endpoints.ts';

const leader: Member = {
  nodeId: 0,
  incarnation: 'first',
  name: 'cache-0',
  zone: 'a',
  address: '10.0.0.7',
  port: 8111,
  tlsPort: 9111,
  role: memberRoles.leader,
  isSelf: false,
};
const replica: Member = {
  ...leader,
  nodeId: 1,
  incarnation: 'second',
  name: 'cache-1',
  zone: 'b',
  address: 'fd00::7',
  role: memberRoles.replica,
  isSelf: true,
};

/** Members of the reply's maps, by their numbers. */
function read(reply: Buffer): Map<number, unknown>[] {
  const reader = new CborReader(reply);
  expect(reader.definiteArrayCount()).toBe(0);
  const nodes = Array.from({ length: reader.definiteArrayCount() }, () => {
    const count = reader.mapCount();
    return new Map(
      Array.from({ length: count }, () => {
        const key = reader.integer();
        if (key === 2) return [key, reader.byteString().toString('hex')];
        return [key, key === 1 || key === 5 ? reader.text() : reader.integer()];
      }),
    );
  });
  expect(reader.isAtEnd).toBe(true);
  return nodes;
}

describe('endpoints', () => {
  it('has the members that clients need, and no others: Python stumbles over more', () => {
    const [first, second] = read(endpointsOf([leader, replica], false));
    const leaderSessionId = first?.get(6);
    expect([...(first ?? [])]).toEqual([
      [0, 0],
      [1, 'cache-0'],
      [2, '0a000007'],
      [3, 8111],
      [4, 1],
      [5, 'a'],
      [6, leaderSessionId],
    ]);
    expect([...(second ?? [])]).toEqual([
      [0, 1],
      [1, 'cache-1'],
      [2, 'fd000000000000000000000000000007'],
      [3, 8111],
      [4, 2],
      [5, 'b'],
      [6, leaderSessionId],
    ]);
  });

  it('tells those who came by TLS the ports of TLS', () => {
    const ports = read(endpointsOf([leader, replica], true)).map((node) => node.get(3));
    expect(ports).toEqual([9111, 9111]);
  });

  it('the session of the leader is another one when the leader is', () => {
    const sessionOf = (members: readonly Member[]) => read(endpointsOf(members, false))[0]?.get(6);
    const again = { ...leader, incarnation: 'again' };
    expect(sessionOf([leader])).toBe(sessionOf([leader, replica]));
    expect(sessionOf([again])).not.toBe(sessionOf([leader]));
  });

  it('is empty where all nodes are about to go', () => {
    expect(endpointsOf([], false).toString('hex')).toBe('8080');
  });
});
