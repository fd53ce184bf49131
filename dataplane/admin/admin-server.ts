import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
import { certifies, listenerTls } from '../replication/transport/certificate.ts';
import type { TlsMaterial } from '../replication/transport/options.ts';
import { answer } from './answer.ts';
import { AdminFault, failureAnswer } from './failure.ts';

const BODY_MAX = '1mb';
const CONNECTIONS_MAX = 256;
const TIMEOUTS = {
  headersTimeout: 5_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
} as const;

export interface AdminServerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly log: Logger;
  /** Whom it speaks mutual TLS with; undefined: plain HTTP, with everybody. */
  readonly tls: AdminTls | undefined;
  /** Whether it takes changes. Where it does not, it reads no body of anybody. */
  readonly takesChanges: boolean;
  /** Adds what this kind of process answers. */
  readonly routes: (app: Express) => void;
}

export interface AdminTls {
  readonly material: TlsMaterial;
  /** What a caller's certificate has to name among its DNS names. */
  readonly callerName: string;
}

/** The HTTP server of people, scrapers and operators: JSON in, JSON out. */
export class AdminServer {
  readonly #server: Server | TlsServer;
  /** Also those that are not through with TLS, of which HTTP does not know yet. */
  readonly #sockets = new Set<Socket>();

  /** Rejects with the system's error when it cannot listen. */
  static listen(options: AdminServerOptions): Promise<AdminServer> {
    const { tls } = options;
    const server =
      tls === undefined
        ? createServer(TIMEOUTS, appOf(options))
        : createTlsServer({ ...TIMEOUTS, ...tlsOptions(tls.material) }, appOf(options));
    server.maxConnections = CONNECTIONS_MAX;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: options.host, port: options.port }, () => {
        server.off('error', reject);
        server.on('error', (error) => options.log.error({ err: error }, 'the listener failed'));
        resolve(new AdminServer(server));
      });
    });
  }

  private constructor(server: Server | TlsServer) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the server is closed');
    return address.port;
  }

  /** Renewed certificates: for connections made from now on. */
  setTls(material: TlsMaterial): void {
    if (!(this.#server instanceof TlsServer)) throw new Error('plain HTTP stays plain');
    this.#server.setSecureContext(tlsOptions(material));
  }

  /** Drops connections: no answer of this server is worth waiting for at the end. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function tlsOptions(material: TlsMaterial): TlsOptions {
  return listenerTls(material, TIMEOUTS.headersTimeout);
}

function appOf({ routes, log, tls, takesChanges }: AdminServerOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  if (tls !== undefined) app.use(requireName(tls.callerName));
  if (takesChanges) app.use(requireJson, express.json({ limit: BODY_MAX }));
  routes(app);
  app.use((request, response) => {
    answer(response, { error: `there is no ${request.method} ${request.path}` }, 404);
  });
  app.use(failWith(log));
  return app;
}

/** The authority has signed all processes of the cluster, and not all of them may do everything. */
function requireName(name: string): RequestHandler {
  return (request, _response, next) => {
    if (certifies(request.socket, name)) return next();
    next(new AdminFault(403, `only a certificate that names ${name} is let in`));
  };
}

/**
 * A web page may send other content types to this server without asking it first, in the name of
 * whoever looks at the page; JSON it may not. So changes must be JSON, even those without a body.
 */
const requireJson: RequestHandler = (request, _response, next) => {
  if (request.method !== 'POST' && request.method !== 'PUT') return next();
  const [type = ''] = (request.headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() === 'application/json') return next();
  next(new AdminFault(415, 'send JSON, with the header Content-Type: application/json'));
};

function failWith(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const known = failureAnswer(error);
    if (known !== undefined) return answer(response, known.body, known.status);
    log.error({ err: error, path: request.path }, 'admin request failed');
    answer(response, { error: 'a defect; the log says more' }, 500);
  };
}
