/** The operator's benchmark: runs the parts, prints tables and targets. */
import { rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { makeMachines, makeStorageClass } from '../../operator/operator.fixture.ts';
import { type Finding, findingsTable } from '../cluster-benchmark/finding.ts';
import { UsageError } from '../cluster-benchmark/options.ts';
import { type Options, type PartName, parseOptions, usage } from './options.ts';
import { outage } from './outage.ts';
import type { Part } from './part.ts';
import { tables } from './tables.ts';

const PARTS: Readonly<Record<PartName, Part>> = { tables, outage };

async function run(options: Options): Promise<void> {
  const folder = join(import.meta.dirname, `../../.cache/operator-bench-${process.pid}`);
  const findings: Finding[] = [];
  const api = await startKubeApi();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Operators end with this process.
    process.once(signal, () => {
      rmSync(folder, { recursive: true, force: true });
      void api.close().then(() => process.exit(1));
    });
  }
  try {
    await prepare(api);
    console.log(
      `${cpus().length} cores (${cpus()[0]?.model}), ${(totalmem() / 2 ** 30).toFixed(0)} GB, node ${process.version}; ` +
        'the operator, the API server, etcd and what plays the cluster share the cores',
    );
    for (const name of options.parts) {
      findings.push(...(await PARTS[name]({ options, api, folder: join(folder, name) })));
    }
    console.log(`\nTargets\n${findingsTable(findings)}`);
    if (options.jsonFile !== undefined) {
      writeFileSync(options.jsonFile, `${JSON.stringify(findings, undefined, 2)}\n`);
    }
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    console.error(`the operators' logs are in ${folder}`);
    throw error;
  } finally {
    await api.close();
  }
}

async function prepare(api: KubeApi): Promise<void> {
  await api.applyCrds();
  await makeMachines(api.client, ['a', 'b', 'c']);
  await makeStorageClass(api.client);
}

async function main(args: readonly string[]): Promise<void> {
  try {
    const options = parseOptions(args);
    if (options === undefined) process.stdout.write(usage);
    else await run(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`hack/operator-bench: ${error.message} (see --help)`);
    process.exitCode = 2;
  }
}

await main(process.argv.slice(2));
