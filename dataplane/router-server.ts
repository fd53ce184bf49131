import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { AccessDenials } from './access/denials.ts';
import { AdminServer } from './admin/admin-server.ts';
import { OperationCounts } from './admin/operation-counts.ts';
import { routerMetricsPage } from './admin/router-metrics.ts';
import {
  addRouterHealthRoutes,
  addRouterRoutes,
  type KnownNode,
  type RouterAdmin,
} from './admin/router-routes.ts';
import type { ItemContext, Operation, StreamContext } from './api/operation.ts';
import { itemOperations, streamOperations, tableOperations } from './api/operations.ts';
import { refreshingOperation, type TableKnowledge } from './api/refreshing-operation.ts';
import { openCallerAccess } from './caller-access.ts';
import { tableNameOf } from './catalog/arn.ts';
import { ClusterMember } from './cluster-member.ts';
import type { RouterOptions } from './cluster-options.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import { checkCredentials } from './option-values.ts';
import { processLog } from './process-log.ts';
import { systemScheduler } from './replication/scheduler.ts';
import { refreshingAuthorizer } from './request-authorizer.ts';
import { CatalogLookup } from './routing/catalog-lookup.ts';
import { Router } from './routing/router.ts';
import { RemoteStreams } from './stream/remote-streams.ts';
import { ClusterTransactionTables } from './transaction/cluster-tables.ts';
import { TransactionCoordinator } from './transaction/coordinator.ts';
import { Undo } from './undo.ts';

/** How long requests under way may take to finish when the router stops. */
const GRACE_MS = 9_000;

/** A running router. */
export interface RouterServer {
  readonly log: Logger;
  readonly greeting: string;
  readonly reload: () => void;
  /** Finishes requests under way. */
  readonly close: () => Promise<void>;
}

/**
 * Starts to serve the API. The map of partitions is learned in the background: `/readyz` of the
 * admin interface says when there is one.
 * @throws TopologyError, TlsFilesError, CredentialsError, PolicyError, UsageError, or the system's error for a port
 */
