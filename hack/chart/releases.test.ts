import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { waitFor } from '../../dataplane/clients/wait-for.ts';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { CHART, type Fields, findHelm, HELM_MS_MAX, helmOutput } from './rendered-chart.ts';

/** Several releases in one cluster: a real Helm, and a real API server without controllers. */

const POLICY_MS_MAX = 20_000;
const RELEASE_MS_MAX = 300_000;
const { customResourceDefinitions: crds, tables, nodes, secrets } = resources;
const options = { fieldManager: 'tests' };
const name = { name: 'tables.trestle.dev' };

let helm: string;
let api: KubeApi;
let home: string;
/** The chart with definitions of a later version. */
let laterChart: string;

beforeAll(async () => {
  helm = await findHelm();
  home = await mkdtemp(join(tmpdir(), 'trestle-releases-'));
  laterChart = join(home, 'chart');
  await cp(CHART, laterChart, { recursive: true });
  const file = join(laterChart, 'templates/crds.yaml');
  const text = await readFile(file, 'utf8');
  const later = text
    .replaceAll(/(bringsDefinition" \(list \. "[a-z.]+") \d+/g, '$1 99')
    .replaceAll(/schema-version: '\d+'/g, "schema-version: '99'");
  await writeFile(file, later);
}, HELM_MS_MAX);

afterAll(async () => {
  await rm(home, { recursive: true, force: true });
});

/** Each begins where nobody has installed anything. */
beforeEach(async () => {
  api = await startKubeApi();
}, HELM_MS_MAX);

afterEach(() => api?.close());

interface Release {
  readonly name: string;
  readonly namespace: string;
}

/** Helm, of which everything that it keeps is in the folder of the test. @throws Error with what Helm says */
function run(args: readonly string[], values: Fields = {}): Promise<string> {
  const variables = ['cache', 'config', 'data'].map(
    (kind) => `HELM_${kind.toUpperCase()}_HOME=${join(home, kind)}`,
  );
  const all = [...args, '--kubeconfig', api.kubeconfig];
  return helmOutput('env', [...variables, helm, ...all], JSON.stringify(values));
}

function install(
  release: string,
  namespace: string,
  { values = {}, chart = CHART, more = [] }: Changes = {},
): Promise<string> {
  const place = ['--namespace', namespace, '--create-namespace'];
  return run(['install', release, chart, ...place, ...more, '--values', '-'], values);
}

function upgrade(
  release: string,
  namespace: string,
  { values = {}, chart = CHART, more = [] }: Changes = {},
): Promise<string> {
  return run(
    ['upgrade', release, chart, '--namespace', namespace, ...more, '--values', '-'],
    values,
  );
}

interface Changes {
  readonly values?: Fields;
  readonly chart?: string;
  readonly more?: readonly string[];
}

async function definition() {
  const live = await api.client.get(crds, name);
  const { annotations = {} } = live?.metadata ?? {};
  return {
    isThere: live !== undefined,
    owner: annotations['meta.helm.sh/release-name'],
    version: Number(annotations['trestle.dev/schema-version']),
  };
}

function table(namespace: string, change: object = {}) {
  return {
    metadata: { namespace, name: 'music' },
    spec: {
      tableName: 'Music',
      billingMode: 'PAY_PER_REQUEST',
      attributeDefinitions: [{ attributeName: 'Artist', attributeType: 'S' }],
      keySchema: [{ attributeName: 'Artist', keyType: 'HASH' }],
      ...change,
    },
  };
}

/** Makes a protected Table, and sees that it stays; then lets it go. */
async function protectsTables(namespace: string): Promise<void> {
  const make = (isProtected: boolean) => {
    const object = table(namespace, { deletionProtectionEnabled: isProtected });
    return api.client.apply(tables, object, { ...options, force: true });
  };
  const refusal = await waitFor(
    async () => {
      const { metadata } = await make(true);
      return api.client.delete(tables, metadata, {}).catch(String);
    },
    (said) => said !== undefined,
    POLICY_MS_MAX,
  );
  expect(refusal).toContain('deletionProtectionEnabled of Table music is true');
  const { metadata } = await make(false);
  await api.client.delete(tables, metadata, {});
}

/** What is said to who deletes the definition. Policies are not in force at once. */
async function definitionRefusal(): Promise<string> {
  const ask = () => api.client.delete(crds, name, { dryRun: true }).catch(String);
  return `${await waitFor(ask, (said) => said !== undefined, POLICY_MS_MAX)}`;
}

/** The operator of the release may work in this namespace, and in no other one. */
async function worksIn(release: Release, namespace: string, other: string): Promise<void> {
  const account = `system:serviceaccount:${release.namespace}:${release.name}-operator`;
  const operator = api.clientAs(account);
  // Of a definition that is new, the API server takes its time.
  await waitFor(
    () => operator.list(tables, { namespace }).then(() => 'listed', String),
    (said) => said === 'listed',
    POLICY_MS_MAX,
  );
  await expect(operator.list(nodes, { namespace: undefined })).resolves.toBeDefined();
  await expect(operator.list(tables, { namespace: other })).rejects.toMatchObject({ status: 403 });
}

/** Whether the API server has all that Helm says the release consists of. */
async function missingOf({ name: release, namespace }: Release): Promise<readonly string[]> {
  const text = await run(['get', 'manifest', release, '--namespace', namespace]);
  const missing: string[] = [];
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS();
    if (object === null) continue;
    const { apiVersion, kind, metadata } = object;
    const lower = kind.toLowerCase();
    const plural = lower.endsWith('y') ? `${lower.slice(0, -1)}ies` : `${lower}s`;
    const type = { apiVersion, kind, plural, isNamespaced: metadata.namespace !== undefined };
    if ((await api.client.get(type, metadata)) === undefined)
      missing.push(`${kind} ${metadata.name}`);
  }
  return missing;
}

it(
  'two releases stand side by side with the defaults, and each goes without the other',
  async () => {
    const [first, second] = [
      { name: 'trestle', namespace: 'one' },
      { name: 'trestle', namespace: 'two' },
    ];
    await install('trestle', 'one');
    await install('trestle', 'two');
    expect(await definition()).toMatchObject({ owner: 'trestle' });
    expect(await missingOf(second)).toEqual([]);
    await worksIn(first, 'one', 'two');
    await worksIn(second, 'two', 'one');
    await run(['uninstall', 'trestle', '--namespace', 'one']);
    expect(await missingOf(second)).toEqual([]);
    await worksIn(second, 'two', 'one');
    await protectsTables('two');
    expect(await definitionRefusal()).toContain(
      'annotate it with trestle.dev/allow-crd-deletion=true first',
    );
    await upgrade('trestle', 'two');
    expect(await missingOf(second)).toEqual([]);
    // And the first one comes back, over what it left.
    await install('trestle', 'one');
    await worksIn(first, 'one', 'two');
  },
  RELEASE_MS_MAX,
);

it(
  'definitions are upgraded by the release that has them; once it is gone, by another one that is told to',
  async () => {
    await install('first', 'three');
    await expect(install('later', 'four', { chart: laterChart })).rejects.toThrow(
      /belongs to the release first of namespace three and has schema version \d+, this chart needs 99: upgrade that release first/,
    );
    await upgrade('first', 'three', { chart: laterChart });
    expect(await definition()).toEqual({ isThere: true, owner: 'first', version: 99 });
    await install('later', 'four', { chart: laterChart });
    // One of an earlier version takes them as they are.
    await install('earlier', 'five');
    expect(await definition()).toEqual({ isThere: true, owner: 'first', version: 99 });
    await worksIn({ name: 'earlier', namespace: 'five' }, 'five', 'four');
    await run(['uninstall', 'first', '--namespace', 'three']);
    await upgrade('later', 'four', { chart: laterChart });
    expect(await definition()).toEqual({ isThere: true, owner: 'first', version: 99 });
  },
  RELEASE_MS_MAX,
);

it(
  'definitions that a release left behind are taken over with the upgrade that needs newer ones',
  async () => {
    await install('first', 'six');
    await install('second', 'seven');
    await run(['uninstall', 'first', '--namespace', 'six']);
    await expect(upgrade('second', 'seven', { chart: laterChart })).rejects.toThrow(/first/);
    await upgrade('second', 'seven', { chart: laterChart, more: ['--take-ownership'] });
    expect(await definition()).toEqual({ isThere: true, owner: 'second', version: 99 });
    await upgrade('second', 'seven', { chart: laterChart });
  },
  RELEASE_MS_MAX,
);

it(
  'a release that takes its definitions with it cannot while another one is there',
  async () => {
    const values = { crds: { keep: false } };
    await install('loose', 'eight', { values });
    await install('other', 'nine');
    await definitionRefusal();
    await expect(run(['uninstall', 'loose', '--namespace', 'eight'])).rejects.toThrow(
      'failed to delete release: loose',
    );
    expect((await definition()).isThere).toBe(true);
    await worksIn({ name: 'other', namespace: 'nine' }, 'nine', 'eight');
    await protectsTables('nine');
  },
  RELEASE_MS_MAX,
);

it(
  'a release alone takes its definitions with it, if it is to',
  async () => {
    await install('loose', 'ten', { values: { crds: { keep: false } } });
    await run(['uninstall', 'loose', '--namespace', 'ten']);
    await waitFor(definition, ({ isThere }) => !isThere, POLICY_MS_MAX);
  },
  RELEASE_MS_MAX,
);

it(
  'one release serves several namespaces, and no other one serves them',
  async () => {
    for (const namespace of ['shop', 'bank']) {
      await api.client.create(resources.namespaces, { metadata: { name: namespace } });
    }
    const values = { watchNamespaces: ['shop', 'bank'] };
    await install('trestle', 'operators', { values });
    for (const namespace of ['shop', 'bank']) {
      await worksIn({ name: 'trestle', namespace: 'operators' }, namespace, 'operators');
      await protectsTables(namespace);
      const operator = api.clientAs('system:serviceaccount:operators:trestle-operator');
      await expect(operator.list(secrets, { namespace })).rejects.toMatchObject({ status: 403 });
    }
    await expect(install('other', 'shop')).rejects.toThrow(/Service "trestle" in namespace "shop"/);
    await run(['uninstall', 'other', '--namespace', 'shop', '--ignore-not-found']);
    await upgrade('trestle', 'operators', { values: { watchNamespaces: ['bank'] } });
    await install('other', 'shop');
    await worksIn({ name: 'other', namespace: 'shop' }, 'shop', 'bank');
  },
  RELEASE_MS_MAX,
);
