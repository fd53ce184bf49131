import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { clusterNameOf } from '../access/principals.ts';
import type { Obstacle } from '../findings.ts';
import { isPaused } from '../pause.ts';
import { toBeApplied } from '../table/children-plan.ts';
import { DATA_IMAGE, TEMPLATE_HASH, UPGRADE } from '../table/names.ts';
import { childKey } from '../table/observed.ts';
import { overlayFault } from '../table/pod-overlay.ts';
import { certificateSteps } from '../table/steps.ts';
import { type ChildrenFacts, clusterChildren, nodeParameters } from './children.ts';
import { type DaxClusterResource, namesOf } from './cluster-resource.ts';
import type { ObservedCluster } from './observed.ts';
import { daxRules } from './pod-template.ts';
import { redisChoice } from './redis.ts';
import { REGISTRY_TABLE } from './registry.ts';
import { isServing, planRollout, type RolloutPlan } from './rollout.ts';
import type { DaxEvent, DaxStep } from './steps.ts';

/** When nothing is under way, nodes are asked again after this time. */
export const SETTLED_MS = 30_000;
const UNDER_WAY_MS = 1_500;
/** Nodes start, or wait for the kubelet to bring them new parameters. Changes of pods are seen at once anyway. */
const UNWELL_MS = 5_000;
const STALLED_MS = 60_000;

/** What to do now, and what was found out on the way, which the status tells. */
export interface DaxPlan {
  /** In order; the first that fails ends the pass. */
  readonly steps: readonly DaxStep[];
  readonly events: readonly DaxEvent[];
  readonly requeueAfterMs: number;
  readonly isPaused: boolean;
  readonly isDeleting: boolean;
  /** An older DaxCluster has the clusterName: this one has nothing. */
  readonly isRival: boolean;
  readonly obstacles: readonly Obstacle[];
  readonly rollout: RolloutPlan | undefined;
  /** All nodes that the cluster is to have serve, and no others are there. */
  readonly isWhole: boolean;
  /** All nodes go by the parameters of the spec. */
  readonly isInSync: boolean;
}

/**
 * What to do next for a DaxCluster. Everything it knows is in its argument, and it remembers nothing: after
 * a crash between any two steps the next plan begins with what is left.
 */
export function planCluster(observed: ObservedCluster): DaxPlan {
  const { cluster, winner } = observed;
  const { deletionTimestamp } = cluster.metadata;
  const base = baseOf(observed);
  // The garbage collector does it all.
  if (deletionTimestamp !== undefined) return { ...base, isDeleting: true };
  if (winner !== undefined) {
    const obstacle = nameConflict(cluster, winner);
    return { ...base, isRival: true, obstacles: [obstacle], requeueAfterMs: STALLED_MS };
  }
  const plan = planLiving(observed, base);
  if (!isPaused(cluster)) return plan;
  // A rollout that goes on for nobody holds nobody's turn.
  const requeueAfterMs = SETTLED_MS;
  const steps = observed.nodes.length > 0 ? certificateSteps(observed) : [];
  return { ...plan, steps, events: [], rollout: undefined, isPaused: true, requeueAfterMs };
}

function baseOf({ cluster, nodes }: ObservedCluster): DaxPlan {
  const { replicationFactor } = cluster.spec;
  const wished = nodeParameters(cluster);
  return {
    steps: [],
    events: [],
    requeueAfterMs: SETTLED_MS,
    isPaused: false,
    isDeleting: false,
    isRival: false,
    obstacles: [],
    rollout: undefined,
    isWhole: nodes.length === replicationFactor && nodes.every(isServing),
    isInSync: nodes.every(
      ({ view }) => view.kind === 'silent' || hasParameters(view.parameters, wished),
    ),
  };
}

type Parameters = ReturnType<typeof nodeParameters>;

/** A node of a version that does not say has them as far as anybody knows. */
export function hasParameters(of: Parameters | undefined, wished: Parameters): boolean {
  if (of === undefined) return true;
  return (
    of.recordTtlMillis === wished.recordTtlMillis && of.queryTtlMillis === wished.queryTtlMillis
  );
}

