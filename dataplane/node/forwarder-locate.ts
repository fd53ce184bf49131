import { ClientFault } from '../errors/client-fault.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { CallFailed } from '../routing/call-failure.ts';
import type { Forwarder } from '../routing/forwarder.ts';
import type { FaultData } from '../routing/protocol.ts';
import type { Locate } from './locate.ts';

/** Finds leaders by the map of partitions that the node keeps as a router does. */
export class ForwarderLocate implements Locate {
  readonly #forwarder: Pick<Forwarder, 'callLeader'>;
  readonly #scheduler: Scheduler;

  constructor(forwarder: Pick<Forwarder, 'callLeader'>, scheduler: Scheduler) {
    this.#forwarder = forwarder;
    this.#scheduler = scheduler;
  }

  /** Nodes call each other to feed indexes only, and changes that come twice do nothing. */
  async callLeader(
    partitionId: bigint,
    method: string,
    body: unknown,
    timeoutMs: number,
  ): Promise<unknown> {
    const deadlineMs = this.#scheduler.monotonicMs() + timeoutMs;
    const options = { isRepeatable: true, deadlineMs };
    try {
      return await this.#forwarder.callLeader(partitionId, method, () => body, options);
    } catch (error) {
      throw transportErrorOf(error);
    }
  }
}

/** What the node, or the transport, had said before it was put into words for clients of the API. */
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
