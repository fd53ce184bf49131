import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, TimedFault } from '../../dataplane/simulation/faults.ts';
import type { OwnCluster } from '../cluster-benchmark/own-cluster.ts';
import { clusterState, leaderOf, untilWhole } from '../cluster-benchmark/wholeness.ts';
import { askAdmin, tellAdmin } from '../cluster-cli/admin-client.ts';
import { Complaint } from '../cluster-cli/complaint.ts';

export const VOTERS = 3;
/** What followers may lack, while clients write, in a cluster that counts as whole. */
const LAG_ENTRIES_MAX = 1_000;
const HEAL_MS_MAX = 60_000;
const HEAL_POLL_MS = 200;

export interface FaultRunnerOptions {
  readonly cluster: OwnCluster;
  /** How long the cluster may take to repair itself before a node is wiped. */
  readonly wholeMsMax: number;
  /** Told what is done, when it is done. */
  readonly onFault: (fault: Fault) => void;
}

/** Makes a schedule of faults come true with processes and links. */
export class FaultRunner {
  readonly #options: FaultRunnerOptions;
  /** What is being done to a process: the next follows behind it. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** Time that was spent on waiting for repairs: the schedule waits too. */
  #waitedMs = 0;

  constructor(options: FaultRunnerOptions) {
    this.#options = options;
  }

  /**
   * Resolves after the last fault, which heals everything, or soon after `signal` is aborted.
   * @throws Error when a node is to be wiped and the cluster does not become whole
   */
  async run(schedule: readonly TimedFault[], signal: AbortSignal): Promise<void> {
    const startMs = performance.now();
    for (const { atMs, fault } of schedule) {
      const leftMs = startMs + this.#waitedMs + atMs - performance.now();
      await delay(Math.max(0, leftMs), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await this.#apply(fault);
    }
  }

  /** All processes run, and no link is blocked. */
  async healAll(): Promise<void> {
    const { cluster } = this.#options;
    await Promise.all(this.#underWay.values());
    for (const { id } of cluster.folder.processes()) {
      if (cluster.processes.state(id) === 'paused') cluster.processes.signal(id, 'SIGCONT');
      cluster.start(id);
    }
    const endMs = performance.now() + HEAL_MS_MAX;
    while (!(await this.#healLinks())) {
      if (performance.now() > endMs) throw new Error('a node does not answer: links stay blocked');
      await delay(HEAL_POLL_MS);
    }
  }

  async #apply(fault: Fault): Promise<void> {
    const { cluster } = this.#options;
    this.#options.onFault(fault);
    switch (fault.kind) {
      case 'crash':
        this.#enqueue(fault.node, () => cluster.kill(fault.node));
        break;
      case 'shutdown':
        this.#enqueue(fault.node, () => cluster.processes.stop(fault.node));
        break;
      case 'restart':
        this.#enqueue(fault.node, () => cluster.start(fault.node));
        break;
      case 'pause':
        this.#enqueue(fault.node, () => this.#signal(fault.node, 'SIGSTOP'));
        break;
      case 'resume':
        this.#enqueue(fault.node, () => this.#signal(fault.node, 'SIGCONT'));
        break;
      case 'outage':
        for (const { id } of cluster.nodes) this.#enqueue(id, () => cluster.kill(id));
        break;
      case 'wipe':
        await this.#wipe(fault.node);
        break;
      default:
        await this.#applyToLinks(fault);
    }
  }

  async #applyToLinks(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'partition': {
        const [one = [], other = []] = fault.groups;
        await this.#block(one, other, 'both');
        await this.#block(other, one, 'both');
        break;
      }
      case 'block':
        await this.#block(fault.from, fault.to, 'out');
        await this.#block(fault.to, fault.from, 'in');
        break;
      case 'unblock':
        await this.#healLinks();
        break;
      case 'leaderTransfer':
        await this.#transferLeader(fault.draw);
        break;
      case 'healAll':
        await this.healAll();
        break;
      default:
        throw new Error(`${fault.kind} cannot be done to processes`);
    }
  }

  #enqueue(id: string, act: () => Promise<void> | void): void {
    const before = this.#underWay.get(id) ?? Promise.resolve();
    this.#underWay.set(id, before.then(act));
  }

  /** Does nothing to a process that does not run: a fault may end after the process has. */
  #signal(id: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    const { processes } = this.#options.cluster;
    if (processes.pid(id) !== undefined) processes.signal(id, signal);
  }

  /** Of three copies one may be lost: never while another one is not there whole. */
  async #wipe(id: string): Promise<void> {
    const { cluster, wholeMsMax } = this.#options;
    const startMs = performance.now();
    await this.healAll();
    const wanted = { lagEntriesMax: LAG_ENTRIES_MAX, voters: VOTERS };
    await untilWhole(cluster.nodes, wanted, wholeMsMax);
    this.#waitedMs += performance.now() - startMs;
    await cluster.wipe(id);
  }

  /** Routers cannot break links: their nodes do it. A paused process would do it too late. */
  async #block(
    ids: readonly string[],
    peers: readonly string[],
    direction: 'in' | 'out' | 'both',
  ): Promise<void> {
    await Promise.all(
      this.#awakeNodes()
        .filter(({ id }) => ids.includes(id))
        .map((node) =>
          tellAdmin(node, 'POST', '/faults', { action: 'block', peers, direction }).catch(
            ignoreComplaint,
          ),
        ),
    );
  }

  /** @returns whether all nodes have done it */
  async #healLinks(): Promise<boolean> {
    const nodes = this.#awakeNodes();
    const done = await Promise.all(
      nodes.map((node) =>
        tellAdmin(node, 'POST', '/faults', { action: 'heal' }).then(() => true, ignoreComplaint),
      ),
    );
    return done.length === this.#options.cluster.nodes.length && done.every(Boolean);
  }

  async #transferLeader(draw: number): Promise<void> {
    const { cluster } = this.#options;
    const state = await clusterState(this.#awakeNodes());
    const ids = [...new Set([...state.values()].flatMap((all) => (all ?? []).map(idOf)))];
    const partitionId = ids[draw % Math.max(1, ids.length)];
    const replicas = [...state].flatMap(([node, all]) =>
      (all ?? []).filter((each) => idOf(each) === partitionId).map((each) => ({ ...each, node })),
    );
    const leader = replicas.find((each) => each === leaderOf(replicas));
    const others = leader?.voters.filter((node) => node !== leader.node) ?? [];
    const toNode = others[draw % Math.max(1, others.length)];
    if (leader === undefined || toNode === undefined) return;
    const path = `/partitions/${partitionId}/leader`;
    await askAdmin(cluster.process(leader.node), 'POST', path, { toNode }).catch(ignoreComplaint);
  }

  #awakeNodes() {
    const { cluster } = this.#options;
    return cluster.nodes.filter(({ id }) => cluster.processes.state(id) === 'running');
  }
}

function idOf({ partitionId }: { readonly partitionId: string }): string {
  return partitionId;
}

/** A node that goes down meanwhile is no surprise here. */
function ignoreComplaint(error: unknown): false {
  if (error instanceof Complaint) return false;
  throw error;
}
