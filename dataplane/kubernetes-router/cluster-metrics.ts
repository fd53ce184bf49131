import type { CallMetrics } from '../routing/forwarder.ts';
import type { RouterMetrics } from '../routing/router.ts';

interface Metered {
  readonly metrics: RouterMetrics | undefined;
}

/** Metrics of all clusters of a router together. What is counted stays when a cluster is let go of. */
export class ClusterMetrics {
  readonly #kept: CallMetrics = { calls: 0, retries: new Map(), failed: new Map() };

  /** To be called with a cluster that is about to be closed. */
  keep({ metrics }: Metered): void {
    if (metrics !== undefined) addCalls(this.#kept, metrics);
  }

  sum(clusters: Iterable<Metered>, tablesCount: number): RouterMetrics {
    const calls: CallMetrics = { calls: 0, retries: new Map(), failed: new Map() };
    addCalls(calls, this.#kept);
    const sums = { callsInFlight: 0, nodesConnected: 0, nodesKnown: 0, partitionsCount: 0 };
    let mapAgeMs = 0;
    for (const { metrics } of clusters) {
      if (metrics === undefined) continue;
      addCalls(calls, metrics);
      sums.callsInFlight += metrics.callsInFlight;
      sums.nodesConnected += metrics.nodesConnected;
      sums.nodesKnown += metrics.nodesKnown;
      sums.partitionsCount += metrics.partitionsCount;
      // Infinity says that no node of a table is connected.
      mapAgeMs = Math.max(mapAgeMs, metrics.mapAgeMs);
    }
    return { ...calls, ...sums, tablesCount, mapAgeMs };
  }
}

function addCalls(to: CallMetrics, from: CallMetrics): void {
  to.calls += from.calls;
  for (const [reason, count] of from.retries) add(to.retries, reason, count);
  for (const [code, count] of from.failed) add(to.failed, code, count);
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}
