import { rmSync } from 'node:fs';
import { tellAdmin } from './admin-client.ts';
import { ClusterFolder, ROUTER } from './cluster-folder.ts';
import { Complaint } from './complaint.ts';
import { complaintOf } from './demo-table.ts';
import { load } from './load.ts';
import { type CommandName, type Options, readOptions, usage } from './options.ts';
import { Processes } from './processes.ts';
import { status } from './status.ts';
import { isLive, up } from './up.ts';

/** `hack/cluster`: each command does one thing to the processes of a cluster, and says so. */

interface Context {
  readonly folder: ClusterFolder;
  readonly processes: Processes;
  readonly options: Options;
}

type Command = (context: Context) => Promise<void> | void;

const COMMANDS: Readonly<Record<CommandName, Command>> = {
  up: ({ folder, processes, options }) => up(folder, processes, options),
  status: ({ folder, processes }) => status(folder, processes),
  load: ({ folder, options }) => load(folder.process(ROUTER), options),
  kill: async ({ folder, processes, options }) => {
    const { id } = folder.process(nodeOf(options));
    if (processes.pid(id) === undefined) throw new Complaint(`${id} does not run`);
    await processes.kill(id);
    console.log(`${id} is killed`);
  },
  restart: async ({ folder, processes, options }) => {
    const process = folder.process(nodeOf(options));
    await processes.stop(process.id);
    processes.start(process);
    await isLive(process, processes);
    console.log(`${process.id} is started`);
  },
  pause: ({ folder, processes, options }) => {
    const { id } = folder.process(nodeOf(options));
    processes.signal(id, 'SIGSTOP');
    console.log(`${id} is paused`);
  },
  resume: ({ folder, processes, options }) => {
    const { id } = folder.process(nodeOf(options));
    processes.signal(id, 'SIGCONT');
    console.log(`${id} goes on`);
  },
  partition: async ({ folder, options }) => {
    const node = folder.node(nodeOf(options));
    const peers = options.from === undefined ? undefined : [folder.process(options.from).id];
    await tellAdmin(node, 'POST', '/faults', { action: 'block', ...(peers && { peers }) });
    console.log(`${node.id} is cut off from ${options.from ?? 'all others'}`);
  },
  heal,
  wipe: async ({ folder, processes, options }) => {
    const { id } = folder.node(nodeOf(options));
    await processes.kill(id);
    rmSync(folder.dataFolder(id), { recursive: true, force: true });
    console.log(`${id} has lost its data; hack/cluster restart ${id} brings it back empty`);
  },
  down,
};

async function heal({ folder, processes, options }: Context): Promise<void> {
  const all = folder.processes().filter(({ role }) => role === 'node');
  const nodes = options.all ? all : [folder.node(nodeOf(options))];
  const running = nodes.filter(({ id }) => processes.state(id) === 'running');
  if (running.length === 0) throw new Complaint('no node whose links could be mended runs');
  await Promise.all(running.map((node) => tellAdmin(node, 'POST', '/faults', { action: 'heal' })));
  console.log(`links are mended: ${running.map(({ id }) => id).join(', ')}`);
}

async function down({ folder, processes, options }: Context): Promise<void> {
  if (!folder.exists()) {
    console.log(`there is no cluster in ${folder.path}`);
    return;
  }
  const all = folder.processes();
  const running = all.filter(({ id }) => processes.pid(id) !== undefined);
  // The router first: it lets requests finish while there are nodes to answer them.
  await Promise.all(
    all.filter(({ role }) => role === 'router').map(({ id }) => processes.stop(id)),
  );
  await Promise.all(all.filter(({ role }) => role === 'node').map(({ id }) => processes.stop(id)));
  if (options.delete) rmSync(folder.path, { recursive: true, force: true });
  const data = options.delete ? 'its data is deleted' : `its data is kept in ${folder.path}`;
  console.log(`the cluster is down (${running.length} processes ended); ${data}`);
}

function nodeOf({ node = '' }: Options): string {
  return node;
}

/** @returns the exit status */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  const folder = new ClusterFolder(options.folder);
  await COMMANDS[options.command]({ folder, processes: new Processes(folder), options });
  return 0;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  const complaint = error instanceof Complaint ? error : complaintOf(error);
  if (complaint === undefined) throw error;
  const { message, status } = complaint;
  console.error(`hack/cluster: ${message}${status === 2 ? ' (see --help)' : ''}`);
  return status;
});
