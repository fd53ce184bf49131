import type { Member } from '../replication/replica.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import {
  type CreateReplicaCall,
  methods,
  type NodeReport,
  type PartitionReport,
} from '../routing/protocol.ts';
import type { NodeCalls } from './cluster-view.ts';
import { chooseNodes } from './placement.ts';
import { CATALOG_PARTITION } from './placement-records.ts';
import { Backoff, WorkLimit } from './waiting.ts';

/** Calls under way at once. */
const CALLS_MAX = 16;
const CALL_TIMEOUT_MS = 3_000;
/** Term and index of a replica whose group has not had a leader yet. */
const FOUNDING_TERM = 1;
const FOUNDING_INDEX = 1;

export interface BootstrapOptions {
  /** All nodes of the cluster: each must answer. */
  readonly nodes: readonly NodeId[];
  /** Those that the catalog is to be on; by default as placement prefers. */
  readonly chosen: readonly NodeId[] | undefined;
  readonly calls: Pick<NodeCalls, 'callNode'>;
  readonly scheduler: Scheduler;
  /** When to give up. */
  readonly signal: AbortSignal;
}

export interface BootstrapResult {
  /** `found`: there was one already. */
  readonly outcome: 'founded' | 'found';
  readonly nodes: readonly NodeId[];
}

/** The cluster is in no state to be founded. */
export class BootstrapRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'BootstrapRefused';
  }
}

/**
 * Founds the catalog's group: once in the life of a cluster, and only when somebody asks for it. A
 * cluster that found itself anew after its catalog was lost would take its tables for garbage.
 *
 * Nothing is done when a node has a replica of the group. A founding that was interrupted before a
 * quorum existed goes on. Repeats are harmless.
 * @throws BootstrapRefused; the signal's reason
 */
export async function bootstrapCatalog(options: BootstrapOptions): Promise<BootstrapResult> {
  const { nodes, chosen, signal } = options;
  for (const node of chosen ?? []) {
    if (!nodes.includes(node)) throw new BootstrapRefused(`there is no node '${node}'`);
  }
  if (chosen?.length === 0 || nodes.length === 0) throw new BootstrapRefused('no nodes are named');
  const limit = new WorkLimit(CALLS_MAX);
  const reports = await Promise.all(nodes.map((node) => limit.run(() => askNode(node, options))));
  signal.throwIfAborted();
  const existing = reports.flatMap((report) => {
    const replica = report.partitions.find((each) => each.partitionId === CATALOG_PARTITION);
    return replica === undefined ? [] : [replica];
  });
  const members =
    existing.length === 0 ? newMembers(reports, chosen) : unfinishedFounding(existing);
  if (members === undefined) return { outcome: 'found', nodes: nodesOf(existing) };
  const storeIds = new Map(reports.map(({ node, storeId }) => [node, storeId]));
  await Promise.all(
    members.map(({ replicaId, node }) => {
      const storeId = storeIds.get(node);
      if (storeId === undefined) throw new BootstrapRefused(`there is no node '${node}'`);
      const replica = { partitionId: CATALOG_PARTITION, replicaId, members };
      return createFounder(node, { storeId, replica, configuration: undefined }, options);
    }),
  );
  return { outcome: 'founded', nodes: members.map(({ node }) => node) };
}

function newMembers(
  reports: readonly NodeReport[],
  chosen: readonly NodeId[] | undefined,
): readonly Member[] {
  const used = reports.find(({ partitions }) => partitions.length > 0);
  if (used !== undefined) {
    throw new BootstrapRefused(
      `node '${used.node}' holds partitions of a catalog that no node has: nothing is founded over them`,
    );
  }
  const candidates = reports.map(({ node, zone, halted }) => ({
    node,
    zone,
    isHealthy: halted === undefined,
    replicasCount: 0,
  }));
  return (chosen ?? chooseNodes(candidates)).map((node, i) => ({
    replicaId: i + 1,
    node,
    kind: 'voter',
  }));
}

/** The founding members, when the group has not lived yet; undefined when it has, or does. */
function unfinishedFounding(existing: readonly PartitionReport[]): readonly Member[] | undefined {
  const [first] = existing;
  if (first === undefined) return undefined;
  const { members } = first.membership;
  const hasLived = existing.some(
    ({ term, leader, replica }) =>
      leader !== undefined || term > FOUNDING_TERM || replica.appliedIndex > FOUNDING_INDEX,
  );
  const isQuorum = existing.length > members.length / 2;
  return hasLived || isQuorum || members.length === 0 ? undefined : members;
}

function nodesOf([first]: readonly PartitionReport[]): readonly NodeId[] {
  return first?.membership.members.map(({ node }) => node) ?? [];
}

/** Asks until the node answers. */
async function askNode(node: NodeId, options: BootstrapOptions): Promise<NodeReport> {
  const answer = await callUntilAnswered(node, methods.report, { since: undefined }, options);
  return answer as NodeReport; // As the protocol has it.
}

async function createFounder(
  node: NodeId,
  call: CreateReplicaCall,
  options: BootstrapOptions,
): Promise<void> {
  await callUntilAnswered(node, methods.createReplica, call, options);
}

async function callUntilAnswered(
  node: NodeId,
  method: string,
  body: unknown,
  { calls, scheduler, signal }: BootstrapOptions,
): Promise<unknown> {
  const backoff = new Backoff();
  for (;;) {
    signal.throwIfAborted();
    try {
      return await calls.callNode(node, method, body, { timeoutMs: CALL_TIMEOUT_MS, signal });
    } catch (error) {
      if (
        error instanceof RemoteFailure &&
        (error.code === 'otherStore' || error.code === 'replicaExists')
      ) {
        throw new BootstrapRefused(`node '${node}' refuses: ${error.message}`);
      }
      if (!(error instanceof RemoteFailure || error instanceof RequestFailed)) throw error;
      await pause(scheduler, backoff.nextMs(), signal);
    }
  }
}
