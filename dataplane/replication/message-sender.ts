import { StoreError } from '../storage/store.ts';
import { appendedEntriesCount, splitAppend } from './append-split.ts';
import { RecordDamaged } from './checked-record.ts';
import type { ReplicationContext } from './context.ts';
import type { CoreRecord, ReplicaId } from './core/consensus-core.ts';
import type { Group } from './group.ts';
import { HeldCommits } from './held-commits.ts';
import { FrameWriter, NO_PAYLOADS } from './message-frame.ts';
import { readPayload } from './payload-source.ts';
import type { NodeId } from './transport/transport.ts';

type MessageRecord = Extract<CoreRecord, { kind: 'msg' }>;

/** The transport's channel for messages of all groups. */
export const RAFT_CHANNEL = 'raft';

/** What one turn sends to one node at most; what is beyond counts as lost. */
const TURN_BYTES_MAX = 32 * 1024 * 1024;

interface NodeOutbox {
  readonly frame: FrameWriter;
  /** To whom the messages in the frame go, and whether raft is told if they do not leave. */
  receivers: { readonly group: Group; readonly to: ReplicaId; readonly isAppend: boolean }[];
  turnBytes: number;
}

/**
 * Sends messages: those of one turn to one node in one frame, unless they are too many bytes. A
 * message leaves with all its payloads or not at all; raft sends again what got lost.
 */
export class MessageSender {
  readonly #context: ReplicationContext;
  readonly #byNode = new Map<NodeId, NodeOutbox>();
  readonly #held: HeldCommits;

  constructor(context: ReplicationContext) {
    this.#context = context;
    this.#held = new HeldCommits(
      context.scheduler,
      (group, record) => this.#take(group, record),
      () => this.endTurn(),
    );
  }

  take(group: Group, record: MessageRecord): void {
    if (record.type === 'append') {
      const isCommitOnly = appendedEntriesCount(record.message) === 0;
      if (isCommitOnly && group.proposals.count > 0) {
        this.#held.hold(group, record);
        return;
      }
      this.#held.drop(group, record.to);
    }
    this.#take(group, record);
  }

  /**
   * Sends what the core need not say itself, with the messages of the turn.
   * @param message - read at once
   */
  answer(group: Group, to: ReplicaId, message: Uint8Array): void {
    const node = group.nodes.get(to);
    if (node === undefined) return;
    this.#outboxOf(node).frame.add({
      partitionId: group.partitionId,
      from: group.replicaId,
      to,
      commit: group.commitIndex,
      floor: 0,
      message,
      payloads: NO_PAYLOADS,
    });
    this.#context.commands.wake();
  }

  #take(group: Group, record: MessageRecord): void {
    const node = group.nodes.get(record.to);
    if (node === undefined) {
      this.#context.metrics.messagesDropped += 1;
      return;
    }
    const outbox = this.#outboxOf(node);
    if (record.payloads.length === 0) {
      this.#add(outbox, group, { record, message: record.message, payloads: NO_PAYLOADS });
      return;
    }
    const [first] = record.payloads;
    if (first !== undefined && first.index <= group.log.start.index) {
      this.#unreachable(group, record.to); // Compacted since: raft finds out and sends a snapshot.
      return;
    }
    try {
      this.#addWithPayloads(outbox, node, { group, record });
    } catch (error) {
      if (error instanceof RecordDamaged) this.#context.damaged(group, error);
      // The store is being opened anew: the message is lost, and raft sends again.
      else if (error instanceof StoreError) this.#unreachable(group, record.to);
      else throw error;
    }
  }

  /** The turn is over. */
  endTurn(): void {
    for (const [node, outbox] of this.#byNode) {
      this.#send(node, outbox);
      outbox.turnBytes = 0;
    }
  }

  #outboxOf(node: NodeId): NodeOutbox {
    let outbox = this.#byNode.get(node);
    if (outbox === undefined) {
      outbox = { frame: new FrameWriter(), receivers: [], turnBytes: 0 };
      this.#byNode.set(node, outbox);
    }
    return outbox;
  }

  #addWithPayloads(
    outbox: NodeOutbox,
    node: NodeId,
    { group, record }: { readonly group: Group; readonly record: MessageRecord },
  ): void {
    const { messageBytesMax } = this.#context.limits;
    const parts = splitAppend(record.message, messageBytesMax);
    if (parts.length > 1) this.#context.probe('appendSplit');
    let taken = 0;
    for (const { message, payloadsCount } of parts) {
      if (outbox.turnBytes > TURN_BYTES_MAX) {
        this.#context.probe('turnBytesExceeded');
        this.#unreachable(group, record.to);
        return;
      }
      const wanted = record.payloads.slice(taken, taken + payloadsCount);
      taken += payloadsCount;
      const payloads = wanted.map((place) => readPayload(this.#context, group, place));
      this.#add(outbox, group, { record, message, payloads });
      if (outbox.frame.bytes >= messageBytesMax) this.#send(node, outbox);
    }
  }

  #add(
    outbox: NodeOutbox,
    group: Group,
    of: {
      readonly record: MessageRecord;
      readonly message: Uint8Array;
      readonly payloads: readonly Buffer[];
    },
  ): void {
    const { to, type } = of.record;
    const bytesBefore = outbox.frame.bytes;
    outbox.frame.add({
      partitionId: group.partitionId,
      from: group.replicaId,
      to,
      commit: group.commitIndex,
      floor: group.isLeader ? group.floorIndex : 0,
      message: of.message,
      payloads: of.payloads,
    });
    outbox.turnBytes += outbox.frame.bytes - bytesBefore;
    if (type === 'append' || type === 'heartbeat') {
      outbox.receivers.push({ group, to, isAppend: type === 'append' });
    }
  }

  #send(node: NodeId, outbox: NodeOutbox): void {
    const { frame } = outbox;
    if (frame.count === 0) return;
    const { metrics, transport } = this.#context;
    metrics.messagesSent += frame.count;
    metrics.framesSent += 1;
    const isSent = transport.send(node, RAFT_CHANNEL, frame.take());
    const { receivers } = outbox;
    outbox.receivers = [];
    if (isSent) return;
    for (const { group, to, isAppend } of receivers) {
      // For heartbeats once is enough: raft sends nothing else meanwhile.
      if (isAppend || !group.unreachable.has(to)) this.#unreachable(group, to);
    }
  }

  #unreachable(group: Group, replicaId: ReplicaId): void {
    group.unreachable.add(replicaId);
    if (group.handle === 0 || !group.isLeader) return;
    this.#context.commands.push({ op: 'unreachable', group: group.handle, replicaId });
  }
}
