import { isIP } from 'node:net';
import { resolve } from 'node:path';
import {
  type CredentialsChoice,
  checkCredentials,
  credentialsOf,
  LOG_LEVELS,
  type LogLevel,
  matching,
  oneOf,
  parseOptions,
  policiesOf,
  portOf,
  required,
  UsageError,
  wholeOf,
} from '../dataplane/option-values.ts';
import type { CertificateFiles, TlsFiles } from '../dataplane/tls-files.ts';
import { peersOf, type RegistryChoice, registryOf } from './registry-options.ts';

/** A cache below this holds next to nothing; one above does not fit the heap of one process. */
const CACHE_BYTES_MIN = 1024 * 1024;
const CACHE_BYTES_MAX = 256 * 1024 ** 3;
const CACHE_BYTES_DEFAULT = 256 * 1024 * 1024;
const DRAIN_SECONDS_MAX = 300;
/** Clients look for nodes every 4 s and close their connections 3.5 s later (dax-protocol.md section 1.5). */
const DRAIN_SECONDS_DEFAULT = 12;
/** Clients want to be told one (dax-protocol.md section 5). */
const ZONE_UNKNOWN = 'none';
const NODE_ID_MAX = 999_999_999;

/** How a node of a DAX cluster is to run. */
export interface DaxOptions {
  readonly clusterName: string;
  /** Like no other node's of the cluster. */
  readonly nodeId: number;
  readonly zone: string;
  readonly bind: string;
  /** The IP address that clients and other nodes are told to connect to. */
  readonly advertise: string;
  /** Of the DAX protocol in plain TCP; undefined: none. 0 takes any free one, here as with the other ports. */
  readonly port: number | undefined;
  /** Ports of TLS, with the certificate that they share; undefined: there are none. */
  readonly tls: DaxTls | undefined;
  /** The DynamoDB API by HTTP; undefined: none. */
  readonly httpPort: number | undefined;
  /** `/livez`, `/readyz`, `/metrics` and `/status`. */
  readonly healthPort: number;
  readonly peers: PeerOptions | undefined;
  readonly registry: RegistryChoice;
  readonly tables: TablesOptions;
  /** Absolute; undefined: the parameters of the service, for good. */
  readonly parametersFile: string | undefined;
  /** What cached items and pages may take in this process. */
  readonly cacheBytes: number;
  readonly redis: RedisOptions | undefined;
  /** Who may call. */
  readonly credentials: CredentialsChoice;
  /** Absolute; undefined: every known caller may do everything. */
  readonly policiesFile: string | undefined;
  readonly region: string;
  readonly accountId: string;
  /** How long it goes on, out of the list of nodes, after it was told to stop. */
  readonly drainMs: number;
  readonly logLevel: LogLevel;
}

export interface DaxTls extends CertificateFiles {
  /** Of the DAX protocol; undefined: none. */
  readonly port: number | undefined;
  /** Of the DynamoDB API; undefined: none. */
  readonly httpsPort: number | undefined;
}

export interface TablesOptions {
  readonly url: string;
  /** Absolute: the authority of an `https:` URL; undefined: those that Node.js knows. */
  readonly ca: string | undefined;
  /** Absolute: what the cluster's calls of the tables are signed with; undefined: anything will do. */
  readonly roleFile: string | undefined;
}

/** How nodes of one cluster talk to each other. */
export interface PeerOptions {
  readonly port: number;
  /** Undefined: plain TCP. */
  readonly tls: TlsFiles | undefined;
}

export interface RedisOptions {
  readonly url: string;
  /** Absolute: the authority of a `rediss:` URL; undefined: those that Node.js knows. */
  readonly ca: string | undefined;
  /** Absolute; undefined: what the URL says. */
  readonly passwordFile: string | undefined;
}