function planLiving(observed: ObservedCluster, base: DaxPlan): DaxPlan {
  const { cluster } = observed;
  const obstacles = obstaclesOf(observed);
  const isBlocked = isBlockedBy(obstacles, cluster);
  const updateRevision = isBlocked ? undefined : updateRevisionOf(observed);
  const rollout = rolloutOf(observed, updateRevision);
  const stopped =
    rollout?.phase === 'Stopped' ? [{ reason: 'RolloutStopped', message: rollout.message }] : [];
  const plan: DaxPlan = {
    ...base,
    rollout,
    obstacles: [...obstacles, ...stopped],
    events: rolloutEvents(cluster, rollout),
    steps: [
      ...certificateSteps(observed),
      ...secretSteps(observed),
      ...(observed.registry.kind === 'absent' ? [{ kind: 'makeRegistry' } as const] : []),
      ...(isBlocked ? [] : childSteps(observed)),
      ...(updateRevision !== undefined && rollout === undefined ? leftoverSteps(observed) : []),
      ...(rollout?.deletion === undefined
        ? []
        : [{ kind: 'deletePod', name: rollout.deletion.pod, uid: rollout.deletion.uid } as const]),
    ],
  };
  return { ...plan, requeueAfterMs: requeueMs(plan) };
}

/** Whether nothing is made or changed, since it could not be made right. */
function isBlockedBy(obstacles: readonly Obstacle[], { spec }: DaxClusterResource): boolean {
  return obstacles.some(({ reason }) => {
    // Of an AccessKey that is not there, nobody knows the Secret.
    if (reason === 'RoleNotFound') return spec.roleRef.kind === 'AccessKey';
    return reason === 'InvalidPodTemplate' || reason === 'ServiceNameTaken';
  });
}

function obstaclesOf(observed: ObservedCluster): readonly Obstacle[] {
  const { cluster, install, service, certificates, registry, role } = observed;
  const { podTemplate = {}, roleRef } = cluster.spec;
  const names = namesOf(cluster);
  const invalid = overlayFault(podTemplate, names.labels, daxRules);
  const obstacles: (Obstacle | undefined)[] = [
    invalid === undefined ? undefined : { reason: 'InvalidPodTemplate', message: invalid },
    service.kind === 'taken'
      ? { reason: 'ServiceNameTaken', message: serviceTaken(names.service) }
      : undefined,
    certificates.kind === 'broken'
      ? { reason: 'CertificatesBroken', message: certificates.reason }
      : undefined,
    registry.kind === 'unusable'
      ? { reason: 'RegistryUnusable', message: registry.message }
      : undefined,
    role.kind === 'missing'
      ? {
          reason: 'RoleNotFound',
          message: `there is no ${roleRef.kind} ${roleRef.name} (roleRef): create it, or name another one`,
        }
      : undefined,
    redisChoice(cluster.spec, install).kind === 'missingImage'
      ? {
          reason: 'RedisImageMissing',
          message:
            'redis.mode is Managed, and this installation has no image of Redis (dax.redis.image of the chart): the nodes go on with their memory alone',
        }
      : undefined,
  ];
  return obstacles.filter((obstacle) => obstacle !== undefined);
}

function serviceTaken(name: string): string {
  return (
    `there is a Service ${name} that is not this DaxCluster's: delete it, or create the DaxCluster with ` +
    'another metadata.name'
  );
}

function secretSteps({ cluster, install, roleSecret, redisSecret }: ObservedCluster): DaxStep[] {
  const hasOwnRole = cluster.spec.roleRef.kind === 'AccessPolicy';
  const hasRedis = redisChoice(cluster.spec, install).kind === 'managed';
  return [
    ...(hasOwnRole && roleSecret.kind === 'missing' ? [{ kind: 'makeRole' } as const] : []),
    ...(hasRedis && redisSecret.kind === 'missing' ? [{ kind: 'makeRedisPassword' } as const] : []),
  ];
}

function childSteps(observed: ObservedCluster): readonly DaxStep[] {
  const { cluster, children, statefulSet, provenance, service } = observed;
  const names = namesOf(cluster);
  return clusterChildren(cluster, factsOf(observed)).flatMap((wanted): DaxStep[] => {
    const key = childKey(wanted);
    const isService = wanted.kind === 'Service' && wanted.metadata.name === names.service;
    // It belongs to a DaxCluster that is gone, and goes.
    if (isService && service.kind === 'leaving') return [];
    const isSet = wanted.kind === 'StatefulSet' && wanted.metadata.name === names.base;
    const live = isSet ? statefulSet : children.get(key);
    const object = toBeApplied(wanted, { live, provenance: provenance.get(key) });
    return object === undefined ? [] : [{ kind: 'apply', object }];
  });
}

