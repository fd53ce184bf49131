import { join } from 'node:path';
import { type EmbeddedOptions, parseEmbedded } from '../dataplane/embedded-options.ts';
import { UsageError } from '../dataplane/option-values.ts';
import { type DaxOptions, parseDaxOptions } from './options.ts';

/** How the two processes are to be started. */
export interface LaptopOptions {
  /** Of the embedded server. */
  readonly tablesArgs: readonly string[];
  /** Of the node, when the tables are at this URL. */
  readonly daxArgsFor: (tablesUrl: string) => readonly string[];
  readonly cacheBytes: number;
}

export type LaptopCommand =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'run'; readonly options: LaptopOptions };

export const laptopHelp = `Serves tables, and a DAX node in front of them.

Usage: hack/run --dax [options]

  Options of the tables: hack/run --help. What both need counts for both: --host, --region,
  --account, --credentials, --policies, --log-level.

  --dax-NAME VALUE       --NAME of the node; node dax/main.ts --help lists them. Most of use:
  --dax-port N           the DAX protocol, dax://                       (8111)
  --dax-http-port N      the DynamoDB API by HTTP, through the cache    (8001)
  --dax-health-port N    /metrics and /status                           (8004)
  --dax-cache-bytes N    what items and pages may take in memory        (268435456)
  --dax-advertise IP     needed with --host 0.0.0.0: where clients reach this machine
  --help                 this text

The node keeps what it has to keep in the folder dax of the data folder; nowhere with --in-memory.
It calls the tables with the first key of --credentials, or the one whose principal is dax/local.

SIGTERM or SIGINT: the node ends, then the tables. When one of them ends by itself, so does the
other, and the status is not 0.
`;

const PREFIX = '--dax-';

/**
 * @param args with `--dax` somewhere among them
 * @param defaultFolder of the tables, unless `--data` says otherwise
 * @throws UsageError
 */
export function parseLaptopCommand(args: readonly string[], defaultFolder: string): LaptopCommand {
  if (args.includes('--help') || args.includes('-h')) return { kind: 'help', text: laptopHelp };
  const { tablesArgs, daxArgs } = divided(args);
  const tables = parseEmbedded(tablesArgs, defaultFolder);
  const common = commonArgs(tables);
  const daxArgsFor = (url: string) => ['--tables', url, ...common, ...daxArgs];
  // So that what is wrong is said before anything starts.
  const { cacheBytes } = checked(daxArgsFor('http://127.0.0.1:8000'));
  return { kind: 'run', options: { tablesArgs, daxArgsFor, cacheBytes } };
}

/** Complaints name options as they are given here. */
function checked(args: readonly string[]): DaxOptions {
  try {
    return parseDaxOptions(args, '');
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(error.message.replaceAll(/--(?=[a-z])/g, PREFIX));
  }
}

function divided(args: readonly string[]) {
  const tablesArgs: string[] = [];
  const daxArgs: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--dax') continue;
    if (!arg.startsWith(PREFIX)) {
      tablesArgs.push(arg);
      continue;
    }
    daxArgs.push(`--${arg.slice(PREFIX.length)}`);
    if (arg.includes('=')) continue;
    const value = args[at + 1];
    if (value === undefined) throw new UsageError(`${arg} needs a value`);
    daxArgs.push(value);
    at += 1;
  }
  return { tablesArgs, daxArgs };
}

/** What the node has in common with the tables; what `--dax-NAME` says comes later and counts. */
function commonArgs(tables: EmbeddedOptions): readonly string[] {
  const { host, folder, credentialsFile, policiesFile, region, accountId, logLevel } = tables;
  return [
    ...['--bind', host, '--region', region, '--account', accountId, '--log-level', logLevel],
    ...['--registry', folder === undefined ? 'memory' : `folder:${join(folder, 'dax')}`],
    // That anyone is welcome has been said for the tables, where it had to be.
    ...['--credentials', credentialsFile ?? 'none'],
    ...(credentialsFile === undefined ? [] : ['--role', credentialsFile]),
    ...(policiesFile === undefined ? [] : ['--policies', policiesFile]),
  ];
}
