import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import {
  type Clock,
  jittered,
  pause,
  type Random,
  systemClock,
} from '../dataplane/kubernetes/clock.ts';
import { Deadline } from '../dataplane/kubernetes/deadline.ts';
import { KubeError } from '../dataplane/kubernetes/kube-error.ts';
import type { KubeObject } from '../dataplane/kubernetes/object.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import { microTime } from './micro-time.ts';

export interface ElectionTimes {
  /** Others wait so long since they saw the last renewal. */
  readonly leaseMs: number;
  /** The leader gives up so long after its last renewal: well before others take over. */
  readonly renewDeadlineMs: number;
  readonly retryMs: number;
}

const TIMES: ElectionTimes = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };
const RETRY_JITTER = 0.2;

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Leadership is over and will not come back: end the process at once. Not called after `close`. */
  readonly onLost: () => void;
  readonly log: Logger;
  /** Begins the identity, for people: the pod's name. */
  readonly host?: string;
  readonly times?: ElectionTimes;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/**
 * At most one of several processes acts: the one that holds a Lease and renewed it lately.
 *
 * Times are compared by this process's own clock alone: a candidate waits until it has seen the same
 * Lease unchanged for as long as the Lease lasts. A leader counts from the moment it *sent* its last
 * good renewal, so it knows itself out of office before anybody else can be in; `isLeader` looks at the
 * clock each time, since a process that was stopped for a while is told of nothing.
 */
export class LeaderElection {
  readonly identity: string;
  /** Resolves when this process leads for the first time; rejects if it is closed before. */
  readonly elected: Promise<void>;
  readonly #options: LeaderElectionOptions;
  readonly #times: ElectionTimes;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #controller = new AbortController();
  readonly #firstElection = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  /** The Lease as this process saw it last, and when it first saw it so. */
  #seen: { readonly lease: Lease; readonly sinceMs: number } | undefined;
  /** Sending of the last good renewal; undefined: no leader. */
  #renewedMs: number | undefined;
  #isLost = false;

  static start(options: LeaderElectionOptions): LeaderElection {
    return new LeaderElection(options);
  }

