import { StoreError } from '../storage/store.ts';
import { RecordDamaged } from './checked-record.ts';
import { electionTimeoutMs, type ReplicationContext } from './context.ts';
import type { ReplicaId } from './core/consensus-core.ts';
import type { CoreDriver } from './core-driver.ts';
import { Group, type ReplicaOnDisk } from './group.ts';
import { leaveCore, newReadRounds } from './leadership.ts';
import { RaftReplica } from './raft-replica.ts';
import { readReplica } from './recovery.ts';
import type { Replica } from './replica.ts';
import { pause } from './scheduler.ts';

/** A replica that the core loses more often than this within the time is given up. */
const FAILURES_MAX = 3;
const FAILURES_WITHIN_MS = 60_000;

export type OnReplica = (replica: Replica, change: 'added' | 'removed') => void;

/** The replicas of one node: how they come into the core, out of it, and back. */
export class NodeReplicas {
  readonly groups = new Map<bigint, Group>();
  /** Highest replica id that was here and was dropped, by partition. */
  readonly tombstones = new Map<bigint, ReplicaId>();
  readonly #context: ReplicationContext;
  readonly #driver: () => CoreDriver;
  readonly #listeners: OnReplica[] = [];
  #changed: Group[] = [];

  constructor(context: ReplicationContext, driver: () => CoreDriver) {
    this.#context = context;
    this.#driver = driver;
  }

  onReplica(listener: OnReplica): void {
    this.#listeners.push(listener);
    for (const { replica } of this.groups.values()) {
      if (replica !== undefined) listener(replica, 'added');
    }
  }

  /** A replica that was just made: it has nothing to forget, and no vote to be careful with. */
  addNew(disk: ReplicaOnDisk): Replica {
    const { group, replica } = this.#newGroup(disk);
    const { members } = disk.configuration.membership;
    const voters = members.filter(({ kind }) => kind === 'voter');
    // Spreads the first leaders over the nodes.
    const first = voters[Number(disk.partitionId % BigInt(voters.length || 1))];
    group.foundingTicks = first?.replicaId === disk.replicaId ? 0 : undefined;
    this.#activate(group, disk);
    this.#notify(replica, 'added');
    return replica;
  }

  /** A replica as found on disk, whether it is known already or not. */
  recover(disk: ReplicaOnDisk): void {
    const known = this.groups.get(disk.partitionId);
    if (known !== undefined && known.replicaId !== disk.replicaId) this.remove(known);
    if (known === undefined || known.replicaId !== disk.replicaId) {
      const { group, replica } = this.#newGroup(disk);
      this.#guard(group);
      this.#activate(group, disk);
      this.#notify(replica, 'added');
    } else {
      this.#reload(known, disk);
    }
  }

  /** A replica whose records cannot be read; known by what can. */
  recoverDamaged(disk: ReplicaOnDisk, error: Error): void {
    const known = this.groups.get(disk.partitionId);
    const group = known ?? this.#newGroup(disk).group;
    this.damaged(group, error);
    if (known === undefined && group.replica !== undefined) this.#notify(group.replica, 'added');
  }

  /** It is not here any more. */
  remove(group: Group): void {
    group.state = 'gone';
    this.#driver().remove(group);
    leaveCore(group, 'the replica was dropped');
    this.#context.payloads.clear(group.payloads);
    if (this.groups.get(group.partitionId) === group) this.groups.delete(group.partitionId);
    if (group.replica !== undefined) this.#notify(group.replica, 'removed');
  }

  damaged(group: Group, error: Error): void {
    const { log, probe } = this.#context;
    if (group.state === 'gone' || group.state === 'failed') return;
    group.state = 'failed';
    group.failure = error;
    this.#driver().remove(group);
    leaveCore(group, `the replica is damaged: ${error.message}`);
    probe('replicaFailed');
    log('replicaFailed', { ...namesOf(group), reason: error.message });
  }

