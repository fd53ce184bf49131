import { expect, test } from 'vitest';
import type { TableResource } from '../../dataplane/kubernetes/table-resource.ts';
import { namesOf } from './children.ts';
import { findingsOf } from './conditions.ts';
import { NO_ZONE } from './names.ts';
import {
  claimOf,
  install,
  newTable,
  nodeOf,
  nowMs,
  podWith,
  replicaOf,
  settledTable,
  tableOf,
  withSlot,
  zoneNodes,
} from './observed.fixture.ts';
import type { ObservedTable } from './observed.ts';
import { planTable, SETTLED_MS } from './plan.ts';
import { isSameButCounts, statusOf } from './status.ts';

const kinds = (observed: ObservedTable) =>
  planTable(observed).steps.map((step) =>
    step.kind === 'apply' ? `apply ${step.object.kind}` : step.kind,
  );

const condition = (observed: ObservedTable, type: string) => {
  const plan = planTable(observed);
  return findingsOf(observed, plan, plan.stalls).find((finding) => finding.type === type);
};

const names = namesOf(tableOf());
const pods = [0, 1, 2].map((slot) => names.pod(slot));
const silent = (pod: string) => ({ pod, kind: 'silent', reason: 'no answer' }) as const;

test('a new Table: certificates first, then the objects in their order', () => {
  expect(kinds(newTable())).toEqual([
    'issueCertificates',
    'apply ConfigMap',
    'apply Service',
    'apply NetworkPolicy',
    'apply PodDisruptionBudget',
    'apply StatefulSet',
    'apply StatefulSet',
    'apply StatefulSet',
  ]);
  expect(condition(newTable(), 'Ready')).toMatchObject({ status: 'False', reason: 'Creating' });
  expect(condition(newTable(), 'Reconciling')).toMatchObject({
    status: 'True',
    reason: 'Creating',
  });
});

test('a Table that is as it is to be: nothing is done, and it is looked at again later', () => {
  const plan = planTable(settledTable());
  expect(plan.steps).toEqual([]);
  expect(plan.stalls).toEqual([]);
  expect(plan.requeueAfterMs).toBe(SETTLED_MS);
  expect(condition(settledTable(), 'Ready')).toMatchObject({ status: 'True', reason: 'Active' });
  expect(condition(settledTable(), 'Reconciling')).toBeUndefined();
  expect(condition(settledTable(), 'QuorumHealthy')).toMatchObject({ status: 'True' });
});

test('the status names the newest stream, and while nobody can be asked the one that it named last', () => {
  const settled = settledTable();
  if (settled.catalog.kind !== 'present') throw new Error('the table is there');
  const { described } = settled.catalog;
  const stream = { LatestStreamArn: 'arn:music/stream/then', LatestStreamLabel: 'then' };
  const catalog = {
    kind: 'present',
    described: { ...described, table: { ...described.table, ...stream } },
  } as const;
  const shown = { latestStreamARN: 'arn:music/stream/then', latestStreamLabel: 'then' };
  const observed = { ...settled, catalog };
  const status = statusOf(observed, planTable(observed), []);
  expect(status).toMatchObject(shown);
  const unknown: ObservedTable = {
    ...settled,
    catalog: { kind: 'unknown', reason: 'no answer' },
    table: { ...settled.table, status },
  };
  expect(statusOf(unknown, planTable(unknown), [])).toMatchObject(shown);
});

test('only what others have changed is applied again', () => {
  const observed = settledTable({
    provenance: new Map([[`Service/${names.base}`, 'drifted' as const]]),
  });
  expect(kinds(observed)).toEqual(['apply Service']);
});

test('what is being deleted is not applied before it is gone', () => {
  const observed = settledTable();
  const [key, service] = [...observed.children].find(([name]) => name.startsWith('Service/')) ?? [];
  if (key === undefined || service === undefined) throw new Error('there is a Service');
  const metadata = { ...service.metadata, deletionTimestamp: '2026-11-26T12:00:00Z' };
  const children = new Map([...observed.children, [key, { ...service, metadata }]]);
  expect(
    kinds({ ...observed, children, provenance: new Map([[key, 'drifted' as const]]) }),
  ).toEqual([]);
});

