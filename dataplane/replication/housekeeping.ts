import type { ReplicationContext } from './context.ts';
import type { Group } from './group.ts';
import { tickGroup } from './group-ticks.ts';
import { compact } from './log-compaction.ts';
import { ProposalError } from './replica.ts';
import type { Timer } from './scheduler.ts';

/** Ticks between two looks at progress, logs and memory. */
const SLOW_TICKS = 10;
/** Ticks between two attempts of a founder to be elected. */
const FOUNDING_TICKS = 3;

/** What else goes by the ticks. */
export interface TickListeners {
  readonly onTick: () => void;
  readonly onSlowTick: () => void;
}

/**
 * What happens by the clock: ticks, and what is looked after now and then. A tick that comes late is
 * one tick: to make up for missed ones in a burst would have followers campaign while the messages of
 * their leader wait in the same event loop.
 */
export class Housekeeping {
  readonly #context: ReplicationContext;
  readonly #listeners: TickListeners;
  #timer: Timer | undefined;
  #ticks = 0;

  constructor(context: ReplicationContext, listeners: TickListeners) {
    this.#context = context;
    this.#listeners = listeners;
  }

  start(): void {
    this.#timer ??= this.#next();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(): Timer {
    return this.#context.scheduler.after(this.#context.limits.tickMs, () => {
      this.#timer = this.#next();
      this.#tick();
    });
  }

  #tick(): void {
    this.#ticks += 1;
    this.#listeners.onTick();
    const isSlow = this.#ticks % SLOW_TICKS === 0;
    for (const group of this.#context.allGroups()) {
      if (group.handle === 0) continue;
      tickGroup(this.#context, group, this.#ticks);
      if (group.transfer !== undefined) this.#tickTransfer(group);
      if (group.foundingTicks !== undefined) this.#tickFounding(group, group.foundingTicks);
      if (isSlow) this.#lookAfter(group);
    }
    if (isSlow) this.#listeners.onSlowTick();
  }

  #tickTransfer(group: Group): void {
    const { transfer } = group;
    if (transfer === undefined) return;
    transfer.ticksLeft -= 1;
    if (transfer.ticksLeft > 0) return;
    group.transfer = undefined;
    transfer.reject(new ProposalError('dropped', 'leadership was not taken over in time'));
  }

  /** A new group need not wait for an election time-out: one of its founders begins. */
  #tickFounding(group: Group, ticksLeft: number): void {
    if (ticksLeft > 0) {
      group.foundingTicks = ticksLeft - 1;
      return;
    }
    group.foundingTicks = FOUNDING_TICKS;
    this.#context.commands.push({ op: 'campaign', group: group.handle }, () => {});
  }

  #lookAfter(group: Group): void {
    const { scheduler, commands, payloads } = this.#context;
    const isWanted = scheduler.monotonicMs() < group.progressWantedUntilMs;
    const isLong = group.log.entriesCount > this.#context.limits.logEntriesKept;
    if (group.isLeader && (isWanted || isLong)) {
      commands.push({ op: 'status', group: group.handle });
    }
    // Nothing has come for a while: who still lacks an entry gets it from the log.
    if (group.settledIndex === group.log.lastIndex) payloads.clearStored(group.payloads);
    this.#leaveJoint(group);
    compact(this.#context, group);
  }

  /**
   * A leader leaves a joint configuration by itself, but not while it hands over, and then not before
   * another entry comes along.
   */
  #leaveJoint(group: Group): void {
    const { isJoint, epoch } = group.configuration.membership;
    if (isJoint && group.isLeader && group.jointEpoch === epoch && group.transfer === undefined) {
      this.#context.probe('jointLeft');
      this.#context.commands.push(
        {
          op: 'confChange',
          group: group.handle,
          changes: [],
          context: new Uint8Array(0),
          leaveJoint: true,
        },
        () => {},
      );
    }
    group.jointEpoch = isJoint ? epoch : undefined;
  }
}
