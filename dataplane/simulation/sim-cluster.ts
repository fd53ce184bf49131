import type { Role } from '../replication/transport/options.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import { Coverage, type Probe } from './coverage.ts';
import type { Fault, TimedFault } from './faults.ts';
import type { BodyMode } from './message-body.ts';
import type { ClockOptions } from './sim-clock.ts';
import { type DiskOptions, defaultDiskOptions, SimDisk } from './sim-disk.ts';
import { SimMachine, type SimProgram } from './sim-machine.ts';
import { type SendListener, SimNetwork } from './sim-network.ts';
import { SimWorld } from './sim-world.ts';

export interface SimClusterOptions {
  readonly bodyMode: BodyMode;
  readonly clock: ClockOptions;
  readonly disk: DiskOptions;
  /** Sees every one-way message that a process sends. */
  readonly onSend?: SendListener | undefined;
}

export const defaultClusterOptions: SimClusterOptions = {
  bodyMode: 'copied',
  clock: { wallSkewMsMax: 500, drift: 0.01 },
  disk: defaultDiskOptions,
};

/** What only the code under test can do, or decide. */
export interface FaultHooks {
  /** Whether this node may lose data now: its replicas are in full elsewhere. */
  mayLoseData(node: NodeId): boolean;
  /** A bit of the value under this key of the node's disk is another one now. */
  onDamage?(node: NodeId, key: Buffer): void;
  memberChange(draw: number): void;
  leaderTransfer(draw: number): void;
  coreTrap(draw: number): void;
  leaderCut(draw: number): void;
}

/** Something a transport logged or a process died of. */
export interface SimLogLine {
  readonly atMs: number;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A cluster in one process: machines of a world and the network between them. */
export class SimCluster<App> {
  readonly world: SimWorld;
  readonly network: SimNetwork;
  readonly coverage: Coverage;
  readonly machines = new Map<NodeId, SimMachine<App>>();
  /** The last lines; bounded. */
  readonly log: SimLogLine[] = [];
  /** Faults that were applied, by kind; those that could not be are not counted. */
  readonly applied = new Map<Fault['kind'], number>();
  readonly #options: SimClusterOptions;

  constructor(
    seed: string | number,
    options: SimClusterOptions = defaultClusterOptions,
    coverage: Coverage = new Coverage(),
  ) {
    this.world = new SimWorld(seed);
    this.coverage = coverage;
    this.#options = options;
    this.network = new SimNetwork(this.world, {
      bodyMode: options.bodyMode,
      log: (event, fields) => this.note(event, fields),
      onSend: options.onSend,
    });
  }

  get probe(): Probe {
    return this.coverage.hit;
  }

  /** Adds a machine that is not started. */
  addMachine(id: NodeId, role: Role, program: SimProgram<App>): SimMachine<App> {
    const machine = new SimMachine(this, {
      id,
      role,
      program,
      disk: new SimDisk(this.world.random.fork(`disk ${id}`), this.#options.disk),
      clock: this.world.newClock(id, this.#options.clock),
    });
    this.machines.set(id, machine);
    return machine;
  }

  /** Starts all machines that do not run. */
  startAll(): void {
    for (const machine of this.machines.values()) {
      machine.start();
    }
  }

  /** Has the faults happen at their times. */
  schedule(faults: readonly TimedFault[], hooks: FaultHooks): void {
    for (const { atMs, fault } of faults) {
      this.world.afterMs(Math.max(0, atMs - this.world.nowMs), `fault.${fault.kind}`, () =>
        this.apply(fault, hooks),
      );
    }
  }

  /** Now. A fault that does not fit the state of the cluster (a pause of what is down) is passed over. */
  apply(fault: Fault, hooks: FaultHooks): void {
    if (this.#applyTo(fault, hooks)) {
      this.applied.set(fault.kind, (this.applied.get(fault.kind) ?? 0) + 1);
    }
  }

  /** For machines: a process ended by itself. It is started again, as Kubernetes would. */
  exited(machine: SimMachine<App>, reason: string): void {
    this.note('processExited', { node: machine.id, reason });
    this.world.afterMs(restartMs, 'restart', () => machine.start());
  }

  /** Keeps a line for whoever looks into a failure. */
  note(event: string, fields: Readonly<Record<string, unknown>>): void {
    this.log.push({ atMs: this.world.nowMs, event, fields });
    if (this.log.length > logLinesMax) {
      this.log.splice(0, logLinesMax / 2);
    }
  }

  /** No fault is in force any more, and everything runs. What was lost stays lost. */
  healAll(): void {
    this.network.heal();
    for (const machine of this.machines.values()) {
      machine.disk.heal();
      machine.clock.correct();
      machine.resume();
      machine.start();
    }
  }

  #applyTo(fault: Fault, hooks: FaultHooks): boolean {
    switch (fault.kind) {
      case 'outage':
        for (const machine of this.machines.values()) {
          if (machine.role === 'node') {
            machine.crash('power');
          }
        }
        return true;
      case 'partition':
        this.network.partition(fault.groups);
        return true;
      case 'block':
        this.network.block(fault.from, fault.to);
        return true;
      case 'unblock':
        this.network.unblock();
        return true;
      case 'dropConnection':
        this.network.dropConnection(fault.one, fault.other);
        return true;
      case 'loss':
        this.network.links.setLoss(fault.loss);
        return true;
      case 'slowness':
        this.network.links.setSlowness(fault.factor);
        return true;
      case 'memberChange':
      case 'leaderTransfer':
      case 'coreTrap':
      case 'leaderCut':
        hooks[fault.kind](fault.draw);
        return true;
      case 'healAll':
        this.healAll();
        return true;
      default: {
        const machine = this.machines.get(fault.node);
        return machine !== undefined && applyToMachine(machine, fault, hooks);
      }
    }
  }
}

type MachineFault = Extract<Fault, { readonly node: NodeId }>;

function applyToMachine<App>(
  machine: SimMachine<App>,
  fault: MachineFault,
  hooks: FaultHooks,
): boolean {
  const { disk, clock, isRunning } = machine;
  switch (fault.kind) {
    case 'crash':
      machine.crash(fault.death);
      return isRunning;
    case 'shutdown':
      machine.shutdown();
      return isRunning;
    case 'restart':
      machine.start();
      return !isRunning;
    case 'pause':
      machine.pause();
      return isRunning;
    case 'resume':
      machine.resume();
      return isRunning;
    case 'diskStall':
      disk.stall();
      return true;
    case 'diskStallEnd':
      disk.endStall();
      return true;
    case 'diskSpace':
      disk.setSpace(fault.space);
      return true;
    case 'diskErrors':
      disk.failWrites(fault.count);
      return true;
    case 'wipe':
      if (hooks.mayLoseData(machine.id)) {
        machine.wipe();
        return true;
      }
      return false;
    case 'flipBit': {
      const key = hooks.mayLoseData(machine.id) ? disk.flipBit() : undefined;
      if (key !== undefined) {
        hooks.onDamage?.(machine.id, key);
      }
      return key !== undefined;
    }
    case 'clockJump':
      clock.jump(fault.byMs);
      return true;
    case 'clockCorrection':
      clock.correct();
      return true;
    default:
      return fault satisfies never;
  }
}

/** A process that ended by itself is started again after this long. */
const restartMs = 2_000;
const logLinesMax = 2_000;
