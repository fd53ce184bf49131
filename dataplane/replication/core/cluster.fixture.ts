import type { EntryMeta, NewCore, ReplicaId } from './consensus-core.ts';
import { readMessageHead } from './message-head.ts';
import { SeededRandom } from './random.fixture.ts';
import { newDisk, type RecordOf, Replica, type Surroundings } from './replica.fixture.ts';

/** How badly the network treats messages. Reliable, if absent: each arrives at the next turn. */
export interface Weather {
  readonly lossChance: number;
  readonly duplicateChance: number;
  /** Messages take 1 to this many turns, and overtake each other. */
  readonly delayTurnsMax: number;
}

const CALM: Weather = { lossChance: 0, duplicateChance: 0, delayTurnsMax: 1 };
/** A tick of the group's clock is this many turns of the network. */
const TURNS_PER_TICK = 4;
/** More turns than any calm cluster needs to come to rest. */
const SETTLE_TURNS_MAX = 500;

/** Some replicas, a network and disks, all from one seed. Checks Raft's promises at every step. */
export class Cluster implements Surroundings {
  readonly random: SeededRandom;
  readonly replicas = new Map<ReplicaId, Replica>();
  /** What was applied at each index, by whoever came first. */
  readonly history = new Map<number, string>();
  weather = CALM;
  /** Messages from and to these are lost. */
  readonly isolated = new Set<ReplicaId>();
  readonly #newCore: NewCore;
  readonly #leaders = new Map<number, ReplicaId>();
  #inFlight: { dueTurn: number; from: ReplicaId; record: RecordOf<'msg'> }[] = [];
  #turn = 0;
  #token = 0;
  /** By the context of the read, which counts from 1. */
  readonly #readFloors: number[] = [];
  readsConfirmed = 0;

  constructor(newCore: NewCore, seed: number, voters: readonly ReplicaId[] = [1, 2, 3]) {
    this.#newCore = newCore;
    this.random = new SeededRandom(seed);
    for (const id of voters) this.add(id, voters);
  }

  /** A replica on a new disk; without voters it starts empty and waits to be told. */
  add(id: ReplicaId, voters: readonly ReplicaId[] = []): Replica {
    const random = new SeededRandom(this.random.seed * 1000 + id);
    const replica = new Replica({
      id,
      disk: newDisk(voters),
      newCore: this.#newCore,
      randomU32: () => random.u32(),
      surroundings: this,
    });
    this.replicas.set(id, replica);
    return replica;
  }

  replica(id: ReplicaId): Replica {
    const replica = this.replicas.get(id);
    if (replica === undefined) throw new Error(`there is no replica ${id}`);
    return replica;
  }

  /** The live, connected leader of the highest term. */
  leader(): Replica {
    const leaders = [...this.replicas.values()]
      .filter((each) => each.isUp && !this.isolated.has(each.id))
      .map((each) => ({ each, status: each.status() }))
      .filter(({ status }) => status.role === 'leader')
      .toSorted((a, b) => b.status.term - a.status.term);
    if (leaders[0] === undefined) throw new Error(`no leader (seed ${this.random.seed})`);
    return leaders[0].each;
  }

  /** The first replica, or the one named, is made leader, and everything settles. */
  elect(id: ReplicaId = 1): Replica {
    this.replica(id).queue({ op: 'campaign' });
    this.settle();
    return this.leader();
  }

