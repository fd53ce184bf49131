import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { waitFor } from '../../dataplane/clients/wait-for.ts';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import type { ResourceType } from '../../dataplane/kubernetes/resources.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import type { AccessKeyResource } from '../../operator/access/resources.ts';
import { startOperator } from '../../operator/operator.fixture.ts';
import { findHelm, HELM_MS_MAX, render } from './rendered-chart.ts';

const EXAMPLES = fileURLToPath(new URL('../examples/kubernetes', import.meta.url));
const POLICY_MS_MAX = 20_000;
const crds: ResourceType = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  isNamespaced: false,
};
const { tables, pods, secrets, nodes, leases, accessKeys, accessPolicies } = resources;
const { daxClusters, statefulSets } = resources;
const REGISTRY = 'trestle-dax-registry';
const options = { fieldManager: 'tests' };

let api: KubeApi;
let namespace: string;

beforeAll(async () => {
  const helm = await findHelm();
  api = await startKubeApi();
  namespace = await api.newNamespace();
  // Pods are of helm test; without their service account no API server takes them.
  const manifests = await render(helm, { smokeTest: { enabled: false } }, { namespace });
  await api.applyYaml(manifests.map((manifest) => stringify(manifest)).join('---\n'));
  for (const kind of [tables, daxClusters, accessKeys, accessPolicies]) {
    await waitFor(
      () => api.client.list(kind, { namespace }).catch(() => undefined),
      (list) => list !== undefined,
      POLICY_MS_MAX,
    );
  }
}, HELM_MS_MAX);

afterAll(() => api?.close());

function example(file: string) {
  return readFile(`${EXAMPLES}/${file}`, 'utf8').then((text) => parse(text));
}

async function make(file: string) {
  const { metadata, spec } = await example(file);
  const object = { metadata: { ...metadata, namespace }, spec };
  return api.client.apply(tables, object, { ...options, force: true });
}

/** All documents of a file, each as what it says. */
async function makeAll(file: string): Promise<void> {
  const documents = parseAllDocuments(await readFile(`${EXAMPLES}/${file}`, 'utf8'));
  for (const document of documents) {
    const { kind, metadata, spec } = document.toJS();
    const type = Object.values(resources).find((each) => each.kind === kind);
    if (type === undefined) throw new Error(`${file}: there is no kind ${kind}`);
    const object = { metadata: { ...metadata, namespace }, spec };
    await api.client.apply(type, object, { ...options, force: true });
  }
}

/** StatefulSets of a DaxCluster. */
async function ownSets(name: string) {
  const labelSelector = `trestle.dev/daxcluster=${name}`;
  const { items } = await api.client.list(statefulSets, { namespace, labelSelector });
  return items;
}

