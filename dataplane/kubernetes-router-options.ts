import { resolve } from 'node:path';
import { protocolOf } from './cluster-options.ts';
import {
  type CredentialsChoice,
  credentialsOf,
  LOG_LEVELS,
  type LogLevel,
  matching,
  oneOf,
  parseOptions,
  policiesOf,
  portOf,
  required,
  TLS_OPTIONS,
  type TlsChoice,
  tlsOf,
  UsageError,
  wholeOf,
} from './option-values.ts';
import { PROTOCOL_MAX, type Protocol } from './replication/transport/options.ts';

const DRAIN_SECONDS_MAX = 300;

/** How a router of a Kubernetes namespace is to run. */
export interface KubernetesRouterOptions {
  readonly namespace: string;
  /** Like no other router's: the pod's name. */
  readonly id: string;
  readonly region: string;
  readonly zone: string;
  readonly bind: string;
  readonly port: number;
  readonly healthPort: number;
  /** A port of HTTPS beside the other. */
  readonly tls: TlsChoice | undefined;
  /** Absolute paths: towards storage nodes; undefined speaks plain TCP. */
  readonly nodeTls:
    | { readonly ca: string; readonly cert: string; readonly key: string }
    | undefined;
  readonly credentials: CredentialsChoice;
  /** Absolute path of the policies file; undefined: whoever may call may do everything. */
  readonly policiesFile: string | undefined;
  /** All storage nodes of the namespace are behind this name; their health ports answer. */
  readonly storageHost: string;
  readonly storagePort: number;
  /** How long it goes on, after it was told to stop, before it takes no more connections. */
  readonly drainMs: number;
  readonly protocolMax: Protocol;
  readonly logLevel: LogLevel;
}

export const kubernetesRouterHelp = `
In Kubernetes: serves all tables of a namespace, as their Table resources declare them.

Usage: hack/run router --kubernetes --namespace NAME --id ID --region REGION [options]

  --namespace NAME       whose tables; also the account that ARNs show
  --id ID                the pod's name: no other router may have it
  --region REGION        what ARNs show, and signatures are made for
  --zone ZONE            where this router is: replicas there are read first   (none)
  --bind ADDRESS         listen there                                   (127.0.0.1)
  --port N               the API by HTTP                                (8000)
  --tls-port N, --tls-cert FILE, --tls-key FILE  as above; the certificate is this router's towards
                         storage nodes, too
  --ca FILE              the authority that has signed the storage nodes' certificates; without it,
                         they are spoken to in plain TCP
  --health-port N        /livez, /readyz and /metrics                   (8004)
  --credentials FILE | none, --policies FILE  as above
  --storage-host NAME    the DNS name of all storage nodes of the namespace: tables are found by it
                         while the API server is away      (trestle-storage.NAMESPACE.svc)
  --storage-port N       where they tell who they are                   (8004)
  --drain-seconds N, --protocol-max N, --log-level LEVEL  as above

The API server is found by KUBECONFIG if that is set, else as the pod's service account.
`;

const OPTIONS = {
  ...TLS_OPTIONS,
  kubernetes: { type: 'boolean' },
  namespace: { type: 'string' },
  id: { type: 'string' },
  region: { type: 'string' },
  zone: { type: 'string', default: 'none' },
  bind: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '8000' },
  ca: { type: 'string' },
  'health-port': { type: 'string', default: '8004' },
  credentials: { type: 'string' },
  policies: { type: 'string' },
  'storage-host': { type: 'string' },
  'storage-port': { type: 'string', default: '8004' },
  'drain-seconds': { type: 'string', default: '0' },
  'protocol-max': { type: 'string', default: String(PROTOCOL_MAX) },
  'log-level': { type: 'string', default: 'info' },
} as const;

/** A name that others can be made of, as labels of DNS. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const ID = /^[a-z0-9]([a-z0-9.-]{0,126}[a-z0-9])?$/;

/** @param args behind the role, `--kubernetes` among them @throws UsageError */
export function parseKubernetesRouter(args: readonly string[]): KubernetesRouterOptions {
  const { values, positionals } = parseOptions(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError(`unexpected argument '${positionals[0]}'`);
  const namespace = matching(
    required(values.namespace, '--namespace', 'the name of a namespace'),
    LABEL,
    '--namespace needs the name of a namespace',
  );
  const tls = tlsOf(values);
  const credentials = credentialsOf(values.credentials);
  return {
    namespace,
    id: matching(required(values.id, '--id', "the pod's name"), ID, "--id needs a pod's name"),
    region: matching(
      required(values.region, '--region', 'a name like us-east-1'),
      /^[a-z0-9-]{1,64}$/,
      '--region needs a name like us-east-1',
    ),
    zone: values.zone === '' ? 'none' : values.zone,
    bind: required(values.bind, '--bind', 'an address'),
    port: portOf(values.port),
    healthPort: portOf(values['health-port'], '--health-port'),
    tls,
    nodeTls: nodeTlsOf(values.ca, tls),
    credentials,
    policiesFile: policiesOf(values.policies, credentials),
    storageHost: values['storage-host'] ?? `trestle-storage.${namespace}.svc`,
    storagePort: portOf(values['storage-port'], '--storage-port'),
    drainMs: 1_000 * wholeOf(values['drain-seconds'], DRAIN_SECONDS_MAX, '--drain-seconds'),
    protocolMax: protocolOf(values['protocol-max']),
    logLevel: oneOf(values['log-level'], LOG_LEVELS, '--log-level'),
  };
}

function nodeTlsOf(ca: string | undefined, tls: TlsChoice | undefined) {
  if (ca === undefined) return undefined;
  if (tls === undefined) throw new UsageError('--ca needs --tls-cert and --tls-key beside it');
  return { ca: resolve(required(ca, '--ca', 'a file')), cert: tls.cert, key: tls.key };
}
