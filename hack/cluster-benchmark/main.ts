/** The cluster's benchmark: runs the parts, prints tables and targets. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startLoadGenerator } from '../benchmark/load-generator.ts';
import { machineLine, runBench } from '../findings/bench-command.ts';
import type { Finding } from '../findings/finding.ts';
import { catchUp } from './catch-up.ts';
import { failover } from './failover.ts';
import { idle } from './idle-partitions.ts';
import { type Options, type PartName, parseOptions, usage } from './options.ts';
import { Clusters, type Part } from './part.ts';
import { reads, writes } from './throughput.ts';
import { latency } from './write-latency.ts';

const PARTS: Readonly<Record<PartName, Part>> = {
  reads,
  writes,
  latency,
  failover,
  idle,
  'catch-up': catchUp,
};

async function run(options: Options): Promise<readonly Finding[]> {
  const folder = join(import.meta.dirname, `../../.cache/cluster-bench-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const clusters = new Clusters();
  const generator = startLoadGenerator(undefined);
  const end = async (): Promise<void> => {
    generator.stop();
    await clusters.closeAll();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void end().then(() => process.exit(1)));
  }
  const findings: Finding[] = [];
  try {
    console.log(`${machineLine()}; all processes share the cores`);
    for (const name of options.parts) {
      const startCluster = (part: string, env?: Readonly<Record<string, string>>) =>
        clusters.start(join(folder, part), env);
      findings.push(...(await PARTS[name]({ options, folder, generator, startCluster })));
    }
    return findings;
  } finally {
    await end();
  }
}

await runBench({ command: 'hack/cluster-bench', usage, parse: parseOptions, run });
