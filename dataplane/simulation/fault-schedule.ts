import type { NodeId } from '../replication/transport/transport.ts';
import type { Fault, FaultCause, TimedFault } from './faults.ts';
import type { SimRandom } from './random.ts';
import type { DiskSpace } from './sim-disk.ts';
import type { Loss } from './sim-links.ts';
import type { Death } from './sim-scheduler.ts';

export interface FaultScheduleOptions {
  readonly nodes: readonly NodeId[];
  readonly routers: readonly NodeId[];
  readonly startMs: number;
  /** When everything is healed. */
  readonly endMs: number;
  /** Between two causes, on average. */
  readonly gapMs: number;
  /** A fault lasts from a tenth of this up to this. */
  readonly durationMsMax: number;
  /** Most nodes at a time that are down, paused or have a bad disk (an outage aside). */
  readonly downMax: number;
  /** How long a node counts as out behind the end of its fault, to start in; 3 s by default. */
  readonly afterglowMs?: number;
  /** Nodes lose data (wipe, bit flip) one at a time, with this much time to recover between. */
  readonly repairMs: number;
  readonly weights: Readonly<Partial<Record<FaultCause, number>>>;
}

/** Draws what goes wrong and when. The last entry heals everything, at `endMs`. */
export function faultSchedule(
  random: SimRandom,
  options: FaultScheduleOptions,
): readonly TimedFault[] {
  const draft = new Draft(random, options);
  let atMs = options.startMs + random.exponential(options.gapMs);
  while (atMs < options.endMs) {
    draft.add(random.weighted<FaultCause>(options.weights), Math.round(atMs));
    atMs += random.exponential(options.gapMs);
  }
  return [
    ...draft.faults.toSorted((one, other) => one.atMs - other.atMs),
    { atMs: options.endMs, fault: { kind: 'healAll' } },
  ];
}

class Draft {
  readonly faults: TimedFault[] = [];
  readonly #random: SimRandom;
  readonly #options: FaultScheduleOptions;
  /** Until when a node has a fault that takes it out. */
  readonly #outUntilMs = new Map<NodeId, number>();
  #blockedUntilMs = 0;
  #badWeatherUntilMs = 0;
  #repairedMs = 0;

  constructor(random: SimRandom, options: FaultScheduleOptions) {
    this.#random = random;
    this.#options = options;
  }

  /** Nothing is added when the bounds do not allow it now. */
  add(cause: FaultCause, atMs: number): void {
    switch (cause) {
      case 'partition':
      case 'block':
      case 'leaderCut':
        this.#cut(cause, atMs);
        break;
      case 'loss':
      case 'slowness':
        this.#weather(cause, atMs);
        break;
      case 'dropConnection':
        this.#dropConnection(atMs);
        break;
      case 'clockJump':
        this.#clockJump(atMs);
        break;
      case 'memberChange':
      case 'leaderTransfer':
      case 'coreTrap':
        this.#push(atMs, { kind: cause, draw: this.#random.u32() });
        break;
      case 'outage':
        this.#outage(atMs);
        break;
      case 'flipBit':
        this.#flipBit(atMs);
        break;
      default:
        this.#takeOut(cause, atMs);
    }
  }

