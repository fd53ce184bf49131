import type { Request } from 'express';
import { tableOperations } from '../api/operations.ts';
import { triggerOperations } from '../control/trigger-operations.ts';
import { JsonFields } from '../json-fields.ts';
import type { Member, NewReplica } from '../replication/replica.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { ForwardedCall } from '../routing/control-forwarder.ts';
import type {
  ChangeMembersCall,
  ConfigureCall,
  CreateReplicaCall,
  TransferLeadershipCall,
} from '../routing/protocol.ts';
import {
  decodePartitionConfiguration,
  decodeTableConfiguration,
} from '../routing/table-configuration.ts';
import { AdminFault } from './failure.ts';

/** Readers of the bodies of the admin interface. All throw AdminFault with status 400. */

const NODE_ID: readonly [RegExp, string] = [/^\S{1,256}$/, 'the name of a node'];
const PARTITION_ID_MAX = 2n ** 64n;
const DELAY_MS_MAX = 60_000;

export function partitionIdOf(text: unknown): bigint {
  const id = typeof text === 'string' && /^\d{1,20}$/.test(text) ? BigInt(text) : PARTITION_ID_MAX;
  if (id < PARTITION_ID_MAX) return id;
  throw new AdminFault(400, `'${String(text).slice(0, 100)}' is no partition id`);
}

/** `POST /operations/:name[?dryRun=true]`: the body is the operation's, which checks it. */
export function operationCall(request: Request): ForwardedCall {
  const { name } = request.params;
  const isKnown = (text: string) => tableOperations.has(text) || triggerOperations.has(text);
  if (typeof name !== 'string' || !isKnown(name)) {
    const known = [...tableOperations.keys(), ...triggerOperations.keys()].join(', ');
    throw new AdminFault(
      404,
      `there is no operation '${String(name).slice(0, 100)}' on tables; there is: ${known}`,
    );
  }
  const { dryRun = 'false' } = request.query;
  if (dryRun !== 'true' && dryRun !== 'false') {
    throw new AdminFault(400, 'dryRun is true or false');
  }
  const host = request.headers.host ?? '';
  return { operation: name, body: bodyOf(request).all, host, isDryRun: dryRun === 'true' };
}

/** Configurations are JSON in JSON here, not the bytes that nodes exchange. */
export function createReplicaCall(request: Request): CreateReplicaCall {
  const fields = bodyOf(request);
  fields.only('storeId', 'replica', 'configuration');
  const replica = fields.object('replica') ?? refuse('needs an object at replica');
  replica.only('partitionId', 'replicaId', 'members');
  return {
    storeId: fields.text('storeId', /./, 'the id of the data folder'),
    replica: replicaOf(replica),
    configuration: fields.has('configuration')
      ? configurationOf(fields.value('configuration'), decodePartitionConfiguration)
      : undefined,
  };
}

export function changeMembersCall(request: Request, partitionId: bigint): ChangeMembersCall {
  const fields = bodyOf(request);
  fields.only('addLearners', 'promote', 'remove');
  const learners = fields.has('addLearners') ? fields.list('addLearners') : [];
  const replicaIds = (name: string) =>
    fields.has(name) ? fields.wholes(name, 1, Number.MAX_SAFE_INTEGER) : [];
  return {
    partitionId,
    addLearners: learners.map((learner) => {
      learner.only('node');
      return { node: learner.text('node', ...NODE_ID) };
    }),
    promote: replicaIds('promote'),
    remove: replicaIds('remove'),
  };
}

export function transferLeadershipCall(
  request: Request,
  partitionId: bigint,
): TransferLeadershipCall {
  const fields = bodyOf(request);
  fields.only('toNode');
  return { partitionId, toNode: fields.text('toNode', ...NODE_ID) };
}

export function configureCall(request: Request, partitionId: bigint): ConfigureCall {
  return {
    partitionId,
    configuration: configurationOf(request.body, decodeTableConfiguration),
  };
}

export function bootstrapNodes(request: Request): readonly NodeId[] | undefined {
  const fields = bodyOf(request);
  fields.only('nodes');
  if (!fields.has('nodes')) return undefined;
  const nodes = fields.texts('nodes', ...NODE_ID);
  if (nodes.length === 0) refuse('needs at least one node at nodes');
  if (new Set(nodes).size < nodes.length) refuse('names a node twice at nodes');
  return nodes;
}

export type FaultCall =
  | {
      readonly action: 'block';
      readonly peers: readonly NodeId[] | undefined;
      readonly direction: 'in' | 'out' | 'both';
    }
  | {
      readonly action: 'delay';
      readonly peers: readonly NodeId[] | undefined;
      readonly delayMs: number;
    }
  | { readonly action: 'heal'; readonly peers: readonly NodeId[] | undefined };

/** @param known peers that there are */
export function faultCall(request: Request, known: readonly NodeId[]): FaultCall {
  const fields = bodyOf(request);
  fields.only('action', 'peers', 'direction', 'delayMs');
  const action = fields.oneOf('action', ['block', 'delay', 'heal']);
  const peers = fields.has('peers') ? fields.texts('peers', ...NODE_ID) : undefined;
  for (const peer of peers ?? []) {
    if (!known.includes(peer)) refuse(`names '${peer}', of which the topology does not know`);
  }
  switch (action) {
    case 'block': {
      const hasDirection = fields.has('direction');
      const direction = hasDirection ? fields.oneOf('direction', ['in', 'out', 'both']) : 'both';
      return { action, peers, direction };
    }
    case 'delay':
      return { action, peers, delayMs: fields.whole('delayMs', 0, DELAY_MS_MAX) };
    case 'heal':
      return { action, peers };
  }
}

function refuse(complaint: string): never {
  throw new AdminFault(400, `the body ${complaint}`);
}

/** No body at all stands for an object without members. */
function bodyOf(request: Request): JsonFields {
  return new JsonFields(request.body ?? {}, '', refuse);
}

function replicaOf(fields: JsonFields): Pick<NewReplica, 'partitionId' | 'replicaId' | 'members'> {
  return {
    partitionId: partitionIdOf(fields.value('partitionId')),
    replicaId: fields.whole('replicaId', 1, Number.MAX_SAFE_INTEGER),
    members: fields.has('members') ? fields.list('members').map(memberOfFields) : [],
  };
}

function memberOfFields(fields: JsonFields): Member {
  fields.only('replicaId', 'node', 'kind');
  return {
    replicaId: fields.whole('replicaId', 1, Number.MAX_SAFE_INTEGER),
    node: fields.text('node', ...NODE_ID),
    kind: fields.oneOf('kind', ['voter', 'learner']),
  };
}

/** The bytes, if their decoder finds everything in them that it looks for. */
function configurationOf(json: unknown, decode: (bytes: Uint8Array) => unknown): Buffer {
  const bytes = Buffer.from(JSON.stringify(json) ?? '');
  try {
    decode(bytes);
  } catch (error) {
    const isExpected =
      error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError;
    if (!isExpected) throw error;
    refuse('is no configuration: it needs what GET /partitions/:id shows as configuration');
  }
  return bytes;
}
