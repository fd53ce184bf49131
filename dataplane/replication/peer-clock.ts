import type { ReplicationContext } from './context.ts';
import type { NodeId } from './transport/transport.ts';

/** The transport's channel of probes and their answers. */
const CHANNEL = 'raft.probe';
const PROBE = 0;
const ANSWER = 1;

/** Ticks between two probes of a node. */
const PROBE_TICKS = 2;
/** Probes of a node that wait for their answers; older ones are forgotten. */
const WAITING_MAX = 64;

interface PeerProbes {
  /** Monotonic times of probes without an answer, oldest first; the first has the number `firstId`. */
  waiting: number[];
  firstId: number;
  sentAfterMs: number;
}

/**
 * When messages of other nodes were sent at the earliest, by the clock of this node alone.
 *
 * Messages of one node arrive in order. So what comes after the answer to a probe was sent after that
 * probe, however long it then lay in the buffers of a network or of a process that stood still: the
 * moment at which it is read says nothing.
 */
export class PeerClock {
  readonly #context: ReplicationContext;
  readonly #peers = new Map<NodeId, PeerProbes>();
  #ticks = 0;

  constructor(context: ReplicationContext) {
    this.#context = context;
    context.transport.onMessage(CHANNEL, (from, body) => this.#onMessage(from, body));
  }

  /** Each tick of the node. */
  tick(): void {
    this.#ticks += 1;
    if (this.#ticks % PROBE_TICKS !== 0) return;
    const { transport, nodeId } = this.#context;
    for (const { id, role } of transport.peers()) {
      if (role === 'node' && id !== nodeId) this.#probe(id);
    }
  }

  /** A message of this node that is read now was not sent before. Monotonic ms. */
  sentAfterMs(node: NodeId): number {
    if (node === this.#context.nodeId) return this.#context.scheduler.monotonicMs();
    return this.#peers.get(node)?.sentAfterMs ?? Number.NEGATIVE_INFINITY;
  }

  #probe(node: NodeId): void {
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      peer = { waiting: [], firstId: 0, sentAfterMs: Number.NEGATIVE_INFINITY };
      this.#peers.set(node, peer);
    }
    const id = peer.firstId + peer.waiting.length;
    const nowMs = this.#context.scheduler.monotonicMs();
    if (!this.#context.transport.send(node, CHANNEL, [PROBE, id])) return;
    peer.waiting.push(nowMs);
    if (peer.waiting.length > WAITING_MAX) {
      peer.waiting.shift();
      peer.firstId += 1;
    }
  }

  #onMessage(from: NodeId, body: unknown): void {
    if (!Array.isArray(body)) return;
    const [kind, id]: readonly unknown[] = body;
    if (typeof id !== 'number' || !Number.isSafeInteger(id)) return;
    if (kind === PROBE) this.#context.transport.send(from, CHANNEL, [ANSWER, id]);
    else if (kind === ANSWER) this.#onAnswer(from, id);
  }

  #onAnswer(from: NodeId, id: number): void {
    const peer = this.#peers.get(from);
    const sentMs = peer?.waiting[id - peer.firstId];
    if (peer === undefined || sentMs === undefined) return;
    peer.sentAfterMs = sentMs;
    peer.waiting.splice(0, id - peer.firstId + 1);
    peer.firstId = id + 1;
  }
}