  /** Takes it out of the core and, once nothing of it is under way, puts it in again from disk. */
  recreate(group: Group, reason: string): void {
    const { log, metrics, probe, scheduler } = this.#context;
    if (group.state !== 'active') return;
    metrics.groupsRecreated += 1;
    probe('groupRecreated');
    log('groupRecreated', { ...namesOf(group), reason });
    group.state = 'recovering';
    this.#driver().remove(group);
    leaveCore(group, reason);
    const nowMs = scheduler.monotonicMs();
    group.failuresMs = group.failuresMs.filter((atMs) => nowMs - atMs < FAILURES_WITHIN_MS);
    group.failuresMs.push(nowMs);
    if (group.failuresMs.length >= FAILURES_MAX) {
      this.damaged(group, new Error(`the core lost it ${FAILURES_MAX} times: ${reason}`));
      return;
    }
    void this.#restore(group);
  }

  /** All leave the core, which is gone; they wait for being recovered. */
  suspendAll(message: string): void {
    for (const group of this.groups.values()) {
      if (group.state === 'active') group.state = 'recovering';
      leaveCore(group, message);
    }
  }

  closeAll(): void {
    for (const group of this.groups.values()) {
      group.state = 'gone';
      leaveCore(group, 'this node stops');
    }
  }

  async #restore(group: Group): Promise<void> {
    const { store, limits, scheduler, log } = this.#context;
    // Behind the turn under way, whose commit may hold something of the group.
    const { exits } = group;
    await Promise.resolve();
    while (group.state === 'recovering' && group.exits === exits) {
      await group.synced.idle();
      await group.unsynced.idle();
      try {
        const disk = await readReplica(store, group.partitionId);
        if (group.state === 'recovering' && group.exits === exits) this.#reload(group, disk);
        return;
      } catch (error) {
        if (error instanceof RecordDamaged) {
          if (group.exits === exits) this.damaged(group, error);
          return;
        }
        if (!(error instanceof StoreError)) throw error;
        log('replicaUnreadable', { ...namesOf(group), reason: error.message });
        await pause(scheduler, limits.recoverPollMs);
      }
    }
  }

  #newGroup(disk: ReplicaOnDisk): { readonly group: Group; readonly replica: Replica } {
    const { payloads, limits, randomU32 } = this.#context;
    const group = new Group({
      disk,
      payloads: payloads.newGroup(disk.log.lastIndex),
      firstToken: randomU32(),
      electionTimeoutMs: electionTimeoutMs(limits),
      rounds: (of) => newReadRounds(this.#context, of, () => this.#driver().turns),
      changed: (of) => this.#onChanged(of),
    });
    const replica = new RaftReplica(this.#context, group, (of) => this.#driver().hasProposals(of));
    group.replica = replica;
    this.groups.set(disk.partitionId, group);
    return { group, replica };
  }

  #reload(group: Group, disk: ReplicaOnDisk): void {
    const { payloads } = this.#context;
    const isOther = group.storageId !== disk.storageId || group.appliedIndex !== disk.appliedIndex;
    payloads.clear(group.payloads);
    group.load(disk, payloads.newGroup(disk.log.lastIndex));
    group.failure = undefined;
    this.#guard(group);
    this.#activate(group, disk);
    // What was being written may have got there after all.
    if (isOther) group.listener?.onInstalled();
    group.changed();
  }

  /** See `MessageReceiver`. */
  #guard(group: Group): void {
    const { limits, scheduler } = this.#context;
    group.guardUntilMs = scheduler.monotonicMs() + electionTimeoutMs(limits);
  }

  #activate(group: Group, { entries }: ReplicaOnDisk): void {
    group.state = 'active';
    this.#driver().add(group, entries, (message) =>
      this.damaged(group, new RecordDamaged(`the core does not take its state: ${message}`)),
    );
  }

  #onChanged(group: Group): void {
    if (this.#changed.length === 0) {
      this.#context.scheduler.soon(() => {
        const changed = new Set(this.#changed);
        this.#changed = [];
        for (const each of changed) each.listener?.onChange();
      });
    }
    this.#changed.push(group);
  }

  #notify(replica: Replica, change: 'added' | 'removed'): void {
    for (const listener of this.#listeners) listener(replica, change);
  }
}

function namesOf({ partitionId, replicaId }: Group): object {
  return { partitionId: String(partitionId), replicaId };
}
