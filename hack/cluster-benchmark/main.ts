/** The cluster's benchmark: runs the parts, prints tables and targets. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { startLoadGenerator } from '../benchmark/load-generator.ts';
import { catchUp } from './catch-up.ts';
import { failover } from './failover.ts';
import { type Finding, findingsTable } from './finding.ts';
import { idle } from './idle-partitions.ts';
import { type Options, type PartName, parseOptions, UsageError, usage } from './options.ts';
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

async function run(options: Options): Promise<void> {
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
    console.log(
      `${cpus().length} cores (${cpus()[0]?.model}), ${(totalmem() / 2 ** 30).toFixed(0)} GB, node ${process.version}; ` +
        'all processes share the cores',
    );
    for (const name of options.parts) {
      const startCluster = (part: string, env?: Readonly<Record<string, string>>) =>
        clusters.start(join(folder, part), env);
      findings.push(...(await PARTS[name]({ options, folder, generator, startCluster })));
    }
    console.log(`\nTargets\n${findingsTable(findings)}`);
    if (options.jsonFile !== undefined) {
      writeFileSync(options.jsonFile, `${JSON.stringify(findings, undefined, 2)}\n`);
    }
  } finally {
    await end();
  }
}

async function main(args: readonly string[]): Promise<void> {
  try {
    const options = parseOptions(args);
    if (options === undefined) process.stdout.write(usage);
    else await run(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`hack/cluster-bench: ${error.message} (see --help)`);
    process.exitCode = 2;
  }
}

await main(process.argv.slice(2));
