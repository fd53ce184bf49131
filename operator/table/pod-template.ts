import type { PodTemplate, Resources, Toleration } from '../../dataplane/kubernetes/table-types.ts';
import type { TriggerFile } from '../../dataplane/kubernetes/trigger-request.ts';
import type { InstallConfig } from './install.ts';
import {
  ADMIN_PORT,
  CLUSTER_PORT,
  HEALTH_PORT,
  NO_ZONE,
  type TableNames,
  VOLUME_NAME,
} from './names.ts';
import { type Json, merged, STORAGE_CONTAINER } from './pod-overlay.ts';

/** What of `placement` shapes pods. */
export interface PodPlacement {
  readonly topologyKey: string;
  readonly hostAntiAffinity: 'Preferred' | 'Required';
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  readonly priorityClassName: string | undefined;
  readonly resources: Resources | undefined;
}

export interface PodParts {
  readonly names: TableNames;
  readonly slot: number;
  /** NO_ZONE: anywhere. */
  readonly zone: string;
  /** Image of the data plane. */
  readonly image: string;
  readonly placement: PodPlacement;
  readonly overlay: PodTemplate;
  /** Secrets and certificates of authorities that the table's triggers name. */
  readonly triggerFiles: readonly TriggerFile[];
  readonly install: Pick<InstallConfig, 'imagePullPolicy' | 'imagePullSecrets'>;
}

const USER = 65532;
/** A node hands its leaderships over (9 s at most) and closes its store; a slow disk takes longer. */
const GRACE_SECONDS = 120;
const DEFAULT_RESOURCES = {
  requests: { cpu: '100m', memory: '256Mi' },
  limits: { memory: '1Gi' },
} as const;

export const DATA_PATH = '/var/lib/trestle';
export const TOPOLOGY_PATH = '/etc/trestle/topology';
export const TLS_PATH = '/etc/trestle/tls';
export const TRIGGERS_PATH = '/etc/trestle/triggers';

/**
 * The pod of one slot. It depends on nothing but these parts: an operator of a later version that
 * makes anything else of them restarts the pods of all tables, so golden files watch over it.
 */
export function podTemplate(parts: PodParts): Json {
  const { names, slot, overlay } = parts;
  const template = {
    metadata: { labels: names.slotLabels(slot) },
    spec: podSpec(parts),
  };
  return merged(template, {
    ...(overlay.metadata === undefined ? {} : { metadata: overlay.metadata }),
    ...(overlay.spec === undefined ? {} : { spec: overlay.spec }),
  }) as Json; // Both are objects.
}

function podSpec(parts: PodParts): Json {
  const { placement, install } = parts;
  const { nodeSelector, tolerations, priorityClassName } = placement;
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    ...(install.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: install.imagePullSecrets.map((name) => ({ name })) }),
    affinity: affinityOf(parts),
    ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
    ...(tolerations.length === 0 ? {} : { tolerations }),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    containers: [container(parts)],
    volumes: volumes(parts),
  };
}

function affinityOf({ names, zone, placement }: PodParts): Json {
  const term = {
    topologyKey: 'kubernetes.io/hostname',
    labelSelector: { matchLabels: names.selector },
  };
  const podAntiAffinity =
    placement.hostAntiAffinity === 'Required'
      ? { requiredDuringSchedulingIgnoredDuringExecution: [term] }
      : {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }],
        };
  if (zone === NO_ZONE) return { podAntiAffinity };
  const inZone = { key: placement.topologyKey, operator: 'In', values: [zone] };
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [inZone] }],
      },
    },
    podAntiAffinity,
  };
}

function container({ image, placement, install, triggerFiles }: PodParts): Json {
  const hasTriggerFiles = triggerFiles.length > 0;
  return {
    name: STORAGE_CONTAINER,
    image,
    imagePullPolicy: install.imagePullPolicy,
    // V8 keeps the young generation of a busy time for minutes: a third of an idle node's memory.
    command: ['node', '--max-semi-space-size=16', 'dataplane/main.ts'],
    args: [
      'node',
      ...['--topology', `${TOPOLOGY_PATH}/topology.json`],
      ...['--id', '$(POD_NAME)'],
      ...['--data', DATA_PATH],
      ...['--bind', '0.0.0.0'],
      ...(hasTriggerFiles ? ['--secrets', TRIGGERS_PATH] : []),
    ],
    env: [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    ports: [
      { name: 'cluster', containerPort: CLUSTER_PORT },
      { name: 'admin', containerPort: ADMIN_PORT },
      { name: 'health', containerPort: HEALTH_PORT },
    ],
    // The first start on a large volume checks what is on it: up to 10 minutes.
    startupProbe: probe('/livez', { periodSeconds: 2, failureThreshold: 300 }),
    livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 6 }),
    readinessProbe: probe('/readyz', { periodSeconds: 5, failureThreshold: 2 }),
    resources: placement.resources ?? DEFAULT_RESOURCES,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
    volumeMounts: [
      { name: VOLUME_NAME, mountPath: DATA_PATH },
      { name: 'topology', mountPath: TOPOLOGY_PATH, readOnly: true },
      { name: 'tls', mountPath: TLS_PATH, readOnly: true },
      ...(hasTriggerFiles ? [{ name: 'triggers', mountPath: TRIGGERS_PATH, readOnly: true }] : []),
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function probe(
  path: string,
  times: { readonly periodSeconds: number; readonly failureThreshold: number },
): Json {
  return { httpGet: { path, port: 'health' }, timeoutSeconds: 5, ...times };
}

/** Of the certificates, the pod gets its own: it cannot speak for its neighbours. */
function volumes({ names, slot, triggerFiles }: PodParts): readonly Json[] {
  const own = names.pod(slot);
  const files = ['ca.crt', `${own}.crt`, `${own}.key`];
  return [
    { name: 'topology', configMap: { name: names.topology } },
    {
      name: 'tls',
      secret: {
        secretName: names.tls,
        defaultMode: 0o440,
        items: files.map((file) => ({ key: file, path: file })),
      },
    },
    ...(triggerFiles.length === 0 ? [] : [triggersVolume(triggerFiles)]),
    { name: 'tmp', emptyDir: {} },
  ];
}

/**
 * Files appear, and are renewed, without a restart of the pod; which ones they are is part of the
 * template. A pod does not wait for one that is missing: its trigger does.
 */
function triggersVolume(files: readonly TriggerFile[]): Json {
  const sources = files.map(({ kind, name, key, path }) => ({
    [kind === 'Secret' ? 'secret' : 'configMap']: {
      name,
      items: [{ key, path }],
      optional: true,
    },
  }));
  return { name: 'triggers', projected: { defaultMode: 0o440, sources } };
}