describe('a real API server', () => {
  it('takes everything of the chart, and the examples', async () => {
    for (const file of await readdir(EXAMPLES)) {
      if (file.endsWith('.yaml')) await expect(makeAll(file)).resolves.toBeUndefined();
    }
    await expect(make('../trigger/kubernetes.yaml')).resolves.toBeDefined();
  });

  it('refuses to delete a protected Table until it is not', async () => {
    const { metadata } = await make('production.yaml');
    const remove = () => api.client.delete(tables, metadata, {});
    // Policies are not in force at once.
    const refusal = await waitFor(
      async () => {
        await make('production.yaml');
        return remove().then(
          () => undefined,
          (error: unknown) => String(error),
        );
      },
      (error) => error !== undefined,
      POLICY_MS_MAX,
    );
    expect(refusal).toContain(
      'spec.deletionProtectionEnabled of Table orders is true: set it to false, then delete the Table',
    );
    const body = { spec: { deletionProtectionEnabled: false } };
    await api.client.patch(tables, metadata, body, { ...options, contentType: 'merge' });
    await expect(remove()).resolves.toBeUndefined();
  });

  it('lets an unprotected Table go', async () => {
    const { metadata } = await make('employees.yaml');
    await expect(api.client.delete(tables, metadata, {})).resolves.toBeUndefined();
  });

  it('lets the operator do what it must, and no more', async () => {
    const operator = api.clientAs(`system:serviceaccount:${namespace}:trestle-operator`);
    // Rights are not in force at once either.
    await waitFor(
      () => operator.list(tables, { namespace }).then(() => 'listed', String),
      (said) => said === 'listed',
      POLICY_MS_MAX,
    );
    await expect(operator.list(nodes, { namespace: undefined })).resolves.toBeDefined();
    await expect(operator.list(secrets, { namespace })).rejects.toMatchObject({ status: 403 });
    await expect(operator.list(pods, { namespace: 'default' })).rejects.toMatchObject({
      status: 403,
    });
    const other = { namespace, name: 'another-lease' };
    await expect(operator.get(leases, other)).rejects.toMatchObject({ status: 403 });
  });

  it('lets the operator tell of access keys and policies, but not change what they say', async () => {
    const operator = api.clientAs(`system:serviceaccount:${namespace}:trestle-operator`);
    const of = (name: string) => ({ namespace, name });
    const spec = { subject: { kind: 'User', name: 'ann' } };
    await api.client.create(accessKeys, { metadata: of('app'), spec }, options);
    await expect(operator.list(accessKeys, { namespace })).resolves.toBeDefined();
    await expect(operator.list(accessPolicies, { namespace })).resolves.toBeDefined();
    const status = { metadata: of('app'), status: { secretName: 'app' } };
    const told = { ...options, force: true, subresource: 'status' } as const;
    await expect(operator.apply(accessKeys, status, told)).resolves.toBeDefined();
    const merge = { ...options, contentType: 'merge' } as const;
    const changed = { spec: { state: 'Inactive' } };
    await expect(operator.patch(accessKeys, of('app'), changed, merge)).rejects.toMatchObject({
      status: 403,
    });
    await expect(operator.delete(accessKeys, of('app'), {})).rejects.toMatchObject({ status: 403 });
  });

  it('lets the operator make, publish and rotate an access key with what it may', async () => {
    const client = api.clientAs(`system:serviceaccount:${namespace}:trestle-operator`);
    const name = { namespace, name: 'batch' };
    const subject = { kind: 'Role', name: 'batch' };
    await api.client.create(accessKeys, { metadata: name, spec: { subject } }, options);
    const operator = await startOperator(api, namespace, { client });
    try {
      const published = await waitFor(
        () => api.client.get<AccessKeyResource>(accessKeys, name),
        (key) => key?.status?.published !== undefined,
        POLICY_MS_MAX,
      );
      expect(published?.status).toMatchObject({ secretName: 'batch' });
      // Without waiting for routers: nobody uses a key that is Inactive.
      const metadata = { annotations: { 'trestle.dev/rotate': '1' } };
      const body = { metadata, spec: { state: 'Inactive' } };
      await api.client.patch(accessKeys, name, body, { ...options, contentType: 'merge' });
      const rotated = await waitFor(
        () => api.client.get<AccessKeyResource>(accessKeys, name),
        (key) => key?.status?.published?.revision === 'none',
        POLICY_MS_MAX,
      );
      expect(rotated?.status?.accessKeyID).not.toBe(published?.status?.accessKeyID);
    } finally {
      await operator.close();
    }
  });

  it('lets the operator make all that a DaxCluster consists of, and take its Redis away', async () => {
    const client = api.clientAs(`system:serviceaccount:${namespace}:trestle-operator`);
    const name = { namespace, name: 'rights' };
    const spec = { roleRef: { kind: 'AccessPolicy', name: 'any' }, replicationFactor: 1 };
    await api.client.create(daxClusters, { metadata: name, spec }, options);
    const operator = await startOperator(api, namespace, {
      client,
      install: { redisImage: 'valkey:8' },
    });
    const refusals = () =>
      [...client.requestsCount].filter(({ status }) => status === 403 || status === 422);
    try {
      const sets = () => ownSets('rights');
      const made = await waitFor(sets, (list) => list.length === 2, POLICY_MS_MAX);
      await expect(api.client.get(tables, { ...name, name: REGISTRY })).resolves.toBeDefined();
      // Nobody plays the StatefulSet controller here.
      const status = { observedGeneration: 2, updateRevision: 'newest', replicas: 0 };
      const merge = { ...options, contentType: 'merge' } as const;
      await api.client.patch(daxClusters, name, { spec: { redis: { mode: 'None' } } }, merge);
      const nodes = made.find(({ metadata }) => !metadata.name.endsWith('-redis'));
      const told = { ...merge, subresource: 'status' } as const;
      await waitFor(
        async () => {
          await api.client.patch(statefulSets, nodes?.metadata ?? name, { status }, told);
          return sets();
        },
        (list) => list.length === 1,
        POLICY_MS_MAX,
      );
      expect(refusals()).toEqual([]);
    } finally {
      await operator.close();
    }
  });

  it('lets routers touch Tables alone', async () => {
    const router = api.clientAs(`system:serviceaccount:${namespace}:trestle-router`);
    await expect(router.list(tables, { namespace })).resolves.toBeDefined();
    await expect(router.list(pods, { namespace })).rejects.toMatchObject({ status: 403 });
    const credentials = { namespace, name: 'trestle-credentials' };
    await expect(router.get(secrets, credentials)).rejects.toMatchObject({ status: 403 });
  });

  it('deletes the definition only when it is annotated', async () => {
    const name = { name: 'tables.trestle.dev' };
    await expect(api.client.delete(crds, name, {})).rejects.toThrow(
      /annotate it with trestle.dev\/allow-crd-deletion=true first/,
    );
    const body = { metadata: { annotations: { 'trestle.dev/allow-crd-deletion': 'true' } } };
    await api.client.patch(crds, name, body, { ...options, contentType: 'merge' });
    await expect(api.client.delete(crds, name, {})).resolves.toBeUndefined();
  });
});
