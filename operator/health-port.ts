import { Agent, request as httpRequest } from 'node:http';
import { type Answer, answerOf } from './answer.ts';
import { HEALTH_PORT } from './table/names.ts';

const DEADLINE_MS = 2_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
/** Kept open between two looks at what changes. */
const IDLE_MS = 4_000;

/** What a pod tells anybody at its health port, by plain HTTP: nothing that is secret. */
export type HealthAnswer =
  /** `status` 0: there was no whole answer. */
  | { readonly kind: 'silent'; readonly status: number; readonly reason: string }
  /** Parsed JSON. */
  | { readonly kind: 'answered'; readonly json: unknown };

/** Asks pods at their health ports. */
export class HealthPorts {
  readonly #agent = new Agent({ keepAlive: true, timeout: IDLE_MS });

  /** Never rejects but with the signal's reason. @param ip of the pod */
  async get(ip: string, path: string, signal: AbortSignal): Promise<HealthAnswer> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    try {
      const { status, text } = await this.#get(ip, path, AbortSignal.any([signal, deadline]));
      if (status !== 200) return { kind: 'silent', status, reason: `status ${status}` };
      return { kind: 'answered', json: JSON.parse(text) };
    } catch (error) {
      signal.throwIfAborted();
      const reason = deadline.aborted ? `no answer within ${DEADLINE_MS / 1000} s` : String(error);
      return { kind: 'silent', status: 0, reason };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #get(host: string, path: string, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const options = { agent: this.#agent, host, port: HEALTH_PORT, path, signal };
    const outgoing = httpRequest(options, (incoming) => {
      answerOf(incoming, outgoing, ANSWER_BYTES_MAX).then(resolve, reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
    return promise;
  }
}
