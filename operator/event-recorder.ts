import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { KubeClient } from '../dataplane/kubernetes/api-client.ts';
import { type Clock, systemClock } from '../dataplane/kubernetes/clock.ts';
import { isKubeError, KubeError } from '../dataplane/kubernetes/kube-error.ts';
import type { KubeObject } from '../dataplane/kubernetes/object.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import { microTime } from './micro-time.ts';

const CONTROLLER = 'trestle.dev/operator';
const INTERVAL_MS = 60_000;
/** API servers keep events for an hour: a series goes on only well within that. */
const SERIES_MS_MAX = 30 * 60_000;
const SUBJECTS_MAX = 4096;
const WAITING_MAX = 1000;
const NOTE_CHARS_MAX = 1024;
const NAME_CHARS_MAX = 200;

export interface RecordedEvent {
  readonly type: 'Normal' | 'Warning';
  /** Why, in CamelCase: `RolloutStarted`. */
  readonly reason: string;
  /** What was done about it: `Reconcile`. */
  readonly action: string;
  /** For people. */
  readonly note: string;
}

interface Subject {
  readonly regarding: KubeObject;
  /** Of the event that stands at the API server. */
  readonly name: string;
  readonly note: string;
  readonly firstMs: number;
  readonly sentMs: number;
  /** How often it happened, of which the API server knows. */
  readonly count: number;
  /** What happened since. */
  readonly held: { readonly event: RecordedEvent; readonly count: number } | undefined;
  readonly timer: { cancel(): void } | undefined;
}

/**
 * Tells people what happened to an object (`kubectl describe`), at most once a minute for an object and
 * reason: what comes in between is counted, and the last of it is told when the minute is over. The same
 * note again makes the event a series. Nobody waits for it, and a failure is only logged. Events are sent
 * one at a time, so that thousands of them do not use up the client's rate for what is more urgent.
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #instance: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  readonly #subjects = new Map<string, Subject>();
  readonly #waiting: (() => Promise<void>)[] = [];
  #sending: Promise<void> | undefined;

  constructor(options: {
    readonly client: KubeClient;
    /** This process: the pod's name. */
    readonly instance: string;
    readonly log: Logger;
    readonly clock?: Clock;
  }) {
    this.#client = options.client;
    this.#instance = options.instance;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
  }

  record(regarding: KubeObject, event: RecordedEvent): void {
    if (this.#controller.signal.aborted) return;
    const key = `${regarding.metadata.uid} ${event.reason}`;
    const subject = this.#subjects.get(key);
    const waitMs = (subject?.sentMs ?? 0) + INTERVAL_MS - this.#clock.monotonicMs();
    if (subject === undefined || waitMs <= 0) {
      this.#tell(key, regarding, { event, count: (subject?.held?.count ?? 0) + 1 });
      return;
    }
    const held = { event, count: (subject.held?.count ?? 0) + 1 };
    const timer = subject.timer ?? this.#clock.after(waitMs, () => this.#tellHeld(key));
    this.#subjects.set(key, { ...subject, held, timer });
  }

  /** Sends nothing more, and waits for what is on its way. */
  async close(): Promise<void> {
    this.#controller.abort(new Error('the recorder is closed'));
    for (const { timer } of this.#subjects.values()) timer?.cancel();
    this.#subjects.clear();
    this.#waiting.length = 0;
    await this.#sending;
  }

  #tellHeld(key: string): void {
    const subject = this.#subjects.get(key);
    if (subject?.held !== undefined) this.#tell(key, subject.regarding, subject.held);
  }

  #tell(key: string, regarding: KubeObject, held: NonNullable<Subject['held']>): void {
    const before = this.#subjects.get(key);
    before?.timer?.cancel();
    const nowMs = this.#clock.monotonicMs();
    const { event, count } = held;
    const isSeries =
      before !== undefined && before.note === event.note && nowMs - before.firstMs < SERIES_MS_MAX;
    const subject: Subject = {
      regarding,
      name: isSeries ? before.name : eventName(regarding),
      note: event.note,
      firstMs: isSeries ? before.firstMs : nowMs,
      sentMs: nowMs,
      count: (isSeries ? before.count : 0) + count,
      held: undefined,
      timer: undefined,
    };
    // The one that was told longest ago is forgotten first.
    this.#subjects.delete(key);
    this.#subjects.set(key, subject);
    this.#forgetBeyondLimit();
    this.#send(() => (isSeries ? this.#continue(subject, event) : this.#create(subject, event)));
  }

  #forgetBeyondLimit(): void {
    if (this.#subjects.size <= SUBJECTS_MAX) return;
    for (const [key, { timer }] of this.#subjects) {
      timer?.cancel();
      this.#subjects.delete(key);
      return;
    }
  }

  #send(call: () => Promise<void>): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#log.warn({ waitingCount: WAITING_MAX }, 'an event is not recorded: too many wait');
      return;
    }
    this.#waiting.push(call);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    for (let call = this.#waiting.shift(); call !== undefined; call = this.#waiting.shift()) {
      try {
        await call();
      } catch (error) {
        if (this.#controller.signal.aborted) return;
        if (!(error instanceof KubeError)) throw error;
        const { status, message } = error;
        this.#log.warn({ status, message }, 'an event is not recorded');
      }
    }
  }

  async #continue(subject: Subject, event: RecordedEvent): Promise<void> {
    const name = { namespace: namespaceOf(subject.regarding), name: subject.name };
    const series = { count: subject.count, lastObservedTime: microTime(this.#clock.nowMs()) };
    const { signal } = this.#controller;
    try {
      await this.#client.patch(
        resources.events,
        name,
        { series },
        { contentType: 'merge' },
        signal,
      );
    } catch (error) {
      if (!isKubeError(error, 404)) throw error;
      await this.#create(subject, event);
    }
  }

  async #create(subject: Subject, event: RecordedEvent): Promise<void> {
    const { regarding, name, count } = subject;
    const { apiVersion, kind, metadata } = regarding;
    const now = microTime(this.#clock.nowMs());
    const body = {
      metadata: { namespace: namespaceOf(regarding), name },
      eventTime: now,
      type: event.type,
      reason: event.reason,
      action: event.action,
      note: event.note.slice(0, NOTE_CHARS_MAX),
      reportingController: CONTROLLER,
      reportingInstance: this.#instance,
      regarding: {
        apiVersion,
        kind,
        namespace: metadata.namespace,
        name: metadata.name,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      ...(count > 1 && { series: { count, lastObservedTime: now } }),
    };
    await this.#client.create(resources.events, body, {}, this.#controller.signal);
  }
}

/** Events of what stands in no namespace are kept in this one. */
function namespaceOf({ metadata }: KubeObject): string {
  return metadata.namespace ?? 'default';
}

function eventName({ metadata }: KubeObject): string {
  return `${metadata.name.slice(0, NAME_CHARS_MAX)}.${randomBytes(8).toString('hex')}`;
}
