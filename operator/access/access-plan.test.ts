import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseCredentials } from '../../dataplane/access/credentials.ts';
import { parsePolicies } from '../../dataplane/access/policies.ts';
import { encodedData } from '../certificates/secret-data.ts';
import {
  type AccessPlan,
  type ObservedAccess,
  type ObservedKey,
  planAccess,
} from './access-plan.ts';
import { type CredentialEntry, rootEntries } from './credentials-list.ts';
import { faultOf } from './policy-document.ts';
import type { AccessPolicyResource, DaxClusterRole } from './resources.ts';

const root: CredentialEntry = { accessKeyId: 'AKIAROOT', secretAccessKey: 'root' };
const place = { region: 'eu-west-1', accountId: '123456789012' };

function secretOf(data: Readonly<Record<string, string>>) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'trestle-credentials' },
    data: encodedData(data),
  };
}

function rootSecret(entries: readonly object[] = [root]) {
  return secretOf({ credentials: JSON.stringify(entries), ...root });
}

const head = (kind: string, name: string, second = 0) => ({
  apiVersion: 'trestle.dev/v1alpha1',
  kind,
  metadata: {
    namespace: 'shop',
    name,
    uid: `uid of ${name}`,
    creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(),
  },
});

interface KeyChange {
  readonly subject?: ObservedKey['key']['spec']['subject'];
  readonly state?: 'Active' | 'Inactive';
  readonly ids?: readonly [current: string, previous?: string];
  readonly second?: number;
}

function key(name: string, change: KeyChange = {}): ObservedKey {
  const { subject = { kind: 'User', name }, state = 'Active', second } = change;
  const [current, previous] = change.ids ?? [`AKIA-${name}`];
  const pair = (id: string) => ({ accessKeyId: id, secretAccessKey: `secret of ${id}` });
  return {
    key: { ...head('AccessKey', name, second), spec: { subject, state, gracePeriodSeconds: 60 } },
    material: {
      current: pair(current),
      sinceMs: 0,
      next: undefined,
      previous: previous === undefined ? undefined : pair(previous),
      obeyedRequest: '',
    },
    obstacle: undefined,
  };
}

const reading = {
  effect: 'Allow',
  actions: ['dynamodb:GetItem'],
  resources: ['table/Music', 'arn:aws:dynamodb:*:*:table/Other'],
} as const;

function policy(
  name: string,
  spec: Partial<AccessPolicyResource['spec']> = {},
  second?: number,
): AccessPolicyResource {
  const statements = spec.policyDocument === undefined ? { statements: [reading] } : {};
  const subjects = [{ kind: 'User', name: 'ann' }] as const;
  return { ...head('AccessPolicy', name, second), spec: { ...statements, subjects, ...spec } };
}

function cluster(
  name: string,
  roleRef: DaxClusterRole['spec']['roleRef'],
  change: { readonly clusterName?: string; readonly second?: number } = {},
): DaxClusterRole {
  const { second, ...spec } = change;
  return { ...head('DaxCluster', name, second), spec: { ...spec, roleRef } };
}

function plan(change: Partial<ObservedAccess> = {}): AccessPlan {
  return planAccess({
    place,
    credentials: rootSecret(),
    keys: [],
    policies: [],
    clusters: [],
    roles: new Map(),
    check: faultOf,
    ...change,
  });
}

function entriesOf({ contents }: AccessPlan): readonly CredentialEntry[] {
  parseCredentials(contents?.credentials ?? '', 'it', place.accountId);
  return JSON.parse(contents?.credentials ?? '');
}

function policiesOf({ contents }: AccessPlan) {
  parsePolicies(contents?.policies ?? '', 'it');
  const { policies } = JSON.parse(contents?.policies ?? '');
  return policies as readonly {
    name: string;
    subjects: string[];
    document: { Statement: object[] };
  }[];
}

const DENIED = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
};

const paused = <T extends { readonly metadata: object }>(object: T): T => ({
  ...object,
  metadata: { ...object.metadata, annotations: { 'trestle.dev/paused': 'true' } },
});
const pausedKey = (observed: ObservedKey): ObservedKey => ({
  ...observed,
  key: paused(observed.key),
});

