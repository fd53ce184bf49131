import { isDeepStrictEqual } from 'node:util';
import type { TriggerSchema } from '../partition/trigger.ts';
import { pause } from '../replication/scheduler.ts';
import { StoreError } from '../storage/store.ts';
import { backOffMs } from './batch-delivery.ts';
import { FilterPatternError } from './filter-pattern.ts';
import { ProgressSaver } from './progress-saver.ts';
import type { TriggerContext } from './trigger-context.ts';
import type { TriggerSource } from './trigger-source.ts';
import {
  firstPosition,
  savedProgress,
  type TriggeredTable,
  TriggerWorker,
} from './trigger-worker.ts';

export interface PartitionTriggersParts {
  readonly context: TriggerContext;
  readonly table: TriggeredTable;
  readonly source: TriggerSource;
  /** Of the newest write that was evaluated. */
  readonly lastSequence: () => number;
}

interface RunningTrigger {
  readonly trigger: TriggerSchema;
  readonly worker: TriggerWorker;
}

/** All triggers of a table at one of its partitions, for as long as that is ours. */
export class PartitionTriggers {
  readonly #parts: PartitionTriggersParts;
  readonly #saver: ProgressSaver;
  readonly #end = new AbortController();
  readonly #running = new Map<string, RunningTrigger>();
  #wanted: readonly TriggerSchema[] = [];
  #changing: Promise<void> | undefined;
  #isFinishing = false;

  constructor(parts: PartitionTriggersParts) {
    const { source, context } = parts;
    this.#parts = parts;
    this.#saver = new ProgressSaver({ source, scheduler: context.scheduler });
  }

  /**
   * Follows a change of the table's triggers. One that has changed goes on where it is, once the events
   * under way have been answered.
   */
  configure(triggers: readonly TriggerSchema[]): void {
    this.#wanted = triggers;
    const lastSequence = this.#parts.lastSequence();
    for (const trigger of triggers) this.#keepStart(trigger, lastSequence);
    const before = this.#changing;
    const changing = this.#change(before, lastSequence).finally(() => {
      if (this.#changing === changing) this.#changing = undefined;
    });
    this.#changing = changing;
  }

  /** Records have become durable, or the streams of the table are others. */
  wake(): void {
    for (const { worker } of this.#running.values()) worker.wake();
  }

  /** Ends all at once: nothing more is saved. */
  stop(): void {
    this.#isFinishing = true;
    this.#end.abort();
    for (const { worker } of this.#running.values()) worker.stop();
    void this.#saver.stop();
  }

  /** Ends all when the events under way have been answered, or the time is up, and saves. */
  async finish(graceMs: number): Promise<void> {
    const { scheduler } = this.#parts.context;
    this.#isFinishing = true;
    const workers = Array.from(this.#running.values(), ({ worker }) => worker);
    const finished = Promise.all([this.#changing, ...workers.map((worker) => worker.finish())]);
    const late = new AbortController();
    await Promise.race([finished, pause(scheduler, graceMs, late.signal)]);
    late.abort();
    this.#end.abort();
    for (const worker of workers) worker.stop();
    await finished;
    await this.#saver.finish();
  }

  /**
   * A trigger that is new here begins behind all writes so far, and at no later one: that is in the
   * same commit as what made the trigger, or in front of all writes to come.
   */
  #keepStart(trigger: TriggerSchema, lastSequence: number): void {
    const { table, source } = this.#parts;
    const saver = this.#saver;
    try {
      if (savedProgress({ saver, source, trigger, table }) !== undefined) return;
    } catch (error) {
      // It is read again when the trigger is started.
      if (error instanceof StoreError) return;
      throw error;
    }
    const position = firstPosition(trigger, source, lastSequence);
    if (position === undefined) return;
    saver.setAtOnce(trigger.name, { triggerId: trigger.id, ...position });
  }

  /** Makes what runs what is wanted. Never rejects but for bugs. */
  async #change(before: Promise<void> | undefined, lastSequence: number): Promise<void> {
    await before;
    const wanted = new Map(this.#wanted.map((trigger) => [trigger.name, trigger]));
    const finishing = new Map<string, Promise<void>>();
    for (const [name, { trigger, worker }] of [...this.#running]) {
      const now = wanted.get(name);
      if (now !== undefined && isDeepStrictEqual(now, trigger)) continue;
      if (now?.id === trigger.id) {
        finishing.set(name, worker.finish());
      } else {
        worker.stop();
        this.#running.delete(name);
      }
    }
    await this.#forgetUnknown(wanted);
    // One whose event under way takes long holds up no other.
    const begun = Array.from(wanted.values(), (trigger) =>
      this.#begin(trigger, finishing.get(trigger.name), lastSequence),
    );
    await Promise.all(begun);
  }

  /** @param finishing - resolves when the trigger, as it was before, has ended */
  async #begin(
    trigger: TriggerSchema,
    finishing: Promise<void> | undefined,
    lastSequence: number,
  ): Promise<void> {
    if (finishing !== undefined) {
      await finishing;
      this.#running.delete(trigger.name);
    }
    if (!trigger.enabled || this.#running.has(trigger.name)) return;
    const worker = await this.#newWorker(trigger, lastSequence);
    if (worker === undefined) return;
    this.#running.set(trigger.name, { trigger, worker });
    worker.start();
  }

  /** Undefined when that is over before, and for a trigger that is not understood here. */
  async #newWorker(
    trigger: TriggerSchema,
    lastSequence: number,
  ): Promise<TriggerWorker | undefined> {
    const { context, table, source } = this.#parts;
    const saver = this.#saver;
    try {
      return await this.#untilReadable(
        () => new TriggerWorker({ context, trigger, table, source, saver, lastSequence }),
      );
    } catch (error) {
      // A catalog of a later release may know more rules: a node that follows it will deliver.
      if (!(error instanceof FilterPatternError)) throw error;
      const fields = { trigger: `${table.arn}/trigger/${trigger.name}`, message: error.message };
      context.log('triggerNotUnderstood', fields);
      return undefined;
    }
  }

  /** A trigger that is no more leaves no progress behind. */
  async #forgetUnknown(wanted: ReadonlyMap<string, TriggerSchema>): Promise<void> {
    const names = await this.#untilReadable(() => this.#parts.source.names());
    for (const name of names ?? []) if (!wanted.has(name)) this.#saver.remove(name);
  }

  /** Undefined when that is over before. */
  async #untilReadable<T>(read: () => T | Promise<T>): Promise<T | undefined> {
    const { scheduler, random } = this.#parts.context;
    for (let failures = 0; !this.#isFinishing; ) {
      try {
        const value = await read();
        return this.#isFinishing ? undefined : value;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        failures += 1;
        await pause(scheduler, backOffMs(failures, random()), this.#end.signal);
      }
    }
    return undefined;
  }
}
