import type { Log } from '../catalog/background-work.ts';
import type { Member, Membership } from '../replication/replica.ts';
import { pause, type Scheduler } from '../replication/scheduler.ts';
import { type NodeId, RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import {
  type ChangeMembersCall,
  type CreateReplicaCall,
  methods,
  type TransferLeadershipCall,
} from '../routing/protocol.ts';
import { StoreError } from '../storage/store.ts';
import { type ClusterView, leaderReport, type NodeCalls } from './cluster-view.ts';
import { planTransfer, type Transfer } from './leader-balance.ts';
import {
  isMissing,
  isWell,
  type NodePartition,
  placeOf,
  reportsByPartition,
} from './member-state.ts';
import type { CandidateNode } from './placement.ts';
import type { PlacementBook } from './placement-book.ts';
import { CATALOG_PARTITION, type PlacedReplica, type Placement } from './placement-records.ts';
import { planRepairs, type RepairStep } from './repair-plan.ts';
import { askToDrop, triedToDrop } from './replica-drop.ts';
import { WorkLimit } from './waiting.ts';

const LOOK_INTERVAL_MS = 1_000;
/** Shorter than a leader waits for its successor: the partition takes no writes meanwhile, so once is enough. */
const TRANSFER_TIMEOUT_MS = 1_000;
const CALL_TIMEOUT_MS = 10_000;
/** Steps under way at once. */
const STEPS_MAX = 8;
/** A change whose outcome is open has had its effect, and was reported, after this time. */
const UNSETTLED_MS = 5_000;
/** A replica that was made and is not reported yet waits for its state. */
const CREATE_AGAIN_MS = 30_000;
const TRANSFER_INTERVAL_MS = 5_000;
/**
 * A node that has just come is given no leadership yet: not all routers have reached it again, and its
 * first requests are its slowest.
 */
const SETTLED_MS = 20_000;
/** A node that has not kept a leadership is given another one after this time. */
const UNWILLING_MS = 120_000;
/** Replicas of a dropped partition are looked for so long: no call to create one is under way for longer. */
const DROPPED_KEPT_MS = 24 * 3_600_000;
const FORGET_INTERVAL_MS = 3_600_000;
/** At rest it looks so often all the same, whatever it is told. */
const REST_MS_MAX = 10_000;

export interface RepairOptions {
  /** A node that is away for longer is given up, and its replicas are put elsewhere. Off by default. */
  readonly replaceAfterMs?: number | undefined;
  /** Partitions that are given a new replica at the same time; by default 8. */
  readonly learnersCountMax?: number | undefined;
  /** Whether leaders are spread over the nodes; by default so. */
  readonly balancesLeaders?: boolean | undefined;
}

const LEARNERS_COUNT_MAX = 8;

export interface RepairParts {
  readonly book: PlacementBook;
  readonly view: ClusterView;
  readonly calls: NodeCalls;
  readonly scheduler: Scheduler;
  readonly log: Log;
  readonly candidates: () => readonly CandidateNode[];
  /** Partitions that are on their way out. */
  readonly isDropping: (partitionId: bigint) => boolean;
  readonly options: RepairOptions;
}

/**
 * Looks once a second at what nodes report, and does the next steps towards what should be
 * (repair-plan.ts). It keeps nothing that matters: the next leader of the catalog plans from what it
 * observes, and from the replicas that were written down before they were made.
 */
export class Repair {
  readonly #parts: RepairParts;
  readonly #awaySinceMs = new Map<NodeId, number>();
  readonly #missingSinceMs = new Map<string, number>();
  /** Nodes of groups that have a learner. */
  readonly #learnersAt = new Set<NodeId>();
  readonly #memberships = new Map<bigint, Membership>();
  readonly #unsettledUntilMs = new Map<bigint, number>();
  readonly #createdAtMs = new Map<string, number>();
  readonly #unwillingUntilMs = new Map<NodeId, number>();
  /** Since when a process of a node is known and connected. */
  readonly #processes = new Map<NodeId, { readonly id: string; readonly sinceMs: number }>();
  /** The last one. */
  #transfer: Transfer | undefined;
  #transferredAtMs = Number.NEGATIVE_INFINITY;
  #forgotAtMs = Number.NEGATIVE_INFINITY;
  /** The last look left nothing to do before that time, unless what it looked at changes. */
  #rest: { readonly seen: string; readonly untilMs: number } | undefined;

  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** Runs until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { scheduler, log } = this.#parts;
    while (!signal.aborted) {
      try {
        await this.#look(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof StoreError)) throw error;
        log('repairNotSaved', { code: error.code, message: error.message });
      }
      await pause(scheduler, LOOK_INTERVAL_MS, signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    await this.#knowCatalog();
    await this.#forget();
    const seen = this.#seen();
    const nowMs = this.#parts.scheduler.monotonicMs();
    if (this.#rest?.seen === seen && nowMs < this.#rest.untilMs) return;
    this.#observe();
    // Whether a learner has caught up is seen from counts that belong together.
    if (this.#learnersAt.size > 0) await this.#parts.view.refreshCounts(this.#learnersAt);
    const limit = new WorkLimit(STEPS_MAX);
    const steps = this.#plan();
    await Promise.all(steps.map((step) => limit.run(() => this.#do(step, signal))));
    if (steps.length === 0) await this.#balance(signal);
    const untilMs = Math.min(nowMs + REST_MS_MAX, this.#nextTransferMs());
    this.#rest = steps.length === 0 && this.#waitsForNothing() ? { seen, untilMs } : undefined;
  }

  /** Names all that plans are made from, but for the time and what is kept here. */
  #seen(): string {
    const { view, book } = this.#parts;
    return `${view.version} ${book.version}`;
  }

  /** When leaders may be moved again, if one had to be. */
  #nextTransferMs(): number {
    return this.#transfer === undefined ? Infinity : this.#transferredAtMs + TRANSFER_INTERVAL_MS;
  }

  /** Time alone would change no plan. */
  #waitsForNothing(): boolean {
    const waiting = [
      this.#awaySinceMs,
      this.#missingSinceMs,
      this.#learnersAt,
      this.#memberships,
      this.#unsettledUntilMs,
      this.#unwillingUntilMs,
    ];
    return waiting.every(({ size }) => size === 0);
  }

  /** The catalog's own group was not placed by the catalog: it is taken up as it is. */
  async #knowCatalog(): Promise<void> {
    const { book } = this.#parts;
    if (book.placement(CATALOG_PARTITION) !== undefined) return;
    const placement: Placement = {
      partitionId: CATALOG_PARTITION,
      tableId: '',
      indexId: 0,
      founders: [],
      foundingVersion: 0,
      isFounded: true,
      others: [],
    };
    await book.save({ placements: [placement] });
  }

  /** Notes since when nodes are away and replicas missing, and where learners are. */
  #observe(): void {
    const { view, scheduler, book } = this.#parts;
    const nowMs = scheduler.monotonicMs();
    const reports = reportsByPartition(view.nodes());
    const missing = new Set<string>();
    this.#observeProcesses(nowMs);
    this.#learnersAt.clear();
    for (const { partitionId } of book.placements()) {
      const members = this.#membersOf(partitionId, reports.get(partitionId) ?? []);
      const hasLearner = members.some(({ kind }) => kind === 'learner');
      for (const { replicaId, node: id } of members) {
        const node = view.node(id);
        if (hasLearner) this.#learnersAt.add(id);
        if (node?.isConnected === true) this.#awaySinceMs.delete(id);
        else if (!this.#awaySinceMs.has(id)) this.#awaySinceMs.set(id, nowMs);
        if (node === undefined || !isWell(node) || !isMissing(node, partitionId, replicaId))
          continue;
        missing.add(`${partitionId}/${replicaId}`);
      }
    }
    for (const name of this.#missingSinceMs.keys()) {
      if (!missing.has(name)) this.#missingSinceMs.delete(name);
    }
    for (const name of missing) {
      if (!this.#missingSinceMs.has(name)) this.#missingSinceMs.set(name, nowMs);
    }
    for (const [partitionId, untilMs] of this.#unsettledUntilMs) {
      if (untilMs <= nowMs) this.#unsettledUntilMs.delete(partitionId);
    }
  }

  /** The newest that is known; what was answered is forgotten when reports have caught up with it. */
  #membersOf(partitionId: bigint, reports: readonly NodePartition[]): readonly Member[] {
    const answered = this.#memberships.get(partitionId);
    let newest: Membership | undefined;
    for (const { report } of reports) {
      if (newest === undefined || report.membership.epoch > newest.epoch)
        newest = report.membership;
    }
    if (answered !== undefined && answered.epoch > (newest?.epoch ?? 0)) return answered.members;
    this.#memberships.delete(partitionId);
    return newest?.members ?? [];
  }

  #plan(): readonly RepairStep[] {
    const { book, view, scheduler, candidates, isDropping, options } = this.#parts;
    const nowMs = scheduler.monotonicMs();
    const since = (ms: number | undefined) => (ms === undefined ? 0 : nowMs - ms);
    return planRepairs({
      nodes: view.nodes(),
      placements: [...book.placements()].filter(({ partitionId }) => !isDropping(partitionId)),
      dropped: new Set([...book.dropped()].map(({ partitionId }) => partitionId)),
      candidates: candidates(),
      memberships: this.#memberships,
      unsettled: new Set(this.#unsettledUntilMs.keys()),
      learnersCountMax: options.learnersCountMax ?? LEARNERS_COUNT_MAX,
      replaceAfterMs: options.replaceAfterMs,
      awayMs: (node) => since(this.#awaySinceMs.get(node)),
      missingMs: (partitionId, replicaId) =>
        since(this.#missingSinceMs.get(`${partitionId}/${replicaId}`)),
    });
  }

  async #do(step: RepairStep, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { book, calls, log } = this.#parts;
    const { kind, partitionId } = step;
    if (kind !== 'adopt' && kind !== 'forget' && kind !== 'create') log('repair', shown(step));
    switch (kind) {
      case 'drop': {
        const options = { timeoutMs: CALL_TIMEOUT_MS, signal };
        await triedToDrop(calls, partitionId, { replica: step.replica, options });
        return;
      }
      case 'create':
        return this.#create(partitionId, step.replica, signal);
      case 'addLearner':
        return this.#addLearner(partitionId, step.node, signal);
      case 'change': {
        const { promote, remove } = step;
        await this.#change({ partitionId, addLearners: [], promote, remove }, signal);
        return;
      }
      case 'adopt':
        await book.update(partitionId, (placement) => withOther(placement, step.replica));
        return;
      case 'writeOff':
        await book.update(partitionId, (placement) => withoutOpen(placement, step.replicaId));
        return;
      case 'forget':
        // A replica without a state is not reported; a drop of nothing does no harm.
        if (!(await this.#isLeftBy(step, signal))) return;
        await book.update(partitionId, (placement) => without(placement, step.replica));
        return;
    }
  }

  /** Whether nothing of a former member can be there any more. */
  async #isLeftBy(
    { partitionId, replica }: Extract<RepairStep, { readonly kind: 'forget' }>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { view, calls } = this.#parts;
    if (view.node(replica.node)?.storeId !== replica.storeId) return true;
    const options = { timeoutMs: CALL_TIMEOUT_MS, signal };
    return triedToDrop(calls, partitionId, { replica, options });
  }

  async #addLearner(partitionId: bigint, node: NodeId, signal: AbortSignal): Promise<void> {
    const call = { partitionId, addLearners: [{ node }], promote: [], remove: [] };
    const membership = await this.#change(call, signal);
    const storeId = this.#parts.view.node(node)?.storeId;
    const learner = membership?.members.findLast((member) => member.node === node);
    if (learner?.kind !== 'learner' || storeId === undefined) return;
    await this.#create(partitionId, { replicaId: learner.replicaId, node, storeId }, signal);
  }

  /**
   * Makes a learner, which has its id from its leader, in the data folder that is written down for it
   * or is so now. Repeats are harmless, and are left out for a while.
   */
  async #create(partitionId: bigint, replica: PlacedReplica, signal: AbortSignal): Promise<void> {
    const { calls, scheduler, book } = this.#parts;
    const { replicaId, node, storeId } = replica;
    const name = `${partitionId}/${replicaId}`;
    const nowMs = scheduler.monotonicMs();
    const createdAtMs = this.#createdAtMs.get(name) ?? Number.NEGATIVE_INFINITY;
    if (nowMs - createdAtMs < CREATE_AGAIN_MS) return;
    const placement = await book.update(partitionId, (before) => withOther(before, replica));
    if (placement === undefined || placeOf(placement, replica)?.storeId !== storeId) return;
    const options = { timeoutMs: CALL_TIMEOUT_MS, signal };
    const call: CreateReplicaCall = {
      storeId,
      replica: { partitionId, replicaId, members: [] },
      configuration: undefined,
    };
    const create = () => calls.callNode(node, methods.createReplica, call, options);
    try {
      await create().catch(async (error: unknown) => {
        if (!isTaken(error)) throw error;
        // By one that was made in vain, or is lost: it has no vote any more.
        await askToDrop(calls, partitionId, { ...replica, replicaId: replicaId - 1 }, options);
        await create();
      });
      this.#createdAtMs.set(name, nowMs);
    } catch (error) {
      this.#failed('repairFailed', error, { partitionId: `${partitionId}`, replicaId, node });
      if (isTaken(error)) await book.update(partitionId, (before) => givenUp(before, replica));
    }
  }

  async #change(call: ChangeMembersCall, signal: AbortSignal): Promise<Membership | undefined> {
    const { calls, scheduler } = this.#parts;
    const { partitionId } = call;
    const options = { timeoutMs: CALL_TIMEOUT_MS, signal };
    try {
      const answer = await calls.callLeader(partitionId, methods.changeMembers, call, options);
      const membership = answer as Membership; // As the protocol has it.
      this.#memberships.set(partitionId, membership);
      return membership;
    } catch (error) {
      this.#unsettledUntilMs.set(partitionId, scheduler.monotonicMs() + UNSETTLED_MS);
      this.#failed('repairFailed', error, { partitionId: `${partitionId}` });
      return undefined;
    }
  }

  async #balance(signal: AbortSignal): Promise<void> {
    const { view, calls, scheduler, options, log } = this.#parts;
    const nowMs = scheduler.monotonicMs();
    if (options.balancesLeaders === false) return;
    if (nowMs - this.#transferredAtMs < TRANSFER_INTERVAL_MS) return;
    const unwilling = this.#unwilling(nowMs);
    this.#transfer = undefined;
    if (planTransfer(view.nodes(), unwilling) === undefined) return;
    // What is known may be of a process before: the node that is to lead may have lost its data since.
    await view.refresh();
    const call: TransferLeadershipCall | undefined = planTransfer(view.nodes(), unwilling);
    if (call === undefined || signal.aborted) return;
    this.#transfer = call;
    this.#transferredAtMs = nowMs;
    const { partitionId, toNode } = call;
    log('leaderMoved', { partitionId: `${partitionId}`, toNode });
    try {
      const timing = { timeoutMs: TRANSFER_TIMEOUT_MS, signal };
      await calls.callLeader(partitionId, methods.transferLeadership, call, timing);
    } catch (error) {
      this.#failed('leaderNotMoved', error, { partitionId: `${partitionId}`, toNode });
    }
  }

  #observeProcesses(nowMs: number): void {
    for (const { node, processId, isConnected } of this.#parts.view.nodes()) {
      const known = this.#processes.get(node);
      if (!isConnected) this.#processes.delete(node);
      else if (known?.id !== processId) {
        this.#processes.set(node, { id: processId, sinceMs: nowMs });
      }
    }
  }

  /**
   * Nodes that do not keep what they are given, since they are being drained or cannot lead, and those
   * that have just come.
   */
  #unwilling(nowMs: number): ReadonlySet<NodeId> {
    const { view } = this.#parts;
    if (this.#transfer !== undefined) {
      const { partitionId, toNode } = this.#transfer;
      const leader = leaderReport(view, partitionId)?.node;
      if (leader !== toNode) this.#unwillingUntilMs.set(toNode, nowMs + UNWILLING_MS);
    }
    for (const [node, untilMs] of this.#unwillingUntilMs) {
      if (untilMs <= nowMs) this.#unwillingUntilMs.delete(node);
    }
    const newcomers = view
      .nodes()
      .map(({ node }) => node)
      .filter((node) => nowMs - (this.#processes.get(node)?.sinceMs ?? nowMs) < SETTLED_MS);
    return new Set([...this.#unwillingUntilMs.keys(), ...newcomers]);
  }

  async #forget(): Promise<void> {
    const { book, scheduler } = this.#parts;
    const monotonicMs = scheduler.monotonicMs();
    if (monotonicMs - this.#forgotAtMs < FORGET_INTERVAL_MS) return;
    this.#forgotAtMs = monotonicMs;
    await book.forgetDropped(scheduler.nowMs() - DROPPED_KEPT_MS);
  }

  #failed(event: string, error: unknown, fields: object): void {
    if (!(error instanceof RemoteFailure || error instanceof RequestFailed)) throw error;
    this.#parts.log(event, { ...fields, message: error.message });
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof RemoteFailure && error.code === 'replicaExists';
}

function shown({ partitionId, ...step }: RepairStep): object {
  return { partitionId: `${partitionId}`, ...step };
}

/** What was written down first holds: an id is used in one data folder only. */
function withOther(placement: Placement, replica: PlacedReplica): Placement {
  if (placeOf(placement, replica) !== undefined) return placement;
  return { ...placement, others: [...placement.others, replica] };
}

function givenUp(placement: Placement, replica: PlacedReplica): Placement {
  const others = placement.others.map((each) =>
    isSame(each, replica) ? { ...each, isLost: true } : each,
  );
  return { ...placement, others };
}

function withoutOpen(placement: Placement, replicaId: number): Placement {
  const founders = placement.founders.map((founder) =>
    founder.replicaId === replicaId && founder.state === 'open'
      ? { ...founder, state: 'lost' as const }
      : founder,
  );
  return { ...placement, founders };
}

function without(placement: Placement, replica: PlacedReplica): Placement {
  const isOther = (each: PlacedReplica) => !isSame(each, replica);
  return {
    ...placement,
    founders: placement.founders.filter(isOther),
    others: placement.others.filter(isOther),
  };
}

function isSame(one: PlacedReplica, other: PlacedReplica): boolean {
  return (
    one.replicaId === other.replicaId && one.node === other.node && one.storeId === other.storeId
  );
}
