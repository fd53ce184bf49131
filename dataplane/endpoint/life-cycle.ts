import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { AccessDenials } from '../access/denials.ts';
import type { Principal } from '../access/principal.ts';
import type { Authenticator } from '../access/signed-message.ts';
import type {
  CallContext,
  JsonObject,
  Operation,
  RefusedParts,
  ResponseBody,
  ServerContext,
} from '../api/operation.ts';
import { ClientFault } from '../errors/client-fault.ts';
import { operatingTexts, transportFaults } from '../errors/transport.ts';
import type { Eventually } from '../routing/table.ts';
import { StoreError } from '../storage/store.ts';
import { decodeBody } from './content-coding.ts';
import { faultBody, faultStatus } from './fault-body.ts';
import { BOUNDED_FROM_BYTES, isWithinJsonBounds } from './json-bounds.ts';
import { type BodyReceiver, HeldBodies, readBody } from './request-body.ts';
import { nextRequestId } from './request-id.ts';
import { type Exchange, type ServerState, send, sendPreflight, sendTooLarge } from './response.ts';

export interface LifeCycleOptions<Context extends CallContext = ServerContext> {
  readonly operations: ReadonlyMap<string, Operation<Context>>;
  /** All of the operations' context but the host, which each request names. */
  readonly context: Omit<Context, 'host'>;
  readonly authenticator: Authenticator;
  /** Whether the caller may do this; undefined: whoever is known may do everything. */
  readonly authorize?: Authorize | undefined;
  /** Told of requests that are refused at these two stages. */
  readonly denials?: AccessDenials | undefined;
  readonly log: Logger;
}

/**
 * Returns, or resolves, if the caller may, with what it may not of a request whose parts are answered each
 * on its own.
 * @throws ClientFault, AccessDeniedException above all
 */
export type Authorize = (call: AuthenticCall) => Eventually<RefusedParts>;

/** A call whose caller is known; its body is not checked yet. */
export interface AuthenticCall {
  readonly caller: Principal;
  /** As the `X-Amz-Target` header has it after the dot, e.g. `GetItem`. */
  readonly operation: string;
  readonly body: JsonObject;
  /** Address at the other end of the connection; undefined when that has gone. */
  readonly sourceIp: string | undefined;
  /** By HTTPS. */
  readonly isSecure: boolean;
}

const SERVICE = 'DynamoDB_20120810';
const AMZ_JSON = 'application/x-amz-json-1.0';
const PLAIN_JSON = 'application/json';

/** The service's answer to whatever is no API call at all. */
const NO_API_CALL = Buffer.from('<UnknownOperationException/>\n', 'latin1');

/**
 * The life of a request, from its headers to its answer.
 *
 * The stages, in the service's order (reference/dynamodb.md section 4); each either answers or hands
 * on to the next, and `#serve` follows this list literally:
 *
 *  1. body size             413 beyond 16 MB, counted while reading
 *  2. CORS                  a preflight is answered; other answers get their header
 *  3. GET of /              health
 *  4. method, content type  404 for what is no API call
 *  5. content coding        gzip, deflate; 500 if broken
 *  6. UTF-8 and JSON        SerializationException
 *  7. target                UnknownOperationException
 *  8. authentication        signatures, in `access/`
 *  9. authorization         policies, in `access/`, where there are any
 * 10. operation             type checks, constraints, effects: `api/`
 * 11. response              checksum, compression
 *
 * Nothing waits unless an operation or compression does: a read whose data is at hand is answered
 * in the turn of the event loop in which its body ended.
 */
export class LifeCycle<Context extends CallContext = ServerContext> {
  readonly #targets: ReadonlyMap<string, Operation<Context>>;
  readonly #options: LifeCycleOptions<Context>;
  readonly #health: Buffer;
  readonly #logsRequests: boolean;
  readonly #held = new HeldBodies();
  readonly #serverState: ServerState = { isClosing: false };
  /** As given, and what it refuses is counted. */
  readonly #authorizeCounted: Authorize | undefined;
  #context: Context;

