import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { AccessDenials } from './access/denials.ts';
import { AdminServer } from './admin/admin-server.ts';
import type { LoadedTls } from './admin/certificate-report.ts';
import type { MetricsPage } from './admin/metrics-page.ts';
import { OperationCounts } from './admin/operation-counts.ts';
import type { OperationMetricsSources } from './admin/operation-metrics.ts';
import { type RouterMetricsSources, routerMetricsPage } from './admin/router-metrics.ts';
import { addRouterHealthRoutes } from './admin/router-routes.ts';
import type { Operation, ServerContext } from './api/operation.ts';
import { itemOperations, streamOperations, tableOperations } from './api/operations.ts';
import { refreshingOperation, type TableKnowledge } from './api/refreshing-operation.ts';
import { openCallerAccess } from './caller-access.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import { FileWatch } from './file-watch.ts';
import { accountIdOf } from './kubernetes/account.ts';
import { KubeClient } from './kubernetes/api-client.ts';
import type { Rate } from './kubernetes/token-bucket.ts';
import { NamespaceTables } from './kubernetes-router/namespace-tables.ts';
import type { Lookup } from './kubernetes-router/storage-discovery.ts';
import type { KubernetesRouterOptions } from './kubernetes-router-options.ts';
import { checkCredentials, UsageError } from './option-values.ts';
import { processLog } from './process-log.ts';
import { systemScheduler } from './replication/scheduler.ts';
import { refreshingAuthorizer } from './request-authorizer.ts';
import type { RouterServer } from './router-server.ts';
import { readTlsFiles, TlsFilesError } from './tls-files.ts';
import { TransactionCoordinator } from './transaction/coordinator.ts';
import { Undo } from './undo.ts';

/** How long requests under way may take to finish when the router stops. */
const GRACE_MS = 9_000;
/** Of calls to the API server: to change tables, and to look for tables that nobody knows. */
const API_RATE = { perSecond: 50, burst: 100 } as const;
const LOOK_RATE = { perSecond: 10, burst: 20 } as const;

/** What tests give instead of what the system has. */
export interface RouterSurroundings {
  readonly lookup?: Lookup;
}

/**
 * Starts to serve the API for all tables of a namespace. What tables there are is learned in the
 * background: `/readyz` says when it is known.
 * @throws TlsFilesError, CredentialsError, PolicyError, UsageError, or the system's error for a port
 */
