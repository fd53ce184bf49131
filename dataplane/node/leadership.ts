import { ProposalError, type Replica } from '../replication/replica.ts';
import type { Effect } from '../storage/store.ts';
import { failure, failureOf, notLeader, overloaded } from './failures.ts';
import type { NodeContext } from './node-context.ts';

/**
 * One stretch of leading a partition with one state in memory. It ends when leadership does, or when
 * a proposal fails: what was computed from that must not survive, so the state is made anew.
 *
 * Invariant: once it has ended nothing is proposed through it any more.
 */
export class Leadership {
  readonly replica: Replica;
  readonly #node: NodeContext;
  readonly #onFailed: (error: unknown) => void;
  readonly #abort = new AbortController();
  #state: 'live' | 'failed' | 'ended' = 'live';
  #proposedBytes = 0;

  /** @param onFailed - called once if a proposal fails while this is live */
  constructor(node: NodeContext, replica: Replica, onFailed: (error: unknown) => void) {
    this.#node = node;
    this.replica = replica;
    this.#onFailed = onFailed;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  /** Fires when it ends. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Bytes of values proposed and not applied yet. */
  get proposedBytes(): number {
    return this.#proposedBytes;
  }

  /** @throws RemoteFailure */
  assertLive(): void {
    if (this.#state === 'ended') throw notLeader(this.replica);
    if (this.#state === 'failed') throw failure('unavailable', 'a proposal has failed');
  }

  /**
   * Proposes effects; resolves when they are committed and applied here.
   * @throws ProposalError, StoreError
   */
  async commit(effects: readonly Effect[]): Promise<void> {
    if (this.#state !== 'live') {
      const code = this.#state === 'ended' ? 'notLeader' : 'dropped';
      throw new ProposalError(code, 'the leadership that this was computed in has ended');
    }
    const bytes = bytesOf(effects);
    this.#proposedBytes += bytes;
    try {
      await this.replica.propose(effects);
    } catch (error) {
      this.#fail(error);
      throw error;
    } finally {
      this.#proposedBytes -= bytes;
    }
  }

  /**
   * To be called after something was decided on local state, and before it is told: undefined when no
   * other replica can have led at that moment, else resolves once that is known.
   * @throws RemoteFailure when it cannot be known
   */
  confirm(): Promise<void> | undefined {
    this.assertLive();
    return this.replica.holdsLease() ? undefined : this.#confirmByQuorum();
  }

  end(): void {
    this.#state = 'ended';
    this.#abort.abort();
  }

  async #confirmByQuorum(): Promise<void> {
    const { confirmations, limits, probe } = this.#node;
    probe('leadershipConfirmed');
    if (!confirmations.enter(0)) throw overloaded('confirmations');
    try {
      await this.replica.confirmLeadership(limits.confirmMsMax);
    } catch (error) {
      throw failureOf(error, this.replica, { mayBeDone: false });
    } finally {
      confirmations.leave(0);
    }
    // Leadership that was lost and won again says nothing of the time between.
    this.assertLive();
  }

  #fail(error: unknown): void {
    if (this.#state !== 'live') return;
    this.#state = 'failed';
    this.#abort.abort();
    this.#onFailed(error);
  }
}

function bytesOf(effects: readonly Effect[]): number {
  let bytes = 0;
  for (const { value } of effects) bytes += value?.length ?? 0;
  return bytes;
}
