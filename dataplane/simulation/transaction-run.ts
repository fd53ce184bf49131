import type { ClusterApp, RouterApp, SetupOverlays } from './cluster-program.ts';
import { CoordinatorFaults } from './coordinator-faults.ts';
import { checkSerializable } from './serializability.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimEnvironment } from './sim-machine.ts';
import type { SimulationPlan } from './simulation-plan.ts';
import type { TransactionClient } from './transaction-calls.ts';
import { TransactionHistory } from './transaction-history.ts';
import { TransactionWatch } from './transaction-watch.ts';
import { TransactionWorkload } from './transaction-workload.ts';
import type { Defect } from './workload.ts';

/** The part of a simulation that has to do with transactions. */
export class TransactionRun {
  readonly #history: TransactionHistory;
  readonly #workload: TransactionWorkload;
  readonly #faults: CoordinatorFaults;
  readonly #watch: TransactionWatch;

  constructor(cluster: SimCluster<ClusterApp>, plan: SimulationPlan) {
    const { transactions, coordinatorFaultPart: part, healedMs: endMs } = plan;
    this.#history = new TransactionHistory(() => cluster.world.nowMs);
    this.#workload = new TransactionWorkload(this.#history, transactions);
    this.#faults = new CoordinatorFaults(cluster, { part, endMs });
    this.#watch = new TransactionWatch(cluster.probe);
  }

  get defects(): readonly Defect[] {
    return this.#workload.calls.defects;
  }

  /** What comes between a router and the network. */
  readonly transportOf: SetupOverlays['transportOf'] = (transport, environment) =>
    this.#faults.watched(this.#watch.watched(transport), environment);

  /** A process of a router has started. */
  start(app: RouterApp, environment: SimEnvironment): void {
    this.#workload.start(app, environment);
  }

  stop(): void {
    this.#workload.stop();
  }

  /** What is under way in a process that runs. */
  unsettled(): string | undefined {
    for (const [call, { scheduler }] of this.#workload.calls.open) {
      if (scheduler.isAlive) return `${call} is open`;
    }
    return undefined;
  }

  /**
   * What must be possible once nothing goes wrong any more, each until it returns true: that accounts
   * are there; that of every doubtful transaction its client learns what became of it; that all items
   * are read and written.
   */
  get lastCalls(): readonly LastCall[] {
    const workload = this.#workload;
    if (workload.items.length === 0) return [];
    return [
      ['the opening of accounts', (client) => workload.openAccounts(client)],
      ['the fate of doubtful transactions', (client) => workload.settleDoubtful(client)],
      ['a snapshot of all items', (client) => workload.readAll(client)],
      ['a transaction over all items', (client) => workload.writeAll(client)],
    ];
  }

  /** To be made when the cluster is at rest. */
  get restCalls(): readonly LastCall[] {
    if (this.#workload.items.length === 0) return [];
    return [['a snapshot of all items', (client) => this.#workload.readAll(client)]];
  }

  /** What clients saw that cannot be, for people. */
  judge(): readonly string[] {
    const { verdict, violations } = checkSerializable(this.#history.transactions);
    if (verdict === 'undecided') return ['It is undecided whether transactions are serializable'];
    return violations.map((text) => `Not strictly serializable. ${text}`);
  }

  /** By name and outcome. */
  *outcomes(): Iterable<string> {
    for (const { scope, name, outcome } of this.#history.transactions) {
      if (name === 'refused') continue;
      yield `${scope === 'single' ? 'beside: ' : 'transaction: '}${name} ${outcome.kind}`;
    }
  }
}

/** For people, and what to do through a client. */
export type LastCall = readonly [
  what: string,
  perform: (client: TransactionClient) => Promise<boolean>,
];