export async function startRouter(options: RouterOptions): Promise<RouterServer> {
  const { topologyFile: path, id, bind } = options;
  const member = new ClusterMember({ path, role: 'router', id, bind });
  const { topology, own, listenHost: host } = member;
  const place = bind === undefined ? `the address ${host} of '${id}'` : `--bind ${bind}`;
  checkCredentials(options.credentials, host, place);
  const log = processLog(options.logLevel, { router: own.id });
  const undo = new Undo();
  try {
    const { policiesFile, credentials } = options;
    const files = { credentialsFile: credentials.file, policiesFile };
    const { authenticator, authorizer, close } = openCallerAccess(files, topology, log);
    undo.push(close);
    const router = await connect(member, options, log, undo);
    const catalog = new CatalogLookup(router.control);
    const transactions = startTransactions(router, catalog, log, undo);
    const counts = new OperationCounts(() => systemScheduler.monotonicMs());
    const denials = new AccessDenials();
    const state: RouterState = { isStopping: false, endpoint: undefined };
    const admin = adminOf({ member, router, transactions, counts, denials, state });
    await listenAdmin(admin, member, log, undo);
    const context = contextOf(router, transactions, topology);
    const knowledge = knowledgeOf(router, catalog);
    const endpoint = await Endpoint.listen({
      operations: operationsOf(router, knowledge, counts),
      context,
      authenticator,
      authorize: authorizer && refreshingAuthorizer(authorizer, context, knowledge),
      denials,
      log,
      host,
      port: own.port,
      tls: options.tls,
    });
    state.endpoint = endpoint;
    undo.push(() => endpoint.close(GRACE_MS));
    undo.push(() => endpoint.drain(options.drainMs));
    undo.push(() => {
      state.isStopping = true;
    });
    undo.push(member.watch(log));
    const greeting = `Router '${own.id}' serves the DynamoDB API on ${endpoint.urls}; admin interface on port ${own.adminPort}.\n`;
    return { log, greeting, reload: () => member.reload(log), close: () => undo.run() };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function connect(
  member: ClusterMember,
  { protocolMax }: RouterOptions,
  log: Logger,
  undo: Undo,
): Promise<Router> {
  const { own, topology, processId } = member;
  const transport = member.transport({
    storeId: processId,
    processId,
    protocolMax,
    log,
    faults: undefined,
  });
  undo.push(() => transport.close());
  const router = Router.start({
    routerId: own.id,
    zone: own.zone,
    transport,
    scheduler: systemScheduler,
    randomBytes,
    log: (event, fields) => log.info(fields, event),
    tableNameOf: (nameOrArn) => tableNameOf(nameOrArn, topology),
  });
  undo.push(() => router.close());
  await transport.open();
  return router;
}

function startTransactions(
  router: Router,
  catalog: CatalogLookup,
  log: Logger,
  undo: Undo,
): TransactionCoordinator {
  const transactions = new TransactionCoordinator({
    tables: new ClusterTransactionTables(router, catalog),
    scheduler: systemScheduler,
    randomBytes,
    log: (event, fields) => log.info(fields, event),
  });
  transactions.recovery.start();
  undo.push(() => transactions.close());
  return transactions;
}

function contextOf(
  router: Router,
  transactions: TransactionCoordinator,
  topology: ClusterMember['topology'],
): Omit<ItemContext & StreamContext, 'host'> {
  const { region, accountId } = topology;
  const clock = systemScheduler;
  const streams = RemoteStreams.of(router, {
    clock,
    tableNameOf: (nameOrArn) => tableNameOf(nameOrArn, topology),
  });
  return { tables: router.tables, transactions, streams, region, accountId, clock };
}

function knowledgeOf(router: Router, catalog: CatalogLookup): TableKnowledge {
  return {
    refresh: () => router.learner.refresh(),
    hasTable: (nameOrArn: string) => catalog.hasTable(nameOrArn),
  };
}

/** Operations on items and streams go to partitions, those on tables to where the catalog is led. */
function operationsOf(
  router: Router,
  knowledge: TableKnowledge,
  counts: OperationCounts,
): ReadonlyMap<string, Operation<ItemContext & StreamContext>> {
  const ofItems = Array.from(itemOperations.values(), (operation) =>
    refreshingOperation(operation, knowledge),
  );
  const ofTables: readonly Operation[] = [
    ...router.control.operations(tableOperations.keys()).values(),
  ];
  const all: readonly Operation<ItemContext & StreamContext>[] = [
    ...ofItems,
    ...ofTables,
    ...streamOperations.values(),
  ];
  return new Map(all.map((operation) => [operation.name, counts.counted(operation)]));
}

interface RouterState {
  isStopping: boolean;
  /** Once it takes requests. */
  endpoint: Pick<Endpoint, 'certificate'> | undefined;
}

interface AdminParts {
  readonly member: ClusterMember;
  readonly router: Router;
  readonly transactions: TransactionCoordinator;
  readonly counts: OperationCounts;
  readonly denials: AccessDenials;
  readonly state: Readonly<RouterState>;
}

function adminOf({
  member,
  router,
  transactions,
  counts,
  denials,
  state,
}: AdminParts): RouterAdmin {
  const loadedTls = () => [
    ...member.loadedTls(),
    { use: 'clients', cert: state.endpoint?.certificate },
  ];
  const metrics = routerMetricsPage({
    operations: counts,
    denials,
    router: () => router.metrics,
    transactions: () => transactions.metrics,
    peers: () => member.peers(),
    loadedTls,
  });
  return {
    clusterId: member.topology.clusterId,
    routerId: member.own.id,
    zone: member.own.zone,
    processId: member.processId,
    unreadyReasons: () => (state.isStopping ? ['stopping'] : router.readiness.reasons),
    nodes: () => Array.from(router.map.nodes(), knownNode),
    peers: () => member.peers(),
    counts: () => router.metrics,
    metrics: () => metrics.text(),
    loadedTls,
  };
}

function knownNode({ id, zone, isUp, isSilent, halted, callsCount }: KnownNode): KnownNode {
  return { id, zone, isUp, isSilent, halted, callsCount };
}

/** On its admin port, and on its health port too if it has one: a router takes no changes. */
async function listenAdmin(
  admin: RouterAdmin,
  { own, listenHost: host }: ClusterMember,
  log: Logger,
  undo: Undo,
): Promise<void> {
  const { adminPort, healthPort } = own;
  for (const port of healthPort === undefined ? [adminPort] : [adminPort, healthPort]) {
    const server = await AdminServer.listen({
      host,
      port,
      log,
      tls: undefined,
      takesChanges: false,
      routes: (app) =>
        port === adminPort ? addRouterRoutes(app, admin) : addRouterHealthRoutes(app, admin),
    });
    undo.push(() => server.close());
  }
}
