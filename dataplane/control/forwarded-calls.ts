import { ClientFault } from '../errors/client-fault.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import {
  type NodeId,
  RemoteFailure,
  RequestFailed,
  type Transport,
} from '../replication/transport/transport.ts';
import { CallFailed } from '../routing/call-failure.ts';
import type { Forwarder, CallOptions as ForwarderOptions } from '../routing/forwarder.ts';
import type { FaultData } from '../routing/protocol.ts';
import type { CallOptions, NodeCalls } from './cluster-view.ts';

export interface ForwardedCallsOptions {
  readonly transport: Transport;
  /** Knows where partitions are led. */
  readonly forwarder: Forwarder;
  readonly scheduler: Scheduler;
}

/** Calls of nodes and of leaders, for what runs on a storage node itself. */
export class ForwardedCalls implements NodeCalls {
  readonly #options: ForwardedCallsOptions;

  constructor(options: ForwardedCallsOptions) {
    this.#options = options;
  }

  callNode(node: NodeId, method: string, body: unknown, options: CallOptions): Promise<unknown> {
    return this.#options.transport.request(node, method, body, options);
  }

  /** A call whose fate is unknown is not repeated: its caller looks what has become of it. */
  callLeader(
    partitionId: bigint,
    method: string,
    body: unknown,
    { timeoutMs, signal }: CallOptions,
  ): Promise<unknown> {
    // An answer may take as long as all of it.
    const options = { isRepeatable: false, tryMs: timeoutMs, signal };
    return this.#callLeader(partitionId, method, body, { timeoutMs, ...options });
  }

  /**
   * As `callLeader`, for calls that do no harm when they are done twice.
   * @throws RequestFailed, RemoteFailure
   */
  feedLeader(
    partitionId: bigint,
    method: string,
    body: unknown,
    timeoutMs: number,
  ): Promise<unknown> {
    return this.#callLeader(partitionId, method, body, { timeoutMs, isRepeatable: true });
  }

  async #callLeader(
    partitionId: bigint,
    method: string,
    body: unknown,
    { timeoutMs, ...options }: ForwarderOptions & { readonly timeoutMs: number },
  ): Promise<unknown> {
    const { forwarder, scheduler } = this.#options;
    const deadlineMs = scheduler.monotonicMs() + timeoutMs;
    try {
      return await forwarder.callLeader(partitionId, method, () => body, {
        ...options,
        deadlineMs,
      });
    } catch (error) {
      throw transportErrorOf(error);
    }
  }
}

/** What the node, or the transport, has said before it was put into words for clients of the API. */
function transportErrorOf(error: unknown): unknown {
  if (error instanceof ClientFault) {
    const { type, message, members } = error;
    const data: FaultData = { type, message, members };
    return new RemoteFailure('fault', message ?? type, data);
  }
  if (!(error instanceof CallFailed)) return error;
  const { cause, code, message } = error;
  if (cause instanceof RemoteFailure || cause instanceof RequestFailed) return cause;
  switch (code) {
    case 'unavailable':
    case 'overloaded':
    case 'damaged':
      return new RemoteFailure(code, message);
    case 'noPartition':
      return new RemoteFailure('noReplica', message);
    case 'unknownOutcome':
    case 'internal':
      return new RequestFailed('unknown', message);
  }
}
