import { createServer, type Server } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Logger } from 'pino';
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
  /** Adds what this kind of process answers. */
  readonly routes: (app: Express) => void;
}

/** The HTTP server of people, scrapers and operators: JSON in, JSON out. */
export class AdminServer {
  readonly #server: Server;

  /** Rejects with the system's error when it cannot listen. */
  static listen(options: AdminServerOptions): Promise<AdminServer> {
    const server = createServer(TIMEOUTS, appOf(options));
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

  private constructor(server: Server) {
    this.#server = server;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the server is closed');
    return address.port;
  }

  /** Drops connections: no answer of this server is worth waiting for at the end. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

function appOf({ routes, log }: AdminServerOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requireJson, express.json({ limit: BODY_MAX }));
  routes(app);
  app.use((request, response) => {
    answer(response, { error: `there is no ${request.method} ${request.path}` }, 404);
  });
  app.use(failWith(log));
  return app;
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
