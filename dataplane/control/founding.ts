import type { Log } from '../catalog/background-work.ts';
import type { Member } from '../replication/replica.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { type CreateReplicaCall, methods } from '../routing/protocol.ts';
import {
  decodeTableConfiguration,
  encodePartitionConfiguration,
} from '../routing/table-configuration.ts';
import { StoreError } from '../storage/store.ts';
import { type ClusterView, leaderReport, type NodeCalls, nextChange } from './cluster-view.ts';
import { hasOpenFounders, type PlacementBook } from './placement-book.ts';
import type { Founder, PlacedReplica, Placement } from './placement-records.ts';
import { askToDrop } from './replica-drop.ts';
import { Backoff, unlessAborted, type WorkLimit } from './waiting.ts';

/** A node answers once the replica is durable. */
const CREATE_TIMEOUT_MS = 5_000;
/** What has not turned up by then is looked for again. */
const LOOK_AGAIN_MS = 2_000;
/** A group in creation has its leader after milliseconds, as a rule. */
const LEADER_POLL_MS = 50;
/** Founders that come so soon after the quorum are written down together with it. */
const LATE_FOUNDER_MS = 200;

export interface FoundingParts {
  readonly book: PlacementBook;
  readonly view: ClusterView;
  readonly calls: NodeCalls;
  /** Of calls that create replicas, over all partitions. */
  readonly limit: WorkLimit;
  readonly scheduler: Scheduler;
  readonly log: Log;
  /** Nodes for founders, in place of too many that are lost; empty when none is known. */
  readonly chooseNodes: () => readonly Omit<PlacedReplica, 'replicaId'>[];
}

/**
 * Brings placements to life: has the founders of each created on their nodes, again and again until
 * every one is there or is known never to be. What has been achieved is written down when a quorum
 * is there (the group lives), and when no founder is open any more.
 *
 * A founder is created only in the data folder that its placement names: in another one it would
 * be a replica that has forgotten how it voted. Such a one is `lost`, and for repair to replace. When
 * so many are lost before the group has lived that it never can, others begin in their place.
 */
export class Founding {
  readonly #parts: FoundingParts;
  readonly #running = new Map<bigint, { controller: AbortController; done: Promise<void> }>();
  readonly #closed = new AbortController();
  readonly #waiting = new Map<bigint, PromiseWithResolvers<void>>();

  constructor(parts: FoundingParts) {
    this.#parts = parts;
  }

