import type { NodeId } from '../replication/transport/transport.ts';
import type { CallTime, NodeReport } from './protocol.ts';

/** What this process knows of a node, and how its calls to the node are getting on. */
export class NodeState {
  readonly id: NodeId;
  /** Empty until the first report. */
  zone = '';
  storeId = '';
  processId = '';
  /** Of the newest report of that process; -1 before any. */
  version = -1;
  routersCount = 0;
  /** Why the node takes no part; undefined when well. */
  halted: string | undefined;
  /** A connection is up. */
  isUp = false;
  /** It did not answer when it was asked for its report the last time. */
  isSilent = false;
  /** A call was not answered in time: others are asked first until then. */
  suspectUntilMs = 0;
  /** Calls under way. */
  callsCount = 0;
  /** When its newest report came, by this process's monotonic clock. */
  reportedAtMs = Number.NEGATIVE_INFINITY;
  #monotonicMs = 0;

  constructor(id: NodeId) {
    this.id = id;
  }

  /** A node that is worth a call now. */
  isUsable(nowMs: number): boolean {
    return this.isUp && !this.isSilent && this.suspectUntilMs <= nowMs;
  }

  /** For a call that is sent now. */
  get callTime(): CallTime {
    return [this.processId, this.#monotonicMs];
  }

  /** Takes the node's clock from an answer of the process that the call was for. */
  noteTime(processId: string, monotonicMs: number): void {
    if (processId === this.processId && monotonicMs > this.#monotonicMs) {
      this.#monotonicMs = monotonicMs;
    }
  }

  takeReport(report: NodeReport, nowMs: number): void {
    const isOtherProcess = report.processId !== this.processId;
    this.zone = report.zone;
    this.storeId = report.storeId;
    this.processId = report.processId;
    this.version = report.version;
    this.routersCount = report.routersCount;
    this.halted = report.halted;
    this.reportedAtMs = nowMs;
    if (isOtherProcess) this.#monotonicMs = report.monotonicMs;
    else this.noteTime(report.processId, report.monotonicMs);
  }
}
