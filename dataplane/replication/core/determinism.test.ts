import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { Cluster } from './cluster.fixture.ts';
import { encodeCommand } from './command-encoder.ts';
import type { CoreCommand } from './consensus-core.ts';
import { FieldWriter } from './field-bytes.ts';
import { compileModule, WasmInstance } from './instance.ts';
import { decodeRecords } from './record-decoder.ts';
import { loadCore } from './wasm-core.ts';

const module = await compileModule(
  gunzipSync(await readFile(new URL('./raft.wasm.gz', import.meta.url))),
);

/** A stormy cluster of bare instances; the hash of every byte that went in and came out. */
function trace(seed: number): string {
  const hash = createHash('sha256');
  const newCore = (randomU32: () => number) => {
    const instance = new WasmInstance(module, randomU32);
    const writer = new FieldWriter();
    return {
      memoryBytes: 0,
      close: () => undefined,
      send: (commands: readonly CoreCommand[]) => {
        writer.reset();
        for (const command of commands) encodeCommand(writer, command);
        const records = instance.run(writer.written());
        hash.update(writer.written()).update(records);
        return decodeRecords(records);
      },
    };
  };
  const cluster = new Cluster(newCore, seed);
  cluster.weather = { lossChance: 0.1, duplicateChance: 0.1, delayTurnsMax: 5 };
  for (let round = 0; round < 40; round += 1) {
    for (const replica of cluster.replicas.values()) cluster.propose(replica, 2);
    if (round % 10 === 9) {
      cluster.replica(1 + (round % 3)).crash();
      cluster.replica(1 + (round % 3)).start();
    }
    cluster.tick(4);
  }
  return hash.digest('hex');
}

it('determinism: the same seed gives the same commands and records, byte for byte', () => {
  expect(trace(101)).toBe(trace(101));
  expect(trace(101)).not.toBe(trace(102));
});

it('loading: the module is compiled once in a process', async () => {
  const [first, second] = await Promise.all([loadCore(), loadCore()]);
  expect(first(() => 4).send([])).toEqual([]);
  expect(second(() => 4).send([])).toEqual([]);
});
