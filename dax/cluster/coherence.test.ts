import { describe, expect, it } from 'vitest';
import { SingleNode } from './coherence.ts';

const address = { nodeId: 0, name: 'n', zone: 'z', address: '127.0.0.1', port: 1, tlsPort: 2 };
function newNode(): SingleNode {
  let count = 0;
  return new SingleNode(() => {
    count += 1;
    return `id ${count}`;
  });
}

describe('a node that is alone', () => {
  it('serves, and acknowledges by itself', async () => {
    const node = newNode();
    expect(node.mayServe).toBe(true);
    await node.invalidate();
    await node.close();
  });

  it('is the only member, and the leader, from its start until it leaves', async () => {
    const node = newNode();
    expect(node.members()).toEqual([]);
    node.start(address);
    expect(node.members()).toEqual([{ ...address, incarnation: 'id 2', role: 1, isSelf: true }]);
    await node.leave();
    expect(node.members()).toEqual([]);
    expect(node.mayServe).toBe(true);
  });

  it('uses other keys of L2 when told so, and when it loses and finds L2', async () => {
    const node = newNode();
    const told: string[] = [];
    node.onL2Generation((generation) => told.push(generation));
    expect(node.l2Generation).toBe('id 1');
    await node.newL2Generation();
    await node.setL2Reachable(false);
    expect([node.isL2Shared, node.l2Generation]).toEqual([false, 'id 3']);
    await node.setL2Reachable(true);
    expect([node.isL2Shared, node.l2Generation]).toEqual([true, 'id 4']);
    expect(told).toEqual(['id 2', 'id 3', 'id 4']);
  });
});