  /** Proposes so many entries at a replica; returns their tokens. */
  propose(at: Replica, count = 1): number[] {
    return Array.from({ length: count }, () => {
      this.#token += 1;
      at.queue({ op: 'propose', token: this.#token, payloadBytes: this.#token * 10 });
      return this.#token;
    });
  }

  /** Asks for a read index; an answer below what was applied anywhere by now would be stale. */
  readIndex(at: Replica): void {
    this.#readFloors.push(Math.max(1, ...this.history.keys()));
    at.queue({ op: 'readIndex', context: this.#readFloors.length });
  }

  turn(): void {
    this.#turn += 1;
    const due = this.#inFlight.filter((each) => each.dueTurn <= this.#turn);
    this.#inFlight = this.#inFlight.filter((each) => each.dueTurn > this.#turn);
    for (const { from, record } of due) this.#deliver(from, record);
    for (const replica of this.replicas.values()) replica.turn();
  }

  /** Turns until nothing moves any more. */
  settle(): void {
    for (let turn = 0; turn < SETTLE_TURNS_MAX; turn += 1) {
      this.turn();
      const isBusy = [...this.replicas.values()].some((replica) => replica.hasWork);
      if (!isBusy && this.#inFlight.length === 0) return;
    }
    throw new Error(`does not settle (seed ${this.random.seed})`);
  }

  tick(count: number, who: readonly Replica[] = [...this.replicas.values()]): void {
    for (let tick = 0; tick < count; tick += 1) {
      for (const replica of who) replica.queue({ op: 'tick' });
      for (let turn = 0; turn < TURNS_PER_TICK; turn += 1) this.turn();
    }
  }

  /** The tokens of the normal entries that were applied anywhere, in order. */
  appliedTokens(): number[] {
    return [...this.history.entries()]
      .toSorted(([a], [b]) => a - b)
      .map(([, text]) => Number(text.split(' ')[2]))
      .filter((token) => token !== 0);
  }

  send(from: ReplicaId, record: RecordOf<'msg'>): void {
    const { lossChance, duplicateChance, delayTurnsMax } = this.weather;
    const copies = this.random.chance(duplicateChance) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.random.chance(lossChance)) {
        this.#report(from, record, false);
        continue;
      }
      const dueTurn = this.#turn + this.random.between(1, delayTurnsMax);
      this.#inFlight.push({ dueTurn, from, record });
    }
  }

  applied(replica: ReplicaId, entries: readonly EntryMeta[]): void {
    for (const { index, term, kind, token } of entries) {
      const text = `${term} ${kind} ${token}`;
      const known = this.history.get(index) ?? text;
      if (known !== text) {
        throw new Error(
          `replica ${replica} applied ${text} at ${index}, not ${known} (seed ${this.random.seed})`,
        );
      }
      this.history.set(index, text);
    }
  }

  read(replica: ReplicaId, record: RecordOf<'read'>): void {
    const floor = this.#readFloors[record.context - 1] ?? 0;
    if (record.index < floor) {
      throw new Error(`stale read at replica ${replica} (seed ${this.random.seed})`);
    }
    this.readsConfirmed += 1;
  }

  becameLeader(replica: ReplicaId, term: number): void {
    const other = this.#leaders.get(term) ?? replica;
    if (other !== replica) {
      throw new Error(`two leaders in term ${term} (seed ${this.random.seed})`);
    }
    this.#leaders.set(term, replica);
  }

  #deliver(from: ReplicaId, record: RecordOf<'msg'>): void {
    const receiver = this.replicas.get(record.to);
    const isLost = this.isolated.has(from) || this.isolated.has(record.to);
    if (isLost || receiver?.isUp !== true) {
      this.#report(from, record, false);
      return;
    }
    const head = readMessageHead(record.message);
    // A follower hands on a read index that another one asked it for.
    const isFrom = head.from === from || head.type === 'other';
    if (!isFrom || head.to !== record.to || head.type !== record.type) {
      throw new Error(`the head of a message from ${from} to ${record.to} is wrong`);
    }
    receiver.queue({ op: 'step', message: record.message });
    this.#report(from, record, true);
  }

  /** The sender of a snapshot must hear what became of it, or the follower waits for ever. */
  #report(from: ReplicaId, record: RecordOf<'msg'>, ok: boolean): void {
    if (record.type === 'snapshot') {
      this.replicas.get(from)?.queue({ op: 'reportSnapshot', replicaId: record.to, ok });
    }
  }
}
