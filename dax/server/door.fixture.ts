import { type Logger, pino } from 'pino';
import { type Authorizer, everythingAllowed } from '../../dataplane/access/authorizer.ts';
import { rootOf } from '../../dataplane/access/principal.ts';
import { SignaturePresence } from '../../dataplane/access/signature-presence.ts';
import { operations } from '../../dataplane/api/operations.ts';
import { type Server, startServer } from '../../dataplane/api/server.fixture.ts';
import { Endpoint } from '../../dataplane/endpoint/endpoint.ts';
import type { CertificateFiles } from '../../dataplane/tls-files.ts';
import { CachedTables } from '../cache/cached-tables.ts';
import { AttributeLists } from '../cluster/attribute-lists.ts';
import { type Member, SingleNode } from '../cluster/coherence.ts';
import { MemoryRegistryStore } from '../cluster/memory-registry-store.ts';
import { anyKey } from '../role.ts';
import { HttpTableCalls } from '../tables/http-table-calls.ts';
import { TableDescriptions } from '../tables/table-descriptions.ts';
import { DaxServer } from './dax-server.ts';
import type { DoorLists } from './door-tables.ts';
import { AnyHandshakes, type Handshakes } from './handshake.ts';
import type { SessionTimeouts } from './limits.ts';
import type { SessionClock } from './session.ts';

const ACCOUNT = '123456789012';
const REGION = 'us-east-1';

/** For tests: the DAX door over a real cache and, by HTTP, a real embedded server in this process. */
export interface Door {
  readonly server: DaxServer;
  /** Of plain TCP. */
  readonly port: number;
  /** The tables themselves, past the cache. */
  readonly tables: Server;
  readonly cache: CachedTables;
  readonly lists: AttributeLists;
  /** @param graceMs for requests under way (1 s) */
  close(graceMs?: number): Promise<void>;
}

export interface DoorOptions {
  readonly handshakes?: Handshakes;
  readonly authorizer?: Authorizer;
  /** Any free one unless given. */
  readonly port?: number;
  readonly tls?: CertificateFiles;
  readonly clock?: SessionClock;
  readonly timeouts?: SessionTimeouts;
  readonly connectionsMax?: number;
  readonly members?: () => readonly Member[];
  readonly log?: Logger;
  /** What the door sees of the registry of attribute lists. */
  readonly lists?: (lists: AttributeLists) => DoorLists;
}

export async function openDoor(options: DoorOptions = {}): Promise<Door> {
  const { log = pino({ level: 'silent' }) } = options;
  const tables = await startServer();
  const endpoint = await Endpoint.listen({
    operations,
    context: tables.context,
    authenticator: new SignaturePresence(ACCOUNT),
    log,
    host: '127.0.0.1',
    port: 0,
  });
  const calls = new HttpTableCalls({
    endpoint: endpoint.url,
    ca: () => undefined,
    credential: () => anyKey(ACCOUNT),
    region: REGION,
  });
  const lists = new AttributeLists(new MemoryRegistryStore());
  let generation = 0;
  const coherence = new SingleNode(() => String(++generation));
  const cache = new CachedTables({
    calls,
    descriptions: new TableDescriptions(calls),
    lists,
    coherence,
    cacheBytes: 64 * 1024 * 1024,
    parameters: { recordTtlMillis: 300_000, queryTtlMillis: 300_000 },
    redis: undefined,
    log: () => undefined,
  });
  const { tls, handshakes = new AnyHandshakes(rootOf(ACCOUNT)), ...rest } = options;
  const doorLists = options.lists?.(lists) ?? lists;
  const server = await DaxServer.listen({
    authorizer: everythingAllowed,
    members: () => coherence.members(),
    port: 0,
    ...rest,
    host: '127.0.0.1',
    tls: tls && { ...tls, port: 0 },
    tables: cache,
    lists: doorLists,
    handshakes,
    clusterArn: `arn:aws:dax:${REGION}:${ACCOUNT}:cache/test`,
    log,
  });
  const { port = 0, tlsPort = 0 } = server;
  coherence.start({ nodeId: 1, name: 'node-1', zone: 'a', address: '127.0.0.1', port, tlsPort });
  return {
    server,
    port,
    tables,
    cache,
    lists,
    async close(graceMs = 1000) {
      await server.close(graceMs);
      cache.close();
      calls.close();
      await endpoint.close(1000);
      await tables.close();
    },
  };
}
