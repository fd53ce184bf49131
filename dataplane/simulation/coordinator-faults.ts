import type { Transport } from '../replication/transport/transport.ts';
import { methods } from '../routing/protocol.ts';
import type { ClusterApp } from './cluster-program.ts';
import { overlaid } from './overlay.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimEnvironment } from './sim-machine.ts';

export interface CoordinatorFaultsOptions {
  /** How likely something happens at a message. */
  readonly part: number;
  /** Virtual ms since the world began: nothing happens any more. */
  readonly endMs: number;
}

/** From the moment that a message is sent, past its answer, to that of the one behind it. */
const AFTER_MS = { min: 0.01, max: 20 };
const DOWN_MS = { min: 100, max: 4_000 };
const PAUSED_MS = { min: 50, max: 7_000 };

/** Kills and pauses routers in the middle of transactions, between any two messages of theirs. */
export class CoordinatorFaults {
  readonly #cluster: SimCluster<ClusterApp>;
  readonly #options: CoordinatorFaultsOptions;

  constructor(cluster: SimCluster<ClusterApp>, options: CoordinatorFaultsOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** The transport of a router's process; whoever uses it notices nothing until it happens. */
  watched(transport: Transport, environment: SimEnvironment): Transport {
    if (environment.role !== 'router' || this.#options.part === 0) return transport;
    const random = environment.random.fork('coordinator faults');
    return overlaid(transport, {
      request: (to, method, body, options) => {
        if (method === methods.transact && random.chance(this.#options.part)) {
          const { world } = this.#cluster;
          const afterMs = random.logBetween(AFTER_MS.min, AFTER_MS.max);
          world.afterMs(afterMs, 'fault.coordinator', () => this.#strike(environment));
        }
        return transport.request(to, method, body, options);
      },
    });
  }

  #strike({ id, scheduler, random }: SimEnvironment): void {
    const { world, machines, coverage } = this.#cluster;
    const machine = machines.get(id);
    const isOver = world.nowMs >= this.#options.endMs;
    // Another process runs there by now, or none.
    if (isOver || machine === undefined || machine.process !== scheduler) return;
    if (random.chance(0.6)) {
      coverage.hit('coordinatorKilled');
      machine.crash(random.pick(['kill', 'power']));
      const downMs = random.logBetween(DOWN_MS.min, DOWN_MS.max);
      world.afterMs(downMs, 'fault.coordinatorRestart', () => machine.start());
      return;
    }
    if (scheduler.isPaused) return;
    coverage.hit('coordinatorPaused');
    machine.pause();
    const pausedMs = random.logBetween(PAUSED_MS.min, PAUSED_MS.max);
    world.afterMs(pausedMs, 'fault.coordinatorResume', () => {
      if (machine.process === scheduler) machine.resume();
    });
  }
}
