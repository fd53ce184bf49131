import { Agent, request as httpRequest } from 'node:http';
import { HEALTH_PORT } from '../table/names.ts';

const DEADLINE_MS = 2_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
/** Kept open between two looks at a cluster that changes. */
const IDLE_MS = 4_000;

/** A node of a DaxCluster, as it was asked in this pass. */
export type DaxNodeView =
  | { readonly kind: 'silent'; readonly reason: string }
  | {
      readonly kind: 'answered';
      /** A member of its cluster that serves. */
      readonly isActive: boolean;
      /** Of its second level; `none`: it was told of none. */
      readonly redis: 'up' | 'down' | 'none';
      /** The parameters that it goes by; undefined: it does not say. */
      readonly parameters:
        | { readonly recordTtlMillis: number; readonly queryTtlMillis: number }
        | undefined;
    };

/** Asks nodes how they are. */
export interface DaxNodeClient {
  /** Never rejects but with the signal's reason. @param ip of the pod */
  view(ip: string, signal: AbortSignal): Promise<DaxNodeView>;
}

/** By plain HTTP at the health port, which tells nothing that is secret. */
export class HttpDaxNodeClient implements DaxNodeClient {
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_MS });

  async view(ip: string, signal: AbortSignal): Promise<DaxNodeView> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    try {
      const text = await this.#get(ip, AbortSignal.any([signal, deadline]));
      return viewOf(JSON.parse(text));
    } catch (error) {
      signal.throwIfAborted();
      const reason = deadline.aborted ? `no answer within ${DEADLINE_MS / 1000} s` : String(error);
      return { kind: 'silent', reason };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #get(ip: string, signal: AbortSignal): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const options = { agent: this.#agent, host: ip, port: HEALTH_PORT, path: '/status', signal };
    const outgoing = httpRequest(options, (incoming) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) outgoing.destroy(new Error('the answer is too long'));
        else chunks.push(chunk);
      });
      incoming.on('end', () => {
        const { statusCode } = incoming;
        if (statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(new Error(`status ${statusCode}`));
      });
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
    return promise;
  }
}

/** Of `GET /status` (dax/status.ts), leniently: a node may be of another version than the operator. */
export function viewOf(status: unknown): DaxNodeView {
  const { isActive, redis, parameters } = membersOf(status);
  const { state } = membersOf(redis);
  const { recordTtlMillis, queryTtlMillis } = membersOf(parameters);
  return {
    kind: 'answered',
    isActive: isActive === true,
    redis: state === 'up' || state === 'down' ? state : 'none',
    parameters:
      typeof recordTtlMillis === 'number' && typeof queryTtlMillis === 'number'
        ? { recordTtlMillis, queryTtlMillis }
        : undefined,
  };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
