import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { AdminServer } from './admin/admin-server.ts';
import { addNodeHealthRoutes, addNodeRoutes } from './admin/node-routes.ts';
import { ClusterMember } from './cluster-member.ts';
import type { NodeOptions } from './cluster-options.ts';
import { NodeControl } from './control/node-control.ts';
import { claimFolder, type NodeIdentity, readIdentity } from './identity.ts';
import { LocalNodeAdmin } from './local-node-admin.ts';
import { ForwarderLocate } from './node/forwarder-locate.ts';
import { checkStatePair } from './node/state-check.ts';
import { StorageNode } from './node/storage-node.ts';
import { processLog } from './process-log.ts';
import { loadCore } from './replication/core/wasm-core.ts';
import { MultiRaft } from './replication/multi-raft.ts';
import { systemScheduler } from './replication/scheduler.ts';
import { OPERATOR_CERTIFICATE_NAME } from './replication/transport/certificate.ts';
import { LinkFaults } from './replication/transport/link-faults.ts';
import type { TcpTransport } from './replication/transport/tcp-transport.ts';
import { Router } from './routing/router.ts';
import { openStore } from './storage/open.ts';
import type { Store, StoreError } from './storage/store.ts';
import { HttpPoster } from './trigger/http-poster.ts';
import { SecretFiles } from './trigger/secret-files.ts';
import { Undo } from './undo.ts';

/** How long a node that stops tries to hand its leaderships over. */
const DRAIN_MS_MAX = 9_000;

/** A running storage node. */
export interface NodeServer {
  readonly log: Logger;
  readonly greeting: string;
  readonly reload: () => void;
  /** Hands leaderships over, then closes the store. */
  readonly close: () => Promise<void>;
}

/** What is open on the way up; closed through `undo`. */
interface Parts {
  readonly options: NodeOptions;
  readonly member: ClusterMember;
  readonly identity: NodeIdentity;
  readonly store: Store;
  readonly transport: TcpTransport;
  readonly faults: LinkFaults | undefined;
  readonly log: Logger;
  readonly undo: Undo;
}

/**
 * Opens the node's data folder, recovers its replicas and takes part in the cluster.
 *
 * @param stop called when the process cannot go on (damage found in the background)
 * @throws TopologyError, TlsFilesError, IdentityError, StoreError, or the system's error for a port;
 *   nothing stays open
 */
