import { resolve } from 'node:path';
import {
  checkCredentials,
  credentialsOf,
  DURABILITIES,
  type Durability,
  LOG_LEVELS,
  type LogLevel,
  matching,
  oneOf,
  parseOptions,
  policiesOf,
  portOf,
  TLS_HELP,
  TLS_OPTIONS,
  type TlsChoice,
  tlsOf,
  UsageError,
} from './option-values.ts';

/** How the embedded server is to run. */
export interface EmbeddedOptions {
  readonly host: string;
  readonly port: number;
  /** A port of HTTPS beside the other. */
  readonly tls: TlsChoice | undefined;
  /** Of health and metrics; undefined: it does not tell them. */
  readonly healthPort: number | undefined;
  /** Absolute; undefined keeps everything in memory. */
  readonly folder: string | undefined;
  readonly durability: Durability;
  /** Absolute path of the credentials file; undefined accepts any credentials. */
  readonly credentialsFile: string | undefined;
  /** Absolute path of the policies file; undefined: whoever may call may do everything. */
  readonly policiesFile: string | undefined;
  readonly region: string;
  readonly accountId: string;
  readonly logLevel: LogLevel;
  /** Absolute path of the file with the tables' triggers; undefined: there are none. */
  readonly triggersFile: string | undefined;
}

export const embeddedHelp = `Serves the DynamoDB API from one process and one folder.

Usage: hack/run [options]        (or: node dataplane/main.ts [embedded] [options])

  --port N               port to listen on; 0 takes any free one        (8000)
  --host ADDRESS         address to listen on                           (127.0.0.1)
${TLS_HELP}
  --health-port N        /livez, /readyz and /metrics, on the same address  (none)
  --data DIR             folder that holds the tables; made if absent   (data, beside hack/)
  --in-memory            keep nothing: all is gone when the process ends
  --durability fsync     answer a write when it is on disk              (the default)
  --durability relaxed   answer before that: a crash of the machine (not of the process) may lose
                         the last second of writes
  --credentials FILE     verify signatures; FILE is a JSON list, read again when it changes:
                         [{"accessKeyId": "...", "secretAccessKey": "...", "sessionToken": "...",
                         "principal": "user/ann"}], where the last two are optional: a key without
                         principal may do everything
  --credentials none     accept any credentials. This is the default on loopback; anywhere else it
                         has to be said, since then whoever reaches the port may do anything
  --policies FILE        what the principals of --credentials FILE may do, in IAM's grammar; read again
                         when it changes: {"policies": [{"name": "readers", "subjects": ["user/ann"],
                         "document": {"Version": "2012-10-17", "Statement": [...]}}]}
                         (all of it: dataplane/access/README.md)
  --region NAME          region of ARNs and of signatures               (us-east-1)
  --account ID           account of ARNs, 12 digits                     (123456789012)
  --triggers FILE        post change records of streams to HTTP(S) addresses; FILE is JSON, read again
                         when it changes: {"TableName": [{"name": "...", "target": {"url": "..."}}]}
                         (all members: dataplane/trigger/README.md)
  --log-level LEVEL      ${LOG_LEVELS.join(', ')}; JSON lines on standard error
                                                                        (info)
  --help                 this text

SIGTERM or SIGINT: finishes requests under way (9 s at most), closes the store, ends with status 0;
a second signal ends at once. Status 1: could not start. Status 2: wrong option or value.

A cache in front of the tables that DAX clients talk to: hack/run --dax --help.
Replicated tables are served by the roles node and router: hack/run node --help, hack/run router --help;
hack/cluster starts a whole cluster on this machine.
`;

const OPTIONS = {
  ...TLS_OPTIONS,
  port: { type: 'string', default: '8000' },
  host: { type: 'string', default: '127.0.0.1' },
  'health-port': { type: 'string' },
  data: { type: 'string' },
  'in-memory': { type: 'boolean', default: false },
  durability: { type: 'string' },
  credentials: { type: 'string' },
  policies: { type: 'string' },
  region: { type: 'string', default: 'us-east-1' },
  account: { type: 'string', default: '123456789012' },
  'log-level': { type: 'string', default: 'info' },
  triggers: { type: 'string' },
} as const;

/**
 * @param args behind the role
 * @param defaultFolder where tables are kept unless `--data` says otherwise
 * @throws UsageError
 */
export function parseEmbedded(args: readonly string[], defaultFolder: string): EmbeddedOptions {
  const { values, positionals } = parseOptions(args, OPTIONS);
  if (positionals.length > 0) throw new UsageError(`unexpected argument '${positionals[0]}'`);
  const { host } = values;
  if (host === '') throw new UsageError('--host needs an address');
  const credentials = credentialsOf(values.credentials);
  checkCredentials(credentials, host, `--host ${host}`);
  return {
    host,
    port: portOf(values.port),
    tls: tlsOf(values),
    healthPort: healthPortOf(values['health-port']),
    ...storageOf(values, defaultFolder),
    credentialsFile: credentials.file,
    policiesFile: policiesOf(values.policies, credentials),
    region: matching(values.region, /^[a-z0-9-]{1,64}$/, '--region needs a name like us-east-1'),
    accountId: matching(values.account, /^\d{12}$/, '--account needs 12 digits'),
    logLevel: oneOf(values['log-level'], LOG_LEVELS, '--log-level'),
    triggersFile: triggersFileOf(values.triggers),
  };
}

function healthPortOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : portOf(value, '--health-port');
}

function triggersFileOf(value: string | undefined): string | undefined {
  if (value === '') throw new UsageError('--triggers needs a file');
  return value === undefined ? undefined : resolve(value);
}

interface StorageValues {
  readonly 'in-memory': boolean;
  readonly data?: string | undefined;
  readonly durability?: string | undefined;
}

function storageOf(
  values: StorageValues,
  defaultFolder: string,
): Pick<EmbeddedOptions, 'folder' | 'durability'> {
  if (values['in-memory']) {
    if (values.data !== undefined)
      throw new UsageError('--in-memory and --data exclude each other');
    if (values.durability !== undefined) {
      throw new UsageError('--in-memory and --durability exclude each other');
    }
    return { folder: undefined, durability: 'relaxed' };
  }
  if (values.data === '') throw new UsageError('--data needs a folder');
  return {
    folder: resolve(values.data ?? defaultFolder),
    durability: oneOf(values.durability ?? 'fsync', DURABILITIES, '--durability'),
  };
}
