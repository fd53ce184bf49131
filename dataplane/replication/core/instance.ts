/**
 * One instance of the core's WebAssembly module, with the system it runs on: no clock, no files, and
 * randomness from the caller, so that the same calls have the same results.
 */

/** A compiled module; may be sent to another thread. */
export type WasmModule = object;

interface WasmExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  _initialize(): void;
  in_buf(length: number): number;
  run(length: number): number;
  out_buf(): number;
  gc(): void;
  mem_stat(): number;
}

type WasmImports = Readonly<Record<string, (...values: number[]) => number>>;

/** The parts of the WebAssembly interface used here; Node's own types leave it out. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  readonly Module: { imports(module: WasmModule): readonly { readonly name: string }[] };
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly wasi_snapshot_preview1: WasmImports },
  ) => { readonly exports: WasmExports };
};

/** Compiles the module: 40 to 50 ms. */
export function compileModule(bytes: Uint8Array): Promise<WasmModule> {
  return WebAssembly.compile(bytes);
}

/**
 * Beyond this many bytes of linear memory the caller should move the leaders away and start anew:
 * memory never shrinks.
 */
export const CORE_MEMORY_BYTES_BOUND = 512 * 2 ** 20;

/**
 * What Go's runtime is told. Beyond the memory limit it collects harder before it asks for more; it
 * lies below the bound since the limit is soft.
 */
const ENVIRONMENT = ['GOGC=200', `GOMEMLIMIT=${Math.floor(CORE_MEMORY_BYTES_BOUND * 0.8)}`];

/** Error numbers of WASI. */
const SUCCESS = 0;
const BAD_DESCRIPTOR = 8;
const NOT_IMPLEMENTED = 52;

const CHARACTER_DEVICE = 2;
const DESCRIPTOR_STATUS_BYTES = 24;
/** Last words of a dying instance that are kept. */
const LAST_WORDS_CHARACTERS_MAX = 2000;
/** The clock shows one microsecond more at each look: Go's runtime only measures itself by it. */
const CLOCK_STEP_NS = 1000;

/** Calls of the exports may throw anything at all: the instance is dead then. */
export class WasmInstance {
  readonly #exports: WasmExports;
  readonly #randomU32: () => number;
  #clockNs = 0;
  #lastWords = '';

  constructor(module: WasmModule, randomU32: () => number) {
    this.#randomU32 = randomU32;
    const own = this.#system();
    const imports: Record<string, (...values: number[]) => number> = {};
    for (const { name } of WebAssembly.Module.imports(module)) {
      imports[name] = own[name] ?? (() => NOT_IMPLEMENTED);
    }
    const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports });
    this.#exports = instance.exports;
    this.#exports._initialize();
  }

  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /** What Go's runtime wrote before it gave up, if it did. */
  get lastWords(): string {
    return this.#lastWords;
  }

  /** Runs the encoded commands; returns a copy of the encoded records. */
  run(commands: Uint8Array): Uint8Array {
    const input = this.#exports.in_buf(commands.length);
    // Memory may have grown in any call: its buffer is looked up after each.
    new Uint8Array(this.#exports.memory.buffer).set(commands, input);
    const length = this.#exports.run(commands.length);
    const output = this.#exports.out_buf();
    return new Uint8Array(this.#exports.memory.buffer.slice(output, output + length));
  }

  /** Collects garbage now and returns the bytes of live heap. For measurements. */
  heapBytes(): number {
    this.#exports.gc();
    return this.#exports.mem_stat() * 1024;
  }

  #view(): DataView {
    return new DataView(this.#exports.memory.buffer);
  }

  #system(): WasmImports {
    return {
      args_get: () => SUCCESS,
      args_sizes_get: (countAt = 0, bytesAt = 0) => this.#putSizes(countAt, bytesAt, []),
      environ_get: (placesAt = 0, textAt = 0) => this.#putEnvironment(placesAt, textAt),
      environ_sizes_get: (countAt = 0, bytesAt = 0) =>
        this.#putSizes(countAt, bytesAt, ENVIRONMENT),
      clock_time_get: (_id, _precision, timeAt = 0) => this.#putTime(timeAt),
      random_get: (at = 0, length = 0) => this.#putRandom(at, length),
      fd_fdstat_get: (_descriptor, at = 0) => this.#putDescriptorStatus(at),
      fd_prestat_get: () => BAD_DESCRIPTOR,
      fd_write: (_descriptor, partsAt = 0, count = 0, writtenAt = 0) =>
        this.#write(partsAt, count, writtenAt),
      poll_oneoff: (_subscriptionsAt, _eventsAt, _count, eventCountAt = 0) => {
        this.#view().setUint32(eventCountAt, 0, true);
        return SUCCESS;
      },
      sched_yield: () => SUCCESS,
      proc_exit: (code) => {
        throw new Error(`the core left with code ${code}`);
      },
    };
  }

  #putSizes(countAt: number, bytesAt: number, texts: readonly string[]): number {
    const view = this.#view();
    view.setUint32(countAt, texts.length, true);
    view.setUint32(
      bytesAt,
      texts.reduce((sum, text) => sum + text.length + 1, 0),
      true,
    );
    return SUCCESS;
  }

  #putEnvironment(placesAt: number, textAt: number): number {
    const view = this.#view();
    let at = textAt;
    for (const [i, text] of ENVIRONMENT.entries()) {
      view.setUint32(placesAt + 4 * i, at, true);
      for (const character of Buffer.from(`${text}\0`)) {
        view.setUint8(at, character);
        at += 1;
      }
    }
    return SUCCESS;
  }

  #putTime(at: number): number {
    this.#clockNs += CLOCK_STEP_NS;
    const view = this.#view();
    view.setUint32(at, this.#clockNs % 2 ** 32, true);
    view.setUint32(at + 4, Math.floor(this.#clockNs / 2 ** 32), true);
    return SUCCESS;
  }

  #putRandom(at: number, length: number): number {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = this.#randomU32();
      for (let j = i; j < Math.min(i + 4, length); j += 1) {
        bytes[j] = word >>> (8 * (j - i));
      }
    }
    new Uint8Array(this.#exports.memory.buffer).set(bytes, at);
    return SUCCESS;
  }

  #putDescriptorStatus(at: number): number {
    const status = new Uint8Array(this.#exports.memory.buffer, at, DESCRIPTOR_STATUS_BYTES);
    status.fill(0);
    status[0] = CHARACTER_DEVICE;
    return SUCCESS;
  }

  #write(partsAt: number, count: number, writtenAt: number): number {
    const view = this.#view();
    let written = 0;
    for (let i = 0; i < count; i += 1) {
      const at = view.getUint32(partsAt + 8 * i, true);
      const length = view.getUint32(partsAt + 8 * i + 4, true);
      this.#lastWords += Buffer.from(this.#exports.memory.buffer, at, length).toString('latin1');
      written += length;
    }
    this.#lastWords = this.#lastWords.slice(-LAST_WORDS_CHARACTERS_MAX);
    view.setUint32(writtenAt, written, true);
    return SUCCESS;
  }
}
