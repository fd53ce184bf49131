import type { PodTemplate } from '../../dataplane/kubernetes/table-types.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Name of the container that runs the data plane. */
export const STORAGE_CONTAINER = 'storage';

/** What of a kind's pods is the operator's, so that nothing is laid over it. */
export interface PodRules {
  /** Name of the operator's own container. */
  readonly container: string;
  /** What may be laid over it. */
  readonly containerFields: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
  /** Where it has its files: nothing else is mounted there, or around it. */
  readonly paths: readonly string[];
  readonly ports: ReadonlySet<number>;
  readonly volumes: ReadonlySet<string>;
  /** Of these, data and keys that speak for the node: no other container mounts them. */
  readonly secretVolumes: ReadonlySet<string>;
  /** Of the pod, fields that cannot be set, and why. */
  readonly podFields: Readonly<Record<string, string>>;
  /** Why no node affinity is required beside the operator's, and what to use instead. */
  readonly affinityHint: string;
}

/** Of the pod: identity, place and life cycle are the operator's. */
const STORAGE_POD_FIELDS: Readonly<Record<string, string>> = {
  hostNetwork: 'pods of tables have a network of their own',
  hostPID: 'pods of tables see no other processes',
  hostIPC: 'pods of tables share no memory',
  hostname: 'the name of a pod is the name of its node',
  subdomain: 'the name of a pod is the name of its node',
  setHostnameAsFQDN: 'the name of a pod is the name of its node',
  nodeName: 'use placement.nodeSelector or placement.zones',
  restartPolicy: 'a StatefulSet restarts its pods always',
  activeDeadlineSeconds: 'a node of a table has no end',
  automountServiceAccountToken: 'storage pods do not call the Kubernetes API',
  ephemeralContainers: 'use kubectl debug',
  terminationGracePeriodSeconds: 'a node needs its time to hand leaderships over',
};

export const storageRules: PodRules = {
  container: STORAGE_CONTAINER,
  containerFields: new Set([
    ...['name', 'env', 'envFrom', 'resources', 'volumeMounts', 'securityContext'],
  ]),
  variables: new Set(['POD_NAME']),
  paths: ['/var/lib/trestle', '/etc/trestle', '/tmp', '/app'],
  ports: new Set([8002, 8003, 8004]),
  volumes: new Set(['data', 'topology', 'tls', 'triggers', 'tmp']),
  secretVolumes: new Set(['data', 'tls']),
  podFields: STORAGE_POD_FIELDS,
  affinityHint: "it holds the slot's zone: use placement.zones or placement.nodeSelector",
};

/** Of security contexts, what is no weakening, and how its value has to be. */
const SECURITY_FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  runAsNonRoot: (value) => value === true,
  runAsUser: (value) => typeof value === 'number' && value > 0,
  runAsGroup: (value) => typeof value === 'number' && value > 0,
  fsGroup: (value) => typeof value === 'number' && value > 0,
  fsGroupChangePolicy: () => true,
  supplementalGroups: () => true,
  allowPrivilegeEscalation: (value) => value === false,
  privileged: (value) => value === false,
  readOnlyRootFilesystem: (value) => value === true,
  seccompProfile: (value) => isObject(value) && value.type !== 'Unconfined',
  capabilities: (value) => isObject(value) && isEmpty(value.add),
};

/** Deepest nesting that is merged; the API server bounds the size. */
const DEPTH_MAX = 32;

/**
 * What in the overlay the operator does not do: the field, why, and where the wish belongs.
 * Undefined when all of it can be merged.
 */
export function overlayFault(
  { metadata, spec = {} }: PodTemplate,
  ownedLabels: Readonly<Record<string, string>>,
  rules: PodRules,
): string | undefined {
  const label = Object.keys(metadata?.labels ?? {}).find((key) => key in ownedLabels);
  if (label !== undefined) {
    return `podTemplate.metadata.labels[${label}] is the operator's: take another label`;
  }
  for (const [field, reason] of Object.entries(rules.podFields)) {
    if (field in spec) return `podTemplate.spec.${field} cannot be set (${reason}): remove it`;
  }
  return (
    affinityFault(spec.affinity, rules) ??
    securityFault(spec.securityContext, 'podTemplate.spec.securityContext') ??
    volumesFault(spec.volumes, rules) ??
    containersFault(spec.containers, 'containers', rules) ??
    containersFault(spec.initContainers, 'initContainers', rules)
  );
}

/**
 * Lays one value over another: objects member by member, lists of named things by name, other lists
 * of objects one after the other, anything else by replacing.
 */