/** What a Redis of its own had, when the cluster does without, and no node uses it any more. */
function leftoverSteps({ cluster, install, children }: ObservedCluster): readonly DaxStep[] {
  if (redisChoice(cluster.spec, install).kind === 'managed') return [];
  const { redis } = namesOf(cluster);
  const types = [resources.statefulSets, resources.services, resources.networkPolicies];
  return types.flatMap((type): DaxStep[] => {
    const object: KubeObject | undefined = children.get(`${type.kind}/${redis}`);
    const uid = object?.metadata.uid;
    if (uid === undefined || object?.metadata.deletionTimestamp !== undefined) return [];
    return [{ kind: 'delete', type, name: redis, uid }];
  });
}

function factsOf(observed: ObservedCluster): ChildrenFacts {
  const { cluster, install, role, redisSecret } = observed;
  return {
    install,
    image: wishedImage(observed),
    redis: redisChoice(cluster.spec, install),
    redisSecretUid: redisSecret.kind === 'there' ? redisSecret.uid : undefined,
    roleSecret: roleSecretOf(cluster, role),
  };
}

/** One that is not there yet is waited for by the pods. */
function roleSecretOf(cluster: DaxClusterResource, role: ObservedCluster['role']): string {
  return role.kind === 'key' ? role.secretName : namesOf(cluster).role;
}

/** The newest image, or the one that the cluster has where upgrades wait for a person. */
function wishedImage({ install, cluster, statefulSet }: ObservedCluster): string {
  const isUpgraded = cluster.metadata.annotations?.[UPGRADE] === 'true';
  if (install.upgradePolicy === 'Automatic' || isUpgraded) return install.daxImage;
  return statefulSet?.metadata.annotations?.[DATA_IMAGE] ?? install.daxImage;
}

/** Of the template that the cluster is to have; undefined until the StatefulSet controller has seen it. */
function updateRevisionOf(observed: ObservedCluster): string | undefined {
  const { cluster, statefulSet } = observed;
  const wanted = clusterChildren(cluster, factsOf(observed)).at(-1);
  const hashIn = (object: KubeObject | undefined) => object?.metadata.annotations?.[TEMPLATE_HASH];
  if (statefulSet === undefined || hashIn(statefulSet) !== hashIn(wanted)) return undefined;
  const { metadata, status } = statefulSet;
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 1);
  return isSeen ? status?.updateRevision : undefined;
}

function rolloutOf(
  { cluster, nodes, rollingElsewhere, nowMs }: ObservedCluster,
  updateRevision: string | undefined,
): RolloutPlan | undefined {
  const nodesCount = cluster.spec.replicationFactor;
  return planRollout({ nodes, nodesCount, updateRevision, blockedBy: rollingElsewhere, nowMs });
}

function rolloutEvents(
  { status }: DaxClusterResource,
  rollout: RolloutPlan | undefined,
): readonly DaxEvent[] {
  if (rollout?.deletion !== undefined) {
    return [{ type: 'Normal', reason: 'NodeRestarted', message: rollout.message }];
  }
  const reason = 'RolloutStopped';
  const isTold = status?.conditions?.some((condition) => condition.reason === reason) === true;
  if (rollout?.phase !== 'Stopped' || isTold) return [];
  return [{ type: 'Warning', reason, message: rollout.message }];
}

function requeueMs({ steps, rollout, isWhole, isInSync }: DaxPlan): number {
  const isRolling = rollout !== undefined && rollout.phase !== 'Stopped';
  if (steps.length > 0 || isRolling) return UNDER_WAY_MS;
  return isWhole && isInSync ? SETTLED_MS : UNWELL_MS;
}

function nameConflict(cluster: DaxClusterResource, winner: string): Obstacle {
  return {
    reason: 'ClusterNameConflict',
    message:
      `the DaxCluster ${winner} of this namespace is older and has the clusterName ${clusterNameOf(cluster)}: delete ` +
      'this DaxCluster and create it with another clusterName, or delete the other one',
  };
}

/** What nodes wait for before they can serve. */
export function registryMessage({ registry }: ObservedCluster): string | undefined {
  switch (registry.kind) {
    case 'absent':
      return `making the table ${REGISTRY_TABLE}`;
    case 'unusable':
      return registry.message;
    case 'there':
      return registry.isReady
        ? undefined
        : `waiting for the table ${REGISTRY_TABLE}: ${registry.message}`;
  }
}
