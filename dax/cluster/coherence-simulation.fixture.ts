import type { SimRandom } from '../../dataplane/simulation/random.ts';
import type { SimProcess } from '../../dataplane/simulation/sim-scheduler.ts';
import { SimWorld } from '../../dataplane/simulation/sim-world.ts';
import { CoherenceError } from './coherence.ts';
import type { CoherenceLimits } from './coherence-limits.ts';
import { PeerCoherence, type PeerCoherenceOptions } from './peer-coherence.ts';
import { SimCachingNode, SimTables, TableFailure } from './sim-caching-node.fixture.ts';
import { type L2Mistakes, SimL2, SimL2Store } from './sim-l2.fixture.ts';
import { SimPeerNetworks } from './sim-peer-network.fixture.ts';
import { SimRegistry } from './sim-registry.fixture.ts';

/** A mistake made on purpose, between the parts or in their limits. */
export interface PlantedBug {
  readonly limits?: Partial<CoherenceLimits>;
  /** What a node's cache is given in place of its coherence. */
  readonly disguise?: (coherence: PeerCoherence, process: SimProcess) => PeerCoherence;
  readonly l2?: L2Mistakes;
  readonly options?: (options: PeerCoherenceOptions) => PeerCoherenceOptions;
}

export interface SimulationOutcome {
  readonly failures: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  /** Equal for equal seeds. */
  readonly hash: string;
}

const KEYS = ['a', 'b'];
const CHAOS_MS = 14_000;
const CALM_MS = 45_000;
const FAILURES_MAX = 5;

/** How often each fault comes; each seed prefers some and leaves out others. */
const FAULT_WEIGHTS = {
  pause: 5,
  kill: 1,
  shadow: 0.7,
  stop: 1,
  drain: 0.5,
  reset: 3,
  cut: 4,
  registryAway: 3,
  tablesAway: 1,
  l2Away: 2,
  heal: 3,
  emptyRegistry: 0.1,
} as const;
type FaultKind = keyof typeof FAULT_WEIGHTS;

interface RunningNode {
  readonly nodeId: number;
  readonly process: SimProcess;
  readonly coherence: PeerCoherence;
  readonly caching: SimCachingNode;
  readonly l2: SimL2;
  /** Another process has its place, or is about to. */
  isReplaced: boolean;
}

/**
 * One seed: nodes with caches, clients that read and write through any of them, and whatever can go wrong. THE RULE is
 * checked at each read: no version older than the last that was acknowledged before the read began.
 */
export async function simulateCoherence(
  seed: string | number,
  bug: PlantedBug = {},
  trace: (line: string) => void = () => undefined,
): Promise<SimulationOutcome> {
  const simulation = new CoherenceSimulation(seed, bug, trace);
  await simulation.run();
  return simulation.outcome();
}

class CoherenceSimulation {
  readonly #world: SimWorld;
  readonly #random: SimRandom;
  readonly #networks: SimPeerNetworks;
  readonly #registry: SimRegistry;
  readonly #tables: SimTables;
  readonly #l2Store: SimL2Store;
  readonly #bug: PlantedBug;
  readonly #trace: (line: string) => void;
  readonly #nodesCount: number;
  readonly #faultWeights: Readonly<Record<FaultKind, number>>;
  readonly #nodes: RunningNode[] = [];
  readonly #acknowledged = new Map<string, number>();
  /** Generations of L2 in the order in which the registry got them, and how many of them nobody may use any more. */
  readonly #generations = new Map<string, number>();
  #pastGenerations = 0;
  readonly #failures: string[] = [];
  readonly #counts: Record<string, number> = {};
  #startsCount = 0;
  #isChaos = true;
  #isOver = false;

