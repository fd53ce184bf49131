import { accountIdOf } from '../../dataplane/kubernetes/account.ts';
import type { DaxClusterStatus, NodeStatus } from '../../dataplane/kubernetes/daxcluster-types.ts';
import { clusterNameOf } from '../access/principals.ts';
import { type Finding, timedConditions, withoutUndefined } from '../findings.ts';
import { nodeParameters } from './children.ts';
import { namesOf } from './cluster-resource.ts';
import { findingsOf, isCreated } from './conditions.ts';
import { discoveryEndpoint, httpEndpoint, nodeHost, nodePort } from './endpoint.ts';
import type { ObservedCluster, ObservedNode } from './observed.ts';
import { type DaxPlan, hasParameters } from './plan.ts';
import { isLeaving, isServing } from './rollout.ts';

/** Reasons of Reconciling for which somebody has asked; a node that is lost and comes back is none. */
const MODIFICATIONS: ReadonlySet<string | undefined> = new Set([
  ...['RollingOut', 'RolloutPending', 'Scaling', 'ApplyingParameters', 'Updating'],
]);

/** What the status of the DaxCluster is to be after this pass. */
export function statusOf(observed: ObservedCluster, plan: DaxPlan): DaxClusterStatus {
  const { cluster, nodes, nowMs } = observed;
  const selector = Object.entries(namesOf(cluster).selector).map((pair) => pair.join('='));
  const findings = findingsOf(observed, plan);
  return withoutUndefined<DaxClusterStatus>({
    observedGeneration: cluster.metadata.generation,
    conditions: timedConditions(cluster, findings, nowMs),
    status: statusText(observed, plan, findings),
    ...(plan.isRival ? {} : identity(observed)),
    totalNodes: nodes.length,
    activeNodes: nodes.filter(isServing).length,
    selector: selector.join(','),
    nodes: nodes.map((node) => nodeStatus(observed, node)),
  });
}

/** Not of one that waits for its name: that ARN is another's. */
function identity({ cluster, install }: ObservedCluster): DaxClusterStatus {
  const { namespace } = namesOf(cluster).identity;
  const account = accountIdOf(namespace);
  return {
    clusterARN: `arn:aws:dax:${install.region}:${account}:cache/${clusterNameOf(cluster)}`,
    clusterDiscoveryEndpoint: discoveryEndpoint(cluster, install),
    httpEndpoint: httpEndpoint(cluster, install),
  };
}

function statusText(
  observed: ObservedCluster,
  plan: DaxPlan,
  findings: readonly Finding[],
): NonNullable<DaxClusterStatus['status']> {
  if (plan.isDeleting) return 'deleting';
  if (!isCreated(observed, plan)) return 'creating';
  const reconciling = findings.find(({ type }) => type === 'Reconciling');
  return MODIFICATIONS.has(reconciling?.reason) ? 'modifying' : 'available';
}

function nodeStatus(observed: ObservedCluster, node: ObservedNode): NodeStatus {
  const { cluster, install } = observed;
  const { pod, zone, view } = node;
  const { name, creationTimestamp } = pod.metadata;
  return withoutUndefined<NodeStatus>({
    nodeID: name,
    endpoint: { address: nodeHost(cluster, name, install), port: nodePort(cluster) },
    availabilityZone: zone,
    nodeStatus: nodeStatusText(observed, node),
    parameterGroupStatus:
      view.kind === 'answered' && hasParameters(view.parameters, nodeParameters(cluster))
        ? 'in-sync'
        : 'applying',
    nodeCreateTime: creationTimestamp,
  });
}

function nodeStatusText({ cluster }: ObservedCluster, node: ObservedNode): string {
  if (isServing(node)) return 'available';
  const { pod, ordinal } = node;
  if (isLeaving(pod)) return ordinal < cluster.spec.replicationFactor ? 'rebooting' : 'deleting';
  const before = cluster.status?.nodes?.find(({ nodeID }) => nodeID === pod.metadata.name);
  const isSame = before?.nodeCreateTime === pod.metadata.creationTimestamp;
  const hasServed = before?.nodeStatus === 'available' || before?.nodeStatus === 'unavailable';
  if (before === undefined || (!isSame && before.nodeStatus === 'creating')) return 'creating';
  if (!isSame) return 'rebooting';
  return hasServed ? 'unavailable' : (before.nodeStatus ?? 'creating');
}