/** The Secret as this plan would have it. */
function publishedBy({ contents }: AccessPlan) {
  if (contents === undefined) throw new Error('there is a root key');
  return secretOf({ ...contents, ...root });
}

describe('paused', () => {
  test('an AccessKey has with routers what it had, whatever becomes of its spec and its Secret', () => {
    const before = key('ann', { ids: ['B', 'A'] });
    const made = plan({ keys: [before] });
    const credentials = publishedBy(made);
    const revoked = pausedKey(key('ann', { ids: ['B'], state: 'Inactive' }));
    // `A` is known from its status alone.
    const status = { accessKeyID: 'B', previousAccessKeyID: 'A' };
    const told = { ...revoked, key: { ...revoked.key, status } };
    expect(plan({ credentials, keys: [told] }).contents).toEqual(made.contents);
    const secretless = { ...told, material: undefined };
    expect(plan({ credentials, keys: [secretless] }).contents).toEqual(made.contents);
    expect(plan({ credentials, keys: [secretless] }).keys).toMatchObject([{ isPublished: true }]);
    const resumed = { ...revoked, key: { ...told.key, metadata: before.key.metadata } };
    expect(entriesOf(plan({ credentials, keys: [resumed] }))).toEqual([root]);
  });

  test('an AccessKey that routers do not know stays unknown, and takes nothing of another one', () => {
    const other = key('web', { subject: { kind: 'User', name: 'ann' } });
    const credentials = publishedBy(plan({ keys: [other] }));
    const observed = { credentials, keys: [other, pausedKey(key('ann'))] };
    expect(entriesOf(plan(observed)).map(({ accessKeyId }) => accessKeyId)).toEqual([
      'AKIAROOT',
      'AKIA-web',
    ]);
    expect(plan(observed).keys.map(({ isPublished }) => isPublished)).toEqual([false, true]);
    expect(entriesOf(plan({ ...observed, keys: [pausedKey(key('ann'))] }))).toEqual([root]);
  });

  test('an AccessPolicy says what it said, valid or not, and a new one nothing', () => {
    const made = plan({ policies: [policy('p')] });
    const credentials = publishedBy(made);
    for (const spec of [
      { policyDocument: '{' },
      { subjects: [] },
      { subjects: [{ kind: 'User', name: 'zoe' }] as const },
    ]) {
      const changed = plan({ credentials, policies: [paused(policy('p', spec))] });
      expect(changed.contents).toEqual(made.contents);
    }
    expect(policiesOf(plan({ credentials, policies: [paused(policy('new'))] }))).toEqual([]);
    expect(
      policiesOf(plan({ credentials, policies: [policy('p', { policyDocument: '{' })] })),
    ).toEqual([{ name: 'p', subjects: ['user/ann'], document: DENIED }]);
  });

  test('what cannot be read of the Secret is not held on to', () => {
    for (const text of ['', 'null', '[]', '{"policies":[null,{"name":1},{"name":"p"}]}', '{']) {
      const credentials = secretOf({ policies: text, credentials: '[{"principal":7}]', ...root });
      const { contents } = plan({ credentials, policies: [paused(policy('p'))] });
      expect(contents?.policies).toBe('{"policies":[]}\n');
    }
  });
});

