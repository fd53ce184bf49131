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

  /** The node's core dies at its next call. False if it has none. */
  trap(node: NodeId): boolean {
    return this.#lent.get(node)?.trap() ?? false;
  }

  /** The run is over. */
  takeAllBack(): void {
    for (const node of [...this.#lent.keys()]) this.#takeBack(node);
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

class LentCore implements ConsensusCore {
  /** Undefined once it has been given back, or is dead. */
  #instance: Instance | undefined;
  readonly #groups = new Set<GroupHandle>();
  #isClosed = false;
  #isTrapped = false;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  get memoryBytes(): number {
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
      return instance.core.send(commands);
    } catch (error) {
      this.#instance = undefined;
      throw error;
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  trap(): boolean {
    if (this.#isClosed) return false;
    this.#isTrapped = true;
    return true;
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