export async function startNode(
  options: NodeOptions,
  stop: (error: StoreError) => void,
): Promise<NodeServer> {
  const { topologyFile: path, id, bind } = options;
  const member = new ClusterMember({ path, role: 'node', id, bind });
  const log = processLog(options.logLevel, { node: id });
  const undo = new Undo();
  try {
    const { store, identity } = await openFolder(options, member, { log, undo, stop });
    const faults = options.hasFaultInjection ? new LinkFaults() : undefined;
    const transport = member.transport({
      storeId: identity.storeId,
      processId: member.processId,
      protocolMax: options.protocolMax,
      log,
      faults,
    });
    undo.push(() => transport.close());
    await compose({ options, member, identity, store, transport, faults, log, undo });
    undo.push(member.watch(log));
    return {
      log,
      greeting: greetingOf(member, options),
      reload: () => member.reload(log),
      close: () => undo.run(),
    };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

/** The store, and whose it is: read once the store's lock keeps others from changing it. */
async function openFolder(
  { folder, durability }: NodeOptions,
  { topology, own }: ClusterMember,
  {
    log,
    undo,
    stop,
  }: { readonly log: Logger; readonly undo: Undo; readonly stop: (error: StoreError) => void },
): Promise<{ readonly store: Store; readonly identity: NodeIdentity }> {
  const { clusterId } = topology;
  const claimed = await claimFolder(folder, { clusterId, nodeId: own.id, zone: own.zone });
  const store = await openStore({
    folder,
    durability,
    // Of what replication syncs, nothing is acted upon before it is durable.
    syncsApart: true,
    log: (event, fields) => log.info(fields, event),
    onDamage: stop,
  });
  undo.push(() => store.close());
  return { store, identity: (await readIdentity(folder)) ?? claimed };
}

/** Makes the parts of the node and starts them, the transport last: then calls come in. */
async function compose(parts: Parts): Promise<void> {
  const { member, identity, store, transport, log, undo } = parts;
  const { own, topology, processId } = member;
  const logEvent = (event: string, fields: object) => log.info(fields, event);
  const host = await MultiRaft.open({
    nodeId: own.id,
    store,
    transport,
    scheduler: systemScheduler,
    newCore: await loadCore(),
    randomU32: () => randomBytes(4).readUInt32LE(),
    log: logEvent,
    limits: topology.limits.replication,
    checkPair: checkStatePair,
  });
  undo.push(() => host.close());
  const router = Router.start({
    routerId: own.id,
    zone: own.zone,
    transport,
    scheduler: systemScheduler,
    randomBytes,
    log: logEvent,
    isNode: true,
  });
  undo.push(() => router.close());
  const control = NodeControl.start({
    host,
    transport,
    forwarder: router.forwarder,
    nodes: () => member.nodeIds,
    region: topology.region,
    accountId: topology.accountId,
    scheduler: systemScheduler,
    randomBytes,
    log: logEvent,
  });
  undo.push(() => control.close());
  const poster = new HttpPoster(
    new SecretFiles(parts.options.secretsFolder),
    systemScheduler.nowMs,
  );
  undo.push(() => poster.close());
  const node = StorageNode.start({
    nodeId: own.id,
    zone: own.zone,
    storeId: identity.storeId,
    processId,
    host,
    transport,
    scheduler: systemScheduler,
    randomBytes,
    log: logEvent,
    limits: { drainMsMax: DRAIN_MS_MAX },
    locate: new ForwarderLocate(router.forwarder, systemScheduler),
    poster,
    onCatalogLeader: control.catalogLeaderChanged,
  });
  undo.push(() => node.close());
  await serve(parts, new LocalNodeAdmin({ ...parts, host, node, control, router }), node);
}

async function serve(parts: Parts, admin: LocalNodeAdmin, node: StorageNode): Promise<void> {
  const { transport, undo } = parts;
  await listenAdmin(parts, admin);
  await listenHealth(parts, admin);
  await transport.open();
  admin.isOpen = true;
  undo.push(() => node.drain());
  undo.push(() => {
    admin.isOpen = false;
  });
}

/** Where processes speak TLS, the admin interface is the operator's alone. */
async function listenAdmin({ member, log, undo }: Parts, admin: LocalNodeAdmin): Promise<void> {
  const { tls: material } = member;
  const server = await AdminServer.listen({
    host: member.listenHost,
    port: member.own.adminPort,
    log,
    tls: material && { material, callerName: OPERATOR_CERTIFICATE_NAME },
    takesChanges: true,
    routes: (app) => addNodeRoutes(app, admin),
  });
  member.onTls((renewed) => server.setTls(renewed));
  undo.push(() => server.close());
}

async function listenHealth({ member, log, undo }: Parts, admin: LocalNodeAdmin): Promise<void> {
  const { healthPort: port } = member.own;
  if (port === undefined) return;
  const server = await AdminServer.listen({
    host: member.listenHost,
    port,
    log,
    tls: undefined,
    takesChanges: false,
    routes: (app) => addNodeHealthRoutes(app, admin),
  });
  undo.push(() => server.close());
}

function greetingOf({ own, listenHost }: ClusterMember, { folder }: NodeOptions): string {
  return (
    `Node '${own.id}' of zone ${own.zone} takes part on ${listenHost}:${own.port} ` +
    `(data in ${folder}); admin interface on port ${own.adminPort}.\n`
  );
}
