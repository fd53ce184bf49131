import type { ControlContext, StreamContext } from '../api/operation.ts';
import type { Log } from '../catalog/background-work.ts';
import { Catalog, type Identifiers } from '../catalog/catalog.ts';
import { CatalogRehearsal } from '../catalog/rehearsal.ts';
import type { Replica } from '../replication/replica.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import { type NodeId, RemoteFailure } from '../replication/transport/transport.ts';
import type { ControlAnswer, NotLeaderData } from '../routing/protocol.ts';
import { type Store, StoreError } from '../storage/store.ts';
import { ClusterTables } from './cluster-tables.ts';
import type { ClusterView, NodeCalls } from './cluster-view.ts';
import { type LeaderCall, runOperation } from './control-operation.ts';
import { PlacementBook } from './placement-book.ts';
import { Repair, type RepairOptions } from './repair.ts';
import { ReplicatedStore } from './replicated-store.ts';
import { Backoff, unlessAborted } from './waiting.ts';

/** A call that comes while the catalog is being opened waits so long for it. */
const OPENING_WAIT_MS = 1_000;
/** A catalog that is deposed has nothing to wait for; what has not ended by then is a defect. */
const CLOSE_TIMEOUT_MS = 5_000;

export interface CatalogLeaderOptions {
  /** The node's store, in which the replica of partition 0 keeps its state. */
  readonly store: Store;
  /** Begins to look at the cluster, for one time of leadership. */
  readonly openView: () => OpenView;
  readonly calls: NodeCalls;
  /** All nodes of the cluster, whether they have ever reported or not. */
  readonly nodes: () => readonly NodeId[];
  readonly region: string;
  readonly accountId: string;
  readonly scheduler: Scheduler;
  readonly identifiers: Identifiers;
  readonly log: Log;
  readonly repair?: RepairOptions | undefined;
}

export interface OpenView extends ClusterView {
  close(): void;
}

/** One time of leadership: everything in it ends with it. */
interface Term {
  readonly replica: Replica;
  readonly store: ReplicatedStore;
  readonly view: OpenView;
  readonly ended: AbortController;
  readonly opened: PromiseWithResolvers<Catalog>;
  catalog: Catalog | undefined;
  /** Ends with the term. */
  repaired: Promise<void> | undefined;
}

/**
 * The catalog of the cluster, where partition 0 is led: opened when this node's replica becomes ready
 * to lead, closed when it does not lead any more. Answers the `control` method meanwhile.
 */
export class CatalogLeader {
  readonly #options: CatalogLeaderOptions;
  #term: Term | undefined;
  /** Closing of the terms before. */
  #closing: Promise<void> = Promise.resolve();

  constructor(options: CatalogLeaderOptions) {
    this.#options = options;
  }

  /**
   * To be called from `onLeader` of this node's replica of partition 0 with the replica, and from
   * `onLostLeadership`, or when the replica goes, with undefined. Does not throw, and does not wait.
   */
  leaderChanged(replica: Replica | undefined): void {
    this.#end();
    if (replica === undefined) return;
    const term: Term = {
      replica,
      store: new ReplicatedStore(replica, this.#options.store),
      view: this.#options.openView(),
      ended: new AbortController(),
      opened: Promise.withResolvers(),
      catalog: undefined,
      repaired: undefined,
    };
    term.opened.promise.catch(() => {}); // Those who wait see it.
    this.#term = term;
    void this.#run(term);
  }

  /** Whether the catalog is open here. */
  get isOpen(): boolean {
    return this.#term?.catalog !== undefined;
  }

  /**
   * The methods `control` and `rehearse`.
   * @param replica this node's replica of partition 0, if it has one
   * @throws RemoteFailure
   */
  async control(call: LeaderCall, replica: Replica | undefined): Promise<ControlAnswer> {
    const term = this.#term;
    if (term === undefined) throw notLeader(replica);
    const catalog = await this.#openCatalog(term);
    return runOperation(call, {
      context: this.#contextOf(catalog, call),
      triggers: call.isDryRun ? undefined : catalog,
      replica: term.replica,
      store: term.store,
      ended: term.ended.signal,
      notLeader: () => notLeader(term.replica),
    });
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#end();
    await this.#closing;
  }

  async #openCatalog(term: Term): Promise<Catalog> {
    if (term.catalog !== undefined) return term.catalog;
    const late = new AbortController();
    const timer = this.#options.scheduler.after(OPENING_WAIT_MS, () => late.abort());
    try {
      const either = AbortSignal.any([late.signal, term.ended.signal]);
      return await unlessAborted(term.opened.promise, either);
    } catch {
      if (term.ended.signal.aborted) throw notLeader(term.replica);
      throw new RemoteFailure('unavailable', 'the catalog is being opened');
    } finally {
      timer.cancel();
    }
  }

