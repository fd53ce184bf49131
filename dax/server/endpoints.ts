import { crc32 } from 'node:zlib';
import { type Member, memberRoles } from '../cluster/coherence.ts';
import { endpointsReply } from '../protocol/replies.ts';

/**
 * The nodes of the cluster, by the ports of the listener that the question came in on
 * (reference/dax-protocol.md section 5). All nodes give the same answer.
 */
export function endpointsOf(members: readonly Member[], isTls: boolean): Buffer {
  const leader = members.find(({ role }) => role === memberRoles.leader);
  // Another one when the leader is another one, or was started again.
  const leaderSessionId =
    leader === undefined ? 0 : crc32(`${leader.nodeId} ${leader.incarnation}`);
  return endpointsReply(
    members.map(({ nodeId, name, address, port, tlsPort, zone, role }) => ({
      nodeId,
      hostName: name,
      address,
      port: isTls ? tlsPort : port,
      isLeader: role === memberRoles.leader,
      zone,
      leaderSessionId,
    })),
  );
}
