import { cpuMsOf, type Memory, memoryOf } from '../benchmark/process-usage.ts';
import { callOnce, type MeasuredServer } from '../benchmark/server-process.ts';
import type { OwnCluster } from './own-cluster.ts';

/** A whole cluster as the benchmark sees a server: its port is the router's, its costs are those of all. */
export interface ClusterServer extends MeasuredServer {
  readonly cluster: OwnCluster;
  /** Milliseconds of processor time used so far, by process. */
  cpuMsByProcess(): ReadonlyMap<string, number>;
}

export function clusterServer(cluster: OwnCluster): ClusterServer {
  const endpoint = { name: 'cluster', mode: 'disk', accessKey: undefined } as const;
  const { port } = cluster.router;
  return {
    cluster,
    endpoint,
    port,
    call: (target, body) => callOnce(endpoint, port, target, body),
    setAnswer: () => Promise.resolve(),
    memory: () => sumOf(cluster.pids().map(memoryOf)),
    cpuMs: () => cluster.pids().reduce((sum, pid) => sum + cpuMsOf(pid), 0),
    cpuMsByProcess: () =>
      new Map(
        cluster.folder.processes().flatMap(({ id }) => {
          const pid = cluster.processes.pid(id);
          return pid === undefined ? [] : [[id, cpuMsOf(pid)] as const];
        }),
      ),
  };
}

function sumOf(memories: readonly Memory[]): Memory {
  return memories.reduce(
    (sum, { residentMb, withoutFilesMb }) => ({
      residentMb: sum.residentMb + residentMb,
      withoutFilesMb: sum.withoutFilesMb + withoutFilesMb,
    }),
    { residentMb: 0, withoutFilesMb: 0 },
  );
}
