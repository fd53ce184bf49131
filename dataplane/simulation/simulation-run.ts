import { loadCore } from '../replication/core/wasm-core.ts';
import { ClusterFaults } from './cluster-faults.ts';
import {
  type ClusterApp,
  type ClusterSetup,
  nodeProgram,
  noOverlays,
  type RouterApp,
  routerProgram,
  type SetupOverlays,
} from './cluster-program.ts';
import { runningNodes } from './cluster-state.ts';
import { CorePool } from './core-pool.ts';
import { findStaleReads } from './eventual-reads.ts';
import { History } from './history.ts';
import { checkLinearizable } from './linearizability.ts';
import { checkIndexes, restlessness } from './quiet-checks.ts';
import { RaftWatch } from './raft-watch.ts';
import { type ReplicaState, replicaStates, StateComparison } from './replica-states.ts';
import { defaultClusterOptions, SimCluster, type SimLogLine } from './sim-cluster.ts';
import type { SimMachine } from './sim-machine.ts';
import { type SimulationPlan, type SimulationTuning, simulationPlan } from './simulation-plan.ts';
import { StreamChecks } from './stream-checks.ts';
import { TableSetup } from './table-setup.ts';
import type { TransactionClient } from './transaction-calls.ts';
import { type LastCall, TransactionRun } from './transaction-run.ts';
import { Workload } from './workload.ts';

export interface SimulationOptions {
  readonly overlays?: Partial<SetupOverlays>;
  readonly tuning?: SimulationTuning;
}

/** What came of one seed. */
export interface SimulationReport {
  readonly seed: string;
  /** What must not be, for people; empty for a run as it should be. */
  readonly failures: readonly string[];
  /** By kind and outcome. */
  readonly operations: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly probes: ReadonlyMap<string, number>;
  readonly eventsCount: number;
  readonly virtualMs: number;
  readonly hash: string;
  readonly log: readonly SimLogLine[];
}

let cores: CorePool | undefined;

/** Runs a whole cluster from one seed, and judges it. */
export async function simulate(
  seed: string,
  options: SimulationOptions = {},
): Promise<SimulationReport> {
  cores ??= new CorePool(await loadCore());
  const run = new SimulationRun(seed, cores, options);
  const onRejection = (error: unknown) => run.fail(`a promise was rejected: ${stackOf(error)}`);
  process.on('unhandledRejection', onRejection);
  try {
    await run.run();
  } catch (error) {
    run.fail(stackOf(error));
  } finally {
    process.off('unhandledRejection', onRejection);
    cores.takeAllBack();
  }
  return run.report();
}

class SimulationRun {
  readonly #cluster: SimCluster<ClusterApp>;
  readonly #plan: SimulationPlan;
  readonly #history: History;
  readonly #workload: Workload;
  readonly #transactions: TransactionRun;
  readonly #setup: TableSetup;
  readonly #watch = new RaftWatch();
  readonly #states = new StateComparison();
  readonly #streams = new StreamChecks();
  readonly #faults: ClusterFaults;
  readonly #failures: string[] = [];

