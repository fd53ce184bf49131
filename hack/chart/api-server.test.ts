import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { waitFor } from '../../dataplane/clients/wait-for.ts';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import type { ResourceType } from '../../dataplane/kubernetes/resources.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { findHelm, HELM_MS_MAX, render } from './rendered-chart.ts';

const EXAMPLES = fileURLToPath(new URL('../examples/kubernetes', import.meta.url));
const POLICY_MS_MAX = 20_000;
const crds: ResourceType = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  isNamespaced: false,
};
const { tables, pods, secrets, nodes, leases } = resources;
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
  await waitFor(
    () => api.client.list(tables, { namespace }).catch(() => undefined),
    (list) => list !== undefined,
    POLICY_MS_MAX,
  );
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

describe('a real API server', () => {
  it('takes everything of the chart, and the examples', async () => {
    for (const file of await readdir(EXAMPLES)) {
      if (file.endsWith('.yaml')) await expect(make(file)).resolves.toBeDefined();
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
    await expect(operator.list(tables, { namespace })).resolves.toBeDefined();
    await expect(operator.list(nodes, { namespace: undefined })).resolves.toBeDefined();
    await expect(operator.list(secrets, { namespace })).rejects.toMatchObject({ status: 403 });
    await expect(operator.list(pods, { namespace: 'default' })).rejects.toMatchObject({
      status: 403,
    });
    const other = { namespace, name: 'another-lease' };
    await expect(operator.get(leases, other)).rejects.toMatchObject({ status: 403 });
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