  /** Starts, or goes on, with what is open of these partitions. */
  start(partitionIds: Iterable<bigint>): void {
    for (const partitionId of partitionIds) {
      if (this.#running.has(partitionId) || this.#closed.signal.aborted) continue;
      const placement = this.#parts.book.placement(partitionId);
      if (placement === undefined || (placement.isFounded && !hasOpenFounders(placement))) continue;
      const controller = new AbortController();
      const signal = AbortSignal.any([controller.signal, this.#closed.signal]);
      const done = this.#run(partitionId, signal).finally(() => this.#running.delete(partitionId));
      this.#running.set(partitionId, { controller, done });
    }
  }

  /** Stops creating replicas of a partition; resolves when it has. */
  async stop(partitionId: bigint): Promise<void> {
    const running = this.#running.get(partitionId);
    running?.controller.abort();
    await running?.done;
  }

  /**
   * Resolves when the group lives.
   * @throws the signal's reason; StoreError `closed`
   */
  async founded(partitionId: bigint, signal: AbortSignal): Promise<void> {
    if (this.#parts.book.placement(partitionId)?.isFounded === true) return;
    const waiting = this.#waiting.get(partitionId) ?? Promise.withResolvers<void>();
    this.#waiting.set(partitionId, waiting);
    await unlessAborted(waiting.promise, AbortSignal.any([signal, this.#closed.signal]));
  }

  /**
   * Resolves when the group has a leader, as its nodes report.
   * @throws the signal's reason; StoreError `closed`
   */
  async led(partitionId: bigint, signal: AbortSignal): Promise<void> {
    const { view, scheduler } = this.#parts;
    const either = AbortSignal.any([signal, this.#closed.signal]);
    await this.founded(partitionId, either);
    while (leaderReport(view, partitionId) === undefined) {
      // A client waits for its new table: do not wait for what is told once a second.
      await view.refresh();
      either.throwIfAborted();
      if (leaderReport(view, partitionId) !== undefined) return;
      await pause(scheduler, LEADER_POLL_MS, either);
      either.throwIfAborted();
    }
  }

  close(): void {
    this.#closed.abort(new StoreError('closed', 'The catalog is not led from here any more.'));
  }

  async #run(partitionId: bigint, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const placement = this.#parts.book.placement(partitionId);
      if (placement === undefined || (placement.isFounded && !hasOpenFounders(placement))) return;
      try {
        await this.#found(placement, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StoreError)) throw error;
        const { code, message } = error;
        this.#parts.log('foundingNotSaved', { partitionId: `${partitionId}`, code, message });
        await pause(this.#parts.scheduler, LOOK_AGAIN_MS, signal);
      }
    }
  }

  /** One placement, as far as it gets: all its founders, or up to where it must begin anew. */
  async #found(placement: Placement, signal: AbortSignal): Promise<void> {
    const { partitionId } = placement;
    const round = new AbortController();
    const either = AbortSignal.any([signal, round.signal]);
    const states = new Map(placement.founders.map(({ replicaId, state }) => [replicaId, state]));
    const count = (state: Founder['state']) =>
      [...states.values()].filter((s) => s === state).length;
    const quorum = Math.floor(placement.founders.length / 2) + 1;
    const lostMax = placement.founders.length - quorum;
    const milestone = Promise.withResolvers<void>();
    const creations = placement.founders
      .filter(({ state }) => state === 'open')
      .map(async (founder) => {
        const state = await this.#createFounder(placement, founder, either);
        if (state === undefined) return;
        states.set(founder.replicaId, state);
        if (count('created') >= quorum || count('lost') > lostMax) milestone.resolve();
      });
    const all = Promise.all(creations);
    try {
      if (!placement.isFounded) {
        await Promise.race([milestone.promise, all]);
        await Promise.race([all, pause(this.#parts.scheduler, LATE_FOUNDER_MS, either)]);
        signal.throwIfAborted();
        if (count('lost') > lostMax) return await this.#beginAnew(partitionId);
        await this.#save(partitionId, states);
      }
      await all;
      signal.throwIfAborted();
      await this.#save(partitionId, states);
      await this.#parts.book.forgetFoundings(placement.tableId);
    } finally {
      round.abort();
      await all;
    }
  }

  /** Undefined when the signal fires first. */
  async #createFounder(
    placement: Placement,
    founder: Founder,
    signal: AbortSignal,
  ): Promise<'created' | 'lost' | undefined> {
    const { book, view, limit, scheduler } = this.#parts;
    const backoff = new Backoff();
    while (!signal.aborted) {
      const written = book
        .placement(placement.partitionId)
        ?.founders.find(({ replicaId }) => replicaId === founder.replicaId);
      if (written !== undefined && written.state !== 'open') return written.state;
      const node = view.node(founder.node);
      if (node !== undefined && node.storeId !== founder.storeId) return 'lost';
      if (node === undefined || !node.isConnected) {
        await nextChange(view, scheduler, { msMax: LOOK_AGAIN_MS, signal });
        continue;
      }
      const outcome = await limit.run(() => this.#callCreate(placement, founder, signal));
      if (outcome !== 'failed') return outcome;
      await pause(scheduler, backoff.nextMs(), signal);
    }
    return undefined;
  }

  async #callCreate(
    placement: Placement,
    founder: Founder,
    signal: AbortSignal,
  ): Promise<'created' | 'lost' | 'failed'> {
    const { book, calls, log } = this.#parts;
    const founding = book.founding(placement);
    if (founding === undefined || signal.aborted) return 'failed';
    const { partitionId, indexId } = placement;
    const call: CreateReplicaCall = {
      storeId: founder.storeId,
      replica: { partitionId, replicaId: founder.replicaId, members: membersOf(placement) },
      configuration: encodePartitionConfiguration({
        partitionId,
        indexId,
        table: decodeTableConfiguration(founding.configuration),
      }),
    };
    const options = { timeoutMs: CREATE_TIMEOUT_MS, signal };
    try {
      const before = placement.others.find((other) => isBefore(other, founder));
      if (before !== undefined) await askToDrop(calls, partitionId, before, options);
      await calls.callNode(founder.node, methods.createReplica, call, options);
      return 'created';
    } catch (error) {
      if (!(error instanceof RemoteFailure || error instanceof RequestFailed)) throw error;
      const isLost = error instanceof RemoteFailure && isForGood(error);
      if (error instanceof RemoteFailure) {
        const { replicaId, node } = founder;
        const { message } = error;
        log('founderRefused', { partitionId: `${partitionId}`, replicaId, node, message, isLost });
      }
      return isLost ? 'lost' : 'failed';
    }
  }

  async #save(partitionId: bigint, states: ReadonlyMap<number, Founder['state']>): Promise<void> {
    const saved = await this.#parts.book.update(partitionId, (placement) => {
      const founders = placement.founders.map((founder) =>
        founder.state === 'open'
          ? { ...founder, state: states.get(founder.replicaId) ?? founder.state }
          : founder,
      );
      return { ...placement, founders, isFounded: placement.isFounded || hasQuorum(founders) };
    });
    if (saved?.isFounded !== true) return;
    this.#waiting.get(partitionId)?.resolve();
    this.#waiting.delete(partitionId);
  }

  /**
   * The founding has failed for good: without a quorum that could ever be, the group has never
   * taken anything. So other founders, under ids not used yet, may begin with the same state.
   */
  async #beginAnew(partitionId: bigint): Promise<void> {
    const { book, chooseNodes, log, scheduler } = this.#parts;
    const nodes = chooseNodes();
    if (nodes.length === 0) return pause(scheduler, LOOK_AGAIN_MS, this.#closed.signal);
    log('foundingAnew', { partitionId: `${partitionId}` });
    await book.update(partitionId, (placement) => {
      const earlier = [...placement.others, ...placement.founders];
      const first = 1 + Math.max(0, ...earlier.map(({ replicaId }) => replicaId));
      return {
        ...placement,
        founders: nodes.map((place, i) => ({ ...place, replicaId: first + i, state: 'open' })),
        others: earlier.map(({ replicaId, node, storeId }) => ({ replicaId, node, storeId })),
      };
    });
  }
}

/** The members that all founders begin with. */
function membersOf({ founders }: Placement): readonly Member[] {
  return founders.map(({ replicaId, node }) => ({ replicaId, node, kind: 'voter' }));
}

function hasQuorum(founders: readonly Founder[]): boolean {
  return founders.filter(({ state }) => state === 'created').length > founders.length / 2;
}

/** A replica of an earlier founding, in the same data folder, which must make room. */
function isBefore(other: PlacedReplica, founder: Founder): boolean {
  return (
    other.node === founder.node &&
    other.storeId === founder.storeId &&
    other.replicaId < founder.replicaId
  );
}

/** The data folder is another one, or it has, or had, a replica that this one must not follow. */
function isForGood({ code }: RemoteFailure): boolean {
  return code === 'otherStore' || code === 'replicaExists';
}