const found = (change: Partial<ObservedTable>): ObservedTable => {
  const settled = settledTable();
  // Not founded: the topology does not say so either.
  const children = new Map(
    [...settled.children].map(([key, object]) => [
      key,
      { ...object, metadata: { ...object.metadata, annotations: {} } },
    ]),
  );
  return { ...settled, children, catalog: { kind: 'unknown', reason: '' }, ...change };
};

test('the cluster is founded when all nodes answer and none has a catalog', () => {
  const empty = pods.map((pod) => nodeOf(pod, pods, { replicas: [] }));
  expect(kinds(found({ nodeViews: empty }))).toContain('bootstrap');
  const twoOfThree = [...empty.slice(0, 2), silent(pods[2] ?? '')];
  expect(kinds(found({ nodeViews: twoOfThree }))).not.toContain('bootstrap');
});

test('empty volumes in place of full ones are a loss, not a beginning', () => {
  const empty = pods.map((pod) => nodeOf(pod, pods, { replicas: [] }));
  const observed = settledTable({ nodeViews: empty, catalog: { kind: 'unknown', reason: '' } });
  const plan = planTable(observed);
  expect(plan.steps.map(({ kind }) => kind)).not.toContain('bootstrap');
  expect(plan.stalls).toMatchObject([{ reason: 'DataLost' }]);
  expect(condition(observed, 'Ready')).toMatchObject({ status: 'False', reason: 'QuorumLost' });
});

test('a catalog without the table has it created', () => {
  const plan = planTable(settledTable({ catalog: { kind: 'absent' } }));
  expect(plan.steps).toMatchObject([
    { kind: 'operate', operation: 'CreateTable', body: { TableName: 'Music' } },
  ]);
});

test('another spec is sent to the data plane', () => {
  const observed = settledTable({ table: tableOf({ tags: [{ key: 'team', value: 'records' }] }) });
  expect(planTable(observed).steps).toMatchObject([{ kind: 'operate', operation: 'TagResource' }]);
  expect(condition(observed, 'Reconciling')).toMatchObject({ reason: 'Updating' });
});

test('of two Tables of one name the older has it, whatever they are called', () => {
  const other: TableResource = tableOf(
    {},
    { name: 'other', uid: 'ffff', creationTimestamp: '2026-11-26T09:00:00Z' },
  );
  const loser = newTable({ rivals: [other] });
  expect(planTable(loser).steps).toEqual([]);
  expect(planTable(loser).stalls).toMatchObject([
    { reason: 'TableNameConflict', message: expect.stringContaining('other') },
  ]);
  const winner = newTable({
    rivals: [
      tableOf({}, { name: 'other', uid: 'ffff', creationTimestamp: '2026-11-26T11:00:00Z' }),
    ],
  });
  expect(planTable(winner).stalls).toEqual([]);
  const twin = tableOf({}, { name: 'other', uid: '0000' });
  expect(planTable(newTable({ rivals: [twin] })).stalls).toMatchObject([
    { reason: 'TableNameConflict' },
  ]);
});

test('a paused Table is left alone and tells so', () => {
  const table = tableOf({}, { annotations: { 'trestle.dev/paused': 'true' } });
  expect(planTable(newTable({ table })).steps).toEqual([]);
  expect(condition(newTable({ table }), 'Ready')).toMatchObject({
    status: 'Unknown',
    reason: 'Paused',
  });
});

test('certificates of a paused Table whose pods are there are renewed, and nothing else is done', () => {
  const table = tableOf(
    { storage: { size: '20Gi' } },
    { annotations: { 'trestle.dev/paused': 'true' } },
  );
  const certificates = { kind: 'due', reason: 'the certificate of a node is renewed' } as const;
  const observed = { ...settledTable(), table, certificates };
  expect(kinds(observed)).toEqual(['issueCertificates']);
  expect(condition(observed, 'Ready')).toMatchObject({
    reason: 'Paused',
    message: expect.stringContaining('certificates are renewed'),
  });
  expect(condition(observed, 'CertificatesReady')).toMatchObject({ reason: 'Issuing' });
});

