import type { CoherenceLimits } from './coherence-limits.ts';
import { RegistryError, type RegistryStore } from './registry-store.ts';
import type { Scheduler, Timer } from './scheduler.ts';
import {
  emptyView,
  memberOf,
  type View,
  type ViewMember,
  withDraining,
  withGeneration,
  withL2Reachable,
  withMember,
  withoutMembers,
} from './view.ts';
import { ViewStore } from './view-store.ts';

export interface MembershipOptions {
  readonly store: RegistryStore;
  readonly scheduler: Scheduler;
  readonly limits: CoherenceLimits;
  /** Random text of 20 characters or so, another one each time. */
  readonly newId: () => string;
  /** 0 to below 1: jitter of waits. */
  readonly random: () => number;
  readonly log: MembershipLog;
  readonly events: MembershipEvents;
}

export type MembershipLog = (event: string, fields: Readonly<Record<string, unknown>>) => void;

export interface MembershipEvents {
  /** The view is another one, or this node has another incarnation. */
  onView(view: View): void;
  /** Something has become possible that was not: acknowledging, above all. */
  onRenewed(): void;
  /** From now on cached values may be given out: right before, whatever is cached is to be dropped. */
  onActivation(): void;
  /** Whether all other members of the view can be talked to. */
  canReach(view: View): boolean;
}

/** The node itself, as it goes into the view. */
export type MembershipSelf = Omit<ViewMember, 'incarnation' | 'isDraining' | 'isL2Reachable'>;

/** What a change makes of a view; undefined if there is nothing to change. May be called several times. */
export type ViewEdit = (view: View) => View | undefined;

interface Known {
  readonly view: View;
  /** Of the record; undefined while there is none. */
  readonly version: string | undefined;
  /** When the latest request was sent that found it so. */
  readonly sentMs: number;
}