  private constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.identity = `${options.host ?? 'operator'}_${randomUUID()}`;
    this.elected = this.#firstElection.promise;
    // Whoever waits hears of it; nobody has to.
    this.elected.catch(() => undefined);
    this.#ended = this.#run();
  }

  /** Whether this process may act, at this moment. */
  get isLeader(): boolean {
    return this.#renewedMs !== undefined && !this.#isLost && this.#remainingMs() > 0;
  }

  /** Gives the Lease back, so that another need not wait for its end. */
  async close(): Promise<void> {
    const wasLeader = this.isLeader;
    this.#controller.abort(new Error('the election is closed'));
    this.#firstElection.reject(this.#controller.signal.reason);
    await this.#ended;
    this.#renewedMs = undefined;
    if (wasLeader) await this.#release();
  }

  async #run(): Promise<void> {
    const { signal } = this.#controller;
    await this.#acquire(signal);
    if (signal.aborted) return;
    this.#firstElection.resolve();
    this.#options.log.info({ identity: this.identity }, 'this process leads');
    await this.#renew(signal);
    if (signal.aborted) return;
    this.#isLost = true;
    this.#options.log.error({ identity: this.identity }, 'this process leads no more');
    this.#options.onLost();
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const isAcquired = await this.#within(this.#times.renewDeadlineMs, signal, (within) =>
          this.#tryAcquire(within),
        );
        if (isAcquired) return;
      } catch (error) {
        if (signal.aborted) return;
        this.#report(error, 'the lease cannot be read or taken');
      }
      await this.#pauseForRetry(signal);
    }
  }

  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    const { client, namespace, name } = this.#options;
    const lease = await client.get<Lease>(resources.leases, { namespace, name }, signal);
    const sentMs = this.#clock.monotonicMs();
    if (lease === undefined) {
      const body = { metadata: { namespace, name }, spec: this.#spec(undefined) };
      this.#see(await client.create<Lease>(resources.leases, body, {}, signal), sentMs);
      this.#renewedMs = sentMs;
      return true;
    }
    if (lease.metadata.resourceVersion !== this.#seen?.lease.metadata.resourceVersion) {
      this.#see(lease, sentMs);
    }
    if (!this.#isFree()) return false;
    await this.#write(lease, signal);
    return true;
  }

  /** Nobody holds it, or its holder has not renewed it before our eyes for as long as it lasts. */
  #isFree(): boolean {
    if (this.#seen === undefined) return false;
    const { lease, sinceMs } = this.#seen;
    if (!lease.spec?.holderIdentity) return true;
    const seconds = lease.spec.leaseDurationSeconds;
    const lastsMs = seconds === undefined ? this.#times.leaseMs : seconds * 1000;
    return this.#clock.monotonicMs() - sinceMs > lastsMs;
  }

  /** Returns when leadership is lost, or the signal fires. */
  async #renew(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#pauseForRetry(signal);
      if (signal.aborted || this.#remainingMs() <= 0) return;
      try {
        const isRenewed = await this.#within(this.#remainingMs(), signal, (within) =>
          this.#tryRenew(within),
        );
        if (!isRenewed) return;
      } catch (error) {
        if (signal.aborted) return;
        this.#report(error, 'the lease is not renewed');
      }
    }
  }

  /** @returns false when another holds it */
  async #tryRenew(signal: AbortSignal): Promise<boolean> {
    const { client, namespace, name } = this.#options;
    if (this.#seen === undefined) throw new Error('a leader has seen its lease');
    try {
      await this.#write(this.#seen.lease, signal);
      return true;
    } catch (error) {
      if (!(error instanceof KubeError) || (error.status !== 409 && error.status !== 404))
        throw error;
    }
    // Written by somebody else, or by a renewal of ours whose answer was lost.
    const lease = await client.get<Lease>(resources.leases, { namespace, name }, signal);
    if (lease?.spec?.holderIdentity !== this.identity) return false;
    await this.#write(lease, signal);
    return true;
  }

  /** Only over the very state that was seen. */
  async #write(lease: Lease, signal: AbortSignal): Promise<void> {
    const sentMs = this.#clock.monotonicMs();
    const next = { ...lease, spec: this.#spec(lease) };
    const { client } = this.#options;
    this.#see(await client.replace<Lease>(resources.leases, next, {}, signal), sentMs);
    this.#renewedMs = sentMs;
  }

  async #release(): Promise<void> {
    if (this.#seen === undefined) return;
    const { lease } = this.#seen;
    const spec = { ...this.#spec(lease), holderIdentity: '', leaseDurationSeconds: 1 };
    try {
      await this.#within(this.#times.retryMs, undefined, (within) =>
        this.#options.client.replace(resources.leases, { ...lease, spec }, {}, within),
      );
    } catch (error) {
      this.#report(error, 'the lease is not released: another takes over when it ends');
    }
  }

  /** Attempts are shorter than a client's calls may be: a late answer is worth nothing here. */
  async #within<T>(
    ms: number,
    parent: AbortSignal | undefined,
    attempt: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const reason = () => KubeError.timeout(`lease ${this.#options.name}`, ms);
    const deadline = new Deadline(this.#clock, ms, { parent, reason });
    try {
      return await attempt(deadline.signal);
    } finally {
      deadline.release();
    }
  }

  #spec(lease: Lease | undefined): Lease['spec'] {
    const now = microTime(this.#clock.nowMs());
    const { holderIdentity, acquireTime = now, leaseTransitions } = lease?.spec ?? {};
    const isOurs = holderIdentity === this.identity;
    return {
      holderIdentity: this.identity,
      leaseDurationSeconds: Math.ceil(this.#times.leaseMs / 1000),
      acquireTime: isOurs ? acquireTime : now,
      renewTime: now,
      leaseTransitions: (leaseTransitions ?? -1) + (isOurs ? 0 : 1),
    };
  }

  #see(lease: Lease, sinceMs: number): void {
    this.#seen = { lease, sinceMs };
  }

  #remainingMs(): number {
    const { renewDeadlineMs } = this.#times;
    return (
      (this.#renewedMs ?? Number.NEGATIVE_INFINITY) + renewDeadlineMs - this.#clock.monotonicMs()
    );
  }

  async #pauseForRetry(signal: AbortSignal): Promise<void> {
    const waitMs = jittered(this.#times.retryMs, RETRY_JITTER, this.#random);
    await pause(this.#clock, Math.min(waitMs, Math.max(0, this.#patienceMs())), signal);
  }

  /** A leader wakes no later than when it is out of office. */
  #patienceMs(): number {
    return this.#renewedMs === undefined ? Number.POSITIVE_INFINITY : this.#remainingMs();
  }

  /** Anything but the API's errors is a defect, and ends the process. */
  #report(error: unknown, event: string): void {
    if (!(error instanceof KubeError)) throw error;
    const { status, reason, message } = error;
    this.#options.log.warn({ status, reason, message }, event);
  }
}
