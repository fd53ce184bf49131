import { isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** How the embedded server is to run. */
export interface EmbeddedOptions {
  readonly host: string;
  readonly port: number;
  /** Absolute; undefined keeps everything in memory. */
  readonly folder: string | undefined;
  readonly durability: 'fsync' | 'relaxed';
  /** Absolute path of the credentials file; undefined accepts any credentials. */
  readonly credentialsFile: string | undefined;
  readonly region: string;
  readonly accountId: string;
  readonly logLevel: LogLevel;
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the command line asks for. */
export type Command =
  | { readonly kind: 'embedded'; readonly options: EmbeddedOptions }
  | { readonly kind: 'help' };

/** A wrong option or value; the message is one line for people. */
export class UsageError extends Error {}

export const helpText = `Serves the DynamoDB API from one process and one folder.

Usage: hack/run [options]        (or: node dataplane/main.ts [embedded] [options])

  --port N               port to listen on; 0 takes any free one        (8000)
  --host ADDRESS         address to listen on                           (127.0.0.1)
  --data DIR             folder that holds the tables; made if absent   (data, beside hack/)
  --in-memory            keep nothing: all is gone when the process ends
  --durability fsync     answer a write when it is on disk              (the default)
  --durability relaxed   answer before that: a crash of the machine (not of the process) may lose
                         the last second of writes
  --credentials FILE     verify signatures; FILE is a JSON list, read again when it changes:
                         [{"accessKeyId": "...", "secretAccessKey": "...", "sessionToken": "..."}]
                         where sessionToken is optional
  --credentials none     accept any credentials. This is the default on loopback; anywhere else it
                         has to be said, since then whoever reaches the port may do anything
  --region NAME          region of ARNs and of signatures               (us-east-1)
  --account ID           account of ARNs, 12 digits                     (123456789012)
  --log-level LEVEL      ${LOG_LEVELS.join(', ')}; JSON lines on standard error
                                                                        (info)
  --help                 this text

SIGTERM or SIGINT: finishes requests under way (9 s at most), closes the store, ends with status 0;
a second signal ends at once. Status 1: could not start. Status 2: wrong option or value.
`;

const OPTIONS = {
  port: { type: 'string', default: '8000' },
  host: { type: 'string', default: '127.0.0.1' },
  data: { type: 'string' },
  'in-memory': { type: 'boolean', default: false },
  durability: { type: 'string' },
  credentials: { type: 'string' },
  region: { type: 'string', default: 'us-east-1' },
  account: { type: 'string', default: '123456789012' },
  'log-level': { type: 'string', default: 'info' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Reads the command line (without node and script).
 * @param defaultFolder where tables are kept unless `--data` says otherwise
 * @throws UsageError
 */
export function parseCommand(args: readonly string[], defaultFolder: string): Command {
  const { values, positionals } = parse(args);
  if (values.help) return { kind: 'help' };
  const [role = 'embedded', ...others] = positionals;
  if (role !== 'embedded') throw new UsageError(`there is no role '${role}'; there is: embedded`);
  if (others.length > 0) throw new UsageError(`unexpected argument '${others[0]}'`);
  const { host } = values;
  if (host === '') throw new UsageError('--host needs an address');
  return {
    kind: 'embedded',
    options: {
      host,
      port: portOf(values.port),
      ...storageOf(values, defaultFolder),
      credentialsFile: credentialsOf(values.credentials, host),
      region: matching(values.region, /^[a-z0-9-]{1,64}$/, '--region needs a name like us-east-1'),
      accountId: matching(values.account, /^\d{12}$/, '--account needs 12 digits'),
      logLevel: oneOf(values['log-level'], LOG_LEVELS, '--log-level'),
    },
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // node:util says what is wrong in its first sentence; advice about `--` follows.
    const [sentence = ''] = error.message.split(/\.(?:\s|$)/);
    throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1));
  }
}

function storageOf(
  values: ReturnType<typeof parse>['values'],
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
    durability: oneOf(values.durability ?? 'fsync', ['fsync', 'relaxed'] as const, '--durability'),
  };
}

function credentialsOf(value: string | undefined, host: string): string | undefined {
  if (value === '') throw new UsageError('--credentials needs a file, or none');
  if (value === undefined && !isLoopback(host)) {
    throw new UsageError(
      `--host ${host} can be reached from other machines: give --credentials FILE, or --credentials none to accept anyone`,
    );
  }
  return value === undefined || value === 'none' ? undefined : resolve(value);
}

/** Only what is loopback for certain: a name may resolve to anything. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535))
    throw new UsageError(`--port needs a number from 0 to 65535, not '${text}'`);
  return port;
}

function matching(text: string, pattern: RegExp, complaint: string): string {
  if (!pattern.test(text)) throw new UsageError(`${complaint}, not '${text}'`);
  return text;
}

function oneOf<T extends string>(text: string, choices: readonly T[], option: string): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) {
    throw new UsageError(`${option} needs one of ${choices.join(', ')}, not '${text}'`);
  }
  return choice;
}