  constructor(seed: string | number, bug: PlantedBug, trace: (line: string) => void) {
    this.#trace = trace;
    this.#world = new SimWorld(seed);
    this.#random = this.#world.random.fork('run');
    this.#networks = new SimPeerNetworks(this.#world);
    this.#registry = new SimRegistry(this.#world, (_id, value) => {
      const { generation } = Object(value.l2);
      if (!this.#generations.has(generation))
        this.#generations.set(generation, this.#generations.size);
    });
    this.#tables = new SimTables(this.#world.random.fork('tables'));
    this.#l2Store = new SimL2Store(this.#world.random.fork('l2'));
    this.#bug = bug;
    this.#nodesCount = this.#random.between(2, 4);
    this.#faultWeights = faultWeightsOf(this.#random);
  }

  async run(): Promise<void> {
    for (let nodeId = 0; nodeId < this.#nodesCount; nodeId += 1) this.#start(nodeId);
    for (let client = 0; client < 2 * this.#nodesCount; client += 1) this.#clientLater(client);
    this.#faultLater();
    try {
      await this.#world.run(CHAOS_MS);
      this.#healAll();
      await this.#calm();
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  outcome(): SimulationOutcome {
    return {
      failures: this.#failures,
      counts: this.#counts,
      hash: String(this.#world.trace.hash),
    };
  }

  #start(nodeId: number): void {
    this.#startsCount += 1;
    const name = `n${nodeId}`;
    const clock = this.#world.newClock(`${name} ${this.#startsCount}`, {
      wallSkewMsMax: 0,
      drift: 0.01,
    });
    const process = this.#world.startProcess(`${name} #${this.#startsCount}`, clock);
    const random = process.world.random.fork(process.name);
    const host = this.#random.chance(0.5) ? name : process.name;
    const options: PeerCoherenceOptions = {
      cluster: 'c',
      registry: this.#registry.of(process),
      network: this.#networks.of(process, { host, port: 8112 }),
      scheduler: process,
      newId: () => random.u32().toString(36),
      random: () => random.float(),
      log: (event, fields) => {
        this.#count(event);
        this.#tell(`${process.name} ${event} ${JSON.stringify(fields)}`);
      },
      limits: { soundMs: 3_000, rejoinMsMax: 3_000, reachMs: 1_000, ...this.#bug.limits },
    };
    const coherence = new PeerCoherence(this.#bug.options?.(options) ?? options);
    const seen = this.#bug.disguise?.(coherence, process) ?? coherence;
    const l2 = new SimL2(process, this.#l2Store, seen, this.#bug.l2);
    const caching = new SimCachingNode({ process, tables: this.#tables, coherence: seen, l2 });
    const self = { nodeId, name, zone: 'z', address: host, port: 8111, tlsPort: 9111 };
    process.afterUs(1_000, 'start', () => coherence.start(self));
    this.#nodes.push({ nodeId, process, coherence: seen, caching, l2, isReplaced: false });
  }

  #fail(text: string): void {
    if (this.#failures.length < FAILURES_MAX)
      this.#failures.push(`seed ${this.#world.seed}, ${this.#world.nowMs} ms: ${text}`);
  }

  #tell(line: string): void {
    this.#trace(`${this.#world.nowMs.toFixed(1)} ${line}`);
  }

  #count(event: string, by = 1): void {
    this.#counts[event] = (this.#counts[event] ?? 0) + by;
  }

  // Clients.

  #clientLater(client: number): void {
    this.#world.afterMs(this.#random.exponential(35), `client ${client}`, () => {
      if (!this.#isOver && this.#isChaos) this.#clientCall(client);
    });
  }

  /** One call, and the next one when it is answered, or nobody will answer it. */
  #clientCall(client: number): void {
    if (this.#nodes.length === 0) {
      this.#clientLater(client);
      return;
    }
    const node = this.#random.pick(this.#nodes);
    const key = this.#random.pick(KEYS);
    let isAnswered = false;
    const next = () => {
      if (isAnswered) return;
      isAnswered = true;
      this.#clientLater(client);
    };
    this.#world.afterMs(2_000, 'client gives up', next);
    if (this.#random.chance(0.7)) this.#read(node, key, next);
    else this.#write(node, key, next);
  }

  #read(node: RunningNode, key: string, then: () => void): void {
    const expected = this.#acknowledged.get(key) ?? 0;
    const past = this.#pastGenerations;
    const delayUs = this.#random.logBetween(50, 3_000);
    node.process.afterUs(delayUs, 'read', () => {
      this.#checkGeneration(node, past);
      node.caching.read(key).then(
        (version) => {
          this.#count('reads');
          this.#tell(`${node.process.name} gave out ${key}${version}`);
          if (version < expected) {
            const name = node.process.name;
            this.#fail(`${name} gave out ${key}${version} when ${key}${expected} was acknowledged`);
          }
          then();
        },
        (error) => this.#failed('read', error, then),
      );
    });
  }

  #checkGeneration({ coherence, process }: RunningNode, past: number): void {
    if (!coherence.mayServe) return;
    const generation = this.#generations.get(coherence.l2Generation) ?? -1;
    if (generation < past) this.#fail(`${process.name} uses keys of L2 that are past`);
  }

  #write(node: RunningNode, key: string, then: () => void): void {
    const delayUs = this.#random.logBetween(50, 3_000);
    const isSwitch = this.#random.chance(0.02);
    node.process.afterUs(delayUs, 'write', () => {
      (isSwitch ? this.#switch(node) : this.#acknowledge(node, key)).then(then, (error) =>
        this.#failed(isSwitch ? 'switch' : 'write', error, then),
      );
    });
  }

  async #acknowledge(node: RunningNode, key: string): Promise<void> {
    const version = await node.caching.write(key);
    this.#count('writes');
    this.#tell(`${node.process.name} acknowledged ${key}${version}`);
    this.#acknowledged.set(key, Math.max(version, this.#acknowledged.get(key) ?? 0));
  }

  async #switch({ coherence }: RunningNode): Promise<void> {
    const pastCount = this.#generations.size;
    await coherence.newL2Generation();
    this.#count('switches');
    this.#pastGenerations = Math.max(this.#pastGenerations, pastCount);
  }

  #failed(what: string, error: unknown, then: () => void): void {
    if (!(error instanceof TableFailure || error instanceof CoherenceError)) throw error;
    this.#count(`${what}: ${error.constructor.name}`);
    then();
  }

  // Faults.

  #faultLater(): void {
    this.#world.afterMs(this.#random.exponential(450), 'fault', () => {
      if (!this.#isChaos) return;
      if (this.#nodes.length > 0) this.#fault(this.#random.pick(this.#nodes));
      this.#faultLater();
    });
  }

  #fault(node: RunningNode): void {
    const random = this.#random;
    const kind = random.weighted(this.#faultWeights);
    const { process, nodeId } = node;
    const name = `n${nodeId}`;
    this.#count(`fault ${kind}`);
    this.#tell(`${process.name} FAULT ${kind}`);
    switch (kind) {
      case 'pause':
        this.#pause(process);
        break;
      case 'kill':
        this.#kill(node, random.chance(0.5) ? 'kill' : 'power');
        this.#replaceLater(node, random.between(1, 2_000));
        break;
      case 'shadow':
        // The node is thought dead, and replaced; but it lives on for a while, and serves its clients.
        this.#replaceLater(node, 0);
        this.#world.afterMs(random.between(500, 4_000), 'end of a shadow', () =>
          this.#kill(node, 'kill'),
        );
        break;
      case 'stop':
        this.#stop(node);
        break;
      case 'drain':
        process.afterUs(0, 'drain', () => {
          node.coherence.leave().catch((error) => this.#failed('drain', error, () => undefined));
        });
        break;
      case 'reset':
        this.#networks.reset(name);
        break;
      case 'cut':
        this.#cut(name);
        break;
      case 'registryAway':
        this.#registry.block(name);
        break;
      case 'tablesAway':
        this.#tables.block(name);
        break;
      case 'l2Away':
        this.#l2Store.block(name);
        break;
      case 'heal':
        this.#heal();
        break;
      case 'emptyRegistry':
        this.#registry.empty();
        break;
      default:
        kind satisfies never;
    }
  }

  #pause(process: SimProcess): void {
    if (!process.isAlive || process.isPaused) return;
    process.pause();
    const lastsMs = this.#random.logBetween(20, 5_000);
    this.#world.afterMs(lastsMs, 'resume', () => {
      if (process.isAlive) process.resume();
    });
  }

  /** One direction or both, to one other node or all. */
  #cut(name: string): void {
    const isWhole = this.#random.chance(0.3);
    for (let other = 0; other < this.#nodesCount; other += 1) {
      if (!isWhole && this.#random.chance(0.5)) continue;
      if (this.#random.chance(0.8)) this.#networks.block(name, `n${other}`);
      if (this.#random.chance(0.8)) this.#networks.block(`n${other}`, name);
    }
  }

  /** In order, as at a planned restart. */
  #stop(node: RunningNode): void {
    node.process.afterUs(0, 'stop', () => {
      node.coherence.close().then(() => {
        this.#count('stopped');
        this.#kill(node, 'kill');
        this.#replaceLater(node, 0);
      });
    });
  }

  #kill(node: RunningNode, death: 'kill' | 'power'): void {
    const index = this.#nodes.indexOf(node);
    if (index >= 0) this.#nodes.splice(index, 1);
    node.process.kill(death);
  }

  #replaceLater(node: RunningNode, delayMs: number): void {
    if (node.isReplaced) return;
    node.isReplaced = true;
    this.#world.afterMs(delayMs, 'start', () => this.#start(node.nodeId));
  }

  #heal(): void {
    this.#networks.heal();
    this.#registry.heal();
    this.#tables.heal();
    this.#l2Store.heal();
  }

  #healAll(): void {
    this.#isChaos = false;
    this.#heal();
    for (const { process } of this.#nodes) if (process.isPaused) process.resume();
  }

  // Afterwards.

  /** Everything comes to rest: all nodes serve, agree on who they are, and can write. */
  async #calm(): Promise<void> {
    await this.#world.runFor(5_000);
    const living = this.#nodes.filter(({ process }) => process.isAlive);
    await this.#world.run(
      () =>
        living.every(({ coherence }) => coherence.mayServe) &&
        new Set(living.map(({ coherence }) => coherence.metrics.epoch)).size === 1,
      { limitMs: CALM_MS },
    );
    this.#checkMembers(living);
    let doneCount = 0;
    for (const node of living)
      for (const key of KEYS) this.#writeUntilDone(node, key, () => (doneCount += 1));
    await this.#world.run(() => doneCount === living.length * KEYS.length, { limitMs: CALM_MS });
    let readCount = 0;
    for (const node of living)
      for (const key of KEYS) this.#read(node, key, () => (readCount += 1));
    await this.#world.run(() => readCount === living.length * KEYS.length, { limitMs: CALM_MS });
    this.#isOver = true;
    for (const { coherence, caching, l2 } of living) {
      this.#count('hits', caching.hitsCount);
      this.#count('l2 hits', l2.hitsCount);
      this.#count('exclusions', coherence.metrics.exclusionsCount);
    }
  }

  #writeUntilDone(node: RunningNode, key: string, then: () => void): void {
    node.process.afterUs(0, 'last write', () => {
      this.#acknowledge(node, key).then(then, (error) =>
        this.#failed('last write', error, () => this.#writeUntilDone(node, key, then)),
      );
    });
  }

  #checkMembers(living: readonly RunningNode[]): void {
    const shown = living.map(({ coherence }) =>
      JSON.stringify(coherence.members().map(({ isSelf: _isSelf, ...member }) => member)),
    );
    if (new Set(shown).size !== 1) this.#fail('nodes show different members');
    for (const { coherence } of living) {
      const members = coherence.members();
      const leaders = members.filter(({ role }) => role === 1);
      if (members.length > 0 && leaders.length !== 1) this.#fail('there is not one leader');
    }
  }
}

function faultWeightsOf(random: SimRandom): Readonly<Record<FaultKind, number>> {
  const weights: Record<FaultKind, number> = { ...FAULT_WEIGHTS };
  for (const kind of Object.keys(weights) as FaultKind[]) {
    weights[kind] *= random.pick([0, 0.3, 1, 1, 3]);
  }
  // Without it, what is cut off once stays so.
  return { ...weights, heal: Math.max(1, weights.heal) };
}
