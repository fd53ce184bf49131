import { membersOf } from '../answer.ts';
import { HealthPorts } from '../health-port.ts';

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
  readonly #ports = new HealthPorts();

  async view(ip: string, signal: AbortSignal): Promise<DaxNodeView> {
    const answer = await this.#ports.get(ip, '/status', signal);
    return answer.kind === 'answered'
      ? viewOf(answer.json)
      : { kind: 'silent', reason: answer.reason };
  }

  close(): void {
    this.#ports.close();
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
