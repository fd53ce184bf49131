import { type Finding, stalledOf } from '../findings.ts';
import { PAUSED_PODS_MESSAGE, PAUSED_REASON } from '../pause.ts';
import { certificatesOf } from '../table/conditions.ts';
import { isReady } from '../table/objects.ts';
import { complaintOf } from '../table/rollout-slots.ts';
import type { ObservedCluster, ObservedNode } from './observed.ts';
import { type DaxPlan, registryMessage } from './plan.ts';
import { redisChoice } from './redis.ts';
import { isServing } from './rollout.ts';

/** What the conditions of a DaxCluster say, in kstatus' terms: Reconciling and Stalled only while they are so. */
export function findingsOf(observed: ObservedCluster, plan: DaxPlan): readonly Finding[] {
  const all: (Finding | undefined)[] = [
    readyOf(observed, plan),
    plan.isPaused ? undefined : reconcilingOf(observed, plan),
    stalledOf(plan.obstacles),
  ];
  if (!plan.isRival) all.push(redisOf(observed), certificatesOf(observed));
  return all.filter((finding) => finding !== undefined);
}

/** Whether all nodes have once served: then the cluster is there, whatever its nodes do. */
export function isCreated({ cluster }: ObservedCluster, { isWhole }: DaxPlan): boolean {
  const { status } = cluster.status ?? {};
  return isWhole || status === 'available' || status === 'modifying';
}

function readyOf(observed: ObservedCluster, plan: DaxPlan): Finding {
  const type = 'Ready';
  const no = (reason: string, message: string): Finding => ({
    type,
    status: 'False',
    reason,
    message,
  });
  if (plan.isDeleting) return no('Deleting', 'the objects of the cluster are deleted');
  if (plan.isPaused) {
    return { type, status: 'Unknown', reason: PAUSED_REASON, message: PAUSED_PODS_MESSAGE };
  }
  const serving = observed.nodes.filter(isServing).length;
  if (!isCreated(observed, plan)) {
    const [obstacle] = plan.obstacles;
    if (obstacle !== undefined) return no('Pending', obstacle.message);
    return no('Creating', startMessage(observed));
  }
  if (serving === 0) return no('NodesUnavailable', `no node serves: ${startMessage(observed)}`);
  const { replicationFactor } = observed.cluster.spec;
  const message = `${serving} of ${replicationFactor} nodes serve`;
  return { type, status: 'True', reason: 'Available', message };
}

function reconcilingOf(observed: ObservedCluster, plan: DaxPlan): Finding | undefined {
  const yes = (reason: string, message: string): Finding => {
    return { type: 'Reconciling', status: 'True', reason, message };
  };
  if (plan.isDeleting) return yes('Deleting', 'the objects of the cluster are deleted');
  if (plan.isRival) return undefined;
  const { cluster, nodes, certificates } = observed;
  const { rollout, obstacles } = plan;
  if (!isCreated(observed, plan)) {
    return obstacles.length > 0 ? undefined : yes('Creating', startMessage(observed));
  }
  if (rollout !== undefined) {
    if (rollout.phase === 'Stopped') return undefined;
    return yes(rollout.phase === 'Waiting' ? 'RolloutPending' : 'RollingOut', rollout.message);
  }
  const { replicationFactor } = cluster.spec;
  if (nodes.length !== replicationFactor) {
    return yes('Scaling', `there are ${nodes.length} nodes, and are to be ${replicationFactor}`);
  }
  if (!plan.isWhole) return yes('StartingNodes', startMessage(observed));
  if (!plan.isInSync) {
    return yes('ApplyingParameters', 'nodes have not read the new parameters yet');
  }
  if (plan.steps.some(({ kind }) => kind === 'apply' || kind === 'delete')) {
    return yes('Updating', 'objects of the cluster are changed');
  }
  return certificates.kind === 'due' ? yes('RotatingCertificates', certificates.reason) : undefined;
}

/** What nodes that do not serve wait for. */
function startMessage(observed: ObservedCluster): string {
  const { nodes, cluster } = observed;
  const complaints = nodes.flatMap((node) => {
    const complaint = complaintOf(node.pod) ?? idleness(node);
    return complaint === undefined ? [] : [`${node.pod.metadata.name}: ${complaint}`];
  });
  const { replicationFactor } = cluster.spec;
  const missing = replicationFactor - nodes.length;
  const registry = registryMessage(observed);
  const parts = [
    ...(registry === undefined ? [] : [registry]),
    ...complaints,
    ...(missing > 0 ? [`${missing} of ${replicationFactor} pods are not there yet`] : []),
  ];
  return parts.join('; ') || 'nodes start';
}

function idleness({ pod, view }: ObservedNode): string | undefined {
  if (pod.metadata.deletionTimestamp !== undefined) return 'it ends';
  if (!isReady(pod)) return 'it is not ready';
  return view.kind === 'answered' && !view.isActive ? 'it is no member yet' : undefined;
}

function redisOf({ cluster, install, nodes }: ObservedCluster): Finding {
  const type = 'RedisAvailable';
  const choice = redisChoice(cluster.spec, install);
  if (choice.kind === 'none' || choice.kind === 'missingImage') {
    const message = 'nodes cache in their own memory alone (redis)';
    return { type, status: 'False', reason: 'NotConfigured', message };
  }
  const states = nodes.flatMap(({ view }) =>
    view.kind === 'answered' && view.redis !== 'none' ? [view.redis] : [],
  );
  if (states.length === 0) {
    const message = 'no node has said yet whether it reaches Redis';
    return { type, status: 'Unknown', reason: 'NodesUnavailable', message };
  }
  const down = states.filter((state) => state === 'down').length;
  if (down === 0) {
    return { type, status: 'True', reason: 'Connected', message: 'all nodes reach Redis' };
  }
  const message = `${down} of ${states.length} nodes do not reach Redis, and go on from their memory and the tables`;
  return { type, status: 'False', reason: 'Unreachable', message };
}
