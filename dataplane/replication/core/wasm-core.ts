import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { encodeCommand } from './command-encoder.ts';
import {
  type ConsensusCore,
  type CoreCommand,
  type CoreRecord,
  CoreTrapped,
  type NewCore,
} from './consensus-core.ts';
import { FieldWriter } from './field-bytes.ts';
import { compileModule, WasmInstance, type WasmModule } from './instance.ts';
import { decodeRecords } from './record-decoder.ts';

export { CORE_MEMORY_BYTES_BOUND } from './instance.ts';

let compiled: Promise<WasmModule> | undefined;

/**
 * Compiles etcd's Raft, once in a process (about 80 ms), and returns the function that makes
 * instances (7 ms each; the first up to 90).
 * @throws Error when `raft.wasm.gz` is missing or is not the file that `raft.wasm.sha256` names
 */
export async function loadCore(): Promise<NewCore> {
  compiled ??= compileShipped();
  const module = await compiled;
  return (randomU32) => newWasmCore(module, randomU32);
}

async function compileShipped(): Promise<WasmModule> {
  const [packed, hash] = await Promise.all([
    readFile(new URL('./raft.wasm.gz', import.meta.url)),
    readFile(new URL('./raft.wasm.sha256', import.meta.url), 'utf8'),
  ]);
  const bytes = await promisify(gunzip)(packed);
  if (createHash('sha256').update(bytes).digest('hex') !== hash.trim()) {
    throw new Error('raft.wasm.gz is not the file that raft.wasm.sha256 names');
  }
  return compileModule(bytes);
}

function newWasmCore(module: WasmModule, randomU32: () => number): ConsensusCore {
  try {
    return new WasmCore(new WasmInstance(module, randomU32));
  } catch (cause) {
    throw new CoreTrapped('the consensus core did not start', { cause });
  }
}

/** etcd's Raft in a WebAssembly instance of its own. */
class WasmCore implements ConsensusCore {
  /** Undefined when the instance is dead or closed. */
  #instance: WasmInstance | undefined;
  #epitaph = 'the consensus core is closed';
  readonly #commands = new FieldWriter();

  constructor(instance: WasmInstance) {
    this.#instance = instance;
  }

  get memoryBytes(): number {
    return this.#instance?.memoryBytes ?? 0;
  }

  send(commands: readonly CoreCommand[]): readonly CoreRecord[] {
    const instance = this.#instance;
    if (instance === undefined) {
      throw new CoreTrapped(this.#epitaph);
    }
    this.#commands.reset();
    for (const command of commands) {
      encodeCommand(this.#commands, command);
    }
    try {
      return decodeRecords(instance.run(this.#commands.written()));
    } catch (cause) {
      // Whatever it was: the instance may look alive and is not to be trusted.
      this.#instance = undefined;
      this.#epitaph = `the consensus core died: ${instance.lastWords || cause}`;
      throw new CoreTrapped(this.#epitaph, { cause });
    }
  }

  close(): void {
    this.#instance = undefined;
  }
}
