import { RecordDamaged } from '../replication/checked-record.ts';
import { LogKeys } from '../replication/log-keys.ts';
import { readFrame } from '../replication/message-frame.ts';
import { RAFT_CHANNEL } from '../replication/message-sender.ts';
import { decodeHardState, decodeReplica } from '../replication/replica-records.ts';
import type { Store } from '../storage/store.ts';
import type { TransportIdentity } from './sim-transport.ts';

/** What a replica has told others, and must know for good. */
interface Promised {
  readonly partitionId: bigint;
  readonly replicaId: number;
  /** The data folder that it is in. */
  readonly storeId: string;
  /** Highest term in which it has acknowledged or voted. */
  term: number;
  /** For whom it has voted, by term. */
  readonly votes: Map<number, number>;
}

/**
 * Listens to the messages of all Raft groups. What it holds them to: one leader a term, one vote a
 * term, a replica id in one data folder only, and that a replica which comes back knows the terms and
 * votes that it has told others of.
 */
export class RaftWatch {
  readonly violations: string[] = [];
  readonly #promised = new Map<string, Promised>();
  /** By partition and term. */
  readonly #leaders = new Map<string, number>();

  /** Leaders that were heard of. */
  get leadersCount(): number {
    return this.#leaders.size;
  }

  /** A process sends a message. */
  readonly onSend = (sender: TransportIdentity, channel: string, body: unknown): void => {
    if (channel !== RAFT_CHANNEL) return;
    for (const { partitionId, from, message } of readFrame(body)) {
      const fields = Buffer.from(message.buffer, message.byteOffset, message.length);
      const type = fields[TYPE_AT];
      const isReject = ((fields[FLAGS_AT] ?? 0) & REJECT) !== 0;
      const term = Number(fields.readBigUInt64LE(TERM_AT));
      const promised = this.#promisedOf(partitionId, from, sender.storeId);
      if (type === APPEND_RESPONSE || (type === VOTE_RESPONSE && !isReject)) {
        promised.term = Math.max(promised.term, term);
      }
      if (type === VOTE_RESPONSE && !isReject) {
        this.#voted(promised, term, Number(fields.readBigUInt64LE(TO_AT)));
      }
      if (type !== undefined && leaderTypes.has(type)) this.#led(partitionId, term, from);
    }
  };

  /** A node's process begins with what is on its disk. */
  onStart(storeId: string, store: Store): void {
    for (const promised of this.#promised.values()) {
      if (promised.storeId !== storeId) continue;
      const { partitionId, replicaId, term, votes } = promised;
      const keys = new LogKeys(partitionId);
      try {
        const record = decodeReplica(keys.replica, store.get(keys.replica));
        if (record.state !== 'active' || record.replicaId !== replicaId) continue;
        const stored = decodeHardState(keys.hardState, store.get(keys.hardState));
        const vote = votes.get(stored.term);
        const isForgotten = stored.term < term || (vote !== undefined && stored.vote !== vote);
        if (isForgotten) {
          this.violations.push(
            `Replica ${replicaId} of partition ${partitionId} on ${storeId} has forgotten: told term ` +
              `${term}, vote ${vote ?? 'none'}; knows term ${stored.term}, vote ${stored.vote}`,
          );
        }
      } catch (error) {
        if (!(error instanceof RecordDamaged)) throw error;
      }
    }
  }

  #promisedOf(partitionId: bigint, replicaId: number, storeId: string): Promised {
    const name = `${partitionId}/${replicaId}`;
    let promised = this.#promised.get(name);
    if (promised === undefined) {
      promised = { partitionId, replicaId, storeId, term: 0, votes: new Map() };
      this.#promised.set(name, promised);
    } else if (promised.storeId !== storeId) {
      this.violations.push(
        `Replica ${replicaId} of partition ${partitionId} is in ${promised.storeId} and in ${storeId}`,
      );
    }
    return promised;
  }

  #voted({ partitionId, replicaId, votes }: Promised, term: number, candidate: number): void {
    const before = votes.get(term);
    votes.set(term, candidate);
    if (before === undefined || before === candidate) return;
    this.violations.push(
      `Replica ${replicaId} of partition ${partitionId} voted in term ${term} for ${before} and ${candidate}`,
    );
  }

  #led(partitionId: bigint, term: number, replicaId: number): void {
    const name = `${partitionId}/${term}`;
    const before = this.#leaders.get(name);
    if (before === replicaId) return;
    this.#leaders.set(name, replicaId);
    if (before === undefined) return;
    this.violations.push(
      `Partition ${partitionId} has two leaders in term ${term}: ${before} and ${replicaId}`,
    );
  }
}

/** The layout of the core's messages (core/README.md), and Raft's numbers of their types. */
const TYPE_AT = 0;
const FLAGS_AT = 1;
const TO_AT = 16;
const TERM_AT = 24;
const REJECT = 1;
const APPEND_RESPONSE = 4;
const VOTE_RESPONSE = 6;
/** Appends, heartbeats, and the order to campaign. */
const leaderTypes: ReadonlySet<number> = new Set([3, 8, 14]);
