import type { ItemCache } from '../partition/item-cache.ts';
import type { Scheduler } from '../replication/scheduler.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { Store } from '../storage/store.ts';
import type { TriggerContext } from '../trigger/trigger-context.ts';
import type { NodeLimits } from './limits.ts';
import type { LoadGate } from './load-gate.ts';
import type { Locate } from './locate.ts';
import type { SharedTables } from './shared-tables.ts';

export type Log = (event: string, fields: object) => void;

/** What all parts of one storage node share. */
export interface NodeContext {
  readonly nodeId: NodeId;
  /** Of this run of the node: names its monotonic clock. */
  readonly processId: string;
  readonly store: Store;
  readonly cache: ItemCache;
  readonly scheduler: Scheduler;
  readonly limits: NodeLimits;
  readonly log: Log;
  /** Told when rare code runs, so that a simulation knows that it ever did. */
  readonly probe: (name: string) => void;
  readonly locate: Locate;
  readonly tables: SharedTables;
  /** Of [0, 1): spreads what would otherwise come at once. */
  readonly random: () => number;
  readonly writes: LoadGate;
  readonly pages: LoadGate;
  readonly confirmations: LoadGate;
  /** Undefined: this process delivers none. */
  readonly triggers: TriggerContext | undefined;
  /** Counts the writes remembered by all led partitions. */
  readonly remembered: { count: number };
}

/** How long to wait before the next try, after so many (1 or more) that failed. */
export function retryMs({ limits, random }: NodeContext, failures: number): number {
  const { retryMsMin, retryMsMax } = limits;
  const delayMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(failures - 1, 20));
  return delayMs * (0.5 + random() / 2);
}

/** Whether the promise has resolved before the time was up; rejects if it does. */
export async function resolvesWithin(
  scheduler: Scheduler,
  timeoutMs: number,
  promise: Promise<unknown>,
): Promise<boolean> {
  const timeout = Promise.withResolvers<boolean>();
  const timer = scheduler.after(Math.max(0, timeoutMs), () => timeout.resolve(false));
  try {
    return await Promise.race([promise.then(() => true), timeout.promise]);
  } finally {
    timer.cancel();
  }
}
