import {
  type Coherence,
  CoherenceError,
  type Invalidation,
  type Member,
  type MemberAddress,
  memberRoles,
} from './coherence.ts';
import { type CoherenceLimits, defaultCoherenceLimits } from './coherence-limits.ts';
import { toExclude } from './exclusion.ts';
import { HeldInvalidations } from './held-invalidations.ts';
import { InvalidationLog } from './invalidation-log.ts';
import { Membership, type MembershipLog } from './membership.ts';
import { encodeFrame, encodeInvalidation, type L2State } from './peer-frame.ts';
import { PeerLinks } from './peer-links.ts';
import type { PeerNetwork } from './peer-network.ts';
import { RegistryError, type RegistryStore } from './registry-store.ts';
import type { Scheduler } from './scheduler.ts';
import { SharedL2 } from './shared-l2.ts';
import type { View } from './view.ts';

export interface PeerCoherenceOptions {
  /** Nodes of other clusters are not listened to. */
  readonly cluster: string;
  readonly registry: RegistryStore;
  readonly network: PeerNetwork;
  readonly scheduler: Scheduler;
  /** Random text of 20 characters or so, another one each time. */
  readonly newId: () => string;
  /** 0 to below 1. */
  readonly random: () => number;
  readonly log: MembershipLog;
  readonly limits?: Partial<CoherenceLimits>;
}

/** What has happened since the start, and how things are. */
export interface CoherenceMetrics {
  readonly isActive: boolean;
  readonly epoch: number;
  readonly membersCount: number;
  readonly connectedPeersCount: number;
  /** Not acknowledged by everybody yet. */
  readonly pendingCount: number;
  readonly sentCount: number;
  readonly receivedCount: number;
  /** Writes that were answered as uncertain for want of acknowledgements. */
  readonly failedCount: number;
  /** Writes that all others have acknowledged, and for how long these waited in sum. */
  readonly settledCount: number;
  readonly settledMsTotal: number;
  readonly joinsCount: number;
  /** Members that this node had excluded. */
  readonly exclusionsCount: number;
  /** Times when writes waited for the lease of an excluded node to end. */
  readonly fencesCount: number;
}

/**
 * The caches of several nodes: invalidation from node to node, and a membership with leases for those who do not
 * answer. README.md says why no node gives out what is older than an acknowledged write.
 *
 * Handlers are given before `start`.
 */
export class PeerCoherence implements Coherence {
  readonly #options: PeerCoherenceOptions;
  readonly #limits: CoherenceLimits;
  readonly #log: InvalidationLog;
  readonly #holds: HeldInvalidations;
  readonly #links: PeerLinks;
  readonly #l2: SharedL2;
  #self: MemberAddress | undefined;
  #membership: Membership | undefined;
  #incarnation = '';
  #isOwingDropAll = false;
  #isExcluding = false;
  #closing: Promise<void> | undefined;
  #isClosed = false;
  #tickedMs = 0;
  #receivedCount = 0;
  #failedCount = 0;
  #settledCount = 0;
  #settledMsTotal = 0;
  #exclusionsCount = 0;
  #onInvalidation: (message: Invalidation) => void = () => undefined;
  #onReset: () => void = () => undefined;
  #onL2Generation: (generation: string) => void = () => undefined;

  constructor(options: PeerCoherenceOptions) {
    this.#options = options;
    this.#limits = { ...defaultCoherenceLimits, ...options.limits };
    this.#log = new InvalidationLog(this.#limits);
    this.#holds = new HeldInvalidations(this.#limits);
    this.#links = this.#newLinks();
    this.#l2 = this.#newL2();
  }

