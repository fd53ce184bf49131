import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** A call of something that a simulation cannot repeat. */
export interface RealTimeCall {
  /** Such as `Date.now`. */
  readonly name: string;
  /** Who called it: the first frame of the stack that is not the watch's own. */
  readonly caller: string;
}

/**
 * Notices code under simulation that asks the machine for time, turns or randomness instead of what
 * it is given: such calls make a seed unrepeatable.
 */
export class RealTimeWatch {
  readonly #calls = new Map<string, RealTimeCall>();
  readonly #undo: (() => void)[] = [];
  readonly #isWatched: (caller: string) => boolean;

  /** `isWatched`: whether that frame of a stack belongs to code under simulation. */
  constructor(isWatched: (caller: string) => boolean = isDataplane) {
    this.#isWatched = isWatched;
    this.#watch(Date, 'now', 'Date.now');
    this.#watch(performance, 'now', 'performance.now');
    this.#watch(Math, 'random', 'Math.random');
    for (const name of ['setTimeout', 'setInterval', 'setImmediate'] as const) {
      this.#watch(globalThis, name, name);
    }
    for (const name of ['randomBytes', 'randomInt', 'randomUUID'] as const) {
      this.#watch(crypto, name, `crypto.${name}`);
    }
    this.#watchDate();
    syncBuiltinESMExports();
  }

  /** Each place once. */
  get calls(): readonly RealTimeCall[] {
    return [...this.#calls.values()];
  }

  /** Puts everything back as it was. */
  stop(): void {
    for (const undo of this.#undo.splice(0)) {
      undo();
    }
    syncBuiltinESMExports();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #watch<K extends string>(
    owner: { [key in K]: (...args: never[]) => unknown },
    key: K,
    name: string,
  ): void {
    const original = owner[key];
    const note = () => this.#note(name);
    const watched = function (this: unknown, ...args: never[]): unknown {
      note();
      return original.apply(this, args);
    };
    // Such as the symbol by which promisify finds another form.
    this.#replace(owner, key, Object.assign(watched, original));
  }

  /** `new Date()` without arguments reads the clock, too. */
  #watchDate(): void {
    const note = () => this.#note('new Date');
    const watched = new Proxy(Date, {
      construct(target, args, newTarget) {
        if (args.length === 0) {
          note();
        }
        return Reflect.construct(target, args, newTarget);
      },
    });
    this.#replace(globalThis, 'Date', watched);
  }

  #replace(owner: object, key: string, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(owner, key);
    Object.defineProperty(owner, key, { configurable: true, writable: true, value });
    this.#undo.push(() => {
      if (before === undefined) {
        Reflect.deleteProperty(owner, key);
      } else {
        Object.defineProperty(owner, key, before);
      }
    });
  }

  #note(name: string): void {
    const frames = (new Error().stack ?? '').split('\n').slice(1);
    const caller = frames.find((frame) => !frame.includes('real-time-watch.ts'))?.trim() ?? '';
    if (this.#isWatched(caller)) {
      this.#calls.set(`${name} ${caller}`, { name, caller });
    }
  }
}

function isDataplane(caller: string): boolean {
  return caller.includes('/dataplane/') && !caller.includes('/dataplane/simulation/');
}
