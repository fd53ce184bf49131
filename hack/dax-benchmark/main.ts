/** The benchmark of the DAX tier: runs the parts, prints tables and targets. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startLoadGenerator } from '../benchmark/load-generator.ts';
import { findEndpoint } from '../benchmark/peers.ts';
import { startServer } from '../benchmark/server-process.ts';
import { machineLine, runBench } from '../findings/bench-command.ts';
import type { Finding } from '../findings/finding.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { type Options, type PartName, parseOptions, usage } from './options.ts';
import type { Part } from './part.ts';
import { throughput } from './throughput.ts';

const PARTS: Readonly<Record<PartName, Part>> = { latency, throughput, memory };

async function run(options: Options): Promise<readonly Finding[]> {
  const folder = join(import.meta.dirname, `../../.cache/dax-bench-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const generator = startLoadGenerator(undefined);
  const ends: (() => Promise<void> | void)[] = [
    () => rmSync(folder, { recursive: true, force: true }),
    () => generator.stop(),
  ];
  const end = async (): Promise<void> => {
    for (let each = ends.pop(); each !== undefined; each = ends.pop()) await each();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().then(() => process.exit(1)));
  }
  try {
    console.log(`${machineLine()}; all processes share the cores`);
    const found = findEndpoint('trestle', { dynoxide: undefined, before: undefined });
    if ('missing' in found) throw new Error(found.missing);
    const embedded = await startServer(found.endpoint, join(folder, 'tables'), undefined);
    ends.push(() => embedded.stop());
    const findings: Finding[] = [];
    for (const name of options.parts) {
      const atEnd = (each: () => Promise<void> | void) => void ends.push(each);
      const context = { options, folder, generator, embedded, atEnd };
      findings.push(...(await PARTS[name](context)));
    }
    return findings;
  } finally {
    await end();
  }
}

await runBench({ command: 'hack/dax-bench', usage, parse: parseOptions, run });