/**
 * This node's part in the view: reads it again and again, joins, leaves, excludes others.
 *
 * What it knows of the view is as old as the request by which it was read. Two things follow from that:
 *
 * - *Active*: this incarnation is in the view, has waited `joinMs` since it knew, and knew so less than `leaseMs` ago.
 *   An excluded node is active no longer than `leaseMs` after the exclusion.
 * - *May acknowledge*: the view was known less than `leaseMs` ago, so that nobody who is not in it is active, but for those
 *   excluded lately; and `fenceMs` have passed since it was learned that somebody was. One need not be a member for it.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #self: MembershipSelf;
  readonly #store: ViewStore;
  #known: Known | undefined;
  /** Of the latest attempt to join; empty when there was none since the last exclusion. */
  #incarnation = '';
  /** When the view was first seen to name this incarnation. */
  #namedMs: number | undefined;
  /** Named, and waited for since. */
  #isActivated = false;
  #fencedUntilMs = Number.POSITIVE_INFINITY;
  #isDraining = false;
  #isL2Reachable = true;
  /** Joins no more, and gives out nothing. */
  #isClosing = false;
  /** Reads the view no more. */
  #isStopped = false;
  #isReading = false;
  #isHurried = false;
  #timer: Timer | undefined;
  /** One change at a time. */
  #changing: Promise<unknown> = Promise.resolve();
  #isJoining = false;
  #startedMs: number;
  #rejoinMs = 0;
  #rejoinWaitMs = 0;
  #joinsCount = 0;
  #fencesCount = 0;
  #isAway = false;

  constructor(self: MembershipSelf, options: MembershipOptions) {
    this.#self = self;
    this.#options = options;
    this.#store = new ViewStore(options.store, options.scheduler, options.limits);
    this.#startedMs = this.#nowMs();
  }

  /** What was last read, however old. */
  get view(): View | undefined {
    return this.#known?.view;
  }

  /** Empty unless this node is a member, or about to be. */
  get incarnation(): string {
    return this.#incarnation;
  }

  /** By the view as it is known. */
  get isMember(): boolean {
    return this.#namedMs !== undefined;
  }

  get isActive(): boolean {
    return this.#isActivated && this.#isFresh();
  }

  get mayAcknowledge(): boolean {
    return this.#isFresh() && this.#nowMs() >= this.#fencedUntilMs;
  }

  get joinsCount(): number {
    return this.#joinsCount;
  }

  get fencesCount(): number {
    return this.#fencesCount;
  }

  start(): void {
    this.#startedMs = this.#nowMs();
    this.#look();
  }

  /** Somebody knows of a later epoch: the view is read at once. */
  hear(epoch: number): void {
    if (epoch > (this.#known?.view.epoch ?? -1)) this.hurry();
  }

  /** The view is read at once. */
  hurry(): void {
    if (this.#isReading) this.#isHurried = true;
    else this.#look();
  }

  /**
   * Changes the view, again and again until it is done.
   * @throws RegistryError when it is not known to be done after `withinMs`
   */
  change(edit: ViewEdit, withinMs: number): Promise<void> {
    const endMs = this.#nowMs() + withinMs;
    const change = this.#changing.then(() => this.#changeUntil(edit, endMs));
    this.#changing = change.catch(ignoreRegistryError);
    return change;
  }

  /** Takes others out of the view who may still be giving out cached values. Only a member may. */
  exclude(incarnations: ReadonlySet<string>): Promise<void> {
    const edit = (view: View) =>
      this.#isNamedIn(view) ? withoutMembers(view, incarnations, true) : undefined;
    return this.change(edit, this.#options.limits.registryMs);
  }

  /** @throws RegistryError; it drains from the next time on when it joins, all the same */
  drain(withinMs: number): Promise<void> {
    this.#isDraining = true;
    return this.change((view) => withDraining(view, this.#incarnation), withinMs);
  }

  /** This node as the view has it; undefined if it is no member. */
  get ownMember(): ViewMember | undefined {
    const view = this.#known?.view;
    return view === undefined || this.#incarnation === ''
      ? undefined
      : memberOf(view, this.#incarnation);
  }

  /** New keys for L2. @throws RegistryError */
  renewGeneration(withinMs: number): Promise<void> {
    // Another one at each attempt: the one before may have been in use, and be past already.
    return this.change((view) => withGeneration(view, this.#options.newId()), withinMs);
  }

  /**
   * Says whether this node reaches L2, with new keys in the same change. It joins as one that does not, if need be, until
   * the change to one that does is known to be done: what it wrote meanwhile is in no L2.
   * @throws RegistryError
   */
  async setL2Reachable(isReachable: boolean, withinMs: number): Promise<void> {
    if (!isReachable) this.#isL2Reachable = false;
    await this.change((view) => {
      const member = memberOf(view, this.#incarnation);
      const generation = this.#options.newId();
      return member === undefined
        ? withGeneration(view, generation)
        : withL2Reachable(view, member, { isReachable, generation });
    }, withinMs);
    this.#isL2Reachable = isReachable;
  }

  /** From now on this node gives out nothing that is cached. */
  deactivate(): void {
    this.#isActivated = false;
    this.#isClosing = true;
  }

  /** Ends it, out of the view in order if that can be had in time. @throws RegistryError */
  async leave(withinMs: number): Promise<void> {
    this.deactivate();
    try {
      const edit = (view: View) => withoutMembers(view, new Set([this.#incarnation]), false);
      await this.change(edit, withinMs);
    } finally {
      this.#isStopped = true;
      this.#timer?.cancel();
    }
  }

  #nowMs(): number {
    return this.#options.scheduler.monotonicMs();
  }

  #isFresh(): boolean {
    const { limits } = this.#options;
    return this.#known !== undefined && this.#nowMs() < this.#known.sentMs + limits.leaseMs;
  }

  #isNamedIn(view: View): boolean {
    return this.#incarnation !== '' && memberOf(view, this.#incarnation) !== undefined;
  }

  /** Reads the view, does what follows, and plans the next look. */
  #look(): void {
    const { limits, scheduler } = this.#options;
    const startMs = this.#nowMs();
    this.#timer?.cancel();
    if (this.#isStopped) return;
    this.#isReading = true;
    this.#isHurried = false;
    this.#read()
      .then(() => this.#told(true, undefined), this.#onReadFailure)
      .finally(() => {
        this.#isReading = false;
        if (this.#isStopped) return;
        this.#joinIfDue();
        const waitMs = this.#isHurried ? 0 : startMs + limits.renewMs - this.#nowMs();
        this.#timer = scheduler.after(Math.max(1, waitMs), () => this.#look());
      });
  }

  readonly #onReadFailure = (error: unknown) => {
    if (!(error instanceof RegistryError)) throw error;
    this.#told(false, error.message);
  };

  /** Says so once, when the registry has gone and when it is back. */
  #told(isThere: boolean, reason: string | undefined): void {
    if (this.#isAway !== isThere) return;
    this.#isAway = !isThere;
    this.#options.log(isThere ? 'registryReached' : 'registryNotReached', { reason });
  }

  async #read(): Promise<void> {
    const sentMs = this.#nowMs();
    const found = await this.#store.read();
    this.#adopt(found?.view ?? this.#emptyView(), found?.version, sentMs);
  }

  /** Of a registry that has none: whoever joins first makes it the cluster's. */
  #emptyView(): View {
    const { newId } = this.#options;
    const known = this.#known;
    return known !== undefined && known.version === undefined
      ? known.view
      : emptyView(newId(), newId());
  }

  async #changeUntil(edit: ViewEdit, endMs: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (this.#known === undefined || attempt > 1) await this.#read();
        if (await this.#changeOnce(edit)) return;
      } catch (error) {
        if (!(error instanceof RegistryError) || this.#nowMs() >= endMs) throw error;
      }
      if (this.#nowMs() >= endMs) throw new RegistryError('the view was not changed in time');
      await this.#pause(this.#options.limits.tickMs * this.#options.random());
    }
  }

  /** Whether the view is as the edit would have it; not if somebody else came before. */
  async #changeOnce(edit: ViewEdit): Promise<boolean> {
    const known = this.#known;
    if (known === undefined) return false;
    const view = edit(known.view);
    if (view === undefined) return true;
    const sentMs = this.#nowMs();
    const version = await this.#store.put(view, known.version);
    if (version !== undefined) this.#adopt(view, version, sentMs);
    return version !== undefined;
  }

  /** @param sentMs when the request was sent whose answer it is */
  #adopt(view: View, version: string | undefined, sentMs: number): void {
    const known = this.#known;
    const isSameLine = known?.view.lineage === view.lineage;
    // Answers that were overtaken tell nothing new.
    if (known !== undefined && (isSameLine ? view.epoch < known.view.epoch : sentMs < known.sentMs))
      return;
    const isSame = isSameLine && view.epoch === known.view.epoch;
    const mayHaveExcluded = !isSameLine || view.exclusionEpoch > known.view.epoch;
    // Within a line a later epoch was found at a later moment, whenever its request was sent.
    this.#known = { view, version, sentMs: isSameLine ? Math.max(sentMs, known.sentMs) : sentMs };
    if (mayHaveExcluded) this.#fence();
    const isNamed = this.#isNamedIn(view);
    if (isNamed && this.#namedMs === undefined) this.#onNamed();
    else if (!isNamed && this.#namedMs !== undefined) this.#onExcluded();
    if (!isSame) this.#options.events.onView(view);
    this.#options.events.onRenewed();
  }

  #fence(): void {
    this.#fencesCount += 1;
    this.#fencedUntilMs = this.#nowMs() + this.#options.limits.fenceMs;
  }

  #onNamed(): void {
    this.#namedMs = this.#nowMs();
    this.#joinsCount += 1;
    this.#options.log('joined', { epoch: this.view?.epoch, incarnation: this.#incarnation });
    this.#activateLater(this.#incarnation, this.#namedMs);
  }

  /** By the clock, not by the timer: it may fire early. */
  #activateLater(incarnation: string, namedMs: number): void {
    const { scheduler, limits, log, events } = this.#options;
    const waitMs = namedMs + limits.joinMs - this.#nowMs();
    if (this.#incarnation !== incarnation || this.#namedMs !== namedMs || this.#isClosing) return;
    if (waitMs > 0) {
      scheduler.after(waitMs, () => this.#activateLater(incarnation, namedMs));
      return;
    }
    events.onActivation();
    this.#isActivated = true;
    log('active', { epoch: this.view?.epoch, incarnation });
    events.onRenewed();
  }

  #onExcluded(): void {
    const { limits, log, random } = this.#options;
    const lastedMs = this.#nowMs() - (this.#namedMs ?? 0);
    log('excluded', { epoch: this.view?.epoch, incarnation: this.#incarnation, lastedMs });
    this.#incarnation = '';
    this.#namedMs = undefined;
    this.#isActivated = false;
    const longerMs = Math.min(limits.rejoinMsMax, 2 * this.#rejoinWaitMs + limits.renewMs);
    this.#rejoinWaitMs = lastedMs >= limits.soundMs ? 0 : longerMs;
    this.#rejoinMs = this.#nowMs() + this.#rejoinWaitMs * (0.5 + random() / 2);
    this.#startedMs = this.#rejoinMs;
  }

  #joinIfDue(): void {
    const { limits, events } = this.#options;
    const view = this.#known?.view;
    const nowMs = this.#nowMs();
    const isWanted = !this.isMember && !this.#isJoining && !this.#isClosing;
    if (view === undefined || !isWanted || nowMs < this.#rejoinMs) return;
    const isPatient = nowMs < this.#startedMs + limits.reachMs;
    if (isPatient && !events.canReach(view)) return;
    this.#isJoining = true;
    this.change((current) => this.#joinEdit(current), limits.registryMs)
      .catch(ignoreRegistryError)
      .finally(() => {
        this.#isJoining = false;
      });
  }

  /** A new incarnation at each attempt: the one before may have been let in and excluded already. */
  #joinEdit(view: View): View | undefined {
    if (this.#isNamedIn(view) || this.#isClosing) return undefined;
    this.#incarnation = this.#options.newId();
    return withMember(view, {
      ...this.#self,
      incarnation: this.#incarnation,
      isDraining: this.#isDraining,
      isL2Reachable: this.#isL2Reachable,
    });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.scheduler.after(delayMs, resolve);
    });
  }
}

function ignoreRegistryError(error: unknown): void {
  if (!(error instanceof RegistryError)) throw error;
}