describe('credentials', () => {
  test('of a namespace without AccessKeys are the root key alone, as it was before there were any', () => {
    expect(plan().contents).toEqual({
      credentials: `${JSON.stringify([root])}\n`,
      policies: '{"policies":[]}\n',
    });
  });

  test('are those of the root, then the good keys of each subject, in order of the principals', () => {
    const keys = [
      key('zoe', { ids: ['B', 'A'] }),
      key('web', { subject: { kind: 'Role', name: 'app' } }),
      key('gone', { state: 'Inactive' }),
      key('app', { ids: ['Z'] }),
    ];
    expect(entriesOf(plan({ keys })).map((each) => [each.principal, each.accessKeyId])).toEqual([
      [undefined, 'AKIAROOT'],
      ['role/app', 'AKIA-web'],
      ['user/app', 'Z'],
      ['user/zoe', 'A'],
      ['user/zoe', 'B'],
    ]);
  });

  test('of the root that people have put there stay as they are', () => {
    const own = [
      { accessKeyId: 'MINE', secretAccessKey: 'm', sessionToken: 't' },
      { accessKeyId: 'OTHER', secretAccessKey: 'o' },
    ];
    const entries = entriesOf(plan({ credentials: rootSecret(own), keys: [key('ann')] }));
    expect(entries.slice(0, 2)).toEqual(own);
    expect(entries).toHaveLength(3);
  });

  test('with a principal that no AccessKey has are taken away, whatever form it has', () => {
    const forged = [
      root,
      { ...root, accessKeyId: 'A', principal: 'user/x' },
      { ...root, accessKeyId: 'B', principal: 7 },
    ];
    expect(entriesOf(plan({ credentials: rootSecret(forged) }))).toEqual([root]);
  });

  test.each([
    ['damaged', { credentials: 'not JSON', ...root }],
    ['empty', { credentials: '[]', ...root }],
    ['missing', { ...root }],
    [
      'of AccessKeys alone',
      { credentials: JSON.stringify([{ ...root, principal: 'user/x' }]), ...root },
    ],
  ])('that are %s are made anew from the key that the Secret shows', (_name, data) => {
    expect(entriesOf(plan({ credentials: secretOf({ ...data }) }))).toEqual([root]);
  });

  test('are not written when there is no root key at all', () => {
    const lost = plan({ credentials: secretOf({ credentials: '[]' }), keys: [key('ann')] });
    expect(lost.contents).toBeUndefined();
  });

  test('take an id once: the root has it before AccessKeys, the older AccessKey before the younger', () => {
    const keys = [
      key('younger', { ids: ['SAME'], second: 2 }),
      key('older', { ids: ['SAME'], second: 1 }),
      key('forger', { ids: ['AKIAROOT'] }),
      key('twice', { ids: ['T', 'T'] }),
    ];
    const planned = plan({ keys });
    expect(
      entriesOf(planned).map(({ accessKeyId, principal }) => [principal, accessKeyId]),
    ).toEqual([
      [undefined, 'AKIAROOT'],
      ['user/older', 'SAME'],
      ['user/twice', 'T'],
    ]);
    expect(
      planned.keys.map((each) => [each.key.metadata.name, each.obstacle?.reason, each.isPublished]),
    ).toEqual([
      ['forger', 'AccessKeyIDTaken', false],
      ['twice', undefined, true],
      ['older', undefined, true],
      ['younger', 'AccessKeyIDTaken', false],
    ]);
  });

  test('that are too many leave out the youngest, and stay readable', () => {
    const keys = Array.from({ length: 3000 }, (_, index) => key(`key-${index}`, { second: index }));
    const planned = plan({ keys });
    expect(entriesOf(planned).length).toBeGreaterThan(1000);
    const leftOut = planned.keys.filter(({ obstacle }) => obstacle?.reason === 'QuotaExceeded');
    expect(leftOut.length).toBeGreaterThan(0);
    expect(leftOut.at(0)?.key.metadata.name).toBe(`key-${3000 - leftOut.length}`);
    expect(Buffer.byteLength(planned.contents?.credentials ?? '')).toBeLessThanOrEqual(262_144);
  });
});

