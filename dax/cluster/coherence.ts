/** What is not to be given out any more, on any node. */
export interface Invalidation {
  readonly tableId: string;
  readonly keys: readonly InvalidKey[] | 'all';
  /** A write of these keys may or may not have been done, and may still be. */
  readonly isUncertain: boolean;
}

export interface InvalidKey {
  /** Canonical key bytes as latin1. */
  readonly key: string;
  /** Length of its hash part: the item collection. */
  readonly hashLength: number;
}

/** The nodes' caches among each other: none gives out what is older than an acknowledged write. */
export interface Coherence {
  /**
   * Joins the cluster, sooner or later. The doors at this address are open by now, and handlers are given.
   */
  start(self: MemberAddress): void;

  /**
   * Cached values may be given out: this node is a member, and has known so within the lease. Asked in the very turn in
   * which a value is given out; nothing may be waited for in between.
   *
   * While it is false this node may not be told of writes. So another reader's flight must not be joined (it may have read the
   * tables before such a write), each reader reads the tables for himself, and what he finds is neither stored here
   * nor in L2. Writes go on as ever: they are acknowledged as soon as `invalidate` resolves.
   */
  readonly mayServe: boolean;

  /**
   * After the table's answer: resolves when no other node can give out older values any more, and
   * the write may be acknowledged.
   * @throws CoherenceError when that cannot be had in time: the write is then answered as uncertain
   */
  invalidate(message: Invalidation): Promise<void>;

  /** One handler, for what other nodes wrote. Does its work before it returns; must not throw. */
  onInvalidation(handler: (message: Invalidation) => void): void;

  /** One handler: whatever is cached is to be dropped before it returns, flights under way are not to be stored. */
  onReset(handler: () => void): void;

  /** Part of L2's keys; the same on all nodes that may serve. */
  readonly l2Generation: string;

  /**
   * Has all nodes use other keys: what L2 has is not given out any more when it resolves.
   * @throws CoherenceError as `invalidate`
   */
  newL2Generation(): Promise<void>;

  /**
   * L2 may be read and filled: no member is without it, and none was lately. `L2_SETTLE_MS` for a generation that was just learned of
   * are still the caller's to wait.
   */
  readonly isL2Shared: boolean;

  /**
   * Says whether this node's writes change L2, and has all nodes use other keys. Resolves when all of them know.
   * From a call with `false` on, `invalidate` resolves no sooner than that.
   * @throws CoherenceError as `invalidate`
   */
  setL2Reachable(isReachable: boolean): Promise<void>;

  /** One handler: from its call on, the generation is another one. */
  onL2Generation(handler: (generation: string) => void): void;

  /** Active members that do not drain, by node id; the same on all nodes. For `endpoints`. */
  members(): readonly Member[];

  /** This node is about to stop: it leaves `members` everywhere and goes on as before. */
  leave(): Promise<void>;

  /** Stops serving, and leaves the cluster in order where that can be had. */
  close(): Promise<void>;
}

export interface Member {
  /** Of its place in the cluster (a pod's ordinal): the same again after a restart. */
  readonly nodeId: number;
  /** Random, of this run: another one after a restart. */
  readonly incarnation: string;
  readonly name: string;
  readonly zone: string;
  /** IP address that clients connect to. */
  readonly address: string;
  readonly port: number;
  readonly tlsPort: number;
  /** Leader is the lowest node id; clients may send writes there (dax-protocol.md section 5). */
  readonly role: MemberRole;
  readonly isSelf: boolean;
}

/** As `endpoints` has them. */
export const memberRoles = { leader: 1, replica: 2 } as const;
export type MemberRole = (typeof memberRoles)[keyof typeof memberRoles];

/** What is known of a node before it is a member. */
export type MemberAddress = Omit<Member, 'role' | 'isSelf' | 'incarnation'>;

/** That no other node gives out older values could not be had in time. */
export class CoherenceError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CoherenceError';
  }
}

/** A node that is alone, and needs no registry for it. */
export class SingleNode implements Coherence {
  readonly mayServe = true;
  readonly #newId: () => string;
  #members: readonly Member[] = [];
  #generation: string;
  #isL2Shared = true;
  #onL2Generation: (generation: string) => void = () => undefined;

  /** @param newId random text of at most 32 characters, another one each time */
  constructor(newId: () => string) {
    this.#newId = newId;
    this.#generation = newId();
  }

  start(self: MemberAddress): void {
    const incarnation = this.#newId();
    this.#members = [{ ...self, incarnation, role: memberRoles.leader, isSelf: true }];
  }

  get isL2Shared(): boolean {
    return this.#isL2Shared;
  }

  get l2Generation(): string {
    return this.#generation;
  }

  invalidate(): Promise<void> {
    return Promise.resolve();
  }

  onInvalidation(): void {}

  onReset(): void {}

  newL2Generation(): Promise<void> {
    this.#generation = this.#newId();
    this.#onL2Generation(this.#generation);
    return Promise.resolve();
  }

  setL2Reachable(isReachable: boolean): Promise<void> {
    this.#isL2Shared = isReachable;
    return this.newL2Generation();
  }

  onL2Generation(handler: (generation: string) => void): void {
    this.#onL2Generation = handler;
  }

  members(): readonly Member[] {
    return this.#members;
  }

  leave(): Promise<void> {
    this.#members = [];
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