  #contextOf(catalog: Catalog, { host, isDryRun }: LeaderCall): ControlContext & StreamContext {
    const { region, accountId, scheduler: clock } = this.#options;
    const plane = isDryRun ? new CatalogRehearsal(catalog) : catalog;
    const { streams } = catalog;
    return { catalog: plane, tables: catalog, streams, region, accountId, clock, host };
  }

  /** Opens the catalog, again until it succeeds; what it was opened on is closed with the term. */
  async #run(term: Term): Promise<void> {
    const { log, scheduler } = this.#options;
    const { signal } = term.ended;
    const backoff = new Backoff();
    await this.#closing;
    while (!signal.aborted) {
      try {
        await this.#open(term);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StoreError)) throw error;
        log('catalogNotOpened', { code: error.code, message: error.message });
        // Other members may be sound: one of them is to lead, and to have this replica replaced.
        if (error.code === 'damaged') term.replica.listener?.onDamaged(error);
        await pause(scheduler, backoff.nextMs(), signal);
      }
    }
  }

  async #open(term: Term): Promise<void> {
    const { calls, nodes, scheduler, log, region, accountId, identifiers } = this.#options;
    const { store, view, ended } = term;
    const book = await PlacementBook.open(store);
    const tables = new ClusterTables({ book, view, calls, nodes, scheduler, log });
    const close = () => tables.close();
    ended.signal.addEventListener('abort', close, { once: true });
    if (ended.signal.aborted) close();
    try {
      const catalog = await Catalog.open({
        store,
        router: tables,
        region,
        accountId,
        clock: scheduler,
        scheduler,
        identifiers,
        log,
        sweepsExpired: false,
      });
      if (ended.signal.aborted) return await this.#inTime(catalog.close());
      term.catalog = catalog;
      term.opened.resolve(catalog);
      term.repaired = this.#repair(view, book, tables).run(ended.signal);
      log('catalogOpened', { term: term.replica.term });
    } catch (error) {
      close();
      throw error;
    }
  }

  #repair(view: ClusterView, book: PlacementBook, tables: ClusterTables): Repair {
    const { calls, scheduler, log, repair: options = {} } = this.#options;
    return new Repair({
      book,
      view,
      calls,
      scheduler,
      log,
      options,
      candidates: () => tables.candidates(),
      isDropping: (partitionId) => tables.isDropping(partitionId),
    });
  }

  #end(): void {
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    term.store.lose();
    const { catalog, repaired } = term;
    // Told to stop before what it works on ends, so that nothing of that is reported as a failure.
    const closed = catalog?.close();
    term.ended.abort();
    term.view.close();
    term.opened.reject(new StoreError('closed', 'The catalog is not led from here any more.'));
    const before = this.#closing;
    this.#closing = before.then(() => this.#inTime(Promise.all([closed, repaired])));
  }

  async #inTime(closed: Promise<unknown>): Promise<void> {
    const { scheduler, log } = this.#options;
    const isClosed = new AbortController();
    const done = closed.finally(() => isClosed.abort());
    await Promise.race([done, pause(scheduler, CLOSE_TIMEOUT_MS, isClosed.signal)]);
    if (!isClosed.signal.aborted) log('catalogNotClosed', { afterMs: CLOSE_TIMEOUT_MS });
  }
}

function notLeader(replica: Replica | undefined): RemoteFailure {
  const data: NotLeaderData = { leader: replica?.leader?.node, term: replica?.term ?? 0 };
  return new RemoteFailure('notLeader', 'the catalog is led elsewhere', data);
}
