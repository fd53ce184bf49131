import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KubeApi, startKubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import type { DaxClusterResource } from '../operator/daxcluster/cluster-resource.ts';
import { CrdSource, CrdTrial, expectedOf } from './crd-trial.fixture.ts';
import { daxClusterCases } from './daxcluster-cases.ts';

/** A last-applied annotation of more than 256 KiB is refused (reference/operator.md 1.10). */
const BYTES_MAX = 150_000;

let api: KubeApi;
let namespace: string;
let trial: CrdTrial;

beforeAll(async () => {
  api = await startKubeApi();
  await api.applyCrds();
  namespace = await api.newNamespace();
  trial = new CrdTrial(api, resources.daxClusters, namespace);
});

afterAll(() => api?.close());

describe('API server: a DaxCluster', () => {
  test.each(daxClusterCases)('$name', async (given) => {
    expect(await trial.objections(given)).toEqual(expectedOf(given));
  });

  test('is born unknown, and with what has a default', async () => {
    const roleRef = { kind: 'AccessPolicy', name: 'role' };
    const { spec, status } = await trial.create<DaxClusterResource>({ roleRef }, 'born');
    expect(spec).toEqual({
      roleRef,
      replicationFactor: 3,
      parameterGroup: { recordTTLMillis: 300_000, queryTTLMillis: 300_000 },
      cacheMemoryPercent: 70,
      clusterEndpointEncryptionType: 'TLS',
      service: { type: 'ClusterIP' },
    });
    expect(status).toMatchObject({
      observedGeneration: -1,
      conditions: [{ type: 'Ready', status: 'Unknown', reason: 'Pending' }],
    });
  });

  test('has no fields that nothing acts on', async () => {
    const roleRef = { kind: 'AccessPolicy', name: 'role' };
    for (const field of ['description', 'tags', 'nodeType']) {
      const made = trial.create({ roleRef, [field]: 'x' }, 'vain');
      await expect(made).rejects.toThrow(`unknown field "spec.${field}"`);
    }
  });

  test('is scaled by its scale subresource', async () => {
    const roleRef = { kind: 'AccessPolicy', name: 'role' };
    await trial.create<DaxClusterResource>({ roleRef }, 'scaled');
    const name = { namespace, name: 'scaled' };
    const merge = { contentType: 'merge', fieldManager: 'kubectl' } as const;
    await api.client.patch(
      resources.daxClusters,
      name,
      { status: { totalNodes: 3, selector: 'a=b' } },
      { ...merge, subresource: 'status' },
    );
    const scale = await api.client.patch(
      resources.daxClusters,
      name,
      { spec: { replicas: 5 } },
      { ...merge, subresource: 'scale' },
    );
    expect(scale).toMatchObject({
      spec: { replicas: 5 },
      status: { replicas: 3, selector: 'a=b' },
    });
    const cluster = await api.client.get<DaxClusterResource>(resources.daxClusters, name);
    expect(cluster?.spec.replicationFactor).toBe(5);
  });
});

describe('source', () => {
  const source = new CrdSource('daxcluster.yaml');

  test('stays small enough for client-side apply', () => {
    expect(source.bytes).toBeLessThan(BYTES_MAX);
  });

  test('every field has a description of one sentence', () => {
    expect(source.undescribed()).toEqual([]);
  });

  test('every rule has a case that it refuses', () => {
    const refused = new Set(
      daxClusterCases.flatMap(({ refusals }) => refusals.map(([, text]) => text)),
    );
    expect(source.rules().length).toBeGreaterThan(15);
    expect(source.rules().filter((rule) => !refused.has(rule))).toEqual([]);
  });
});
