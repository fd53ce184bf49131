/** The operator's benchmark: runs the parts, prints tables and targets. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { makeMachines, makeStorageClass } from '../../operator/operator.fixture.ts';
import { machineLine, runBench } from '../findings/bench-command.ts';
import type { Finding } from '../findings/finding.ts';
import { type Options, type PartName, parseOptions, usage } from './options.ts';
import { outage } from './outage.ts';
import type { Part } from './part.ts';
import { tables } from './tables.ts';

const PARTS: Readonly<Record<PartName, Part>> = { tables, outage };

async function run(options: Options): Promise<readonly Finding[]> {
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
      `${machineLine()}; the operator, the API server, etcd and what plays the cluster share the cores`,
    );
    for (const name of options.parts) {
      findings.push(...(await PARTS[name]({ options, api, folder: join(folder, name) })));
    }
    rmSync(folder, { recursive: true, force: true });
    return findings;
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

await runBench({ command: 'hack/operator-bench', usage, parse: parseOptions, run });