test('a Table that is paused in the middle of a rollout holds nobody up, and goes on afterwards', () => {
  const newer = { ...install, dataImage: 'trestle:2' };
  const rolling = { ...settledTable(), install: newer };
  const draining = { ...rolling, table: { ...rolling.table, status: rollingStatus(rolling) } };
  expect(planTable(rolling).rollout).toBeDefined();
  const annotations = { 'trestle.dev/paused': 'true' };
  const { metadata } = draining.table;
  const paused = {
    ...draining,
    table: { ...draining.table, metadata: { ...metadata, annotations } },
  };
  expect(planTable(paused)).toMatchObject({ steps: [], events: [], rollout: undefined });
  expect(statusOf(paused, planTable(paused), []).rollout).toBeUndefined();
});

const rollingStatus = (observed: ObservedTable) => statusOf(observed, planTable(observed), []);

test('a paused Table that is to be deleted stays, and says what is held', () => {
  const table = tableOf(
    { deletionPolicy: 'Delete' },
    {
      annotations: { 'trestle.dev/paused': 'true' },
      deletionTimestamp: '2026-11-26T12:00:00Z',
      finalizers: ['trestle.dev/cleanup'],
    },
  );
  const observed = settledTable({ table });
  expect(planTable(observed).steps).toEqual([]);
  expect(condition(observed, 'Ready')).toMatchObject({
    reason: 'Paused',
    message: expect.stringContaining('the Table is to be deleted'),
  });
});

test('an overlay that cannot be merged changes no object; the table itself goes on', () => {
  const table = tableOf({
    podTemplate: { spec: { hostPID: true } },
    tags: [{ key: 'a', value: 'b' }],
  });
  const observed = { ...settledTable(), table };
  expect(planTable(observed).stalls).toMatchObject([{ reason: 'InvalidPodTemplate' }]);
  expect(kinds(observed)).toEqual(['operate']);
});

test('no StorageClass: told while volumes are missing', () => {
  const missing = { kind: 'missing', name: 'fast' } as const;
  expect(planTable(newTable({ storageClass: missing })).stalls).toMatchObject([
    { reason: 'StorageClassNotFound', message: expect.stringContaining('fast') },
  ]);
  expect(planTable(settledTable({ storageClass: missing })).stalls).toEqual([]);
});

test('with Manual upgrades a table keeps its image until it is annotated', () => {
  const newer = { ...install, dataImage: 'trestle:2' };
  const settled = settledTable();
  expect(kinds({ ...settled, install: newer })).toEqual([
    'apply StatefulSet',
    'apply StatefulSet',
    'apply StatefulSet',
  ]);
  const manual = { ...newer, upgradePolicy: 'Manual' as const };
  expect(kinds({ ...settled, install: manual })).toEqual([]);
  const table = tableOf({}, { annotations: { 'trestle.dev/upgrade': 'true' } });
  expect(kinds({ ...settled, install: manual, table })).toHaveLength(3);
});

test('a pod that is drained for no reason takes part again, unless it is leaving', () => {
  const views = pods.map((pod, slot) => nodeOf(pod, pods, { isDraining: slot === 1 }));
  const observed = settledTable({ nodeViews: views });
  expect(planTable(observed).steps).toEqual([{ kind: 'drain', pod: pods[1], isWished: false }]);
  const leaving = withSlot(observed, 1, ({ pod }) => ({
    pod: pod && { ...pod, metadata: { ...pod.metadata, deletionTimestamp: 'now' } },
  }));
  expect(planTable(leaving).steps).toEqual([]);
});

test('a node that is away: under-replicated and still ready; most of them away: no quorum', () => {
  const [first = '', second = '', third = ''] = pods;
  const one = settledTable({
    nodeViews: [nodeOf(first, pods), nodeOf(second, pods), silent(third)],
  });
  expect(condition(one, 'QuorumHealthy')).toMatchObject({
    status: 'False',
    reason: 'UnderReplicated',
    message: expect.stringContaining(third),
  });
  expect(condition(one, 'Ready')).toMatchObject({ status: 'True' });
  const views = [nodeOf(first, pods), silent(second), silent(third)];
  expect(condition(settledTable({ nodeViews: views }), 'Ready')).toMatchObject({
    status: 'Unknown',
    reason: 'NodesUnreachable',
  });
  const down = [1, 2].reduce(
    (observed, slot) =>
      withSlot(observed, slot, ({ pod }) => ({
        pod: podWith(pod, { conditions: [{ type: 'Ready', status: 'False' }] }),
      })),
    settledTable({ nodeViews: views }),
  );
  expect(condition(down, 'Ready')).toMatchObject({ status: 'False', reason: 'QuorumLost' });
});

