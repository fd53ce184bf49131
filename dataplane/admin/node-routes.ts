import type { Express, Request, Response } from 'express';
import type { Replica } from '../replication/replica.ts';
import { type DropReplicaCall, methods } from '../routing/protocol.ts';
import { answer, answerJson } from './answer.ts';
import { addCertificatesRoute } from './certificate-report.ts';
import { AdminFault } from './failure.ts';
import { addHealthRoutes, addIdentityRoute } from './health-routes.ts';
import type { FaultSwitch, NodeAdmin } from './node-admin.ts';
import { replicaStatus, replicaSummaries, reportStatus } from './partition-status.ts';
import {
  bootstrapNodes,
  changeMembersCall,
  configureCall,
  createReplicaCall,
  faultCall,
  operationCall,
  partitionIdOf,
  transferLeadershipCall,
} from './requests.ts';

/** What a storage node answers; README.md lists it. */
export function addNodeRoutes(app: Express, node: NodeAdmin): void {
  addNodeHealthRoutes(app, node);
  app.get('/status', async (_request, response) => {
    const { clusterId, isDraining } = node;
    const report = reportStatus(await node.report());
    const volume = node.volume();
    answer(response, { clusterId, isDraining, ...report, volume, peers: node.peers() });
  });
  addPartitionRoutes(app, node);
  addChangeRoutes(app, node);
  app.post('/operations/:name', async (request, response) => {
    answerJson(response, await node.operate(operationCall(request)));
  });
  app.post('/drain', (_request, response) => drain(node, response, true));
  app.delete('/drain', (_request, response) => drain(node, response, false));
  app.post('/bootstrap', async (request, response) => {
    answer(response, await node.bootstrap(bootstrapNodes(request)));
  });
  if (node.faults !== undefined) addFaultRoutes(app, node.faults);
}

/** What it answers anybody: probes, scrapers, routers that look for tables, the operator. */
export function addNodeHealthRoutes(app: Express, node: NodeAdmin): void {
  addHealthRoutes(app, node);
  addIdentityRoute(app, () => node.identity());
  addCertificatesRoute(app, () => node.loadedTls());
}

function addPartitionRoutes(app: Express, node: NodeAdmin): void {
  app.get('/partitions', async (_request, response) => {
    const report = await node.report();
    const partitions = replicaSummaries(node.replicas(), report, node.backfills());
    answer(response, { node: node.nodeId, partitions });
  });
  app.post('/partitions', async (request, response) => {
    const call = createReplicaCall(request);
    await node.call(methods.createReplica, call);
    const { partitionId, replicaId } = call.replica;
    answer(response, { partitionId, replicaId, node: node.nodeId }, 201);
  });
  app.get('/partitions/:id', async (request, response) => {
    const report = await node.report();
    answer(response, replicaStatus(replicaOf(node, request), report));
  });
  app.delete('/partitions/:id', async (request, response) => {
    const { partitionId } = replicaOf(node, request);
    const { storeId = node.storeId } = request.query;
    if (typeof storeId !== 'string') throw new AdminFault(400, 'storeId is given twice');
    const call: DropReplicaCall = { storeId, partitionId };
    await node.call(methods.dropReplica, call);
    answer(response, { partitionId, isDropped: true });
  });
}

/** Changes of a group, which its leader makes. */
function addChangeRoutes(app: Express, node: NodeAdmin): void {
  app.post('/partitions/:id/members', async (request, response) => {
    const { partitionId } = replicaOf(node, request);
    const call = changeMembersCall(request, partitionId);
    answer(response, { membership: await node.call(methods.changeMembers, call) });
  });
  app.post('/partitions/:id/leader', async (request, response) => {
    const { partitionId } = replicaOf(node, request);
    const call = transferLeadershipCall(request, partitionId);
    await node.call(methods.transferLeadership, call);
    answer(response, { partitionId, leader: call.toNode });
  });
  app.put('/partitions/:id/configuration', async (request, response) => {
    const { partitionId } = replicaOf(node, request);
    await node.call(methods.configure, configureCall(request, partitionId));
    answer(response, { partitionId });
  });
}

function drain(node: NodeAdmin, response: Response, isDraining: boolean): void {
  node.setDraining(isDraining);
  const leads = [...node.replicas()].filter(({ role }) => role === 'leader');
  answer(response, { node: node.nodeId, isDraining, leadershipsCount: leads.length });
}

function addFaultRoutes(app: Express, faults: FaultSwitch): void {
  app.get('/faults', (_request, response) => answer(response, { links: faults.links }));
  app.post('/faults', (request, response) => {
    const call = faultCall(request, faults.peers);
    for (const peer of call.peers ?? faults.peers) {
      if (call.action === 'block') faults.block(peer, call.direction);
      else if (call.action === 'delay') faults.delay(peer, call.delayMs);
      else faults.heal(peer);
    }
    answer(response, { links: faults.links });
  });
}

function replicaOf(node: NodeAdmin, request: Request): Replica {
  const partitionId = partitionIdOf(request.params.id);
  for (const replica of node.replicas()) {
    if (replica.partitionId === partitionId) return replica;
  }
  throw new AdminFault(404, `${node.nodeId} has no replica of partition ${partitionId}`);
}