describe('policies', () => {
  test('have IAM documents, with the ARNs of this account for short names', () => {
    const condition = { StringEquals: { 'aws:username': ['ann'] } };
    const statements = [
      { ...reading, sid: 'Read', condition },
      { effect: 'Deny', notActions: ['dax:*'], notResources: ['cache/front'] },
    ] as const;
    expect(policiesOf(plan({ policies: [policy('readers', { statements })] }))).toEqual([
      {
        name: 'readers',
        subjects: ['user/ann'],
        document: {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'Read',
              Effect: 'Allow',
              Action: ['dynamodb:GetItem'],
              Resource: [
                'arn:aws:dynamodb:eu-west-1:123456789012:table/Music',
                'arn:aws:dynamodb:*:*:table/Other',
              ],
              Condition: condition,
            },
            {
              Effect: 'Deny',
              NotAction: ['dax:*'],
              NotResource: ['arn:aws:dax:eu-west-1:123456789012:cache/front'],
            },
          ],
        },
      },
    ]);
  });

  test('may be given as a document, which stays as it is', () => {
    const document = { Statement: { Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' } };
    const policies = [policy('all', { policyDocument: JSON.stringify(document) })];
    expect(policiesOf(plan({ policies }))[0]?.document).toEqual(document);
  });

  test('are about the principals of their subjects', () => {
    const policies = [
      policy('many', {
        subjects: [
          { kind: 'Role', name: 'app' },
          { kind: 'AccessKey', name: 'web' },
          { kind: 'AccessKey', name: 'old' },
          { kind: 'AccessKey', name: 'nowhere' },
          { kind: 'DaxCluster', name: 'front' },
          { kind: 'DaxCluster', name: 'nowhere' },
        ],
      }),
    ];
    const keys = [
      key('web', { subject: { kind: 'Role', name: 'app' } }),
      key('old', { state: 'Inactive' }),
    ];
    const clusters = [cluster('front', { kind: 'AccessPolicy', name: 'none' })];
    const planned = plan({ policies, keys, clusters });
    expect(policiesOf(planned).find(({ name }) => name === 'many')?.subjects).toEqual([
      'dax/front',
      'role/app',
      'user/old',
    ]);
    expect(planned.policies[0]).toMatchObject({
      subjects: ['dax/front', 'role/app', 'user/old'],
      missing: ['AccessKey nowhere', 'DaxCluster nowhere'],
    });
  });

  test('without anybody to be about are left out, and nobody else is concerned', () => {
    const planned = plan({ policies: [policy('nobody', { subjects: [], policyDocument: '{' })] });
    expect(policiesOf(planned)).toEqual([]);
    expect(planned.policies[0]).toMatchObject({ revision: undefined, subjects: [] });
  });

  test.each([
    ['is no JSON', '{', /^policyDocument is not JSON: /],
    ['is no object', '[]', /object/],
    ['has no statement', '{"Version": "2012-10-17"}', /Statement/],
    [
      'has an effect that there is not',
      '{"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}',
      /Statement.Effect must be "Allow" or "Deny"/,
    ],
  ])('whose document %s deny their subjects everything', (_name, policyDocument, message) => {
    const planned = plan({ policies: [policy('bad', { policyDocument }), policy('good')] });
    expect(policiesOf(planned)).toMatchObject([
      { name: 'bad', subjects: ['user/ann'], document: DENIED },
      { name: 'good' },
    ]);
    expect(planned.policies.map(({ fault }) => fault)).toEqual([
      expect.stringMatching(message),
      undefined,
    ]);
  });

  test('that are too large leave out the youngest, and deny everything to their subjects who have keys', () => {
    const policyDocument = JSON.stringify({
      Statement: {
        Effect: 'Allow',
        Action: '*',
        Resource: Array(10).fill(`arn:aws:s3:::${'x'.repeat(2000)}`),
      },
    });
    const big = Array.from({ length: 30 }, (_, index) =>
      policy(
        `big-${index}`,
        {
          policyDocument,
          subjects: [
            { kind: 'User', name: `user-${index}` },
            { kind: 'User', name: 'keyless' },
          ],
        },
        index,
      ),
    );
    const keys = Array.from({ length: 30 }, (_, index) => key(`user-${index}`));
    const planned = plan({ policies: big, keys });
    const leftOut = planned.policies.filter(({ isLeftOut }) => isLeftOut);
    expect(leftOut.map(({ policy: { metadata } }) => metadata.name)).toContain('big-29');
    expect(leftOut.length).toBeLessThan(10);
    const withheld = policiesOf(planned).filter(({ name }) => name.startsWith('trestle/withheld/'));
    expect(withheld).toMatchObject([{ document: DENIED }]);
    expect(withheld[0]?.subjects).toEqual(
      leftOut
        .map(({ policy: { metadata } }) => metadata.name.replace('big', 'user/user'))
        .toSorted(),
    );
  });

  test('that are too many, by their number or by that of their subjects, are left out alike', () => {
    const many = Array.from({ length: 1100 }, (_, index) => policy(`p-${index}`, {}, index));
    const planned = plan({ policies: many, keys: [key('ann')] });
    expect(policiesOf(planned)).toHaveLength(1000);
    expect(policiesOf(planned).at(-1)).toMatchObject({
      name: 'trestle/withheld/0',
      subjects: ['user/ann'],
      document: DENIED,
    });
  });
});