test('partitions without a leader, and new replicas on their way, are told', () => {
  const leaderless = pods.map((pod) =>
    nodeOf(pod, pods, { replicas: ['0', '1'].map((id) => replicaOf(id, pods, { leader: null })) }),
  );
  expect(condition(settledTable({ nodeViews: leaderless }), 'QuorumHealthy')).toMatchObject({
    reason: 'LeaderlessPartitions',
  });
  const learning = pods.map((pod) =>
    nodeOf(pod, pods, {
      replicas: [
        replicaOf('1', pods, { role: pod === pods[0] ? 'leader' : 'follower', learners: ['new'] }),
        replicaOf('0', pods, { role: 'leader' }),
      ],
    }),
  );
  expect(condition(settledTable({ nodeViews: learning }), 'Reconciling')).toMatchObject({
    reason: 'MovingReplica',
  });
});

test('a zone without machines is told, and its pod is left where it is', () => {
  const lost = withSlot(
    settledTable({ nodes: zoneNodes.filter(({ zone }) => zone !== 'c') }),
    2,
    ({ pod }) => ({
      pod: podWith(pod, { conditions: [{ type: 'Ready', status: 'False' }] }),
    }),
  );
  expect(condition(lost, 'ZoneSpread')).toMatchObject({
    status: 'False',
    reason: 'ZoneLost',
    message: expect.stringContaining('c'),
  });
  expect(kinds(lost)).toEqual([]);
});

test.each([
  [['one', 'one', 'one'], 'all 3 replicas are on node one: the table stops when it does'],
  [['one', 'two', 'two'], '2 of 3 replicas are on node two: the table stops when it does'],
  [['one', 'two', 'three'], 'replicas are on 3 nodes'],
  [['one', 'two', undefined], 'replicas are spread over machines as far as possible'],
])('without zones, it is told what a table loses with one node: %j', (machines, message) => {
  const observed = settledTable();
  const slots = observed.slots.map((slot, index) => ({
    ...slot,
    pod: slot.pod && { ...slot.pod, spec: { ...slot.pod.spec, nodeName: machines[index] } },
  }));
  const plan = { ...planTable(observed), zones: [NO_ZONE, NO_ZONE, NO_ZONE] };
  const findings = findingsOf({ ...observed, slots } as ObservedTable, plan, []);
  expect(findings.find(({ type }) => type === 'ZoneSpread')).toMatchObject({
    reason: 'NoZoneLabels',
    message: `nodes have no zone labels; ${message}`,
  });
});

const gone = (observed: ObservedTable) =>
  withSlot(
    {
      ...observed,
      nodes: [
        ...zoneNodes.filter(({ name }) => name !== 'machine-3'),
        { ...(zoneNodes[2] as (typeof zoneNodes)[0]), name: 'machine-4' },
      ],
    },
    2,
    ({ pod, claim }) => ({
      pod: podWith(pod, {
        phase: 'Pending',
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            lastTransitionTime: new Date(nowMs - 120_000).toISOString(),
          },
        ],
      }),
      claim: claim && {
        ...claim,
        metadata: {
          ...claim.metadata,
          annotations: { 'volume.kubernetes.io/selected-node': 'machine-3' },
        },
      },
    }),
  );

test('a volume on a machine that is gone is replaced while the others are whole', () => {
  const [first = '', second = '', third = ''] = pods;
  const observed = gone(
    settledTable({ nodeViews: [nodeOf(first, pods), nodeOf(second, pods), silent(third)] }),
  );
  expect(planTable(observed).steps).toMatchObject([
    { kind: 'delete', name: `data-${third}`, uid: `uid-data-${third}` },
    { kind: 'delete', name: third },
  ]);
  const shaky = gone(
    settledTable({ nodeViews: [nodeOf(first, pods), silent(second), silent(third)] }),
  );
  expect(planTable(shaky).steps).toEqual([]);
  expect(planTable(shaky).lostVolumes[0]).toContain('machine-3');
});

test('where no machine has room anyway, it is not the volume that is lost', () => {
  const [first = '', second = '', third = ''] = pods;
  const observed = gone(
    settledTable({ nodeViews: [nodeOf(first, pods), nodeOf(second, pods), silent(third)] }),
  );
  expect(planTable({ ...observed, nodes: zoneNodes.slice(0, 2) }).steps).toEqual([]);
});

