import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { askAdmin, errorOf } from './admin-client.ts';
import { type ClusterFolder, type Process, ROUTER } from './cluster-folder.ts';
import { Complaint } from './complaint.ts';
import { clientOf, endpointOf, ensureTable } from './demo-table.ts';
import { canBind, ownAddress, ownPorts } from './loopback.ts';
import type { Options } from './options.ts';
import type { Processes } from './processes.ts';

const POLL_MS = 100;
const LIVE_MS_MAX = 30_000;
const READY_MS_MAX = 60_000;
/** A node gives up after 30 s by itself. */
const BOOTSTRAP_MS_MAX = 35_000;

/** Makes the cluster where there is none, starts what does not run, and waits until it serves. */
export async function up(
  folder: ClusterFolder,
  processes: Processes,
  options: Options,
): Promise<void> {
  if (folder.exists()) checkShape(folder, options);
  else await create(folder, options);
  const all = folder.processes();
  for (const process of all) processes.start(process);
  const awake = all.filter(({ id }) => processes.state(id) !== 'paused');
  await Promise.all(awake.map((process) => isLive(process, processes)));
  await bootstrap(folder, awake);
  const router = folder.process(ROUTER);
  if (awake.includes(router) || processes.state(ROUTER) === 'running') {
    await becomes(router, '/readyz', READY_MS_MAX);
  }
  const client = clientOf(router);
  try {
    await ensureTable(client, options.table);
  } catch (error) {
    complainOfEnded(awake, processes);
    throw error;
  } finally {
    client.destroy();
  }
  const paused = all.filter((process) => !awake.includes(process)).map(({ id }) => id);
  console.log(greeting(folder, router, options.table, paused));
}

async function create(folder: ClusterFolder, options: Options): Promise<void> {
  const { zones = 3, nodesPerZone = 1, port = 8000 } = options;
  const { host } = ownAddress(zones - 1, nodesPerZone - 1);
  const hasAddresses = await canBind(host);
  if (!hasAddresses) {
    console.log(
      `${host} cannot be listened on here: nodes share 127.0.0.1, with ports of their own`,
    );
  }
  folder.create({ zones, nodesPerZone, port, hostOf: hasAddresses ? ownAddress : ownPorts });
}

/** Options that the cluster contradicts must not be passed over. */
function checkShape(folder: ClusterFolder, { zones, nodesPerZone, port }: Options): void {
  const { nodes, routers } = folder.topology();
  const has = {
    zones: new Set(nodes.map((node) => node.zone)).size,
    nodesPerZone: nodes.length / new Set(nodes.map((node) => node.zone)).size,
    port: routers[0]?.port,
  };
  const isOther =
    (zones ?? has.zones) !== has.zones ||
    (nodesPerZone ?? has.nodesPerZone) !== has.nodesPerZone ||
    (port ?? has.port) !== has.port;
  if (!isOther) return;
  throw new Complaint(
    `the cluster in ${folder.path} has ${has.zones} zones, ${has.nodesPerZone} nodes in each, and port ${has.port}: ` +
      'delete it (hack/cluster down --delete) or use another --data',
  );
}

/** Waits until a process answers; says why when it has ended instead. */
export async function isLive(process: Process, processes: Processes): Promise<void> {
  await becomes(process, '/livez', LIVE_MS_MAX, () => complainOfEnded([process], processes));
}

/** @throws Complaint when one of them has ended */
function complainOfEnded(all: readonly Process[], processes: Processes): void {
  for (const { id } of all) {
    const epitaph = processes.epitaph(id);
    if (epitaph !== undefined) throw new Complaint(epitaph);
  }
}

/** Founds the catalog: once, since a second one would be another cluster. */
async function bootstrap(folder: ClusterFolder, awake: readonly Process[]): Promise<void> {
  if (existsSync(folder.bootstrappedFile)) return;
  const first = awake.find(({ role }) => role === 'node');
  if (first === undefined) throw new Complaint('all nodes are paused');
  const endMs = performance.now() + READY_MS_MAX;
  for (;;) {
    const { status, body } = await askAdmin(first, 'POST', '/bootstrap', {}, BOOTSTRAP_MS_MAX);
    if (status < 300) break;
    // Nodes may still be finding each other.
    if (status < 500 || performance.now() > endMs) {
      throw new Complaint(`the catalog cannot be founded: ${errorOf(body)}`);
    }
    await delay(POLL_MS);
  }
  writeFileSync(folder.bootstrappedFile, '');
}

async function becomes(
  process: Process,
  path: string,
  msMax: number,
  check: () => void = () => {},
): Promise<void> {
  const endMs = performance.now() + msMax;
  for (;;) {
    const answer = await askAdmin(process, 'GET', path).catch((error: unknown) => {
      if (error instanceof Complaint) return error;
      throw error;
    });
    if (!(answer instanceof Complaint) && answer.status === 200) return;
    check();
    if (performance.now() > endMs) {
      const reason = answer instanceof Complaint ? answer.message : JSON.stringify(answer.body);
      throw new Complaint(`${process.id} is not ready after ${msMax / 1000} s: ${reason}`);
    }
    await delay(POLL_MS);
  }
}

function greeting(
  folder: ClusterFolder,
  router: Process,
  table: string,
  paused: readonly string[],
): string {
  const url = endpointOf(router);
  const nodes = folder.topology().nodes.map((node) => node.id);
  return [
    `The cluster serves the DynamoDB API on ${url}, with the table ${table} (keys pk and sk).`,
    ...(paused.length === 0 ? [] : [`Paused: ${paused.join(', ')} (hack/cluster resume NODE)`]),
    `Nodes: ${nodes.join(', ')}; data and logs in ${folder.path}`,
    'Try:',
    `  AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws dynamodb scan --table-name ${table} --endpoint-url ${url} --region us-east-1`,
    '  hack/cluster status | load | kill NODE | restart NODE | down',
  ].join('\n');
}
