import { ClientFault } from '../errors/client-fault.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import {
  type NodeId,
  RemoteFailure,
  RequestFailed,
  type Transport,
} from '../replication/transport/transport.ts';
import { CallFailed } from '../routing/call-failure.ts';
import type { Forwarder } from '../routing/forwarder.ts';
import { methods } from '../routing/protocol.ts';
import type { CallOptions, NodeCalls } from './cluster-view.ts';

/** Done twice, these do something else than done once. */
const unrepeatable: ReadonlySet<string> = new Set([
  methods.changeMembers,
  methods.transferLeadership,
]);

export interface ClusterCallsOptions {
  readonly transport: Transport;
  /** The node's own, which knows where leaders are. */
  readonly forwarder: Pick<Forwarder, 'callLeader'>;
  readonly scheduler: Scheduler;
}

/** Calls of nodes and leaders over the node's transport. */
export class ClusterCalls implements NodeCalls {
  readonly #options: ClusterCallsOptions;

  constructor(options: ClusterCallsOptions) {
    this.#options = options;
  }

  callNode(node: NodeId, method: string, body: unknown, options: CallOptions): Promise<unknown> {
    return this.#options.transport.request(node, method, body, options);
  }

  async callLeader(
    partitionId: bigint,
    method: string,
    body: unknown,
    { timeoutMs, signal }: CallOptions,
  ): Promise<unknown> {
    const { forwarder, scheduler } = this.#options;
    const what = `${method} of partition ${partitionId}`;
    try {
      return await forwarder.callLeader(partitionId, method, () => body, {
        isRepeatable: !unrepeatable.has(method),
        deadlineMs: scheduler.monotonicMs() + timeoutMs,
        tryMs: timeoutMs,
        signal,
      });
    } catch (error) {
      if (signal.aborted) throw new RequestFailed('unknown', `${what}: given up`);
      throw asFailure(error, what);
    }
  }
}

/** As the transport would tell it, before it was put into words for clients of the API. */
function asFailure(error: unknown, what: string): unknown {
  if (error instanceof ClientFault) {
    const { type, message, members } = error;
    return new RemoteFailure('fault', `${what}: ${message}`, { type, message, members });
  }
  if (!(error instanceof CallFailed)) return error;
  const { cause, code, message } = error;
  if (cause instanceof RemoteFailure || cause instanceof RequestFailed) return cause;
  const isOpen = code === 'unknownOutcome' || code === 'internal';
  return new RequestFailed(isOpen ? 'unknown' : 'notSent', `${what}: ${message}`);
}