  start(self: MemberAddress): void {
    const { registry, scheduler, newId, random, log, network } = this.#options;
    this.#self = self;
    this.#membership = new Membership(
      { ...self, peerPort: network.port },
      {
        store: registry,
        scheduler,
        limits: this.#limits,
        newId,
        random,
        log,
        events: {
          onView: (view) => this.#onView(view),
          onRenewed: () => this.#settle(),
          onActivation: () => this.#onReset(),
          canReach: () => this.#links.upCount === this.#links.count,
        },
      },
    );
    this.#membership.start();
    this.#tickedMs = this.#nowMs();
    this.#planTick();
  }

  get mayServe(): boolean {
    return this.#membership?.isActive === true;
  }

  get l2Generation(): string {
    return this.#l2.generation;
  }

  get isL2Shared(): boolean {
    return this.#l2.isShared;
  }

  get metrics(): CoherenceMetrics {
    const membership = this.#membership;
    return {
      isActive: this.mayServe,
      epoch: this.#epoch(),
      membersCount: membership?.view?.members.size ?? 0,
      connectedPeersCount: this.#links.upCount,
      pendingCount: this.#log.count,
      sentCount: this.#log.lastSeq,
      receivedCount: this.#receivedCount,
      failedCount: this.#failedCount,
      settledCount: this.#settledCount,
      settledMsTotal: this.#settledMsTotal,
      joinsCount: membership?.joinsCount ?? 0,
      exclusionsCount: this.#exclusionsCount,
      fencesCount: membership?.fencesCount ?? 0,
    };
  }

  invalidate(message: Invalidation): Promise<void> {
    if (message.isUncertain) this.#holds.add(message, this.#nowMs());
    return this.#deliver((seq) => encodeInvalidation(seq, message));
  }

  onInvalidation(handler: (message: Invalidation) => void): void {
    this.#onInvalidation = handler;
  }

  onReset(handler: () => void): void {
    this.#onReset = handler;
  }

  onL2Generation(handler: (generation: string) => void): void {
    this.#onL2Generation = handler;
  }

  setL2Reachable(isReachable: boolean): Promise<void> {
    return this.#l2.setReachable(isReachable).catch(throwCoherenceError);
  }

  newL2Generation(): Promise<void> {
    return this.#l2.newGeneration().catch(throwCoherenceError);
  }

  members(): readonly Member[] {
    const view = this.#membership?.view;
    if (view === undefined || view.epoch === 0) return this.#selfAlone();
    const staying = [...view.members.values()].filter(({ isDraining }) => !isDraining);
    return staying.map((member, index) => ({
      nodeId: member.nodeId,
      incarnation: member.incarnation,
      name: member.name,
      zone: member.zone,
      address: member.address,
      port: member.port,
      tlsPort: member.tlsPort,
      role: index === 0 ? memberRoles.leader : memberRoles.replica,
      isSelf: member.incarnation === this.#incarnation,
    }));
  }

  async leave(): Promise<void> {
    await this.#membership?.drain(this.#limits.closeMs).catch(throwCoherenceError);
  }

  /** Out of the view in order, unless the registry does not answer: others then exclude this node. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { log, network } = this.#options;
    this.#membership?.deactivate();
    await this.#drained();
    try {
      await this.#membership?.leave(this.#limits.closeMs);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      log('notLeft', { reason: error.message });
    }
    this.#isClosed = true;
    this.#log.failAll('this node has left the cluster');
    this.#links.close();
    await network.close();
  }

  #newLinks(): PeerLinks {
    const { cluster, network, scheduler, random, log } = this.#options;
    const incarnation = () => this.#membership?.incarnation ?? '';
    const epoch = () => this.#epoch();
    return new PeerLinks({
      cluster,
      network,
      scheduler,
      random,
      limits: this.#limits,
      log: this.#log,
      events: {
        incarnation,
        epoch,
        hello: (to) => {
          const nodeId = this.#self?.nodeId ?? 0;
          return { kind: 'hello', cluster, nodeId, to, epoch: epoch() };
        },
        holds: () => this.#holds.framesAt(this.#nowMs()),
        onAck: () => this.#settle(),
        onEpoch: (heard) => this.#membership?.hear(heard),
        onStranger: () => this.#membership?.hurry(),
        onBroken: (reason) => log('peerRefused', { reason }),
        onInvalidation: (message) => {
          this.#receivedCount += 1;
          this.#onInvalidation(message);
        },
        onDropAll: () => this.#onReset(),
        onL2State: (state) => this.#l2.onState(state),
      },
    });
  }

  #newL2(): SharedL2 {
    const encoding = (state: L2State) => (seq: number) =>
      encodeFrame({ kind: 'l2', seq, ...state });
    return new SharedL2({
      ownGeneration: this.#options.newId(),
      limits: this.#limits,
      nowMs: () => this.#nowMs(),
      membership: () => this.#started(),
      announce: (state) => this.#announce(encoding(state)),
      deliver: (state) => this.#deliver(encoding(state)),
      onGeneration: (generation) => this.#onL2Generation(generation),
    });
  }

  #nowMs(): number {
    return this.#options.scheduler.monotonicMs();
  }

  #epoch(): number {
    return this.#membership?.view?.epoch ?? 0;
  }

  #started(): Membership {
    if (this.#membership === undefined) throw new CoherenceError('this node has not started yet');
    return this.#membership;
  }

  /** Resolves when all that others have to know before a write is acknowledged is known. */
  #deliver(encode: (seq: number) => Buffer): Promise<void> {
    const isAlone = this.#links.count === 0 && this.#log.count === 0 && !this.#isClosed;
    if (isAlone && this.#mayAcknowledge()) return Promise.resolve();
    if (this.#isClosed) return this.#refused('this node has left the cluster');
    if (this.#log.isFull) {
      this.#isOwingDropAll = true;
      return this.#refused('too much waits already');
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const startMs = this.#nowMs();
    this.#log.add(encode, startMs + this.#limits.invalidateMs, {
      resolve: () => {
        this.#settledCount += 1;
        this.#settledMsTotal += this.#nowMs() - startMs;
        resolve();
      },
      reject: (reason) => {
        this.#failedCount += 1;
        reject(new CoherenceError(reason));
      },
    });
    this.#links.pump();
    this.#settle();
    return promise;
  }

  #refused(reason: string): Promise<never> {
    this.#failedCount += 1;
    return Promise.reject(new CoherenceError(reason));
  }

  /** Tells all others, whether or not anybody waits for it. */
  #announce(encode: (seq: number) => Buffer): number {
    const { seq } = this.#log.add(encode, this.#nowMs(), undefined);
    this.#links.pump();
    return seq;
  }

  /** What all members have acknowledged is done, if it is known who they are and who else might be active. */
  #settle(): void {
    if (this.#log.count > 0 && this.#mayAcknowledge()) this.#log.settle(this.#links.ackedSeq);
  }

  #mayAcknowledge(): boolean {
    const isKnown = this.#membership?.mayAcknowledge === true;
    return isKnown && this.#l2.mayAcknowledge(this.#links.ackedSeq);
  }

  #onView(view: View): void {
    const incarnation = this.#membership?.incarnation ?? '';
    if (incarnation !== this.#incarnation) {
      this.#links.renameSelf();
      this.#l2.onNewIncarnation();
    }
    this.#incarnation = incarnation;
    this.#links.follow(view, incarnation);
    this.#l2.onView(view);
    this.#links.ping();
  }

  #planTick(): void {
    this.#options.scheduler.after(this.#limits.tickMs, () => {
      if (this.#isClosed) return;
      this.#tick();
      this.#planTick();
    });
  }

  #tick(): void {
    const { tickMs } = this.#limits;
    const nowMs = this.#nowMs();
    // Time in which this process stood still is nobody's silence: what came meanwhile is not read yet.
    const elapsedMs = Math.min(nowMs - this.#tickedMs, 2 * tickMs);
    this.#tickedMs = nowMs;
    if (this.#isOwingDropAll && !this.#log.isFull) {
      this.#isOwingDropAll = false;
      this.#announce((seq) => encodeFrame({ kind: 'dropAll', seq }));
    }
    this.#links.tick(elapsedMs);
    this.#settle();
    this.#log.expire(nowMs);
    this.#excludeSilent();
  }

  #excludeSilent(): void {
    const membership = this.#membership;
    if (membership?.isMember !== true || this.#isExcluding) return;
    const silent = toExclude([...this.#links.all], this.#limits);
    if (silent.length === 0) return;
    const incarnations = new Set(silent.map(({ member }) => member.incarnation));
    const names = silent.map(({ member }) => member.name);
    this.#options.log('excluding', { names, epoch: this.#epoch() });
    this.#isExcluding = true;
    membership
      .exclude(incarnations)
      .then(() => {
        this.#exclusionsCount += incarnations.size;
      })
      .catch((error) => {
        if (!(error instanceof RegistryError)) throw error;
      })
      .finally(() => {
        this.#isExcluding = false;
      });
  }

  #selfAlone(): Member[] {
    const self = this.#self;
    if (self === undefined) return [];
    return [{ ...self, incarnation: '', role: memberRoles.leader, isSelf: true }];
  }

  /** Waits for writes under way, for a while. */
  #drained(): Promise<void> {
    const { tickMs, closeMs } = this.#limits;
    const endMs = this.#nowMs() + closeMs;
    return new Promise((resolve) => {
      const look = () => {
        if (this.#log.count === 0 || this.#nowMs() >= endMs) resolve();
        else this.#options.scheduler.after(tickMs / 10, look);
      };
      look();
    });
  }
}

function throwCoherenceError(error: unknown): never {
  if (!(error instanceof RegistryError)) throw error;
  throw new CoherenceError('the registry did not answer in time', { cause: error });
}