export const daxHelp = `Serves one node of a DAX cluster: a write-through cache in front of tables.

Usage: node dax/main.ts --tables URL [options]     (with tables beside it: hack/run --dax)

Tables
  --tables URL           the DynamoDB API of the tables: http://127.0.0.1:8000
  --tables-ca FILE       the authority of an https: URL (PEM); without it, those that Node.js knows
  --role FILE            what calls of the tables are signed with: a list of access keys as for
                         --credentials. The first counts, or the one whose principal is dax/CLUSTER.
                         Read again when it changes. Without it: keys that only tables without
                         --credentials take

Where it listens; 0 takes any free port; none: not there
  --bind ADDRESS         (127.0.0.1)
  --advertise IP         what clients and other nodes are told to connect to   (--bind's)
  --port N               the DAX protocol, dax://                       (8111)
  --tls-port N           the same by TLS, daxs://                       (off)
  --http-port N          the DynamoDB API by HTTP, through the cache    (8001)
  --https-port N         the same by HTTPS                              (off)
  --tls-cert FILE        certificate of both TLS ports, with what leads to its authority (PEM), and
  --tls-key FILE         its private key; read again when they change
  --health-port N        /livez, /readyz, /metrics and /status          (8004)

The cluster
  --cluster NAME         policies know the cluster by it                (local)
  --node-id N            no other node may have it                      (1)
  --zone NAME            what clients are told                          (none)
  --registry folder:DIR  where attribute lists are kept, of a node that is alone   (data/dax)
  --registry memory      nowhere: when this node has restarted, clients may have to as well
  --registry table:NAME  in a table that all nodes share; it says who belongs to the cluster, too
  --peer-port N          with it: where other nodes send what is not to be served any more  (8112)
  --peer-ca FILE, --peer-cert FILE, --peer-key FILE
                         mutual TLS between nodes; without these, plain TCP

The cache
  --cache-bytes N        what items and pages may take in memory        (268435456)
  --parameters FILE      JSON, read again when it changes: {"recordTtlMillis": 300000,
                         "queryTtlMillis": 300000}. Of records 0 means: no end. Of queries it means:
                         not cached at all
  --redis URL            a second level that nodes share: redis:// or rediss://   (none)
  --redis-ca FILE        the authority of a rediss: URL (PEM); read again when it changes. Without
                         it, those that Node.js knows
  --redis-password-file FILE   its password; read again when it changes

Who may call
  --credentials FILE     verify signatures against the access keys in this file, read again when it
                         changes: [{"accessKeyId": "...", "secretAccessKey": "...", ...}]
  --credentials none     accept any. This is the default on loopback; elsewhere it has to be said
  --policies FILE        who of these may do what: IAM's grammar (dataplane/access/README.md)
  --region NAME          of signatures and ARNs                         (us-east-1)
  --account ID           of ARNs, 12 digits                             (123456789012)

  --drain-seconds N      how long it goes on after it was told to stop, out of the list that clients
                         have of nodes                   (12; 0 for a node that is alone)
  --log-level LEVEL      ${LOG_LEVELS.join(', ')};
                         JSON lines on standard error                   (info)
  --help                 this text

SIGTERM or SIGINT: leaves the list of nodes, goes on for --drain-seconds, finishes requests under
way, ends with status 0; a second signal ends at once. Status 1: could not start. Status 2: wrong
option.
`;

const OPTIONS = {
  cluster: { type: 'string', default: 'local' },
  'node-id': { type: 'string', default: '1' },
  zone: { type: 'string', default: ZONE_UNKNOWN },
  bind: { type: 'string', default: '127.0.0.1' },
  advertise: { type: 'string' },
  port: { type: 'string', default: '8111' },
  'tls-port': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'http-port': { type: 'string', default: '8001' },
  'https-port': { type: 'string' },
  'health-port': { type: 'string', default: '8004' },
  'peer-port': { type: 'string' },
  'peer-ca': { type: 'string' },
  'peer-cert': { type: 'string' },
  'peer-key': { type: 'string' },
  tables: { type: 'string' },
  'tables-ca': { type: 'string' },
  role: { type: 'string' },
  registry: { type: 'string' },
  parameters: { type: 'string' },
  'cache-bytes': { type: 'string', default: String(CACHE_BYTES_DEFAULT) },
  redis: { type: 'string' },
  'redis-ca': { type: 'string' },
  'redis-password-file': { type: 'string' },
  credentials: { type: 'string' },
  policies: { type: 'string' },
  region: { type: 'string', default: 'us-east-1' },
  account: { type: 'string', default: '123456789012' },
  'drain-seconds': { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
} as const;

/** What the command line said, before it is looked at. */
type Values = ReturnType<typeof parseOptions<typeof OPTIONS>>['values'];

/** What the process is to do. */
export type DaxCommand =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'serve'; readonly options: DaxOptions };

/**
 * `--help` counts wherever it stands, whatever else is there.
 * @throws UsageError
 */
export function parseDaxCommand(args: readonly string[], defaultFolder: string): DaxCommand {
  if (args.includes('--help')) return { kind: 'help', text: daxHelp };
  return { kind: 'serve', options: parseDaxOptions(args, defaultFolder) };
}

/**
 * @param defaultFolder of the registry, unless `--registry` says otherwise
 * @throws UsageError
 */
