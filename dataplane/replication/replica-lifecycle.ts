import type { Effect } from '../storage/store.ts';
import { configurationEffect, placeEffect } from './applied-record.ts';
import type { ReplicationContext } from './context.ts';
import { keyUnder, storageIdBytes } from './effects-codec.ts';
import type { ReplicaOnDisk } from './group.ts';
import { LogExtent } from './log-extent.ts';
import { LogKeys } from './log-keys.ts';
import { foundingConfiguration } from './membership-change.ts';
import type { NodeReplicas } from './node-replicas.ts';
import { type NewReplica, ProposalError, type Replica, ReplicaExists } from './replica.ts';
import { encodeHardState, encodeLogPlace, encodeReplica } from './replica-records.ts';

/** Where a group's log begins: at a made-up snapshot, the same at each founder. */
const FOUNDING_PLACE = { index: 1, term: 1 };
const NOWHERE = { index: 0, term: 0 };

/** Makes replicas and drops them, durably, one at a time for each partition. */
export class ReplicaLifecycle {
  readonly #context: ReplicationContext;
  readonly #replicas: NodeReplicas;
  readonly #busy = new Map<bigint, Promise<unknown>>();

  constructor(context: ReplicationContext, replicas: NodeReplicas) {
    this.#context = context;
    this.#replicas = replicas;
  }

  create(replica: NewReplica): Promise<Replica> {
    return this.#alone(replica.partitionId, () => this.#create(replica));
  }

  drop(partitionId: bigint): Promise<void> {
    return this.#alone(partitionId, () => this.#drop(partitionId));
  }

  async #alone<T>(partitionId: bigint, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(partitionId);
    const mine = (before ?? Promise.resolve()).then(work, work);
    this.#busy.set(partitionId, mine);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(partitionId) === mine) this.#busy.delete(partitionId);
    }
  }

  async #create(replica: NewReplica): Promise<Replica> {
    const { partitionId, replicaId, members } = replica;
    const known = this.#replicas.groups.get(partitionId);
    if (known?.replica !== undefined) {
      if (known.replicaId === replicaId) return known.replica;
      throw new ReplicaExists(`partition ${partitionId} has replica ${known.replicaId} here`);
    }
    const dropped = this.#replicas.tombstones.get(partitionId);
    if (dropped !== undefined && replicaId <= dropped) {
      throw new ReplicaExists(`replica ${replicaId} of partition ${partitionId} was dropped here`);
    }
    await this.#clearLog(partitionId);
    const place = members.length === 0 ? NOWHERE : FOUNDING_PLACE;
    const counter = this.#context.takeStorageId();
    const { storageId } = counter;
    const disk: ReplicaOnDisk = {
      partitionId,
      replicaId,
      storageId,
      hardState: { term: place.term, vote: 0, commit: place.index },
      appliedIndex: place.index,
      configuration: foundingConfiguration(members),
      founders: members,
      log: new LogExtent(place),
      entries: [],
    };
    const effects = [counter, ...effectsOf(disk), ...initialEffects(replica, storageId)];
    await this.#commit(effects);
    return this.#replicas.addNew(disk);
  }

  async #drop(partitionId: bigint): Promise<void> {
    const group = this.#replicas.groups.get(partitionId);
    if (group === undefined) return;
    const { keys, replicaId, storageId, log } = group;
    group.install?.end(false);
    group.install = undefined;
    this.#replicas.remove(group);
    await Promise.resolve();
    await group.synced.idle();
    await group.unsynced.idle();
    const effects: Effect[] = [
      { key: keys.replica, value: encodeReplica(keys.replica, { state: 'dropped', replicaId }) },
      { key: keys.hardState, value: undefined },
      { key: keys.logStart, value: undefined },
    ];
    for (let index = log.start.index + 1; index <= log.lastIndex; index += 1) {
      effects.push({ key: keys.entry(index), value: undefined });
    }
    await this.#commit(effects);
    this.#replicas.tombstones.set(partitionId, replicaId);
    if (storageId !== 0n) this.#context.clearState(storageId);
    if (group.failure !== undefined) await this.#clearLog(partitionId);
  }

  /** @throws ProposalError `unavailable`; it may be done all the same, as is found out after a halt */
  async #commit(effects: readonly Effect[]): Promise<void> {
    const { isHalted, commits } = this.#context;
    if (isHalted() || !(await commits.commit(effects, { sync: true }))) {
      throw new ProposalError('unavailable', 'this node does not write at present');
    }
  }

  /** What a damaged replica left behind would pass for entries of the next. */
  async #clearLog(partitionId: bigint): Promise<void> {
    const { store } = this.#context;
    const { entries } = new LogKeys(partitionId);
    const iterator = store.iterate({ ...entries, reverse: false, limit: 1 });
    const page = await iterator.next(1);
    await iterator.close();
    if (page.length > 0) await store.clear(entries.start, entries.end);
  }
}

function effectsOf(disk: ReplicaOnDisk): Effect[] {
  const { replicaId, storageId, founders, configuration, hardState, log } = disk;
  const keys = new LogKeys(disk.partitionId);
  return [
    {
      key: keys.replica,
      value: encodeReplica(keys.replica, { state: 'active', replicaId, storageId, founders }),
    },
    { key: keys.hardState, value: encodeHardState(keys.hardState, hardState) },
    { key: keys.logStart, value: encodeLogPlace(keys.logStart, log.start) },
    placeEffect(storageId, log.start),
    configurationEffect(storageId, configuration),
  ];
}

function initialEffects(replica: NewReplica, storageId: bigint): Effect[] {
  const prefix = storageIdBytes(storageId);
  return replica.initialEffects.map(({ key, value }) => ({ key: keyUnder(prefix, key), value }));
}
