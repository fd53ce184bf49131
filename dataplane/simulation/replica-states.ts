import { crc32 } from 'node:zlib';
import { storageIdBytes } from '../replication/effects-codec.ts';
import type { Replica } from '../replication/replica.ts';
import type { NodeApp } from './cluster-program.ts';
import type { SimDisk } from './sim-disk.ts';
import type { Entry } from './sorted-tree.ts';

/** The state of one replica, as readers of its node see it at this moment. */
export interface ReplicaState {
  readonly node: string;
  readonly partitionId: bigint;
  readonly replicaId: number;
  /** Keys without the storage id, which is each replica's own. */
  readonly entries: readonly Entry[];
}

/** A node that runs, with its disk. */
export interface RunningNode {
  readonly id: string;
  readonly app: NodeApp;
  readonly disk: SimDisk;
}

/** Where the state says which place in the log it reflects (replication/applied-record.ts). */
const PLACE_SUFFIX = '\x07\x03\x00';
const ID_BYTES = 8;

/** The states of all replicas that take part. */
export function* replicaStates(node: RunningNode): Generator<ReplicaState> {
  for (const replica of node.app.host.all()) {
    if (replica.failure !== undefined) continue;
    yield stateOf(node, replica);
  }
}

function stateOf({ id, disk }: RunningNode, replica: Replica): ReplicaState {
  const { partitionId, replicaId, storageId } = replica;
  const start = storageIdBytes(storageId).toString('latin1');
  const end = `${start}\xff`;
  const entries = disk.log.visible.page({ start, end, reverse: false, limit: Infinity });
  return { node: id, partitionId, replicaId, entries };
}

/** The index up to which the log is applied; undefined for a replica that has no state yet. */
export function appliedIndexOf({ entries }: ReplicaState): number | undefined {
  const place = entries.find(({ key }) => key.slice(ID_BYTES) === PLACE_SUFFIX);
  // Behind a head of 5 bytes: index, term (u64 each).
  return place && Number(place.value.readBigUInt64BE(5));
}

/**
 * Compares states of the same partition at the same applied index, which must be the same byte for
 * byte wherever and whenever they are seen.
 */
export class StateComparison {
  readonly violations: string[] = [];
  /** Pairs of states that were compared. */
  comparedCount = 0;
  readonly #seen = new Map<string, { readonly hash: number; readonly state: ReplicaState }>();

  /** @param isDamaged whether a key of that node was changed under it, which it cannot help */
  take(state: ReplicaState, isDamaged: (state: ReplicaState) => boolean): void {
    const index = appliedIndexOf(state);
    if (index === undefined || index === 0 || isDamaged(state)) return;
    const name = `${state.partitionId}/${index}`;
    const seen = this.#seen.get(name);
    if (seen?.state.node === state.node && seen.state.replicaId === state.replicaId) return;
    const hash = hashOf(state);
    if (seen === undefined) {
      this.#seen.set(name, { hash, state });
      return;
    }
    this.comparedCount += 1;
    if (seen.hash === hash) return;
    this.violations.push(
      `Replicas of partition ${name} differ: ${difference(seen.state, state).join('; ')}`,
    );
  }
}

function hashOf({ entries }: ReplicaState): number {
  let hash = 0;
  for (const { bytes, value } of entries) {
    hash = crc32(value, crc32(bytes.subarray(ID_BYTES), hash));
  }
  return hash;
}

/** For people. */
export function difference(one: ReplicaState, other: ReplicaState): readonly string[] {
  const of = ({ entries }: ReplicaState) =>
    new Map(entries.map(({ bytes, value }) => [hex(bytes.subarray(ID_BYTES)), hex(value)]));
  const [mine, theirs] = [of(one), of(other)];
  const keys = new Set([...mine.keys(), ...theirs.keys()]);
  return [...keys]
    .filter((key) => mine.get(key) !== theirs.get(key))
    .map((key) => `${key}: ${one.node} ${mine.get(key)}, ${other.node} ${theirs.get(key)}`);
}

function hex(bytes: Buffer): string {
  return bytes.toString('hex');
}