export function merged(base: unknown, overlay: unknown, depth = 0): unknown {
  if (depth > DEPTH_MAX) return overlay;
  if (overlay === undefined) return base;
  if (Array.isArray(base) && Array.isArray(overlay)) return mergedLists(base, overlay, depth);
  if (!isObject(base) || !isObject(overlay)) return overlay;
  const names = [...Object.keys(base), ...Object.keys(overlay).filter((name) => !(name in base))];
  return Object.fromEntries(
    names.map((name) => [name, merged(base[name], overlay[name], depth + 1)]),
  );
}

function mergedLists(
  base: readonly unknown[],
  overlay: readonly unknown[],
  depth: number,
): unknown {
  if (![...base, ...overlay].every(isObject)) return overlay;
  if (![...base, ...overlay].every((each) => isObject(each) && typeof each.name === 'string')) {
    return [...base, ...overlay];
  }
  const named = (list: readonly unknown[]) =>
    new Map(list.filter(isObject).map((each) => [each.name, each] as const));
  const over = named(overlay);
  const own = named(base);
  return [
    ...Array.from(own, ([name, each]) => merged(each, over.get(name), depth + 1)),
    ...Array.from(over, ([name, each]) => (own.has(name) ? [] : [each])).flat(),
  ];
}

function affinityFault(affinity: unknown, { affinityHint }: PodRules): string | undefined {
  if (!isObject(affinity) || !isObject(affinity.nodeAffinity)) return undefined;
  if (!('requiredDuringSchedulingIgnoredDuringExecution' in affinity.nodeAffinity))
    return undefined;
  const field =
    'podTemplate.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution';
  return `${field} cannot be set (${affinityHint})`;
}

function securityFault(context: unknown, field: string): string | undefined {
  if (context === undefined) return undefined;
  if (!isObject(context)) return `${field} is no object`;
  for (const [name, value] of Object.entries(context)) {
    if (SECURITY_FIELDS[name]?.(value) === true) continue;
    return `${field}.${name} would leave the restricted pod security standard: remove it`;
  }
  return undefined;
}

function volumesFault(volumes: unknown, rules: PodRules): string | undefined {
  for (const volume of objectsOf(volumes)) {
    const name = String(volume.name);
    const field = `podTemplate.spec.volumes[name=${name}]`;
    if (rules.volumes.has(name)) return `${field} is the operator's: take another name`;
    if ('hostPath' in volume)
      return `${field}.hostPath would leave the restricted pod security standard: remove it`;
  }
  return undefined;
}

function containersFault(containers: unknown, list: string, rules: PodRules): string | undefined {
  for (const container of objectsOf(containers)) {
    const field = `podTemplate.spec.${list}[name=${String(container.name)}]`;
    const fault =
      container.name === rules.container
        ? ownContainerFault(container, field, rules)
        : sidecarFault(container, field, rules);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function ownContainerFault(container: Json, field: string, rules: PodRules): string | undefined {
  const other = Object.keys(container).find((name) => !rules.containerFields.has(name));
  if (other !== undefined) return `${field}.${other} is the operator's: remove it`;
  for (const { name } of objectsOf(container.env)) {
    if (rules.variables.has(String(name)))
      return `${field}.env[name=${String(name)}] is the operator's: remove it`;
  }
  for (const { name, mountPath } of objectsOf(container.volumeMounts)) {
    const path = String(mountPath);
    const owned = rules.paths.some(
      (own) =>
        path === own || path.startsWith(`${own}/`) || own.startsWith(`${path.replace(/\/$/, '')}/`),
    );
    if (owned || rules.volumes.has(String(name))) {
      return `${field}.volumeMounts[mountPath=${path}] covers what the operator mounts: take another path and volume`;
    }
  }
  return securityFault(container.securityContext, `${field}.securityContext`);
}

function sidecarFault(container: Json, field: string, rules: PodRules): string | undefined {
  for (const port of objectsOf(container.ports)) {
    if ('hostPort' in port)
      return `${field}.ports.hostPort would leave the restricted pod security standard: remove it`;
    const number = Number(port.containerPort);
    if (rules.ports.has(number))
      return `${field}.ports.containerPort ${number} is the node's: take another port`;
  }
  for (const { name } of objectsOf(container.volumeMounts)) {
    if (rules.secretVolumes.has(String(name)))
      return `${field}.volumeMounts[name=${name}] is the node's alone: remove it`;
  }
  return securityFault(container.securityContext, `${field}.securityContext`);
}

function objectsOf(list: unknown): readonly Json[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
