import { type Logger, pino } from 'pino';
import { CredentialsFile } from './access/credentials.ts';
import { SignaturePresence } from './access/signature-presence.ts';
import { SignatureVerifier } from './access/signature-verifier.ts';
import type { Authenticator } from './access/signed-message.ts';
import { operations } from './api/operations.ts';
import { Catalog } from './catalog/catalog.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import type { EmbeddedOptions } from './options.ts';
import { LocalRouter } from './routing/local-router.ts';
import { openStore } from './storage/open.ts';
import type { StoreError } from './storage/store.ts';

/** How long requests under way may take to finish when the server stops. */
const GRACE_MS = 9_000;

/** A running embedded server: router, storage and catalog in one process. */
export interface EmbeddedServer {
  readonly url: string;
  readonly log: Logger;
  /** Finishes requests under way, then closes the catalog and the store. */
  close(): Promise<void>;
}

/**
 * Opens the store and starts to serve.
 *
 * @param stop called when the process cannot go on (damage found in the background)
 * @throws StoreError, CredentialsError, or the system's error for the port; nothing stays open
 */
export async function startEmbedded(
  options: EmbeddedOptions,
  stop: (error: StoreError) => void,
): Promise<EmbeddedServer> {
  // Logs are rare and must be out before a crash ends the process, so they are written at once.
  const log = pino(
    { level: options.logLevel, base: null },
    pino.destination({ fd: 2, sync: true }),
  );
  const logEvent = (event: string, fields: object) => log.info(fields, event);
  const clock = { nowMs: () => Date.now() };
  const { region, accountId } = options;
  const { authenticator, closeCredentials } = openAccess(options, log);
  const undo: (() => Promise<void> | void)[] = [closeCredentials];
  const close = async () => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    const { folder, durability } = options;
    const store = await openStore({ folder, durability, log: logEvent, onDamage: stop });
    undo.push(() => store.close());
    const router = new LocalRouter(store, clock);
    const catalog = await Catalog.open({ store, router, region, accountId, clock, log: logEvent });
    undo.push(() => catalog.close());
    const endpoint = await Endpoint.listen({
      operations,
      context: { catalog, tables: catalog, region, accountId, clock },
      authenticator,
      log,
      host: options.host,
      port: options.port,
    });
    undo.push(() => endpoint.close(GRACE_MS));
    return { url: endpoint.url, log, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function openAccess(
  { credentialsFile, region }: EmbeddedOptions,
  log: Logger,
): { authenticator: Authenticator; closeCredentials: () => void } {
  if (credentialsFile === undefined) {
    return { authenticator: new SignaturePresence(), closeCredentials: () => undefined };
  }
  const credentials = CredentialsFile.open(credentialsFile, (event, fields) =>
    fields.error === undefined ? log.info(fields, event) : log.error(fields, event),
  );
  return {
    authenticator: new SignatureVerifier({ credentials, region }),
    closeCredentials: () => credentials.close(),
  };
}