  constructor(seed: string, cores: CorePool, options: SimulationOptions) {
    const onSend = this.#watch.onSend;
    this.#cluster = new SimCluster<ClusterApp>(seed, { ...defaultClusterOptions, onSend });
    const { world } = this.#cluster;
    this.#plan = simulationPlan(world.random.fork('plan'), options.tuning);
    this.#history = new History(() => world.nowMs);
    this.#workload = new Workload(this.#history, this.#plan.workload);
    this.#transactions = new TransactionRun(this.#cluster, this.#plan);
    this.#setup = new TableSetup({
      partitionsCount: this.#plan.partitionsCount,
      hasTimeToLive: this.#plan.workload.mix.expiring > 0,
      hasStream: this.#plan.hasStream,
      hasTransactions: this.#plan.transactions.clientsCount > 0,
    });
    this.#faults = new ClusterFaults(this.#cluster, cores, VOTERS_COUNT);
    const setup = this.#clusterSetup(cores, options);
    const node = nodeProgram(setup);
    const router = routerProgram(setup);
    for (const id of this.#plan.nodes) this.#cluster.addMachine(id, 'node', node);
    for (const id of this.#plan.routers) this.#cluster.addMachine(id, 'router', router);
  }

  fail(what: string): void {
    this.#failures.push(what);
  }

  async run(): Promise<void> {
    const { world } = this.#cluster;
    await this.#found();
    this.#compareLater();
    this.#cluster.schedule(this.#plan.faults, this.#faults);
    await world.run(this.#plan.healedMs + AFTERMATH_MS);
    this.#workload.stop();
    this.#transactions.stop();
    await this.#until('every operation is settled', SETTLE_MS, () => this.#unsettled());
    await this.#serveAll();
    await this.#callAll(this.#transactions.lastCalls);
    await this.#until('the cluster is at rest', REST_MS, () =>
      restlessness(this.#cluster, this.#setup.isDone, VOTERS_COUNT),
    );
    await this.#callAll(this.#transactions.restCalls);
    this.#compare();
    if (this.#failures.length > 0) return;
    const { router } = this.#routerApp('r1');
    this.#failures.push(...(await this.#within(checkIndexes(router))));
    if (!this.#plan.hasStream) return;
    this.#failures.push(...(await this.#within(this.#streams.check(router))));
  }

  report(): SimulationReport {
    const { world, applied, coverage, log } = this.#cluster;
    this.#judge();
    return {
      seed: world.seed,
      failures: this.#failures,
      operations: this.#outcomes(),
      faults: new Map(applied),
      probes: new Map([...coverage.counts(), ['statesCompared', this.#states.comparedCount]]),
      eventsCount: world.eventsCount,
      virtualMs: world.nowMs,
      hash: world.trace.hash,
      log,
    };
  }

  #clusterSetup(cores: CorePool, options: SimulationOptions): ClusterSetup {
    const { nodes, zoneOf, limits, repair } = this.#plan;
    const overlays = { ...noOverlays, ...options.overlays };
    return {
      nodes,
      zoneOf,
      limits,
      repair,
      ...overlays,
      transportOf: (transport, environment) => {
        const overlaid = overlays.transportOf(transport, environment);
        return this.#transactions.transportOf(overlaid, environment);
      },
      newCoreOf: (node) => cores.newCoreOf(node),
      log: (event, fields) => {
        this.#cluster.note(event, fields);
        this.#cluster.coverage.hit(`log ${event}`);
      },
      onNode: ({ storeId, store }) => this.#watch.onStart(storeId, store),
      onRouter: (app, environment) => {
        const { router } = app;
        void this.#setup.run(router, environment);
        this.#workload.start(router, environment);
        this.#transactions.start(app, environment);
        if (this.#plan.hasStream && environment.id === 'r1') {
          void this.#streams.follow(router, environment);
        }
      },
    };
  }

  /** Everything starts, and the catalog is founded, before anything goes wrong. */
  async #found(): Promise<void> {
    const { world, machines } = this.#cluster;
    this.#cluster.startAll();
    const all = [...machines.values()];
    await world.run(() => all.every(({ app }) => app !== undefined), { limitMs: REST_MS });
    const first = all.find(({ role }) => role === 'node');
    let isFounded = false;
    inProcess(first, () => {
      const { app } = first ?? {};
      if (app?.kind !== 'node') return;
      void app.control.bootstrap(undefined).then(() => {
        isFounded = true;
      });
    });
    await world.run(() => isFounded, { limitMs: REST_MS });
  }

  /** Clients get answers from every router, for every item. */
  async #serveAll(): Promise<void> {
    for (const [index, key] of this.#workload.keys.entries()) {
      const id = this.#plan.routers[index % this.#plan.routers.length] ?? 'r1';
      for (const kind of ['put', 'get'] as const) {
        await this.#call(`a ${kind} of ${key}`, id, (client) =>
          this.#workload.perform(kind, key, client),
        );
      }
    }
  }

  async #callAll(calls: readonly LastCall[]): Promise<void> {
    for (const [index, [what, perform]] of calls.entries()) {
      const id = this.#plan.routers[index % this.#plan.routers.length] ?? 'r1';
      await this.#call(what, id, perform);
    }
  }

  /** Until it returns true. */
  async #call(
    what: string,
    id: string,
    perform: (client: TransactionClient) => Promise<boolean>,
  ): Promise<void> {
    const { world, machines } = this.#cluster;
    const untilMs = world.nowMs + SERVE_MS;
    while (world.nowMs < untilMs) {
      const machine = machines.get(id);
      const { app, environment } = { app: machine?.app, environment: machine?.environment };
      // Until there is an answer.
      const answer: { isOk: boolean | undefined } = { isOk: false };
      if (app?.kind === 'router' && environment !== undefined) {
        answer.isOk = undefined;
        inProcess(machine, () => {
          const { router, transactions } = app;
          void perform({ name: `${id}/last`, router, transactions, environment }).then((isOk) => {
            answer.isOk = isOk;
          });
        });
      }
      await world.run(() => answer.isOk !== undefined, { limitMs: SETTLE_MS });
      if (answer.isOk === true) return;
      await world.runFor(POLL_MS);
    }
    this.fail(`Nobody answers ${what} through ${id} for ${SERVE_MS} ms after all healed`);
  }

  #unsettled(): string | undefined {
    for (const [{ operation, key, id }, { scheduler }] of this.#workload.open) {
      if (scheduler.isAlive) return `operation #${id} (${operation.kind} of ${key}) is open`;
    }
    return this.#transactions.unsettled();
  }

  /** Waits until there is no reason to wait for any more. */
  async #until(what: string, limitMs: number, reason: () => string | undefined): Promise<void> {
    const { world } = this.#cluster;
    const untilMs = world.nowMs + limitMs;
    let why = reason();
    while (why !== undefined && world.nowMs < untilMs) {
      await world.runFor(POLL_MS);
      why = reason();
    }
    if (why !== undefined) this.fail(`Not within ${limitMs} ms: ${what}; ${why}`);
  }

  async #within<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    await this.#cluster.world.run(() => isDone, { limitMs: REST_MS });
    return done;
  }

  #routerApp(id: string): RouterApp {
    const app = this.#cluster.machines.get(id)?.app;
    if (app?.kind !== 'router') throw new Error(`router ${id} does not run`);
    return app;
  }

  #compareLater(): void {
    this.#cluster.world.afterMs(COMPARE_MS, 'compare', () => {
      this.#compare();
      this.#compareLater();
    });
  }

  #compare(): void {
    const damages = this.#faults.damages();
    const isDamaged = ({ node }: ReplicaState) => damages.some((each) => each.node === node);
    for (const node of runningNodes(this.#cluster)) {
      for (const state of replicaStates(node)) this.#states.take(state, isDamaged);
    }
  }

  #judge(): void {
    const { log } = this.#cluster;
    const defects = [...this.#workload.defects, ...this.#transactions.defects];
    for (const { what, error } of defects) this.fail(`${what}: ${stackOf(error)}`);
    for (const { event, fields } of log) {
      if (event === 'handlerFailed') this.fail(`${fields.method} failed: ${stackOf(fields.error)}`);
    }
    this.#failures.push(...this.#watch.violations, ...this.#states.violations);
    const { operations } = this.#history;
    const { verdict, violations, undecidedKeys } = checkLinearizable(operations);
    for (const { report } of violations) this.fail(`Not linearizable. ${report}`);
    if (verdict === 'undecided') this.fail(`Undecided: items ${undecidedKeys.join(', ')}`);
    for (const { report } of findStaleReads(operations)) this.fail(report);
    this.#failures.push(...this.#transactions.judge());
  }

  #outcomes(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { operation, outcome } of this.#history.operations) {
      const name = `${operation.kind} ${outcome.kind}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    for (const name of this.#transactions.outcomes()) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }
}

function inProcess(machine: SimMachine<ClusterApp> | undefined, fn: () => void): void {
  machine?.process?.afterUs(0, 'simulation', fn);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

const VOTERS_COUNT = 3;
/** Clients go on for so long after everything has healed. */
const AFTERMATH_MS = 1_500;
/** Above the deadline of a request. */
const SETTLE_MS = 15_000;
const SERVE_MS = 20_000;
const REST_MS = 90_000;
const POLL_MS = 200;
const COMPARE_MS = 250;
