import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TABLE_NAME } from '../../dataplane/item/table-name.ts';
import { Complaint } from './complaint.ts';

export const usage = `A cluster of real processes on this machine: three storage nodes or more, and a router.

Usage: hack/cluster COMMAND [options]

  up                      starts what does not run yet; makes cluster and table the first time
    --zones N             zones, 1 to 9                                        (3)
    --nodes-per-zone N    storage nodes in each, 1 to 9                        (1)
    --port N              of the API; others are taken from N + 1 on           (8000)
    --table NAME          table to make, with the string keys pk and sk        (Demo)
  status                  processes, replicas, leaders and how far followers are behind
  load                    writes until the time is up, then reads every acknowledged write
    --seconds N           how long                                             (20)
    --writers N           how many at once                                     (16)
    --table NAME                                                               (Demo)
  kill NODE               ends a process at once (SIGKILL), as a crash does
  restart NODE            ends a process in order if it runs, and starts it
  pause NODE              stops a process in its tracks (SIGSTOP): its clock goes on, it does not
  resume NODE             lets it go on
  partition NODE          cuts a node's links to all others
    --from NODE           ... to this one only
  heal NODE | --all       mends them
  wipe NODE               kills a node and deletes its data folder, as a lost volume does
  down                    ends all processes
    --delete              and deletes all data

  --data DIR              the cluster's folder                  (.cache/cluster beside hack/)
  --help                  this text

Nodes are named by zone and place: a-1, b-1, c-1. The router is router-1.
Status 1: it could not be done. Status 2: wrong command or option.
`;

const COMMANDS = [
  ...(['up', 'status', 'load', 'kill', 'restart', 'pause', 'resume', 'partition', 'heal'] as const),
  ...(['wipe', 'down'] as const),
] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Commands that take the name of a process. */
const WITH_NODE: ReadonlySet<CommandName> = new Set([
  ...(['kill', 'restart', 'pause', 'resume', 'partition', 'heal', 'wipe'] as const),
]);

/** Options that a command takes beside `--data`. */
const OPTIONS_OF: Readonly<Record<CommandName, readonly string[]>> = {
  up: ['zones', 'nodes-per-zone', 'port', 'table'],
  status: [],
  load: ['seconds', 'writers', 'table'],
  kill: [],
  restart: [],
  pause: [],
  resume: [],
  partition: ['from'],
  heal: ['all'],
  wipe: [],
  down: ['delete'],
};

export interface Options {
  readonly command: CommandName;
  /** Absolute path of the cluster's folder. */
  readonly folder: string;
  /** The process that the command is about; undefined for commands about all. */
  readonly node: string | undefined;
  /** Undefined where it was not given: then what the cluster has counts. */
  readonly zones: number | undefined;
  readonly nodesPerZone: number | undefined;
  readonly port: number | undefined;
  readonly table: string;
  readonly seconds: number;
  readonly writers: number;
  readonly from: string | undefined;
  readonly all: boolean;
  readonly delete: boolean;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

const OPTIONS = {
  data: { type: 'string', default: join(root, '.cache/cluster') },
  zones: { type: 'string' },
  'nodes-per-zone': { type: 'string' },
  port: { type: 'string' },
  table: { type: 'string' },
  seconds: { type: 'string' },
  writers: { type: 'string' },
  from: { type: 'string' },
  all: { type: 'boolean' },
  delete: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Undefined: help is asked for. @throws Complaint with status 2 */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values, positionals } = parse(args);
  const [first, ...names] = positionals;
  if (values.help === true || first === undefined) return undefined;
  const command = COMMANDS.find((name) => name === first);
  if (command === undefined) {
    throw new Complaint(`there is no command '${first}'; there is: ${COMMANDS.join(', ')}`, 2);
  }
  for (const name of Object.keys(values)) {
    if (name !== 'data' && !OPTIONS_OF[command].includes(name)) {
      throw new Complaint(`${command} does not take --${name}`, 2);
    }
  }
  return {
    command,
    folder: resolve(values.data),
    node: nodeOf(command, names, values.all === true),
    zones: numberOf(values.zones, '--zones', 1, 9),
    nodesPerZone: numberOf(values['nodes-per-zone'], '--nodes-per-zone', 1, 9),
    port: numberOf(values.port, '--port', 1, 65_000),
    table: tableOf(values.table),
    seconds: numberOf(values.seconds, '--seconds', 1, 86_400) ?? 20,
    writers: numberOf(values.writers, '--writers', 1, 1_000) ?? 16,
    from: values.from,
    all: values.all === true,
    delete: values.delete === true,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [sentence = ''] = error.message.split(/\.(?:\s|$)/);
    throw new Complaint(sentence.charAt(0).toLowerCase() + sentence.slice(1), 2);
  }
}

function nodeOf(
  command: CommandName,
  names: readonly string[],
  isForAll: boolean,
): string | undefined {
  const [name, further] = names;
  const takesNode = WITH_NODE.has(command) && !isForAll;
  if (takesNode && name === undefined) {
    const choice = command === 'heal' ? ', or --all' : '';
    throw new Complaint(`${command} needs the name of a node, like a-1${choice}`, 2);
  }
  const surplus = takesNode ? further : name;
  if (surplus !== undefined) throw new Complaint(`unexpected argument '${surplus}'`, 2);
  return name;
}

function numberOf(
  text: string | undefined,
  option: string,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Complaint(`${option} needs a number from ${least} to ${most}, not '${text}'`, 2);
}

function tableOf(name = 'Demo'): string {
  if (TABLE_NAME.test(name)) return name;
  throw new Complaint(`--table needs the name of a table, not '${name}'`, 2);
}
