import type { PodTemplate } from '../../dataplane/kubernetes/table-types.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Name of the container that runs the data plane. */
export const STORAGE_CONTAINER = 'storage';
export const OWNED_VOLUMES: ReadonlySet<string> = new Set([
  ...['data', 'topology', 'tls', 'triggers', 'tmp'],
]);
const OWNED_VARIABLES: ReadonlySet<string> = new Set(['POD_NAME']);
const OWNED_PATHS = ['/var/lib/trestle', '/etc/trestle', '/tmp', '/app'] as const;

/** What may be laid over the container of the data plane. */
const CONTAINER_FIELDS: ReadonlySet<string> = new Set([
  'name',
  'env',
  'envFrom',
  'resources',
  'volumeMounts',
  'securityContext',
]);

/** Of the pod: identity, place and life cycle are the operator's. */
const REFUSED_POD_FIELDS: Readonly<Record<string, string>> = {
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
): string | undefined {
  const label = Object.keys(metadata?.labels ?? {}).find((key) => key in ownedLabels);
  if (label !== undefined) {
    return `podTemplate.metadata.labels[${label}] is the operator's: take another label`;
  }
  for (const [field, reason] of Object.entries(REFUSED_POD_FIELDS)) {
    if (field in spec) return `podTemplate.spec.${field} cannot be set (${reason}): remove it`;
  }
  return (
    affinityFault(spec.affinity) ??
    securityFault(spec.securityContext, 'podTemplate.spec.securityContext') ??
    volumesFault(spec.volumes) ??
    containersFault(spec.containers, 'containers') ??
    containersFault(spec.initContainers, 'initContainers')
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

function affinityFault(affinity: unknown): string | undefined {
  if (!isObject(affinity) || !isObject(affinity.nodeAffinity)) return undefined;
  if (!('requiredDuringSchedulingIgnoredDuringExecution' in affinity.nodeAffinity))
    return undefined;
  return (
    'podTemplate.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution cannot be set ' +
    "(it holds the slot's zone): use placement.zones or placement.nodeSelector"
  );
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

function volumesFault(volumes: unknown): string | undefined {
  for (const volume of objectsOf(volumes)) {
    const name = String(volume.name);
    const field = `podTemplate.spec.volumes[name=${name}]`;
    if (OWNED_VOLUMES.has(name)) return `${field} is the operator's: take another name`;
    if ('hostPath' in volume)
      return `${field}.hostPath would leave the restricted pod security standard: remove it`;
  }
  return undefined;
}

function containersFault(containers: unknown, list: string): string | undefined {
  for (const container of objectsOf(containers)) {
    const field = `podTemplate.spec.${list}[name=${String(container.name)}]`;
    const fault =
      container.name === STORAGE_CONTAINER
        ? storageContainerFault(container, field)
        : sidecarFault(container, field);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function storageContainerFault(container: Json, field: string): string | undefined {
  const other = Object.keys(container).find((name) => !CONTAINER_FIELDS.has(name));
  if (other !== undefined) return `${field}.${other} is the operator's: remove it`;
  for (const { name } of objectsOf(container.env)) {
    if (OWNED_VARIABLES.has(String(name)))
      return `${field}.env[name=${String(name)}] is the operator's: remove it`;
  }
  for (const { name, mountPath } of objectsOf(container.volumeMounts)) {
    const path = String(mountPath);
    const owned = OWNED_PATHS.some(
      (own) =>
        path === own || path.startsWith(`${own}/`) || own.startsWith(`${path.replace(/\/$/, '')}/`),
    );
    if (owned || OWNED_VOLUMES.has(String(name))) {
      return `${field}.volumeMounts[mountPath=${path}] covers what the operator mounts: take another path and volume`;
    }
  }
  return securityFault(container.securityContext, `${field}.securityContext`);
}

function sidecarFault(container: Json, field: string): string | undefined {
  for (const port of objectsOf(container.ports)) {
    if ('hostPort' in port)
      return `${field}.ports.hostPort would leave the restricted pod security standard: remove it`;
    const number = Number(port.containerPort);
    if (number >= 8002 && number <= 8004)
      return `${field}.ports.containerPort ${number} is the node's: take another port`;
  }
  for (const { name } of objectsOf(container.volumeMounts)) {
    // Data, and the keys that speak for the node.
    if (name === 'data' || name === 'tls')
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