  constructor(options: LifeCycleOptions<Context>) {
    this.#options = options;
    this.#targets = new Map(
      Array.from(options.operations.values(), (operation) => [
        `${operation.service ?? SERVICE}.${operation.name}`,
        operation,
      ]),
    );
    this.#health = Buffer.from(
      `healthy: dynamodb.${options.context.region}.amazonaws.com `,
      'latin1',
    );
    this.#logsRequests = options.log.isLevelEnabled('debug');
    const { authorize, denials } = options;
    this.#authorizeCounted =
      authorize === undefined || denials === undefined ? authorize : counted(authorize, denials);
    this.#context = this.#withHost('');
  }

  /** From now on every answer asks the client to close its connection. */
  stopKeepAlive(): void {
    this.#serverState.isClosing = true;
  }

  /** Takes a request whose headers have arrived. Answers it, unless the client goes away. */
  readonly accept = (request: IncomingMessage, response: ServerResponse): void => {
    const exchange: Exchange = {
      request,
      response,
      requestId: nextRequestId(),
      contentType: undefined,
      server: this.#serverState,
    };
    readBody(request, this.#held, new Receiver(this.#serve, exchange));
  };

  readonly #serve = (exchange: Exchange, body: Buffer): void => {
    const { method, headers } = exchange.request;
    if (method !== 'POST') {
      this.#serveOtherMethod(exchange);
      return;
    }
    const contentType = mediaType(headers['content-type']);
    if (body.length > 0 && contentType !== AMZ_JSON && contentType !== PLAIN_JSON) {
      send(exchange, 404, NO_API_CALL);
      return;
    }
    exchange.contentType = contentType === AMZ_JSON ? AMZ_JSON : PLAIN_JSON;
    try {
      const encoding = headers['content-encoding'];
      const decoded = encoding === undefined ? body : this.#decode(exchange, body, encoding);
      if (decoded === undefined) return;
      const json = parseJson(decoded);
      const operation = this.#targets.get(targetOf(exchange.request));
      if (operation === undefined) throw transportFaults.unknownOperation();
      const caller = this.#authenticate(exchange.request, body, operation);
      if (!isJsonObject(json)) throw transportFaults.notJson();
      this.#authorize(exchange, { caller, operation, json });
    } catch (error) {
      this.#fail(exchange, error);
    }
  };

  #serveOtherMethod(exchange: Exchange): void {
    const { method, headers, url } = exchange.request;
    if (method === 'OPTIONS' && headers.origin !== undefined) sendPreflight(exchange);
    else if (method === 'GET' && isRoot(url)) send(exchange, 200, this.#health);
    else send(exchange, 404, NO_API_CALL);
  }

  /** Undefined if the answer has been sent. */
  #decode(exchange: Exchange, body: Buffer, encoding: string): Buffer | undefined {
    const decoded = decodeBody(body, encoding);
    switch (decoded.kind) {
      case 'decoded':
        return decoded.body;
      case 'tooLarge':
        sendTooLarge(exchange);
        return undefined;
      case 'broken':
        throw transportFaults.internal(operatingTexts.badCompression);
    }
  }

  /** @throws ClientFault */
  #authenticate(request: IncomingMessage, body: Buffer, { name }: Operation<Context>): Principal {
    const { authenticator, context, denials } = this.#options;
    try {
      return authenticator.authenticate(request, body, context.clock.nowMs());
    } catch (thrown) {
      denials?.addThrown(name, thrown);
      throw thrown;
    }
  }

  #authorize(exchange: Exchange, { caller, operation, json }: KnownCall<Context>): void {
    const authorize = this.#authorizeCounted;
    const context = this.#contextFor(exchange.request);
    if (authorize === undefined) {
      this.#operate(exchange, operation.handle(json, context));
      return;
    }
    const { socket } = exchange.request;
    const call: AuthenticCall = {
      caller,
      operation: operation.name,
      body: json,
      sourceIp: socket.remoteAddress,
      isSecure: 'encrypted' in socket,
    };
    const authorizeAgain = () => authorize(call);
    const handle = (refusedParts: RefusedParts) => {
      if (refusedParts === undefined) return operation.handle(json, { ...context, authorizeAgain });
      const { denials } = this.#options;
      for (const fault of refusedParts.values()) denials?.addThrown(operation.name, fault);
      return operation.handle(json, { ...context, authorizeAgain, refusedParts });
    };
    const permission = authorize(call);
    this.#operate(
      exchange,
      permission instanceof Promise ? permission.then(handle) : handle(permission),
    );
  }

  #operate(exchange: Exchange, result: Eventually<ResponseBody>): void {
    if (result instanceof Promise) {
      result.then(
        (body) => this.#finish(exchange, body),
        (error: unknown) => this.#fail(exchange, error),
      );
    } else {
      this.#finish(exchange, result);
    }
  }

  /** Clients of a server mostly call it by one name, so the last context usually fits. */
  #contextFor(request: IncomingMessage): Context {
    const host = request.headers.host ?? '';
    if (this.#context.host !== host) this.#context = this.#withHost(host);
    return this.#context;
  }

  #withHost(host: string): Context {
    // TypeScript does not see that a type without one member and that member are the type.
    return { ...this.#options.context, host } as Context;
  }

  #finish(exchange: Exchange, result: ResponseBody): void {
    const body =
      result instanceof Uint8Array ? result : Buffer.from(JSON.stringify(result), 'utf8');
    send(exchange, 200, body);
    if (this.#logsRequests) this.#logRequest(exchange, 200, undefined);
  }

  #fail(exchange: Exchange, error: unknown): void {
    const fault = error instanceof ClientFault ? error : this.#operatingFault(exchange, error);
    const status = faultStatus(fault);
    send(exchange, status, faultBody(fault));
    if (this.#logsRequests) this.#logRequest(exchange, status, fault.type);
  }

  /** Whatever is not the client's fault is logged with the request id, and told in general terms. */
  #operatingFault(exchange: Exchange, error: unknown): ClientFault {
    const fields = {
      requestId: exchange.requestId,
      target: targetOf(exchange.request),
      err: error,
    };
    if (error instanceof StoreError) {
      this.#options.log.error({ ...fields, code: error.code }, 'the store failed');
      return transportFaults.internal(storeText(error));
    }
    this.#options.log.error(fields, 'request failed');
    return transportFaults.internal();
  }

  #logRequest(exchange: Exchange, status: number, faultType: string | undefined): void {
    this.#options.log.debug(
      {
        requestId: exchange.requestId,
        target: targetOf(exchange.request),
        status,
        ...(faultType === undefined ? {} : { faultType }),
      },
      'request',
    );
  }
}

