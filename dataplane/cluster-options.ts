import { resolve } from 'node:path';
import {
  type CredentialsChoice,
  credentialsOf,
  DURABILITIES,
  type Durability,
  LOG_LEVELS,
  type LogLevel,
  oneOf,
  parseOptions,
  policiesOf,
  required,
  TLS_HELP,
  TLS_OPTIONS,
  type TlsChoice,
  tlsOf,
  UsageError,
  wholeOf,
} from './option-values.ts';
import { PROTOCOL_MAX, PROTOCOL_MIN, type Protocol } from './replication/transport/options.ts';

const DRAIN_SECONDS_MAX = 300;

/** What nodes and routers have in common. */
interface MemberOptions {
  /** Absolute path. */
  readonly topologyFile: string;
  readonly id: string;
  /** Where to listen instead of on the process's own address in the topology. */
  readonly bind: string | undefined;
  readonly protocolMax: Protocol;
  readonly logLevel: LogLevel;
}

/** How a storage node is to run. */
export interface NodeOptions extends MemberOptions {
  /** Absolute path. */
  readonly folder: string;
  readonly durability: Durability;
  /** Whether the admin interface may break links on purpose. */
  readonly hasFaultInjection: boolean;
  /** Absolute path of the folder with secrets and authorities of triggers; undefined: there is none. */
  readonly secretsFolder: string | undefined;
}

/** How a router is to run. */
export interface RouterOptions extends MemberOptions {
  readonly credentials: CredentialsChoice;
  /** Absolute path of the policies file; undefined: whoever may call may do everything. */
  readonly policiesFile: string | undefined;
  /** A port of HTTPS beside the other. */
  readonly tls: TlsChoice | undefined;
  /** How long it goes on, after it was told to stop, before it takes no more connections. */
  readonly drainMs: number;
}

const COMMON_HELP = `  --topology FILE        the processes of the cluster and where they listen; read again, with the
                         files of "tls", when it changes and on SIGHUP
                         {"clusterId": UUID, "region": "us-east-1", "accountId": "123456789012",
                          "nodes": [{"id": "a-1", "zone": "a", "host": "127.0.1.1", "port": 8002,
                          "adminPort": 8003}, ...], "routers": [alike, "port" being the API's],
                          "tls": {"ca": PATH, "cert": "{id}.crt", "key": "{id}.key"}}, or no "tls";
                         "healthPort": N beside "adminPort", and "tableName", may be given too
  --id ID                which of them this is
  --bind ADDRESS         listen there, on the ports of the topology     (its "host")`;

const COMMON_END_HELP = `  --protocol-max N       speak no newer version of the protocol between processes than this:
                         ${PROTOCOL_MIN} is that of the release before                  (${PROTOCOL_MAX})
  --log-level LEVEL      ${LOG_LEVELS.join(', ')}; JSON lines on standard error
                                                                        (info)
  --help                 this text`;

export const nodeHelp = `Runs a storage node of a cluster: it holds replicas of partitions in one folder.

Usage: hack/run node --topology FILE --id ID --data DIR [options]

${COMMON_HELP}
  --data DIR             folder of this node and no other; made if absent
  --durability fsync     a write counts as stored when it is on disk    (the default)
  --durability relaxed   before that: machines that crash together may lose the last second
  --secrets DIR          folder of the keys, tokens and authorities that triggers name; files are read
                         again when they change
  --fault-injection      the admin interface may cut links to peers: for tests
${COMMON_END_HELP}

SIGTERM or SIGINT: hands its leaderships over (9 s at most), closes the store, ends with status 0;
a second signal ends at once. Status 1: could not start. Status 2: wrong option or value.
`;

export const routerHelp = `Runs a router of a cluster: it serves the DynamoDB API and keeps nothing.

Usage: hack/run router --topology FILE --id ID [options]

${COMMON_HELP}
  --credentials FILE     verify signatures against the access keys in FILE (see hack/run --help)
  --credentials none     accept any credentials; the default on loopback only
  --policies FILE        what the principals in --credentials FILE may do (see hack/run --help)
${TLS_HELP}
  --drain-seconds N      when it is to stop, say so at /readyz at once, and serve on for so long: until
                         nobody is sent here any more                   (0)
${COMMON_END_HELP}

SIGTERM or SIGINT: drains, finishes requests under way (9 s at most), ends with status 0; a second
signal ends at once. Status 1: could not start. Status 2: wrong option or value.
`;

const MEMBER_OPTIONS = {
  topology: { type: 'string' },
  id: { type: 'string' },
  bind: { type: 'string' },
  'protocol-max': { type: 'string', default: String(PROTOCOL_MAX) },
  'log-level': { type: 'string', default: 'info' },
} as const;

const NODE_OPTIONS = {
  ...MEMBER_OPTIONS,
  data: { type: 'string' },
  durability: { type: 'string', default: 'fsync' },
  'fault-injection': { type: 'boolean', default: false },
  secrets: { type: 'string' },
} as const;

const ROUTER_OPTIONS = {
  ...MEMBER_OPTIONS,
  ...TLS_OPTIONS,
  credentials: { type: 'string' },
  policies: { type: 'string' },
  'drain-seconds': { type: 'string', default: '0' },
} as const;

/** @param args behind the role @throws UsageError */
export function parseNode(args: readonly string[]): NodeOptions {
  const { values, positionals } = parseOptions(args, NODE_OPTIONS);
  return {
    ...memberOptionsOf(values, positionals),
    folder: resolve(required(values.data, '--data', 'a folder')),
    durability: oneOf(values.durability, DURABILITIES, '--durability'),
    hasFaultInjection: values['fault-injection'],
    secretsFolder: values.secrets === undefined ? undefined : resolve(values.secrets),
  };
}

/** @param args behind the role @throws UsageError */
export function parseRouter(args: readonly string[]): RouterOptions {
  const { values, positionals } = parseOptions(args, ROUTER_OPTIONS);
  const credentials = credentialsOf(values.credentials);
  return {
    ...memberOptionsOf(values, positionals),
    credentials,
    policiesFile: policiesOf(values.policies, credentials),
    tls: tlsOf(values),
    drainMs: 1_000 * wholeOf(values['drain-seconds'], DRAIN_SECONDS_MAX, '--drain-seconds'),
  };
}

interface MemberValues {
  readonly topology?: string | undefined;
  readonly id?: string | undefined;
  readonly bind?: string | undefined;
  readonly 'protocol-max': string;
  readonly 'log-level': string;
}

function memberOptionsOf(values: MemberValues, positionals: readonly string[]): MemberOptions {
  if (positionals.length > 0) throw new UsageError(`unexpected argument '${positionals[0]}'`);
  return {
    topologyFile: resolve(required(values.topology, '--topology', 'a file')),
    id: required(values.id, '--id', 'the name of a process in the topology'),
    bind: values.bind === undefined ? undefined : required(values.bind, '--bind', 'an address'),
    protocolMax: protocolOf(values['protocol-max']),
    logLevel: oneOf(values['log-level'], LOG_LEVELS, '--log-level'),
  };
}

/** @throws UsageError */
export function protocolOf(text: string): Protocol {
  const version = Number(text);
  if (version === PROTOCOL_MIN || version === PROTOCOL_MAX) return version;
  throw new UsageError(
    `--protocol-max needs a number from ${PROTOCOL_MIN} to ${PROTOCOL_MAX}, not '${text}'`,
  );
}