test('the policies of the examples are valid', () => {
  const folder = join(import.meta.dirname, '../../hack/examples/kubernetes');
  const policies = ['access.yaml', 'dax.yaml'].flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8'))
      .map((document) => document.toJS())
      .filter((object) => object?.kind === 'AccessPolicy'),
  );
  expect(policies.length).toBeGreaterThan(3);
  expect(plan({ policies }).policies.map(({ fault }) => fault)).toEqual(
    policies.map(() => undefined),
  );
});

describe('clusters of DAX nodes', () => {
  const front = cluster(
    'front',
    { kind: 'AccessPolicy', name: 'readers' },
    { clusterName: 'Front' },
  );
  const pair = { accessKeyId: 'ROLE', secretAccessKey: 'of front' };

  test('have a key, the policy of their roleRef, and their own records in the registry', () => {
    const planned = plan({
      clusters: [front],
      roles: new Map([['front', pair]]),
      policies: [policy('readers')],
    });
    expect(entriesOf(planned)).toEqual([root, { ...pair, principal: 'dax/Front' }]);
    const table = 'arn:aws:dynamodb:eu-west-1:123456789012:table/trestle-dax-registry';
    const own = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['Front'] } };
    expect(policiesOf(planned)).toMatchObject([
      { name: 'readers', subjects: ['dax/Front', 'user/ann'] },
      {
        name: 'trestle/dax-registry/Front',
        subjects: ['dax/Front'],
        document: {
          Statement: [
            {
              Effect: 'Allow',
              Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
              Resource: table,
              Condition: own,
            },
          ],
        },
      },
    ]);
  });

  test('that use an AccessKey act as its subject, and have no key of their own', () => {
    const clusters = [cluster('front', { kind: 'AccessKey', name: 'web' })];
    const planned = plan({ clusters, keys: [key('web')], roles: new Map([['front', pair]]) });
    expect(entriesOf(planned).map(({ principal }) => principal)).toEqual([undefined, 'user/web']);
    expect(policiesOf(planned)).toMatchObject([{ subjects: ['user/web'] }]);
  });

  test('whose AccessKey is not there may do nothing', () => {
    const clusters = [cluster('front', { kind: 'AccessKey', name: 'web' })];
    expect(policiesOf(plan({ clusters }))).toEqual([]);
  });

  test('of one name: the younger one adds nothing to what the older one may do', () => {
    const rival = cluster(
      'rival',
      { kind: 'AccessPolicy', name: 'all' },
      { clusterName: 'Front', second: 9 },
    );
    const planned = plan({
      clusters: [rival, front],
      roles: new Map([['rival', { ...pair, accessKeyId: 'RIVAL' }]]),
      policies: [policy('all')],
    });
    expect(entriesOf(planned)).toEqual([root]);
    expect(policiesOf(planned)[0]).toMatchObject({ name: 'all', subjects: ['user/ann'] });
  });

  test('whose name no principal can have are left out, rather than make the file unreadable', () => {
    const roleRef = { kind: 'AccessPolicy', name: 'readers' } as const;
    const clusters = [cluster('front', roleRef, { clusterName: 'a b' })];
    expect(policiesOf(plan({ clusters }))).toEqual([]);
  });
});

