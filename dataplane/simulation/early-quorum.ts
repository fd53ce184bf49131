import type {
  ConsensusCore,
  CoreCommand,
  CoreRecord,
  GroupHandle,
  NewCore,
  ReplicaId,
} from '../replication/core/consensus-core.ts';

/**
 * A mistake made on purpose: cores that count an entry as taken by all voters as soon as the leader
 * alone has it on disk, so that it is committed, applied and acknowledged before any quorum has it.
 */
export function withEarlyQuorum(newCore: NewCore): NewCore {
  return (randomU32) => new EarlyQuorumCore(newCore(randomU32));
}

interface WatchedGroup {
  readonly replicaId: ReplicaId;
  voters: readonly ReplicaId[];
  isLeader: boolean;
  term: number;
  /** Last index of each append that is not acknowledged yet, by its sequence. */
  readonly appends: Map<number, number>;
}

class EarlyQuorumCore implements ConsensusCore {
  readonly #inner: ConsensusCore;
  readonly #groups = new Map<GroupHandle, WatchedGroup>();

  constructor(inner: ConsensusCore) {
    this.#inner = inner;
  }

  get memoryBytes(): number {
    return this.#inner.memoryBytes;
  }

  send(commands: readonly CoreCommand[]): readonly CoreRecord[] {
    const records = this.#inner.send(commands.flatMap((command) => this.#withForged(command)));
    for (const record of records) this.#see(record);
    return records;
  }

  close(): void {
    this.#inner.close();
  }

  /** An acknowledgement by the leader's disk brings those of all others along. */
  #withForged(command: CoreCommand): readonly CoreCommand[] {
    if (command.op === 'create') {
      const { replicaId, conf } = command.config;
      const group = { replicaId, voters: conf.voters, isLeader: false, term: 0 };
      this.#groups.set(command.group, { ...group, appends: new Map() });
    }
    if (command.op !== 'appendAck') return [command];
    const group = this.#groups.get(command.group);
    const index = group?.appends.get(command.seq);
    if (group === undefined || index === undefined || !group.isLeader) return [command];
    group.appends.delete(command.seq);
    const others = group.voters.filter((voter) => voter !== group.replicaId);
    const forged = others.map((from): CoreCommand => {
      const { replicaId: to, term } = group;
      return { op: 'step', group: command.group, message: taken({ from, to, term, index }) };
    });
    return [command, ...forged];
  }

  #see(record: CoreRecord): void {
    const group = this.#groups.get(record.group);
    if (group === undefined) return;
    if (record.kind === 'soft') {
      group.isLeader = record.role === 'leader';
      group.term = record.term;
    } else if (record.kind === 'conf') {
      group.voters = record.conf.voters;
    } else if (record.kind === 'append') {
      const last = record.entries.at(-1);
      if (last !== undefined) group.appends.set(record.seq, last.index);
    }
  }
}

/** An `appendResponse`, as core/README.md lays it out. */
function taken(of: {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly term: number;
  readonly index: number;
}): Buffer {
  const message = Buffer.alloc(MESSAGE_BYTES);
  message[0] = APPEND_RESPONSE;
  for (const [at, value] of [of.from, of.to, of.term, of.index].entries()) {
    message.writeBigUInt64LE(BigInt(value), FROM_AT + 8 * at);
  }
  return message;
}

const MESSAGE_BYTES = 64;
const APPEND_RESPONSE = 4;
/** Behind it: to, term, index. */
const FROM_AT = 8;
