import type { Logger } from 'pino';
import { operations } from './api/operations.ts';
import { openCallerAccess } from './caller-access.ts';
import { Catalog } from './catalog/catalog.ts';
import type { EmbeddedHealth } from './embedded-health.ts';
import type { EmbeddedOptions } from './embedded-options.ts';
import { openTriggers } from './embedded-triggers.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import { assertEmbeddedFolder } from './identity.ts';
import { processLog } from './process-log.ts';
import { requestAuthorizer } from './request-authorizer.ts';
import { LocalRouter } from './routing/local-router.ts';
import { openStore } from './storage/open.ts';
import type { StoreError } from './storage/store.ts';
import { startLocalTransactions } from './transaction/local-transactions.ts';
import { Undo } from './undo.ts';

/** How long requests under way may take to finish when the server stops. */
const GRACE_MS = 9_000;

/** A running embedded server: router, storage and catalog in one process. */
export interface EmbeddedServer {
  readonly url: string;
  /** Where it serves, for people. */
  readonly urls: string;
  /** Of health and metrics, if they are told. */
  readonly healthPort: number | undefined;
  readonly log: Logger;
  /** Finishes requests under way, then closes the catalog and the store. */
  close(): Promise<void>;
}

/**
 * Opens the store and starts to serve.
 *
 * @param stop called when the process cannot go on (damage found in the background)
 * @throws StoreError, IdentityError, CredentialsError, PolicyError, TlsFilesError, TriggersFileError, or the system's error for a port;
 *   nothing stays open
 */
export async function startEmbedded(
  options: EmbeddedOptions,
  stop: (error: StoreError) => void,
): Promise<EmbeddedServer> {
  const log = processLog(options.logLevel);
  const logEvent = (event: string, fields: object) => log.info(fields, event);
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const { region, accountId } = options;
  const { authenticator, authorizer, close: closeAccess } = openCallerAccess(options, options, log);
  const undo = new Undo();
  undo.push(closeAccess);
  try {
    const { folder, durability } = options;
    if (folder !== undefined) await assertEmbeddedFolder(folder);
    const store = await openStore({ folder, durability, log: logEvent, onDamage: stop });
    undo.push(() => store.close());
    const triggers =
      options.triggersFile === undefined ? undefined : openTriggers(options.triggersFile, log);
    if (triggers !== undefined) undo.push(() => triggers.close());
    const router = new LocalRouter(store, clock, undefined, triggers?.watch);
    const catalog = await Catalog.open({ store, router, region, accountId, clock, log: logEvent });
    undo.push(() => catalog.close());
    const transactions = await startLocalTransactions({
      router,
      hasTable: (table) => catalog.hasTable(table),
      log: logEvent,
    });
    undo.push(() => transactions.close());
    const { streams } = catalog;
    const context = { catalog, tables: catalog, streams, transactions, region, accountId, clock };
    const health = await openHealth(options, log, undo);
    const endpoint = await Endpoint.listen({
      operations: health?.counted(operations) ?? operations,
      context,
      authenticator,
      authorize: authorizer && requestAuthorizer(authorizer, context),
      denials: health?.denials,
      log,
      host: options.host,
      port: options.port,
      tls: options.tls,
    });
    undo.push(() => endpoint.close(GRACE_MS));
    if (health !== undefined) {
      health.phase = 'serving';
      undo.push(() => {
        health.phase = 'stopping';
      });
    }
    const { url, urls } = endpoint;
    return { url, urls, healthPort: health?.port, log, close: () => undo.run() };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

/** Undefined where nobody asks for it: then nothing is counted, and its modules are not loaded. */
async function openHealth(
  { host, healthPort: port }: EmbeddedOptions,
  log: Logger,
  undo: Undo,
): Promise<EmbeddedHealth | undefined> {
  if (port === undefined) return undefined;
  const { EmbeddedHealth: Health } = await import('./embedded-health.ts');
  const health = await Health.listen({ host, port, log });
  undo.push(() => health.close());
  return health;
}
