import { NodeControl } from '../control/node-control.ts';
import type { RepairOptions } from '../control/repair.ts';
import { ForwarderLocate } from '../node/forwarder-locate.ts';
import type { NodeLimits } from '../node/limits.ts';
import { checkStatePair } from '../node/state-check.ts';
import { StorageNode } from '../node/storage-node.ts';
import type { NewCore } from '../replication/core/consensus-core.ts';
import type { ReplicationLimits } from '../replication/limits.ts';
import { MultiRaft } from '../replication/multi-raft.ts';
import type { ReplicaHost } from '../replication/replica.ts';
import type { NodeId, Transport } from '../replication/transport/transport.ts';
import { CatalogLookup } from '../routing/catalog-lookup.ts';
import { Router } from '../routing/router.ts';
import type { Store } from '../storage/store.ts';
import { ClusterTransactionTables } from '../transaction/cluster-tables.ts';
import { TransactionCoordinator } from '../transaction/coordinator.ts';
import type { Transactions } from '../transaction/requests.ts';
import type { SimRandom } from './random.ts';
import type { SimEnvironment, SimProgram } from './sim-machine.ts';

/** A storage node's process. */
export interface NodeApp {
  readonly kind: 'node';
  readonly host: MultiRaft;
  readonly router: Router;
  readonly control: NodeControl;
  readonly node: StorageNode;
}

/** A router's process. */
export interface RouterApp {
  readonly kind: 'router';
  readonly router: Router;
  readonly coordinator: TransactionCoordinator;
  /** What clients call: the coordinator, but for mistakes made on purpose. */
  readonly transactions: Transactions;
}

export type ClusterApp = NodeApp | RouterApp;

/** What all processes of one simulated cluster have in common. */
export interface ClusterSetup extends SetupOverlays {
  readonly nodes: readonly NodeId[];
  readonly zoneOf: (id: NodeId) => string;
  readonly newCoreOf: (node: NodeId) => NewCore;
  readonly limits: {
    readonly replication: Partial<ReplicationLimits>;
    readonly node: Partial<NodeLimits>;
  };
  readonly repair: RepairOptions;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  /** A node's process begins, with what is on its disk. */
  readonly onNode: (environment: SimEnvironment) => void;
  /** A router's process runs. */
  readonly onRouter: (app: RouterApp, environment: SimEnvironment) => void;
}

/** What comes between the parts of a process, for mistakes made on purpose. */
export interface SetupOverlays {
  readonly coreOf: (newCore: NewCore) => NewCore;
  readonly storeOf: (store: Store) => Store;
  /** Between a node's parts and its replicas. */
  readonly hostOf: (host: ReplicaHost) => ReplicaHost;
  /** Between a router and the network. */
  readonly transportOf: (transport: Transport, environment: SimEnvironment) => Transport;
  /** Between a router's clients and its coordinator. */
  readonly transactionsOf: (transactions: Transactions) => Transactions;
}

export const noOverlays: SetupOverlays = {
  coreOf: (newCore) => newCore,
  storeOf: (store) => store,
  hostOf: (host) => host,
  transportOf: (transport) => transport,
  transactionsOf: (transactions) => transactions,
};

const REGION = 'us-east-1';
const ACCOUNT_ID = '000000000000';

/** A storage node, put together as in `node-server.ts`. */
export function nodeProgram(setup: ClusterSetup): SimProgram<ClusterApp> {
  return {
    boot: (environment) => bootNode(setup, environment),
    shutdown: async (app, { transport, store }) => {
      if (app.kind !== 'node') return;
      await app.node.drain();
      app.node.close();
      await app.control.close();
      app.router.close();
      await app.host.close();
      await transport.close();
      await store.close();
    },
  };
}

/** A router, as in `router-server.ts`. */
export function routerProgram(setup: ClusterSetup): SimProgram<ClusterApp> {
  return {
    boot: (environment) => {
      const { id, scheduler, random } = environment;
      const router = Router.start({
        routerId: id,
        zone: setup.zoneOf(id),
        transport: setup.transportOf(environment.transport, environment),
        scheduler,
        randomBytes: bytesOf(random),
        log: (event, fields) => setup.log(event, { process: id, ...fields }),
      });
      const coordinator = startCoordinator(setup, router, environment);
      const transactions = setup.transactionsOf(coordinator);
      const app: RouterApp = { kind: 'router', router, coordinator, transactions };
      setup.onRouter(app, environment);
      return app;
    },
    shutdown: async (app, { transport }) => {
      if (app.kind === 'router') await app.coordinator.close();
      app.router.close();
      await transport.close();
    },
  };
}

function startCoordinator(
  setup: ClusterSetup,
  router: Router,
  { id, scheduler, random }: SimEnvironment,
): TransactionCoordinator {
  const catalog = new CatalogLookup(router.control);
  const coordinator = new TransactionCoordinator({
    tables: new ClusterTransactionTables(router, catalog),
    scheduler,
    randomBytes: bytesOf(random.fork('coordinator')),
    log: (event, fields) => setup.log(event, { process: id, ...fields }),
  });
  coordinator.recovery.start();
  return coordinator;
}

async function bootNode(setup: ClusterSetup, environment: SimEnvironment): Promise<NodeApp> {
  const { id, scheduler, transport, storeId, random, probe } = environment;
  const store = setup.storeOf(environment.store);
  setup.onNode(environment);
  const zone = setup.zoneOf(id);
  const randomBytes = bytesOf(random);
  const log = (event: string, fields: object) => setup.log(event, { process: id, ...fields });
  const host = await MultiRaft.open({
    nodeId: id,
    store,
    transport,
    scheduler,
    newCore: setup.coreOf(setup.newCoreOf(id)),
    randomU32: () => random.u32(),
    log,
    limits: setup.limits.replication,
    checkPair: checkStatePair,
    probe,
  });
  const router = Router.start({
    routerId: id,
    zone,
    transport,
    scheduler,
    randomBytes,
    log,
    isNode: true,
  });
  const replicas = setup.hostOf(host);
  const control = NodeControl.start({
    host: replicas,
    transport,
    forwarder: router.forwarder,
    nodes: () => setup.nodes,
    region: REGION,
    accountId: ACCOUNT_ID,
    scheduler,
    randomBytes,
    log,
    repair: setup.repair,
  });
  const node = StorageNode.start({
    nodeId: id,
    zone,
    storeId,
    processId: `${id} ${random.u32()}`,
    host: replicas,
    transport,
    scheduler,
    randomBytes,
    log,
    limits: setup.limits.node,
    probe,
    locate: new ForwarderLocate(router.forwarder, scheduler),
    onCatalogLeader: control.catalogLeaderChanged,
  });
  return { kind: 'node', host, router, control, node };
}

function bytesOf(random: SimRandom): (count: number) => Uint8Array {
  return (count) => {
    const bytes = Buffer.alloc(count);
    for (let at = 0; at < count; at += 1) bytes[at] = random.u32();
    return bytes;
  };
}
