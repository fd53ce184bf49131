import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  readTopology,
  type Topology,
  TopologyError,
  type TopologyMember,
} from '../../dataplane/topology.ts';
import { Complaint } from './complaint.ts';
import type { Host } from './loopback.ts';

export const ROUTER = 'router-1';

/** A process of the cluster: a storage node or the router. */
export interface Process extends TopologyMember {
  readonly role: 'node' | 'router';
}

/** Where a cluster keeps everything: topology, data, process ids, logs. */
export class ClusterFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get topologyFile(): string {
    return join(this.path, 'topology.json');
  }

  /** There once the catalog's group was founded, which happens once in the life of a cluster. */
  get bootstrappedFile(): string {
    return join(this.path, 'bootstrapped');
  }

  dataFolder(id: string): string {
    return join(this.path, 'nodes', id);
  }

  pidFile(id: string): string {
    return join(this.path, 'run', `${id}.pid`);
  }

  logFile(id: string): string {
    return join(this.path, 'logs', `${id}.log`);
  }

  exists(): boolean {
    return existsSync(this.topologyFile);
  }

  /** @throws Complaint when there is no cluster, or its topology is broken */
  topology(): Topology {
    if (!this.exists()) {
      throw new Complaint(`there is no cluster in ${this.path}: start one with hack/cluster up`);
    }
    try {
      return readTopology(this.topologyFile, '');
    } catch (error) {
      if (error instanceof TopologyError) throw new Complaint(error.message);
      throw error;
    }
  }

  /** Nodes first. */
  processes(): readonly Process[] {
    const { nodes, routers } = this.topology();
    return [
      ...nodes.map((node) => ({ ...node, role: 'node' as const })),
      ...routers.map((router) => ({ ...router, role: 'router' as const })),
    ];
  }

  /** @throws Complaint when there is none of that name */
  process(id: string): Process {
    const all = this.processes();
    const found = all.find((process) => process.id === id);
    if (found !== undefined) return found;
    const ids = all.map((process) => process.id).join(', ');
    throw new Complaint(`there is no node '${id}'; there is: ${ids}`);
  }

  /** @throws Complaint when it is no storage node */
  node(id: string): Process {
    const process = this.process(id);
    if (process.role === 'node') return process;
    throw new Complaint(`'${id}' is a router, not a node`);
  }

  /** Makes the folder and a topology in it. */
  create(shape: Shape): void {
    for (const part of ['nodes', 'run', 'logs']) {
      mkdirSync(join(this.path, part), { recursive: true });
    }
    const text = `${JSON.stringify(newTopology(shape), undefined, 2)}\n`;
    writeFileSync(`${this.topologyFile}.new`, text);
    renameSync(`${this.topologyFile}.new`, this.topologyFile);
  }
}

export interface Shape {
  readonly zones: number;
  readonly nodesPerZone: number;
  /** Of the API: others follow. */
  readonly port: number;
  /** Where the node of this place (from 0) in its zone (from 0) listens. */
  readonly hostOf: (zone: number, place: number) => Host;
}

function newTopology({ zones, nodesPerZone, port, hostOf }: Shape): object {
  const nodes = Array.from({ length: zones * nodesPerZone }, (_, index) => {
    const zone = Math.floor(index / nodesPerZone);
    const place = index % nodesPerZone;
    const { host, portOffset } = hostOf(zone, place);
    const name = zoneName(zone);
    const first = port + 2 + portOffset;
    return { id: `${name}-${place + 1}`, zone: name, host, port: first, adminPort: first + 1 };
  });
  return {
    clusterId: randomUUID(),
    region: 'us-east-1',
    accountId: '123456789012',
    nodes,
    routers: [{ id: ROUTER, zone: zoneName(0), host: '127.0.0.1', port, adminPort: port + 1 }],
  };
}

function zoneName(zone: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + zone);
}
