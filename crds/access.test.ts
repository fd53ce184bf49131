import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type KubeApi, startKubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import type { KubeObject } from '../dataplane/kubernetes/object.ts';
import { resources } from '../dataplane/kubernetes/resources.ts';
import { accessKeyCases } from './accesskey-cases.ts';
import { accessPolicyCases } from './accesspolicy-cases.ts';
import { type CrdCase, CrdSource, CrdTrial, expectedOf, type Json } from './crd-trial.fixture.ts';

/** A last-applied annotation of more than 256 KiB is refused (reference/operator.md 1.10). */
const BYTES_MAX = 150_000;

interface AccessObject extends KubeObject {
  readonly spec: Json;
  readonly status: Json;
}

let api: KubeApi;
let keys: CrdTrial;
let policies: CrdTrial;

beforeAll(async () => {
  api = await startKubeApi();
  await api.applyCrds();
  const namespace = await api.newNamespace();
  keys = new CrdTrial(api, resources.accessKeys, namespace);
  policies = new CrdTrial(api, resources.accessPolicies, namespace);
});

afterAll(() => api?.close());

const UNKNOWN = {
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
};

describe('an AccessKey', () => {
  test.each(accessKeyCases)('$name', async (given) => {
    expect(await keys.objections(given)).toEqual(expectedOf(given));
  });

  test('is born unknown, Active, and with a day of grace', async () => {
    const subject = { kind: 'User', name: 'ann' };
    const { spec, status } = await keys.create<AccessObject>({ subject });
    expect(spec).toEqual({ subject, state: 'Active', gracePeriodSeconds: 86_400 });
    expect(status).toEqual(UNKNOWN);
  });
});

describe('an AccessPolicy', () => {
  test.each(accessPolicyCases)('$name', async (given) => {
    expect(await policies.objections(given)).toEqual(expectedOf(given));
  });

  test('is born unknown, and as it was written', async () => {
    const written = accessPolicyCases[0]?.spec ?? {};
    const { spec, status } = await policies.create<AccessObject>(written);
    expect(spec).toEqual(written);
    expect(status).toEqual(UNKNOWN);
  });
});

const sources: readonly (readonly [string, readonly CrdCase[]])[] = [
  ['accesskey.yaml', accessKeyCases],
  ['accesspolicy.yaml', accessPolicyCases],
];

describe.each(sources)('%s', (file, cases) => {
  const source = new CrdSource(file);

  test('stays small enough for client-side apply', () => {
    expect(source.bytes).toBeLessThan(BYTES_MAX);
  });

  test('describes every field in one sentence', () => {
    expect(source.undescribed()).toEqual([]);
  });

  test('has a refused case for every rule', () => {
    const refused = new Set(cases.flatMap(({ refusals }) => refusals.map(([, text]) => text)));
    expect(source.rules().length).toBeGreaterThan(2);
    expect(source.rules().filter((rule) => !refused.has(rule))).toEqual([]);
  });
});