test('volumes grow: claims first, then, when they have grown, the StatefulSets are made anew', () => {
  const table = tableOf({ storage: { size: '20Gi' } });
  const before = { ...settledTable(), table };
  expect(planTable(before).steps).toMatchObject(
    [0, 1, 2].map((slot) => ({ kind: 'resizeClaim', name: names.claim(slot), size: '20Gi' })),
  );
  const grow = (observed: ObservedTable, request: string, capacity: string, more = {}) =>
    pods.reduce(
      (now, pod, slot) =>
        withSlot(now, slot, () => ({ claim: claimOf(pod, { request, capacity, ...more }) })),
      observed,
    );
  const growing = grow(before, '20Gi', '10Gi');
  expect(planTable(growing).steps).toEqual([]);
  expect(condition(growing, 'StorageReady')).toMatchObject({ status: 'False', reason: 'Resizing' });
  const grown = grow(before, '20Gi', '20Gi');
  expect(planTable(grown).steps).toMatchObject(
    [0, 1, 2].map((slot) => ({
      kind: 'delete',
      name: names.statefulSet(slot),
      propagationPolicy: 'Orphan',
    })),
  );
  const [first, second, third] = grown.slots;
  const without = {
    ...grown,
    slots: [{ ...first, statefulSet: undefined }, second, third] as ObservedTable['slots'],
  };
  const [made] = planTable(without).steps.filter((step) => step.kind === 'apply');
  expect(made).toMatchObject({
    object: {
      kind: 'StatefulSet',
      spec: { volumeClaimTemplates: [{ spec: { resources: { requests: { storage: '20Gi' } } } }] },
    },
  });
  const failed = grow(before, '20Gi', '10Gi', {
    allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' },
  });
  expect(condition(failed, 'StorageReady')).toMatchObject({ reason: 'ExpansionFailed' });
  const taken = grow(
    { ...settledTable(), table: tableOf({ storage: { size: '15Gi' } }) },
    '20Gi',
    '10Gi',
  );
  expect(planTable(taken).steps).toMatchObject([
    { size: '15Gi' },
    { size: '15Gi' },
    { size: '15Gi' },
  ]);
  const back = grow(settledTable(), '20Gi', '10Gi');
  expect(planTable(back).steps).toEqual([]);
  expect(condition(back, 'StorageReady')?.message).toContain('between 10Gi and 20Gi');
});

test('a volume whose file system has not grown yet is told first, with what to do if that lasts', () => {
  const table = tableOf({ storage: { size: '20Gi' } });
  const pending = { type: 'FileSystemResizePending', status: 'True' } as const;
  const observed = [0, 1, 2].reduce(
    (now, slot) =>
      withSlot(now, slot, () => ({
        claim: claimOf(names.pod(slot), {
          request: '20Gi',
          capacity: '10Gi',
          conditions: slot === 1 ? [pending] : [],
        }),
      })),
    { ...settledTable(), table },
  );
  expect(condition(observed, 'StorageReady')).toMatchObject({
    status: 'False',
    reason: 'Resizing',
    message: expect.stringContaining(`if it takes minutes, ${names.pod(1)} is restarted`),
  });
});

test('a pod of a table that serves and that no machine has room for is told with what to do', () => {
  const unschedulable = {
    type: 'PodScheduled',
    status: 'False',
    reason: 'Unschedulable',
    message: '0/3 nodes are available: 3 Insufficient memory.',
  } as const;
  const said =
    'Unschedulable: 0/3 nodes are available: 3 Insufficient memory; make room on a machine that it may run on, or change podTemplate';
  const without = (observed: ObservedTable, slot: number) => ({
    ...withSlot(observed, slot, ({ pod }) => ({
      pod: podWith(pod, { conditions: [unschedulable] }),
    })),
    nodeViews: observed.nodeViews.map((view, index) =>
      index === slot ? silent(pods[slot] ?? '') : view,
    ),
  });
  const one = without(settledTable(), 2);
  expect(condition(one, 'Ready')).toMatchObject({ status: 'True' });
  expect(condition(one, 'QuorumHealthy')).toMatchObject({
    status: 'False',
    reason: 'UnderReplicated',
    message: expect.stringContaining(`missing or behind on ${pods[2]} (${said})`),
  });
  expect(condition(without(one, 1), 'Ready')).toMatchObject({
    status: 'False',
    message: expect.stringContaining(`${pods[1]}: ${said}`),
  });
});