export function parseDaxOptions(args: readonly string[], defaultFolder: string): DaxOptions {
  const { values, positionals } = parseOptions(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError(`unexpected argument '${positionals[0]}'`);
  const bind = required(values.bind, '--bind', 'an address');
  const credentials = credentialsOf(values.credentials);
  checkCredentials(credentials, bind, `--bind ${bind}`);
  const registry = registryOf(values.registry, defaultFolder);
  return {
    clusterName: matching(
      values.cluster,
      /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/,
      '--cluster needs a name of letters, digits, dots and dashes',
    ),
    nodeId: wholeOf(values['node-id'], NODE_ID_MAX, '--node-id'),
    zone: values.zone === '' ? ZONE_UNKNOWN : values.zone,
    bind,
    advertise: advertiseOf(values.advertise, bind),
    ...listenersOf(values),
    healthPort: portOf(values['health-port'], '--health-port'),
    peers: peersOf(values, registry),
    registry,
    tables: tablesOf(values),
    parametersFile: fileOf(values.parameters, '--parameters'),
    cacheBytes: bytesOf(values['cache-bytes']),
    redis: redisOf(values),
    credentials,
    policiesFile: policiesOf(values.policies, credentials),
    region: matching(values.region, /^[a-z0-9-]{1,64}$/, '--region needs a name like us-east-1'),
    accountId: matching(values.account, /^\d{12}$/, '--account needs 12 digits'),
    drainMs: 1_000 * drainSecondsOf(values['drain-seconds'], registry),
    logLevel: oneOf(values['log-level'], LOG_LEVELS, '--log-level'),
  };
}

/** Clients connect to an address, never to a name (dax-protocol.md section 5). */
function advertiseOf(value: string | undefined, bind: string): string {
  if (value !== undefined) {
    if (isIP(value) === 0) throw new UsageError(`--advertise needs an IP address, not '${value}'`);
    return value;
  }
  if (bind === 'localhost') return '127.0.0.1';
  if (isIP(bind) !== 0 && bind !== '0.0.0.0' && bind !== '::') return bind;
  throw new UsageError(`--bind ${bind} needs --advertise, an IP address that clients reach`);
}

/** Both doors have to be somewhere. @throws UsageError */
function listenersOf(values: Values): Pick<DaxOptions, 'port' | 'httpPort' | 'tls'> {
  const port = portOrNone(values.port, '--port');
  const httpPort = portOrNone(values['http-port'], '--http-port');
  const tls = tlsOf(values);
  if (port === undefined && tls?.port === undefined) {
    throw new UsageError('--port none needs --tls-port beside it');
  }
  if (httpPort === undefined && tls?.httpsPort === undefined) {
    throw new UsageError('--http-port none needs --https-port beside it');
  }
  return { port, httpPort, tls };
}

function portOrNone(text: string, option: string): number | undefined {
  return text === 'none' ? undefined : portOf(text, option);
}

/** All that TLS needs, or nothing. */
function tlsOf(values: Values): DaxTls | undefined {
  const { 'tls-port': port, 'https-port': httpsPort, 'tls-cert': cert, 'tls-key': key } = values;
  if ([port, httpsPort, cert, key].every((value) => value === undefined)) return undefined;
  if (port === undefined && httpsPort === undefined) {
    throw new UsageError('--tls-cert and --tls-key need --tls-port or --https-port');
  }
  return {
    port: port === undefined ? undefined : portOf(port, '--tls-port'),
    httpsPort: httpsPort === undefined ? undefined : portOf(httpsPort, '--https-port'),
    cert: resolve(required(cert, '--tls-cert', 'a file, with --tls-port or --https-port')),
    key: resolve(required(key, '--tls-key', 'a file, with --tls-port or --https-port')),
  };
}

function tablesOf(values: Values): TablesOptions {
  const text = required(
    values.tables,
    '--tables',
    'the URL of the tables, like http://127.0.0.1:8000',
  );
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search + url.hash !== '') {
    throw new UsageError(`--tables needs a URL like http://127.0.0.1:8000, not '${text}'`);
  }
  const ca = fileOf(values['tables-ca'], '--tables-ca');
  if (ca !== undefined && url.protocol !== 'https:') {
    throw new UsageError('--tables-ca needs an https: URL of the tables');
  }
  return { url: text, ca, roleFile: fileOf(values.role, '--role') };
}

function redisOf(values: Values): RedisOptions | undefined {
  const { redis: text, 'redis-ca': caFile, 'redis-password-file': passwordFile } = values;
  if (text === undefined) {
    if (caFile !== undefined) throw new UsageError('--redis-ca needs --redis beside it');
    if (passwordFile === undefined) return undefined;
    throw new UsageError('--redis-password-file needs --redis beside it');
  }
  const url = URL.parse(text);
  if (url === null || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '') {
    // It may hold a password, so it is not shown.
    throw new UsageError('--redis needs a URL like redis://127.0.0.1:6379');
  }
  const ca = fileOf(caFile, '--redis-ca');
  if (ca !== undefined && url.protocol !== 'rediss:') {
    throw new UsageError('--redis-ca needs a rediss: URL of Redis');
  }
  return { url: text, ca, passwordFile: fileOf(passwordFile, '--redis-password-file') };
}

function fileOf(value: string | undefined, option: string): string | undefined {
  return value === undefined ? undefined : resolve(required(value, option, 'a file'));
}

function bytesOf(text: string): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= CACHE_BYTES_MIN && value <= CACHE_BYTES_MAX) return value;
  throw new UsageError(
    `--cache-bytes needs a number from ${CACHE_BYTES_MIN} to ${CACHE_BYTES_MAX}, not '${text}'`,
  );
}

/** A node that has no others beside it has nobody to hand its clients to. */
function drainSecondsOf(text: string | undefined, registry: RegistryChoice): number {
  if (text === undefined) return registry.kind === 'table' ? DRAIN_SECONDS_DEFAULT : 0;
  return wholeOf(text, DRAIN_SECONDS_MAX, '--drain-seconds');
}
