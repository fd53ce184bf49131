import assert from 'node:assert/strict';
import type { Role } from '../replication/transport/options.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import type { Probe } from './coverage.ts';
import type { SimRandom } from './random.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { SimDisk } from './sim-disk.ts';
import type { Death, SimProcess } from './sim-scheduler.ts';
import type { SimStore } from './sim-store.ts';
import type { SimTransport } from './sim-transport.ts';

/** All that a process gets from outside. */
export interface SimEnvironment {
  readonly id: NodeId;
  readonly role: Role;
  readonly scheduler: SimProcess;
  readonly transport: SimTransport;
  /** A router does not use its own. */
  readonly store: SimStore;
  /** Of the data folder: another one after a wipe. */
  readonly storeId: string;
  /** New numbers at each start. */
  readonly random: SimRandom;
  readonly probe: Probe;
  /** The process ends here and now, as `process.exit` does; it is started again after a while. */
  readonly exit: (reason: string) => void;
}

/** What runs on a machine: the real code with its wiring. */
export interface SimProgram<App> {
  /** What it throws ends the process, as in `main.ts`. */
  readonly boot: (environment: SimEnvironment) => Promise<App> | App;
  /** An orderly end, on SIGTERM. */
  readonly shutdown: (app: App, environment: SimEnvironment) => Promise<void>;
}

/** One machine with its disk and clocks, and the processes that run on it one after the other. */
export class SimMachine<App> {
  readonly id: NodeId;
  readonly role: Role;
  readonly disk: SimDisk;
  readonly clock: SimClock;
  readonly #cluster: SimCluster<App>;
  readonly #program: SimProgram<App>;
  #process: SimProcess | undefined;
  #app: App | undefined;
  #environment: SimEnvironment | undefined;
  #startsCount = 0;
  /** It is on its way out, and is to be started again after that, or not. */
  #afterShutdown: 'start' | 'stay' | undefined;

  /** For `SimCluster.addMachine`. */
  constructor(
    cluster: SimCluster<App>,
    options: {
      readonly id: NodeId;
      readonly role: Role;
      readonly disk: SimDisk;
      readonly clock: SimClock;
      readonly program: SimProgram<App>;
    },
  ) {
    this.id = options.id;
    this.role = options.role;
    this.disk = options.disk;
    this.clock = options.clock;
    this.#cluster = cluster;
    this.#program = options.program;
  }

  /** What the running process booted to; undefined while there is none, or it is booting. */
  get app(): App | undefined {
    return this.#app;
  }

  /** Of the running process. */
  get environment(): SimEnvironment | undefined {
    return this.#environment;
  }

  get process(): SimProcess | undefined {
    return this.#process;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  get startsCount(): number {
    return this.#startsCount;
  }

  /** Starts a process unless one runs; once the one that is being shut down has ended. */
  start(): void {
    if (this.#process !== undefined) {
      this.#afterShutdown &&= 'start';
      return;
    }
    const { world, network, probe } = this.#cluster;
    this.#startsCount += 1;
    const start = this.#startsCount;
    const process = world.startProcess(this.id, this.clock);
    this.#process = process;
    const random = world.random.fork(`program ${this.id} ${start}`);
    process.afterUs(random.logBetween(bootUs.min, bootUs.max), 'boot', () => {
      const storeId =
        this.role === 'node' ? `${this.id}/${this.disk.wipesCount}` : `${this.id}/start ${start}`;
      const environment: SimEnvironment = {
        id: this.id,
        role: this.role,
        scheduler: process,
        transport: network.attach({ id: this.id, role: this.role, storeId }, process),
        store: this.disk.open(process),
        storeId,
        random,
        probe,
        exit: (reason) => this.#exit(process, reason),
      };
      this.#environment = environment;
      Promise.try(this.#program.boot, environment).then(
        (app) => {
          if (process.isAlive) {
            this.#app = app;
          }
        },
        (error) => this.#exit(process, `boot failed: ${error}`),
      );
    });
  }

  crash(death: Death): void {
    const process = this.#process;
    this.#process = undefined;
    this.#app = undefined;
    this.#environment = undefined;
    this.#afterShutdown = undefined;
    process?.kill(death);
    this.disk.crash(death);
  }

  /** SIGTERM, and SIGKILL if that takes too long. */
  shutdown(): void {
    const process = this.#process;
    const app = this.#app;
    const environment = this.#environment;
    if (process === undefined || app === undefined || environment === undefined) {
      this.crash('kill');
      return;
    }
    const end = () => {
      if (this.#process === process) {
        const isToStart = this.#afterShutdown === 'start';
        this.crash('kill');
        if (isToStart) {
          this.start();
        }
      }
    };
    this.#afterShutdown = 'stay';
    process.afterUs(0, 'sigterm', () => void this.#program.shutdown(app, environment).then(end));
    this.#cluster.world.afterMs(shutdownMsMax, 'sigkill', end);
  }

  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** The machine is replaced: same name, empty disk. */
  wipe(): void {
    this.crash('power');
    this.disk.wipe();
  }

  #exit(process: SimProcess, reason: string): void {
    if (this.#process !== process) {
      return;
    }
    assert(process.isAlive, 'the process of a machine is alive');
    this.crash('kill');
    this.#cluster.exited(this, reason);
  }
}

const bootUs = { min: 20_000, max: 500_000 };
/** As `terminationGracePeriodSeconds`. */
const shutdownMsMax = 30_000;