test('one machine that has all replicas is told, also when it has a zone', () => {
  const observed = settledTable();
  const slots = observed.slots.map((slot) => ({
    ...slot,
    pod: slot.pod && { ...slot.pod, spec: { ...slot.pod.spec, nodeName: 'one' } },
  }));
  const plan = { ...planTable(observed), zones: ['a', 'a', 'a'] };
  const findings = findingsOf({ ...observed, slots }, plan, []);
  expect(findings.find(({ type }) => type === 'ZoneSpread')).toMatchObject({
    reason: 'InsufficientZones',
    message:
      '3 replicas share zone a: one zone less may stop the table; all 3 replicas are on node one: the table stops when it does',
  });
});

test('a class that cannot grow volumes is told, and nothing is asked for', () => {
  const observed = {
    ...settledTable(),
    table: tableOf({ storage: { size: '20Gi' } }),
    storageClass: { kind: 'found', name: 'local', allowsExpansion: false } as const,
  };
  expect(planTable(observed).steps).toEqual([]);
  expect(condition(observed, 'StorageReady')).toMatchObject({
    reason: 'ExpansionUnsupported',
    message: expect.stringContaining('local'),
  });
});

const deleted = (spec: Partial<TableResource['spec']>) =>
  tableOf(spec, { deletionTimestamp: '2026-11-26T12:00:00Z', finalizers: ['trestle.dev/cleanup'] });

test('deletion: nodes, then volumes, then the Table; or the Table alone', () => {
  const full = settledTable({ table: deleted({ deletionPolicy: 'Delete' }) });
  expect(planTable(full).steps).toMatchObject(
    [0, 1, 2].map((slot) => ({ kind: 'delete', name: names.statefulSet(slot) })),
  );
  const stopping = {
    ...full,
    slots: full.slots.map((each) => ({ ...each, statefulSet: undefined })),
  };
  expect(planTable(stopping).steps).toEqual([]);
  const stopped = {
    ...stopping,
    slots: stopping.slots.map((each) => ({ ...each, pod: undefined })),
  };
  expect(planTable(stopped).steps).toMatchObject(
    [0, 1, 2].map((slot) => ({ kind: 'delete', name: names.claim(slot) })),
  );
  const empty = { ...stopped, slots: stopped.slots.map((each) => ({ ...each, claim: undefined })) };
  expect(planTable(empty).steps).toEqual([{ kind: 'setFinalizer', isWished: false }]);
  const retained = settledTable({ table: deleted({ deletionPolicy: 'Retain' }) });
  expect(planTable(retained).steps).toEqual([{ kind: 'setFinalizer', isWished: false }]);
  const guarded = settledTable({
    table: deleted({ deletionPolicy: 'Delete', deletionProtectionEnabled: true }),
  });
  expect(planTable(guarded).steps).toEqual([]);
  expect(condition(guarded, 'Ready')?.message).toContain('deletionProtectionEnabled');
});

test('the finalizer follows the policy', () => {
  expect(kinds(settledTable({ table: tableOf({ deletionPolicy: 'Delete' }) }))).toEqual([
    'setFinalizer',
  ]);
  const held = tableOf({}, { finalizers: ['trestle.dev/cleanup', 'others'] });
  expect(kinds(settledTable({ table: held }))).toEqual(['setFinalizer']);
});

test('times of conditions move only with their status, and counts alone are told apart', () => {
  const observed = settledTable();
  const status = statusOf(observed, planTable(observed), []);
  const later = { ...observed, nowMs: nowMs + 60_000, table: { ...observed.table, status } };
  const again = statusOf(later, planTable(later), []);
  expect(again).toEqual(status);
  expect(isSameButCounts({ ...status, itemCount: 1 }, { ...status, itemCount: 2 })).toBe(true);
  expect(isSameButCounts(status, { ...status, tableStatus: 'UPDATING' })).toBe(false);
});

test('a refused request is told with what the data plane says', () => {
  const observed = settledTable();
  const status = statusOf(observed, planTable(observed), [
    { operation: 'UpdateTable', message: 'One of them is wrong' },
  ]);
  expect(status.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
    reason: 'RequestRefused',
    message: 'UpdateTable is refused: One of them is wrong',
  });
});
