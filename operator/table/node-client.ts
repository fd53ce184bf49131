import { Agent, request as httpsRequest } from 'node:https';
import { createSecureContext } from 'node:tls';
import { type Answer, answerOf, membersOf } from '../answer.ts';
import type { OperatorIdentity } from '../certificates/namespace-secrets.ts';
import { ADMIN_PORT } from './names.ts';

const DEADLINE_MS = 5_000;
const CONNECT_MS = 2_000;
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
/** Kept open between two looks at a table that changes, not between those at one that does not. */
const IDLE_MS = 4_000;
/** A handshake that goes on from an earlier one costs a third. */
const SESSIONS_MAX = 5_000;

/** A storage node, as the operator reaches it: by address, and known by its name. */
export interface NodeAddress {
  readonly namespace: string;
  readonly pod: string;
  readonly ip: string;
}

export interface NodeRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

/** No whole answer came: nothing is known of what was asked for. The message is for people. */
export class NodeSilent extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NodeSilent';
  }
}

/** The node did not do what it was asked for. */
export class NodeRefused extends Error {
  readonly status: number;
  /** Of a refusal by the DynamoDB API: `ValidationException`, ... */
  readonly type: string | undefined;

  constructor(
    message: string,
    details: { readonly status: number; readonly type: string | undefined },
  ) {
    super(message);
    this.name = 'NodeRefused';
    this.status = details.status;
    this.type = details.type;
  }
}

/** Calls to the admin interface of a storage node. */
export interface NodeClient {
  /** @returns parsed JSON @throws NodeSilent, NodeRefused; the signal's reason */
  call(address: NodeAddress, request: NodeRequest, signal: AbortSignal): Promise<unknown>;
}

/** Over mutual TLS: the node shows a certificate with its name, the operator one with its own. */
export class HttpsNodeClient implements NodeClient {
  readonly #identityOf: (namespace: string) => Promise<OperatorIdentity>;
  readonly #agents = new Map<
    string,
    { readonly identity: OperatorIdentity; readonly agent: Agent }
  >();

  constructor(identityOf: (namespace: string) => Promise<OperatorIdentity>) {
    this.#identityOf = identityOf;
  }

  async call(address: NodeAddress, request: NodeRequest, signal: AbortSignal): Promise<unknown> {
    const agent = await this.#agent(address.namespace);
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    try {
      const answer = await send(agent, {
        address,
        request,
        signal: AbortSignal.any([signal, deadline]),
      });
      return read(answer);
    } catch (error) {
      if (error instanceof NodeRefused) throw error;
      signal.throwIfAborted();
      if (deadline.aborted)
        throw new NodeSilent(`no answer within ${DEADLINE_MS / 1000} s`, { cause: error });
      if (error instanceof Error) throw new NodeSilent(reasonOf(error), { cause: error });
      throw error;
    }
  }

  close(): void {
    for (const { agent } of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  async #agent(namespace: string): Promise<Agent> {
    const identity = await this.#identityOf(namespace);
    const known = this.#agents.get(namespace);
    if (known?.identity === identity) return known.agent;
    // Calls under way end on the former one, whose connections then close for want of use.
    const { ca, cert, key } = identity;
    const agent = new Agent({
      // Once for all connections: each would read the certificates anew, and keep them.
      secureContext: createSecureContext({ ca, cert, key, minVersion: 'TLSv1.3' }),
      keepAlive: true,
      timeout: IDLE_MS,
      maxCachedSessions: SESSIONS_MAX,
    });
    this.#agents.set(namespace, { identity, agent });
    return agent;
  }
}

function send(
  agent: Agent,
  call: {
    readonly address: NodeAddress;
    readonly request: NodeRequest;
    readonly signal: AbortSignal;
  },
): Promise<Answer> {
  const { address, request, signal } = call;
  const body = request.method === 'GET' ? undefined : JSON.stringify(request.body ?? {});
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = httpsRequest(
    {
      agent,
      host: address.ip,
      port: ADMIN_PORT,
      servername: address.pod,
      method: request.method,
      path: request.path,
      signal,
      headers: {
        host: address.pod,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    },
    (incoming) => {
      answerOf(incoming, outgoing, ANSWER_BYTES_MAX).then(resolve, reject);
    },
  );
  const connecting = setTimeout(
    () => outgoing.destroy(new Error(`no connection within ${CONNECT_MS / 1000} s`)),
    CONNECT_MS,
  );
  const connected = () => clearTimeout(connecting);
  outgoing.on('socket', (socket) => {
    if (socket.connecting) socket.once('secureConnect', connected);
    else connected();
  });
  outgoing.on('error', reject);
  outgoing.on('close', connected);
  outgoing.end(body);
  return promise;
}

function read({ status, text }: Answer): unknown {
  const json = parsed(text);
  if (status >= 200 && status < 300) {
    if (json === undefined) throw new NodeSilent('the answer is no JSON');
    return json;
  }
  const { error, message, __type: type } = membersOf(json);
  throw new NodeRefused(String(error ?? message ?? type ?? `status ${status}`), {
    status,
    type: typeof type === 'string' ? type.slice(type.indexOf('#') + 1) : undefined,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function reasonOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  switch (code) {
    case 'ECONNREFUSED':
      return 'it does not listen yet';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'its address cannot be reached';
    default:
      return code === undefined || error.message.includes(code)
        ? error.message
        : `${error.message} (${code})`;
  }
}