  get #afterglowMs(): number {
    return this.#options.afterglowMs ?? afterglowMsDefault;
  }

  get #everyone(): readonly NodeId[] {
    return [...this.#options.nodes, ...this.#options.routers];
  }

  #push(atMs: number, fault: Fault): void {
    if (atMs < this.#options.endMs) {
      this.faults.push({ atMs, fault });
    }
  }

  #endOf(atMs: number): number {
    const { durationMsMax } = this.#options;
    return Math.round(atMs + this.#random.logBetween(durationMsMax / 10, durationMsMax));
  }

  #takeOut(cause: OutCause, atMs: number): void {
    const { nodes, downMax, repairMs } = this.#options;
    const isProcessFault = cause === 'crash' || cause === 'shutdown' || cause === 'pause';
    const isOut = (node: NodeId) => (this.#outUntilMs.get(node) ?? 0) > atMs;
    const candidates = (isProcessFault ? this.#everyone : nodes).filter((node) => !isOut(node));
    const isTooEarly = cause === 'wipe' && atMs < this.#repairedMs;
    if (candidates.length === 0 || nodes.filter(isOut).length >= downMax || isTooEarly) {
      return;
    }
    const node = this.#random.pick(candidates);
    const endMs = this.#endOf(atMs);
    this.#outUntilMs.set(node, endMs + this.#afterglowMs);
    if (cause === 'wipe') {
      this.#repairedMs = endMs + repairMs;
    }
    const [begin, end] = this.#outFaults(cause, node);
    this.#span(begin, end, [atMs, endMs]);
  }

  #outFaults(cause: OutCause, node: NodeId): readonly [Fault, Fault] {
    const restart: Fault = { kind: 'restart', node };
    switch (cause) {
      case 'crash':
        return [{ kind: cause, node, death: this.#random.pick<Death>(['kill', 'power']) }, restart];
      case 'shutdown':
      case 'wipe':
        return [{ kind: cause, node }, restart];
      case 'pause':
        return [
          { kind: 'pause', node },
          { kind: 'resume', node },
        ];
      case 'diskStall':
        return [
          { kind: 'diskStall', node },
          { kind: 'diskStallEnd', node },
        ];
      case 'diskErrors': {
        const count = this.#random.between(1, 2);
        return [
          { kind: cause, node, count },
          { kind: cause, node, count: 0 },
        ];
      }
      case 'diskFull': {
        const space = this.#random.pick<DiskSpace>(['low', 'none']);
        return [
          { kind: 'diskSpace', node, space },
          { kind: 'diskSpace', node, space: 'enough' },
        ];
      }
    }
  }

  #dropConnection(atMs: number): void {
    const [one, other] = this.#random.sample(this.#everyone, 2);
    if (one !== undefined && other !== undefined) {
      this.#push(atMs, { kind: 'dropConnection', one, other });
    }
  }

  #span(begin: Fault, end: Fault, [atMs, endMs]: readonly [number, number]): void {
    this.#push(atMs, begin);
    this.#push(endMs, end);
  }

  #outage(atMs: number): void {
    const { nodes } = this.#options;
    // Others' ends would fall into it.
    if (nodes.some((node) => (this.#outUntilMs.get(node) ?? 0) > atMs)) {
      return;
    }
    this.#push(atMs, { kind: 'outage' });
    for (const node of nodes) {
      const endMs = this.#endOf(atMs);
      this.#outUntilMs.set(node, endMs + this.#afterglowMs);
      this.#push(endMs, { kind: 'restart', node });
    }
  }

  #cut(cause: 'partition' | 'block' | 'leaderCut', atMs: number): void {
    if (atMs < this.#blockedUntilMs) {
      return;
    }
    this.#blockedUntilMs = this.#endOf(atMs);
    this.#span(this.#cutOf(cause), { kind: 'unblock' }, [atMs, this.#blockedUntilMs]);
  }

  #cutOf(cause: 'partition' | 'block' | 'leaderCut'): Fault {
    const random = this.#random;
    if (cause === 'leaderCut') {
      return { kind: cause, draw: random.u32() };
    }
    // Some may still reach all, and know what others cannot.
    const everyone = this.#everyone;
    const count = random.chance(0.5) ? everyone.length : random.between(2, everyone.length);
    const shuffled = random.sample(everyone, count);
    const size = random.between(1, Math.max(1, shuffled.length - 1));
    const groups = [shuffled.slice(0, size), shuffled.slice(size)] as const;
    return cause === 'partition'
      ? { kind: cause, groups }
      : { kind: cause, from: groups[0], to: groups[1] };
  }

  #weather(cause: 'loss' | 'slowness', atMs: number): void {
    if (atMs < this.#badWeatherUntilMs) {
      return;
    }
    this.#badWeatherUntilMs = this.#endOf(atMs);
    const span = [atMs, this.#badWeatherUntilMs] as const;
    if (cause === 'slowness') {
      const factor = this.#random.between(10, 100);
      this.#span({ kind: 'slowness', factor }, { kind: 'slowness', factor: 1 }, span);
      return;
    }
    const some = () => this.#random.float() * lossMax;
    const loss: Loss = { drop: some(), duplicate: some(), reorder: some() };
    this.#span({ kind: 'loss', loss }, { kind: 'loss', loss: undefined }, span);
  }

  #clockJump(atMs: number): void {
    const node = this.#random.pick(this.#everyone);
    const byMs = Math.round(this.#random.logBetween(100, clockJumpMsMax));
    const sign = this.#random.pick([1, -1]);
    this.#span({ kind: 'clockJump', node, byMs: sign * byMs }, { kind: 'clockCorrection', node }, [
      atMs,
      this.#endOf(atMs),
    ]);
  }

  #flipBit(atMs: number): void {
    if (atMs >= this.#repairedMs) {
      this.#repairedMs = atMs + this.#options.repairMs;
      this.#push(atMs, { kind: 'flipBit', node: this.#random.pick(this.#options.nodes) });
    }
  }
}

/** What takes a single node out for a while. */
type OutCause = Extract<
  FaultCause,
  'crash' | 'shutdown' | 'pause' | 'diskStall' | 'diskFull' | 'diskErrors' | 'wipe'
>;

const afterglowMsDefault = 3_000;
const lossMax = 0.15;
const clockJumpMsMax = 3_600_000;
