import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { ApplyConfiguration } from '../dataplane/kubernetes/api-client.ts';
import { type KubeApi, startKubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import { KubeError } from '../dataplane/kubernetes/kube-error.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import type { TableResource } from '../dataplane/kubernetes/table-resource.ts';
import { type Refusal, type TableCase, tableCases } from './table-cases.ts';

const source = readFileSync(new URL('table.yaml', import.meta.url), 'utf8');
/** A last-applied annotation of more than 256 KiB is refused (reference/operator.md 1.10). */
const BYTES_MAX = 150_000;
/** With a failure of the schema, rules wait: the server says so beside it. */
const NOT_ALL_RULES = 'some validation rules were not checked';
const { tables } = resources;
const options = { fieldManager: 'tests' };

let api: KubeApi;
let namespace: string;
let tablesCount = 0;

beforeAll(async () => {
  api = await startKubeApi();
  await api.applyCrds();
  namespace = await api.newNamespace();
});

afterAll(() => api?.close());

function manifest(spec: object, name = `table-${++tablesCount}`) {
  return { metadata: { name, namespace }, spec };
}

function created(spec: object): Promise<TableResource> {
  return api.client.create<TableResource>(tables, manifest(spec), options);
}

/** What the API server objects to; the change itself is not kept. */
async function objectionsTo(given: TableCase): Promise<readonly Refusal[]> {
  const dryRun = { ...options, dryRun: true };
  try {
    if (given.before === undefined) {
      await api.client.create(tables, manifest(given.spec, given.metadataName), dryRun);
    } else {
      const before = await withStatus(await created(given.before), given.status);
      const after: ApplyConfiguration = { ...before, spec: given.spec } as object & TableResource;
      await api.client.replace(tables, after, dryRun);
    }
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 422) throw error;
    return error.causes
      .filter(({ message }) => !message.includes(NOT_ALL_RULES))
      .map(({ field, message }): Refusal => [field, message]);
  }
  return [];
}

function withStatus({ metadata }: TableResource, status: object | undefined) {
  const name = { namespace, name: metadata.name };
  const body = status === undefined ? {} : { status };
  return api.client.patch<TableResource>(tables, name, body, {
    ...options,
    contentType: 'merge',
    subresource: 'status',
  });
}

/** A message that has the expected part is shown as that, so that a difference shows the others whole. */
function shown(objection: Refusal, expected: readonly Refusal[]): string {
  const [field, message] = objection;
  const match = expected.find(([place, part]) => place === field && message.includes(part));
  return (match ?? objection).join(': ');
}

describe('API server', () => {
  test.each(tableCases)('$name', async (given) => {
    const objections = await objectionsTo(given);
    expect(objections.map((objection) => shown(objection, given.refusals)).sort()).toEqual(
      given.refusals.map((refusal) => refusal.join(': ')).sort(),
    );
  });

  const music = tableCases[0]?.spec ?? {};

  test('a new Table is born unknown, and with what has a default', async () => {
    const { spec, status } = await created(music);
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
    const { metadata } = await created({ ...music, tableName: 'Selected' });
    await withStatus(await created(music), { tableStatus: 'ACTIVE' });
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
    const base = manifest(music);
    const tagged = (key: string) => ({ ...base, spec: { ...music, tags: [{ key, value: 'x' }] } });
    const by = (fieldManager: string) => ({ fieldManager, force: false });
    await api.client.apply(tables, tagged('one'), by('first'));
    await api.client.apply(tables, tagged('two'), by('second'));
    const { spec } = await api.client.apply<TableResource>(tables, base, by('first'));
    expect(spec.tags).toEqual([{ key: 'two', value: 'x' }]);
  });

  test('a field owned by a manifest is not overwritten unless forced', async () => {
    const base = manifest({ ...music, tableClass: 'STANDARD' });
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
  interface Part {
    readonly [member: string]: unknown;
  }

  /** All objects in the schema, by path. */
  function* parts(value: unknown, path: string): Iterable<readonly [string, Part]> {
    if (typeof value !== 'object' || value === null) return;
    // What a YAML document consists of.
    if (!Array.isArray(value)) yield [path, value as Part];
    for (const [name, part] of Object.entries(value)) yield* parts(part, `${path}.${name}`);
  }

  const { openAPIV3Schema: schema } = parse(source).spec.versions[0].schema;

  test('stays small enough for client-side apply', () => {
    expect(Buffer.byteLength(source)).toBeLessThan(BYTES_MAX);
  });

  test('every field has a description of one sentence', () => {
    const bad = [...parts(schema.properties, '')]
      .filter(([path]) => path.endsWith('.properties'))
      .flatMap(([path, fields]) =>
        Object.entries(fields).map(([name, field]) => [`${path}.${name}`, field] as const),
      )
      .filter(([path]) => path !== '.properties.metadata')
      // A field of a schema is a schema.
      .filter(([, field]) => !/^[^.]+(\.\D[^.]*)*\.?$/.test(String((field as Part).description)))
      .map(([path]) => path);
    expect(bad).toEqual([]);
  });

  test('every rule has a case that it refuses', () => {
    const refused = new Set(tableCases.flatMap(({ refusals }) => refusals.map(([, text]) => text)));
    const rules = [...parts(schema, '')].filter(([, part]) => typeof part.rule === 'string');
    const untested = rules.map(([, { message }]) => String(message)).filter((m) => !refused.has(m));
    expect(rules.length).toBeGreaterThan(40);
    expect(untested).toEqual([]);
  });
});