export async function startKubernetesRouter(
  options: KubernetesRouterOptions,
  surroundings: RouterSurroundings = {},
): Promise<RouterServer> {
  const { id, region, namespace, bind: host, port } = options;
  checkCredentials(options.credentials, host, `--bind ${host}`);
  const log = processLog(options.logLevel, { router: id });
  const place = { region, accountId: accountIdOf(namespace) };
  const undo = new Undo();
  try {
    const { policiesFile, credentials } = options;
    const files = { credentialsFile: credentials.file, policiesFile };
    const { authenticator, authorizer, close } = openCallerAccess(files, place, log);
    undo.push(close);
    const client = await apiClient(API_RATE, undo);
    const lookClient = await apiClient(LOOK_RATE, undo);
    const parts = { client, lookClient, log, undo, ...surroundings };
    const { tables, reload } = openTables(options, parts);
    const transactions = startTransactions(tables, log, undo);
    const counts = new OperationCounts(() => systemScheduler.monotonicMs());
    const denials = new AccessDenials();
    const state: ServingState = { phase: 'starting', endpoint: undefined };
    await listenHealth(options, { tables, transactions, counts, denials, state, log, undo });
    const context = {
      tables: tables.clusters,
      transactions,
      catalog: tables.controlPlane,
      streams: tables.streams,
      ...place,
      clock: systemScheduler,
    };
    const endpoint = await Endpoint.listen<ServerContext>({
      operations: operationsOf(tables.knowledge, counts),
      context,
      authenticator,
      authorize: authorizer && refreshingAuthorizer(authorizer, context, tables.knowledge),
      denials,
      log,
      host,
      port,
      tls: options.tls,
    });
    state.endpoint = endpoint;
    undo.push(() => endpoint.close(GRACE_MS));
    undo.push(() => endpoint.drain(options.drainMs));
    state.phase = 'serving';
    undo.push(() => {
      state.phase = 'stopping';
    });
    const greeting = `Router '${id}' serves the DynamoDB API for namespace '${namespace}' on ${endpoint.urls}; health on port ${options.healthPort}.\n`;
    return { log, greeting, reload, close: () => undo.run() };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

function startTransactions(
  tables: NamespaceTables,
  log: Logger,
  undo: Undo,
): TransactionCoordinator {
  const transactions = new TransactionCoordinator({
    tables: tables.transactions,
    scheduler: systemScheduler,
    randomBytes,
    log: (event, fields) => log.info(fields, event),
  });
  transactions.recovery.start();
  undo.push(() => transactions.close());
  return transactions;
}

/** @throws UsageError when nothing says where the API server is */
async function apiClient(rate: Rate, undo: Undo): Promise<KubeClient> {
  try {
    const client = await KubeClient.load({ userAgent: 'trestle-router', rate });
    undo.push(() => client.close());
    return client;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new UsageError(`the Kubernetes API server is not known: ${error.message}`);
  }
}

interface TablesParts extends RouterSurroundings {
  readonly client: KubeClient;
  readonly lookClient: KubeClient;
  readonly log: Logger;
  readonly undo: Undo;
}

/** Returns how to read the certificates again, too. @throws TlsFilesError */
function openTables(
  options: KubernetesRouterOptions,
  { client, lookClient, log, undo, lookup }: TablesParts,
): { readonly tables: NamespaceTables; readonly reload: () => void } {
  const { namespace, id, zone, region, protocolMax, storageHost, storagePort, nodeTls } = options;
  const tables = NamespaceTables.start({
    client,
    lookClient,
    namespace,
    routerId: id,
    zone,
    place: { region, accountId: accountIdOf(namespace) },
    protocolMax,
    tls: nodeTls && readTlsFiles(nodeTls),
    storage: { host: storageHost, port: storagePort, lookup },
    scheduler: systemScheduler,
    log,
  });
  undo.push(() => tables.close());
  if (nodeTls === undefined) return { tables, reload: () => undefined };
  const reload = () => {
    try {
      tables.setTls(readTlsFiles(nodeTls));
      log.info('certificateReloaded');
    } catch (error) {
      if (!(error instanceof TlsFilesError)) throw error;
      log.error({ error: error.message }, 'certificateRefused');
    }
  };
  const watch = FileWatch.start({ paths: () => Object.values(nodeTls), onChange: reload });
  undo.push(() => watch.close());
  return { tables, reload };
}

function operationsOf(
  knowledge: TableKnowledge,
  counts: OperationCounts,
): ReadonlyMap<string, Operation<ServerContext>> {
  const ofItems = Array.from(itemOperations.values(), (operation) =>
    refreshingOperation(operation, knowledge),
  );
  const all: readonly Operation<ServerContext>[] = [
    ...ofItems,
    ...tableOperations.values(),
    ...streamOperations.values(),
  ];
  return new Map(all.map((operation) => [operation.name, counts.counted(operation)]));
}

interface ServingState {
  phase: 'starting' | 'serving' | 'stopping';
  /** Once it takes requests. */
  endpoint: Pick<Endpoint, 'certificate'> | undefined;
}

interface HealthParts {
  readonly tables: NamespaceTables;
  readonly transactions: TransactionCoordinator;
  readonly counts: OperationCounts;
  readonly denials: AccessDenials;
  readonly state: Readonly<ServingState>;
  readonly log: Logger;
  readonly undo: Undo;
}

/** A router takes no changes and tells nobody anything that is secret, so it asks nobody who they are. */
async function listenHealth(
  { bind: host, healthPort: port }: KubernetesRouterOptions,
  { tables, transactions, counts, denials, state, log, undo }: HealthParts,
): Promise<void> {
  const loadedTls = (): readonly LoadedTls[] => [
    { use: 'peers', ...tables.tls },
    { use: 'clients', cert: state.endpoint?.certificate },
  ];
  const page = metricsOf(tables, transactions, { operations: counts, denials, loadedTls });
  const server = await AdminServer.listen({
    host,
    port,
    log,
    tls: undefined,
    takesChanges: false,
    routes: (app) =>
      addRouterHealthRoutes(app, {
        unreadyReasons: () => (state.phase === 'serving' ? tables.unreadyReasons() : [state.phase]),
        metrics: () => page.text(),
        loadedTls,
      }),
  });
  undo.push(() => server.close());
}

function metricsOf(
  tables: NamespaceTables,
  transactions: TransactionCoordinator,
  endpoint: OperationMetricsSources & Pick<RouterMetricsSources, 'loadedTls'>,
): MetricsPage {
  const { clusters } = tables;
  const page = routerMetricsPage({
    ...endpoint,
    router: () => clusters.metrics,
    transactions: () => transactions.metrics,
    peers: () => clusters.peers(),
  });
  page.gauge(
    { name: 'tables_connected', help: 'Tables in use: their nodes are connected.' },
    () => [{ value: clusters.linkedCount }],
  );
  page.gauge(
    {
      name: 'api_server_age_seconds',
      help: 'Since the Kubernetes API server was last heard of, about once a minute when nothing changes.',
    },
    () => [{ value: tables.apiServerAgeMs / 1_000 }],
  );
  return page;
}
