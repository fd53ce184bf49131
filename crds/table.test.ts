import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KubeApi, startKubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../dataplane/kubernetes/table-resource.ts';
import { CrdSource, CrdTrial, expectedOf } from './crd-trial.fixture.ts';
import { tableCases } from './table-cases.ts';

/** A last-applied annotation of more than 256 KiB is refused (reference/operator.md 1.10). */
const BYTES_MAX = 150_000;
const { tables } = resources;

let api: KubeApi;
let namespace: string;
let trial: CrdTrial;

beforeAll(async () => {
  api = await startKubeApi();
  await api.applyCrds();
  namespace = await api.newNamespace();
  trial = new CrdTrial(api, tables, namespace);
});

afterAll(() => api?.close());

function manifest(spec: object, name: string) {
  return { metadata: { name, namespace }, spec };
}

describe('API server', () => {
  test.each(tableCases)('$name', async (given) => {
    expect(await trial.objections(given)).toEqual(expectedOf(given));
  });

  const music = tableCases[0]?.spec ?? {};

  test('a new Table is born unknown, and with what has a default', async () => {
    const { spec, status } = await trial.create<TableResource>(music);
    expect(spec).toEqual({
      ...music,
      tableClass: 'STANDARD',
      deletionProtectionEnabled: false,
      deletionPolicy: 'Retain',
      storage: { size: '10Gi' },
      placement: {
        replicationFactor: 3,
        topologyKey: 'topology.kubernetes.io/zone',
        whenZonesInsufficient: 'Colocate',
        hostAntiAffinity: 'Preferred',
      },
    });
    expect(status).toEqual({
      observedGeneration: -1,
      conditions: [
        {
          type: 'Ready',
          status: 'Unknown',
          reason: 'Pending',
          message: 'Waiting for the controller',
          lastTransitionTime: '1970-01-01T00:00:00Z',
        },
      ],
    });
  });

  test('Tables are found by tableName and by tableStatus', async () => {
    const { metadata } = await trial.create<TableResource>({ ...music, tableName: 'Selected' });
    await trial.writeStatus(await trial.create(music), { tableStatus: 'ACTIVE' });
    const named = { namespace, fieldSelector: 'spec.tableName=Selected' };
    const { items } = await api.client.list<TableResource>(tables, named);
    expect(items.map((item) => item.metadata.name)).toEqual([metadata.name]);
    const active = await api.client.list(tables, {
      namespace,
      fieldSelector: 'status.tableStatus=ACTIVE',
    });
    expect(active.items).toHaveLength(1);
  });

  test('two managers own a tag each, and one who drops its own leaves the other', async () => {
    const base = manifest(music, 'tagged');
    const tagged = (key: string) => ({ ...base, spec: { ...music, tags: [{ key, value: 'x' }] } });
    const by = (fieldManager: string) => ({ fieldManager, force: false });
    await api.client.apply(tables, tagged('one'), by('first'));
    await api.client.apply(tables, tagged('two'), by('second'));
    const { spec } = await api.client.apply<TableResource>(tables, base, by('first'));
    expect(spec.tags).toEqual([{ key: 'two', value: 'x' }]);
  });

  test('a field owned by a manifest is not overwritten unless forced', async () => {
    const base = manifest({ ...music, tableClass: 'STANDARD' }, 'owned');
    await api.client.apply(tables, base, { fieldManager: 'kubectl', force: false });
    const other = { ...base, spec: { ...base.spec, tableClass: 'STANDARD_INFREQUENT_ACCESS' } };
    const conflict = api.client.apply(tables, other, { fieldManager: 'trestle-api', force: false });
    await expect(conflict).rejects.toMatchObject({
      status: 409,
      causes: [expect.objectContaining({ field: '.spec.tableClass' })],
    });
  });
});

describe('source', () => {
  const source = new CrdSource('table.yaml');

  test('stays small enough for client-side apply', () => {
    expect(source.bytes).toBeLessThan(BYTES_MAX);
  });

  test('every field has a description of one sentence', () => {
    expect(source.undescribed()).toEqual([]);
  });

  test('every rule has a case that it refuses', () => {
    const refused = new Set(tableCases.flatMap(({ refusals }) => refusals.map(([, text]) => text)));
    expect(source.rules().length).toBeGreaterThan(40);
    expect(source.rules().filter((message) => !refused.has(message))).toEqual([]);
  });
});
