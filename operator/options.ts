import {
  LOG_LEVELS,
  type LogLevel,
  matching,
  oneOf,
  parseOptions,
  portOf,
  required,
  UsageError,
} from '../dataplane/option-values.ts';
import type { DaxInstall } from './daxcluster/install.ts';
import type { Json } from './table/pod-overlay.ts';

/** How the operator is to run. */
export interface OperatorOptions {
  readonly namespaces: readonly string[];
  readonly install: DaxInstall;
  readonly leaseName: string;
  readonly healthPort: number;
  readonly logLevel: LogLevel;
  /** Absolute or relative path; undefined: as the pod's service account, or as kubectl. */
  readonly kubeconfig: string | undefined;
}

export type OperatorCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'run'; readonly options: OperatorOptions };

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DOMAIN = /^[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?$/;
const NAMESPACES_COUNT_MAX = 500;
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const;
const UPGRADE_POLICIES = ['Automatic', 'Manual'] as const;

export const help = `Runs Trestle's operator: it makes tables and caches of the resources in some namespaces.

Usage: node operator/main.ts --namespaces NAME,... --release-namespace NAME --data-image IMAGE [options]

  --namespaces NAME,...        where Tables and DaxClusters are served
  --release-namespace NAME     where the operator runs, and keeps its Lease
  --data-image IMAGE           of storage pods
  --dax-image IMAGE            of nodes of DaxClusters                            (as --data-image)
  --redis-image IMAGE          Redis or Valkey, for DaxClusters that name none of their own  (none)
  --upgrade-policy Automatic   another image is rolled out to all tables and clusters, one pod at a time
  --upgrade-policy Manual      only to those annotated trestle.dev/upgrade=true  (Automatic)
  --image-pull-policy POLICY   ${PULL_POLICIES.join(', ')}                 (IfNotPresent)
  --image-pull-secrets NAME,.. of all pods                                        (none)
  --region REGION              what ARNs show                                     (us-east-1)
  --metrics-namespaces NAME,.. whose pods may scrape these pods                   (none)
  --dax-clients JSON           NetworkPolicyPeers that may call nodes of DaxClusters  (everybody)
  --cluster-domain NAME        what DNS names of the cluster end with             (cluster.local)
  --lease-name NAME            one of several operators acts                      (trestle-operator)
  --health-port N              /livez, /readyz and /metrics, plain HTTP           (8004)
  --kubeconfig FILE            how to reach the Kubernetes API                    (as this pod, or as kubectl)
  --log-level LEVEL            ${LOG_LEVELS.join(', ')}    (info)
  --help                       this text

SIGTERM or SIGINT: ends the passes under way, gives the Lease back, ends with status 0; a second signal
ends at once. Status 1: could not start, or leads no more. Status 2: wrong option or value.
`;

const OPTIONS = {
  namespaces: { type: 'string' },
  'release-namespace': { type: 'string' },
  'data-image': { type: 'string' },
  'dax-image': { type: 'string' },
  'redis-image': { type: 'string' },
  'upgrade-policy': { type: 'string', default: 'Automatic' },
  'image-pull-policy': { type: 'string', default: 'IfNotPresent' },
  'image-pull-secrets': { type: 'string', default: '' },
  region: { type: 'string', default: 'us-east-1' },
  'metrics-namespaces': { type: 'string', default: '' },
  'dax-clients': { type: 'string', default: '[]' },
  'cluster-domain': { type: 'string', default: 'cluster.local' },
  'lease-name': { type: 'string', default: 'trestle-operator' },
  'health-port': { type: 'string', default: '8004' },
  kubeconfig: { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
  help: { type: 'boolean', default: false },
} as const;

/** @throws UsageError */
export function parseOperator(args: readonly string[]): OperatorCommand {
  const { values, positionals } = parseOptions(args, OPTIONS);
  if (values.help) return { kind: 'help' };
  if (positionals.length > 0) throw new UsageError(`unexpected argument '${positionals[0]}'`);
  const releaseNamespace = required(values['release-namespace'], '--release-namespace', 'a name');
  return {
    kind: 'run',
    options: {
      namespaces: namespacesOf(required(values.namespaces, '--namespaces', 'names of namespaces')),
      leaseName: nameOf(values['lease-name'], '--lease-name'),
      healthPort: portOf(values['health-port'], '--health-port'),
      logLevel: oneOf(values['log-level'], LOG_LEVELS, '--log-level'),
      kubeconfig: values.kubeconfig,
      install: {
        releaseNamespace: nameOf(releaseNamespace, '--release-namespace'),
        region: matching(
          values.region,
          /^[a-z0-9-]{1,64}$/,
          '--region needs a name like us-east-1',
        ),
        ...imagesOf(values),
        imagePullPolicy: oneOf(values['image-pull-policy'], PULL_POLICIES, '--image-pull-policy'),
        imagePullSecrets: listOf(values['image-pull-secrets']),
        upgradePolicy: oneOf(values['upgrade-policy'], UPGRADE_POLICIES, '--upgrade-policy'),
        metricsNamespaces: namesOf(values['metrics-namespaces'], '--metrics-namespaces'),
        daxClients: peersOf(values['dax-clients'], '--dax-clients'),
        clusterDomain: matching(
          values['cluster-domain'],
          DOMAIN,
          '--cluster-domain needs a name like cluster.local',
        ),
      },
    },
  };
}

function imagesOf(values: {
  readonly 'data-image'?: string | undefined;
  readonly 'dax-image'?: string | undefined;
  readonly 'redis-image'?: string | undefined;
}): Pick<DaxInstall, 'dataImage' | 'daxImage' | 'redisImage'> {
  const dataImage = required(values['data-image'], '--data-image', 'an image');
  const { 'dax-image': daxImage = dataImage, 'redis-image': redisImage } = values;
  return {
    dataImage,
    daxImage: required(daxImage, '--dax-image', 'an image'),
    redisImage: redisImage === '' ? undefined : redisImage,
  };
}

const PEER_MEMBERS: ReadonlySet<string> = new Set(['ipBlock', 'namespaceSelector', 'podSelector']);

/** What stands in the members is the API server's to judge. */
function peersOf(text: string, option: string): readonly Json[] {
  const peers = parsed(text);
  if (!Array.isArray(peers) || !peers.every(isPeer)) {
    throw new UsageError(`${option} needs a JSON list of NetworkPolicyPeers`);
  }
  return peers;
}

function isPeer(value: unknown): value is Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const members = Object.keys(value);
  return members.length > 0 && members.every((member) => PEER_MEMBERS.has(member));
}

/** Undefined: no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function namespacesOf(text: string): readonly string[] {
  const names = [...new Set(namesOf(text, '--namespaces'))];
  if (names.length > NAMESPACES_COUNT_MAX) {
    throw new UsageError(`--namespaces names more than ${NAMESPACES_COUNT_MAX}`);
  }
  return names;
}

function namesOf(text: string, option: string): readonly string[] {
  return listOf(text).map((name) => nameOf(name, option));
}

function nameOf(text: string, option: string): string {
  return matching(text, NAME, `${option} needs small letters, digits and hyphens`);
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
