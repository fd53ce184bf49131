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

/** An operation on tables, and how it is to be done. */
export interface ForwardedCall {
  readonly operation: string;
  readonly body: object;
  /** That the client called. */
  readonly host: string;
  /** All is checked and answered as if it were done, and nothing changes. */
  readonly isDryRun: boolean;
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
  operations(
    names: Iterable<string>,
    { isDryRun = false }: { readonly isDryRun?: boolean } = {},
  ): ReadonlyMap<string, ForwardedOperation> {
    return new Map(
      Array.from(names, (name) => [
        name,
        {
          name,
          handle: (body, { host }) => this.#handle({ operation: name, body, host, isDryRun }),
        },
      ]),
    );
  }

  /**
   * Has one operation done.
   * @returns UTF-8 JSON
   * @throws ClientFault; CallFailed when it is not known to have been done
   */
  async forward(call: ForwardedCall): Promise<Uint8Array> {
    const { learner } = this.#options;
    const isRead = /^(Describe|List)/.test(call.operation) || call.isDryRun;
    try {
      const answer = await this.#call(call, isRead);
      // The next request through this router finds the table as this one left it.
      if (!isRead) await learner.refresh();
      return answer;
    } catch (error) {
      if (error instanceof CallFailed && error.code === 'unknownOutcome') await learner.refresh();
      throw error;
    }
  }

  /** @throws ClientFault, whatever has failed: clients of the API are told nothing else. */
  async #handle(call: ForwardedCall): Promise<Uint8Array> {
    try {
      return await this.forward(call);
    } catch (error) {
      throw error instanceof CallFailed ? faultOfCall(error) : error;
    }
  }

  async #call(
    { operation, body, host, isDryRun }: ForwardedCall,
    isRead: boolean,
  ): Promise<ControlAnswer> {
    const { forwarder, scheduler } = this.#options;
    const call: ControlCall = { operation, body: Buffer.from(JSON.stringify(body)), host };
    const method = isDryRun ? methods.rehearse : methods.control;
    const deadlineMs = scheduler.monotonicMs() + REQUEST_DEADLINE_MS;
    // To give up a change before the deadline would only make its fate unknown.
    const options = isRead
      ? { isRepeatable: true, deadlineMs }
      : { isRepeatable: false, deadlineMs, tryMs: REQUEST_DEADLINE_MS };
    for (;;) {
      try {
        const answer = await forwarder.callLeader(
          CATALOG_PARTITION_ID,
          method,
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
