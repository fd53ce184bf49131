import type { ReplicationContext } from './context.ts';
import { MalformedMessage } from './core/field-bytes.ts';
import {
  MESSAGE_HEAD_BYTES,
  readMessageHead,
  readMessageType,
  readPlainHeartbeat,
  readTerm,
  writeHeartbeatAnswer,
} from './core/message-head.ts';
import type { Group } from './group.ts';
import { heardLeader, isNoNews } from './group-ticks.ts';
import { type FramedMessage, readFrame } from './message-frame.ts';
import { type MessageSender, RAFT_CHANNEL } from './message-sender.ts';
import type { PeerClock } from './peer-clock.ts';
import type { NodeId } from './transport/transport.ts';

/**
 * Takes messages from other nodes and queues them for the core. What is not for a replica here, by
 * its id, is dropped and makes nothing: a node that lost its disk, or a replica, does not speak for it.
 */
export class MessageReceiver {
  readonly #context: ReplicationContext;
  readonly #sender: MessageSender;
  readonly #peerClock: PeerClock;
  readonly #answer = new Uint8Array(MESSAGE_HEAD_BYTES);
  #withArrivals: Group[] = [];

  constructor(
    context: ReplicationContext,
    { sender, peerClock }: { readonly sender: MessageSender; readonly peerClock: PeerClock },
  ) {
    this.#context = context;
    this.#sender = sender;
    this.#peerClock = peerClock;
    context.transport.onMessage(RAFT_CHANNEL, (from, body) => this.#onFrame(from, body));
  }

  /** The turn is over: the core has taken the messages, and the append records their payloads. */
  endTurn(): void {
    for (const group of this.#withArrivals) group.arrivals = undefined;
    this.#withArrivals = [];
  }

  #onFrame(from: NodeId, body: unknown): void {
    const { log, metrics } = this.#context;
    try {
      for (const framed of readFrame(body)) {
        metrics.messagesReceived += 1;
        if (!this.#take(from, framed)) metrics.messagesDropped += 1;
      }
    } catch (error) {
      if (!(error instanceof MalformedMessage || error instanceof RangeError)) throw error;
      metrics.messagesDropped += 1;
      log('malformedRaftFrame', { node: from, reason: error.message });
    }
  }

  #take(node: NodeId, framed: FramedMessage): boolean {
    const { commands } = this.#context;
    const group = this.#context.groupOf(framed.partitionId);
    if (group === undefined || group.replicaId !== framed.to || group.handle === 0) return false;
    const type = readMessageType(framed.message);
    const isVote = type === 'vote' || type === 'preVote';
    if (isVote && this.#isGuarded(group, framed.message)) return false;
    // A snapshot comes with its state, by a request of its own.
    if (type === 'snapshot') return false;
    if (framed.payloads.length > 0 || type === 'append') {
      if (!this.#takePayloads(group, framed)) return false;
    }
    if (!group.nodes.has(framed.from)) group.nodes.set(framed.from, node);
    group.unreachable.delete(framed.from);
    if ((type === 'append' || type === 'heartbeat') && framed.from === group.leaderId) {
      group.floorIndex = Math.max(group.floorIndex, framed.floor);
      const atMs = this.#peerClock.sentAfterMs(node);
      group.staleness.vouched({ atMs, commit: framed.commit }, group.appliedIndex);
      if (type === 'heartbeat' && this.#isAnswered(group, framed)) return true;
      if (readTerm(framed.message) === group.term) heardLeader(group);
    }
    // Raft refuses messages of replicas that are no members (any more), which is all right.
    commands.push({ op: 'step', group: group.handle, message: framed.message });
    return true;
  }

  /**
   * Heartbeats of an idle group are answered here: stepping them would cost ten times as much and
   * change nothing. Returns whether that is all there is to do.
   */
  #isAnswered(group: Group, { from, message }: FramedMessage): boolean {
    const heartbeat = readPlainHeartbeat(message);
    if (heartbeat === undefined || !isNoNews(group, from, heartbeat)) return false;
    heardLeader(group);
    this.#sender.answer(group, from, writeHeartbeatAnswer(this.#answer, heartbeat));
    return true;
  }

  /**
   * A restarted replica has forgotten which leader it heard of last, and may have vouched for its
   * lease: for one election time-out it elects nobody. A transfer does not wait for leases.
   */
  #isGuarded(group: Group, message: Uint8Array): boolean {
    if (this.#context.scheduler.monotonicMs() >= group.guardUntilMs) return false;
    if (readMessageHead(message).isTransfer) return false;
    this.#context.probe('voteGuarded');
    return true;
  }

  /** Keeps payloads for the append record of this turn; false unless all are there. */
  #takePayloads(group: Group, { message, payloads }: FramedMessage): boolean {
    const places = readMessageHead(message).payloads;
    if (places.length !== payloads.length) return false;
    if (places.length === 0) return true;
    if (group.arrivals === undefined) {
      group.arrivals = new Map();
      this.#withArrivals.push(group);
    }
    for (const [i, { index, term, payloadBytes }] of places.entries()) {
      const payload = payloads[i];
      if (payload?.length !== payloadBytes) return false;
      const arrival = { index, term, payload };
      const others = group.arrivals.get(index);
      if (others === undefined) group.arrivals.set(index, [arrival]);
      else others.push(arrival);
    }
    return true;
  }
}
