import {
  type ConsensusCore,
  type CoreCommand,
  type CoreRecord,
  CoreTrapped,
  type GroupHandle,
  type NewCore,
} from '../replication/core/consensus-core.ts';
import type { NodeId } from '../replication/transport/transport.ts';
import { SimRandom } from './random.ts';

/** An instance of the core, with whatever draws its random numbers now. */
interface Instance {
  readonly core: ConsensusCore;
  random: () => number;
}

/**
 * Lends the cores of simulated nodes, and takes them back when their processes are gone: to make one
 * costs 7 ms, as much as a whole second of a simulated cluster. An instance without groups is as good
 * as new, for the core has no state but its groups, and its random numbers are the borrower's.
 */
export class CorePool {
  readonly #newCore: NewCore;
  readonly #free: Instance[] = [];
  readonly #lent = new Map<NodeId, LentCore>();
  /** Of the run. */
  readonly #panics = new Map<NodeId, number>();

  constructor(newCore: NewCore) {
    this.#newCore = newCore;
  }

  /** The cores of one node, one at a time. */
  newCoreOf(node: NodeId): NewCore {
    return (randomU32) => {
      this.#takeBack(node);
      const lent = new LentCore(this.#take(randomU32));
      this.#lent.set(node, lent);
      return lent;
    };
  }

  /** The node's core dies at its next call. */
  trap(node: NodeId): void {
    this.#lent.get(node)?.trap();
  }

  /** The node's core says from now on that it takes far too much memory. */
  swell(node: NodeId): void {
    this.#lent.get(node)?.swell();
  }

  /** One of the groups in the node's core panics at its next call, a few times in a run. */
  panic(node: NodeId): void {
    const panics = (this.#panics.get(node) ?? 0) + 1;
    if (panics > PANICS_MAX) return;
    this.#panics.set(node, panics);
    this.#lent.get(node)?.panic();
  }

  /** The run is over. */
  takeAllBack(): void {
    for (const node of [...this.#lent.keys()]) this.#takeBack(node);
    this.#panics.clear();
  }

  #take(random: () => number): Instance {
    const free = this.#free.pop();
    if (free !== undefined) {
      free.random = random;
      return free;
    }
    // What it draws for itself when it starts must not come from a borrower, for the next one to get
    // it has none of that.
    const started = new SimRandom('core');
    const instance: { core?: ConsensusCore; random: () => number } = {
      random: () => started.u32(),
    };
    const core = this.#newCore(() => instance.random());
    return Object.assign(instance, { core, random });
  }

  #takeBack(node: NodeId): void {
    const instance = this.#lent.get(node)?.end();
    this.#lent.delete(node);
    // Memory of an instance never shrinks.
    if (instance !== undefined && instance.core.memoryBytes < memoryBytesMax) {
      this.#free.push(instance);
    }
  }
}

const memoryBytesMax = 64 * 1024 * 1024;
/** Above any bound of a node. */
const SWOLLEN_BYTES = 2 ** 40;
/** A replica that panics three times within a minute is given up. */
const PANICS_MAX = 2;

class LentCore implements ConsensusCore {
  /** Undefined once it has been given back, or is dead. */
  #instance: Instance | undefined;
  readonly #groups = new Set<GroupHandle>();
  #isClosed = false;
  #isTrapped = false;
  #isSwollen = false;
  #isPanicking = false;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  get memoryBytes(): number {
    if (this.#isSwollen) return SWOLLEN_BYTES;
    return this.#instance?.core.memoryBytes ?? 0;
  }

  send(commands: readonly CoreCommand[]): readonly CoreRecord[] {
    const instance = this.#instance;
    if (instance === undefined || this.#isClosed) throw new CoreTrapped('the core is closed');
    if (this.#isTrapped) {
      this.#isClosed = true;
      throw new CoreTrapped('the simulation killed the core');
    }
    for (const command of commands) {
      if (command.op === 'create') this.#groups.add(command.group);
      else if (command.op === 'destroy') this.#groups.delete(command.group);
    }
    try {
      return this.#isPanicking ? this.#panicked(instance, commands) : instance.core.send(commands);
    } catch (error) {
      this.#instance = undefined;
      throw error;
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  trap(): void {
    this.#isTrapped = true;
  }

  swell(): void {
    this.#isSwollen = true;
  }

  panic(): void {
    this.#isPanicking = true;
  }

  /** As the core does: nothing of the group is left but the word that it is gone. */
  #panicked(instance: Instance, commands: readonly CoreCommand[]): readonly CoreRecord[] {
    const step = commands.findLast((command) => command.op === 'step');
    if (step === undefined || !this.#groups.delete(step.group)) return instance.core.send(commands);
    this.#isPanicking = false;
    const { group } = step;
    const records = instance.core.send([...commands, { op: 'destroy', group }]);
    const message = 'the simulation had the group panic';
    return [...records, { kind: 'failed', group, message }];
  }

  /** The instance without groups, unless it is dead. */
  end(): Instance | undefined {
    const instance = this.#instance;
    this.#instance = undefined;
    if (instance === undefined) return undefined;
    const destroys = Array.from(this.#groups, (group) => ({ op: 'destroy', group }) as const);
    instance.core.send(destroys);
    return instance;
  }
}