/** The same, whose refusals are counted. */
function counted(authorize: Authorize, denials: AccessDenials): Authorize {
  return (call) => {
    const refused = (thrown: unknown): never => {
      denials.addThrown(call.operation, thrown);
      throw thrown;
    };
    try {
      const permission = authorize(call);
      return permission instanceof Promise ? permission.catch(refused) : permission;
    } catch (thrown) {
      return refused(thrown);
    }
  };
}

/** What is to be done, and for whom. */
interface KnownCall<Context extends CallContext> {
  readonly caller: Principal;
  readonly operation: Operation<Context>;
  readonly json: JsonObject;
}

/** Hands a body on, or answers that there was too much of it. */
class Receiver implements BodyReceiver {
  readonly #serve: (exchange: Exchange, body: Buffer) => void;
  readonly #exchange: Exchange;

  constructor(serve: (exchange: Exchange, body: Buffer) => void, exchange: Exchange) {
    this.#serve = serve;
    this.#exchange = exchange;
  }

  complete(body: Buffer): void {
    this.#serve(this.#exchange, body);
  }

  tooLarge(): void {
    sendTooLarge(this.#exchange);
  }

  overloaded(): void {
    this.#exchange.contentType = AMZ_JSON;
    send(this.#exchange, 500, faultBody(transportFaults.internal(operatingTexts.overloaded)));
  }
}

/** Health is told at the root alone (scylladb/scylladb test_health.py). */
function isRoot(url: string | undefined): boolean {
  return url === '/' || url?.startsWith('/?') === true;
}

/** Without parameters and blanks around it. */
function mediaType(contentType: string | undefined): string {
  if (contentType === undefined || contentType === AMZ_JSON) return contentType ?? '';
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

function targetOf(request: IncomingMessage): string {
  const target = request.headers['x-amz-target'];
  return typeof target === 'string' ? target : '';
}

/**
 * The parsed body; undefined when it is empty, which the service reports only after the target and
 * the signature. JSON.parse recurses nowhere, so depth alone cannot break it.
 * @throws ClientFault
 */
function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw transportFaults.notJson();
  if (body.length > BOUNDED_FROM_BYTES && !isWithinJsonBounds(body))
    throw transportFaults.notJson();
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw transportFaults.notJson();
    throw error;
  }
}

function isJsonObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function storeText(error: StoreError): string {
  switch (error.code) {
    case 'full':
      return operatingTexts.full;
    case 'damaged':
      return operatingTexts.damaged;
    case 'closed':
      return operatingTexts.closed;
    default:
      return operatingTexts.io;
  }
}
