import type { CoreRecord, ReplicaId } from './core/consensus-core.ts';
import type { Group } from './group.ts';
import type { Scheduler } from './scheduler.ts';

type MessageRecord = Extract<CoreRecord, { kind: 'msg' }>;

/** How long a follower may be kept from hearing of a commit. */
export const HELD_MS_MAX = 10;

interface Held {
  readonly record: MessageRecord;
  /** The leader's place in the core when it said so. */
  readonly handle: number;
}

/**
 * Appends without entries, which only tell followers what is committed, while more proposals are on
 * their way: the next append with entries tells the same, and saves a message, its answer, and a turn
 * of each node's event loop. Raft takes one that never leaves for lost. Without further proposals
 * nothing is held, so that an idle group's followers are as fresh as their leader.
 */
export class HeldCommits {
  readonly #scheduler: Scheduler;
  readonly #release: (group: Group, record: MessageRecord) => void;
  readonly #endTurn: () => void;
  #held = new Map<Group, Map<ReplicaId, Held>>();
  #isScheduled = false;

  /**
   * @param release - sends one after all, when it has waited long enough
   * @param endTurn - called behind those that were released at once
   */
  constructor(
    scheduler: Scheduler,
    release: (group: Group, record: MessageRecord) => void,
    endTurn: () => void,
  ) {
    this.#scheduler = scheduler;
    this.#release = release;
    this.#endTurn = endTurn;
  }

  /** Takes the place of what the replica was to be told before. */
  hold(group: Group, record: MessageRecord): void {
    let ofGroup = this.#held.get(group);
    if (ofGroup === undefined) {
      ofGroup = new Map();
      this.#held.set(group, ofGroup);
    }
    ofGroup.set(record.to, { record, handle: group.handle });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#scheduler.after(HELD_MS_MAX, () => this.#releaseAll());
  }

  /** The replica is told by another message. */
  drop(group: Group, to: ReplicaId): void {
    this.#held.get(group)?.delete(to);
  }

  #releaseAll(): void {
    this.#isScheduled = false;
    const held = this.#held;
    this.#held = new Map();
    for (const [group, ofGroup] of held) {
      for (const { record, handle } of ofGroup.values()) {
        if (group.handle === handle && handle !== 0) this.#release(group, record);
      }
    }
    this.#endTurn();
  }
}