describe('whatever the objects are', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const second = fc.integer({ min: 0, max: 3 });
  const id = fc.oneof(
    fc.constantFrom('AKIAROOT', 'S', 'T', 'U', 'V'),
    fc.stringMatching(/^[A-Z]{4}$/),
  );
  const subject = fc.record({ kind: fc.constantFrom('User', 'Role'), name }) as fc.Arbitrary<
    ObservedKey['key']['spec']['subject']
  >;
  const keys = fc
    .uniqueArray(
      fc.record({
        name,
        second,
        subject,
        ids: fc.tuple(id, id),
        state: fc.constantFrom('Active', 'Inactive'),
      }),
      { selector: (each) => each.name },
    )
    .map((list) => list.map(({ name, ...change }) => key(name, change as KeyChange)));
  const subjects = fc.uniqueArray(
    fc.record({ kind: fc.constantFrom('AccessKey', 'User', 'Role', 'DaxCluster'), name }),
    { selector: (each) => `${each.kind} ${each.name}` },
  );
  const documents = fc.constantFrom(
    '{',
    '[]',
    '{"Statement": []}',
    '{"Statement": {"Effect": "Deny", "Action": "dax:*", "Resource": "*"}}',
  );
  const policies = fc
    .uniqueArray(
      fc.record({
        name,
        second,
        subjects,
        policyDocument: fc.option(documents, { nil: undefined }),
      }),
      { selector: (each) => each.name },
    )
    .map((list) =>
      list.map(({ name, second, subjects, policyDocument }) =>
        policy(
          name,
          {
            subjects,
            ...(policyDocument !== undefined && { policyDocument }),
          } as AccessPolicyResource['spec'],
          second,
        ),
      ),
    );
  const clusters = fc
    .uniqueArray(
      fc.record({
        name,
        second,
        roleRef: fc.record({ kind: fc.constantFrom('AccessKey', 'AccessPolicy'), name }),
        clusterName: name,
      }),
      { selector: (each) => each.name },
    )
    .map((list) =>
      list.map(({ name, roleRef, ...change }) =>
        cluster(name, roleRef as DaxClusterRole['spec']['roleRef'], change),
      ),
    );
  const roles = fc
    .dictionary(name, id)
    .map(
      (ids) =>
        new Map(
          Object.entries(ids).map(([of, accessKeyId]) => [
            of,
            { accessKeyId, secretAccessKey: 's' },
          ]),
        ),
    );
  const observed = fc.record({ keys, policies, clusters, roles });

  test("routers can read it, the root key is in it, and no key is anybody else's", () => {
    fc.assert(
      fc.property(observed, (given) => {
        const entries = entriesOf(plan(given));
        policiesOf(plan(given));
        expect(entries[0]).toEqual(root);
        expect(entries.filter(({ principal }) => principal === undefined)).toHaveLength(1);
        for (const { accessKeyId, principal } of entries.slice(1)) {
          const isOfKey = given.keys.some(
            ({ key: { spec }, material }) =>
              spec.state === 'Active' &&
              principal === `${spec.subject.kind.toLowerCase()}/${spec.subject.name}` &&
              [material?.current, material?.previous].some(
                (each) => each?.accessKeyId === accessKeyId,
              ),
          );
          const isOfCluster = given.clusters.some(
            ({ metadata, spec }) =>
              principal === `dax/${spec.clusterName}` &&
              given.roles.get(metadata.name)?.accessKeyId === accessKeyId,
          );
          expect(isOfKey || isOfCluster).toBe(true);
        }
      }),
    );
  });

  test('the order in which they are listed changes nothing, nor does compiling what was compiled', () => {
    fc.assert(
      fc.property(observed, (given) => {
        const once = plan(given).contents;
        const turned = {
          keys: given.keys.toReversed(),
          policies: given.policies.toReversed(),
          clusters: given.clusters.toReversed(),
          roles: given.roles,
        };
        expect(plan(turned).contents).toEqual(once);
        const credentials = secretOf({ ...once, ...root });
        expect(rootEntries(credentials)).toEqual([root]);
        expect(plan({ ...given, credentials }).contents).toEqual(once);
      }),
    );
  });

  test('a policy that is not valid allows nobody anything, and denies its subjects everything', () => {
    fc.assert(
      fc.property(observed, (given) => {
        const planned = plan(given);
        const compiled = new Map(policiesOf(planned).map((each) => [each.name, each]));
        for (const { policy, fault, subjects } of planned.policies) {
          const entry = compiled.get(policy.metadata.name);
          expect(entry?.subjects ?? []).toEqual(subjects);
          if (fault !== undefined && entry !== undefined) expect(entry.document).toEqual(DENIED);
        }
      }),
    );
  });
});
