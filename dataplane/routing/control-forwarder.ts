import { pause, type Scheduler } from '../replication/scheduler.ts';
import { CallFailed, faultOfCall } from './call-failure.ts';
import { CATALOG_PARTITION_ID } from './cluster-map.ts';
import type { Forwarder } from './forwarder.ts';
import type { MapLearner } from './map-learner.ts';
import { type ControlAnswer, type ControlCall, methods, REQUEST_DEADLINE_MS } from './protocol.ts';

/** How often a router that knows no node with the catalog looks for one. */
const LOOK_INTERVAL_MS = 100;

export interface ControlForwarderOptions {
  readonly forwarder: Forwarder;
  readonly learner: Pick<MapLearner, 'refresh'>;
  readonly scheduler: Scheduler;
}

/** An Operation of the API (api/operation.ts), which this folder must not know. */
export interface ForwardedOperation {
  readonly name: string;
  readonly handle: (
    body: { readonly [member: string]: unknown },
    context: { readonly host: string },
  ) => Promise<Uint8Array>;
}

/**
 * Operations on tables, done where the catalog is led.
 *
 * Reads are repeated as any read. A change is repeated only while it is certain that it has not
 * been done; when its fate is unknown the client is told so (500), and decides.
 */
export class ControlForwarder {
  readonly #options: ControlForwarderOptions;

  constructor(options: ControlForwarderOptions) {
    this.#options = options;
  }

  /** Operations of these names, to stand in for those of a process that has the catalog. */
  operations(names: Iterable<string>): ReadonlyMap<string, ForwardedOperation> {
    return new Map(
      Array.from(names, (name) => [
        name,
        { name, handle: (body, { host }) => this.#forward(name, body, host) },
      ]),
    );
  }

  async #forward(operation: string, body: object, host: string): Promise<Uint8Array> {
    const { learner } = this.#options;
    const isRead = operation.startsWith('Describe') || operation.startsWith('List');
    const call: ControlCall = { operation, body: Buffer.from(JSON.stringify(body)), host };
    try {
      const answer = await this.#call(call, isRead);
      // The next request through this router finds the table as this one left it.
      if (!isRead) await learner.refresh();
      return answer;
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (error.code === 'unknownOutcome') await learner.refresh();
      throw faultOfCall(error);
    }
  }

  async #call(call: ControlCall, isRead: boolean): Promise<ControlAnswer> {
    const { forwarder, scheduler } = this.#options;
    const deadlineMs = scheduler.monotonicMs() + REQUEST_DEADLINE_MS;
    // To give up a change before the deadline would only make its fate unknown.
    const options = isRead
      ? { isRepeatable: true, deadlineMs }
      : { isRepeatable: false, deadlineMs, tryMs: REQUEST_DEADLINE_MS };
    for (;;) {
      try {
        const answer = await forwarder.callLeader(
          CATALOG_PARTITION_ID,
          methods.control,
          () => call,
          options,
        );
        return answer as ControlAnswer; // what nodes of the cluster answer
      } catch (error) {
        if (!(error instanceof CallFailed) || error.code !== 'noPartition') throw error;
        if (scheduler.monotonicMs() + LOOK_INTERVAL_MS >= deadlineMs) throw error;
        // This process has only just started, and no node has answered it yet.
        await pause(scheduler, LOOK_INTERVAL_MS);
      }
    }
  }
}
