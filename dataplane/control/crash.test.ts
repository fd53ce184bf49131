import { describe, expect, it } from 'vitest';
import { ControlPlane, newIndex, table, tableWithIndex } from './control.fixture.ts';

/**
 * Kill at any point: each scenario runs again and again, and the leader of the catalog dies before its
 * n-th step, for every n. Steps are commits, calls that leave, and answers that come. Another leader
 * takes over what is durable; later the calls arrive that the dead one had on their way.
 */
interface Scenario {
  readonly name: string;
  readonly prepare: (plane: ControlPlane) => Promise<void>;
  readonly run: (plane: ControlPlane) => Promise<void>;
  /** Partition ids that there are to be at the end, when the table is there. */
  readonly partitionsCount: number;
}

async function created(plane: ControlPlane, request = table()): Promise<void> {
  await plane.call('CreateTable', request);
  await plane.untilActive();
}

const scenarios: readonly Scenario[] = [
  {
    name: 'CreateTable',
    prepare: async () => {},
    run: (plane) => created(plane, tableWithIndex),
    partitionsCount: 8,
  },
  {
    name: 'CreateTable, while a node is away',
    prepare: async (plane) => plane.cluster.stop('n2'),
    run: (plane) => created(plane, table()),
    partitionsCount: 4,
  },
  {
    name: 'a new global index',
    prepare: (plane) => created(plane),
    run: async (plane) => {
      await plane.call('UpdateTable', newIndex);
      await plane.untilActive();
    },
    partitionsCount: 8,
  },
  {
    name: 'the deletion of a global index',
    prepare: (plane) => created(plane, tableWithIndex),
    run: async (plane) => {
      const GlobalSecondaryIndexUpdates = [{ Delete: { IndexName: 'by-genre' } }];
      await plane.call('UpdateTable', { TableName: 'Music', GlobalSecondaryIndexUpdates });
      await plane.time.pass(1_000);
    },
    partitionsCount: 8,
  },
  {
    name: 'enabling time to live',
    prepare: (plane) => created(plane),
    run: async (plane) => {
      const TimeToLiveSpecification = { Enabled: true, AttributeName: 'ttl' };
      await plane.call('UpdateTimeToLive', { TableName: 'Music', TimeToLiveSpecification });
      await plane.time.pass(1_000);
    },
    partitionsCount: 4,
  },
  {
    name: 'enabling a stream',
    prepare: (plane) => created(plane),
    run: async (plane) => {
      const StreamSpecification = { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' };
      await plane.call('UpdateTable', { TableName: 'Music', StreamSpecification });
      await plane.untilActive();
    },
    partitionsCount: 4,
  },
  {
    name: 'DeleteTable',
    prepare: (plane) => created(plane, tableWithIndex),
    run: async (plane) => {
      await plane.call('DeleteTable', { TableName: 'Music' });
      await plane.time.pass(1_000);
    },
    partitionsCount: 8,
  },
];

async function exists(plane: ControlPlane): Promise<boolean> {
  const { TableNames } = await plane.call('ListTables', {});
  return Array.isArray(TableNames) && TableNames.length > 0;
}

/** What must hold whether or not the change was accepted before the crash. */
async function check(plane: ControlPlane, { partitionsCount }: Scenario): Promise<void> {
  for (const id of plane.cluster.all.keys()) plane.cluster.start(id);
  await plane.time.pass(20_000);
  if (await exists(plane)) expect((await plane.describe()).TableStatus).toBe('ACTIVE');
  plane.died?.arrive();
  await plane.time.pass(20_000);
  expect(plane.cluster.violations).toEqual([]);
  const isThere = await exists(plane);
  const ids = plane.partitions();
  const expected = [4, 8].includes(ids.length) && ids.length <= partitionsCount;
  if (isThere) expect(expected).toBe(true);
  else expect(ids).toEqual([]);
  for (const { replicas } of plane.cluster.all.values()) {
    expect([...replicas.keys()].sort()).toEqual([...ids].sort());
  }
  const versions = ids.map((id) => plane.cluster.groupOf(id)?.configurationVersion);
  expect(new Set(versions).size).toBeLessThanOrEqual(1);
}

describe('a crash of the leader of the catalog at any step', () => {
  for (const scenario of scenarios) {
    it(`${scenario.name}: comes to rest under the next leader`, async () => {
      for (let stepsCount = 0; ; stepsCount++) {
        const plane = await ControlPlane.open();
        await scenario.prepare(plane);
        const { life } = plane;
        life.stepsLeft = stepsCount;
        let isDone = false;
        const run = scenario.run(plane).then(
          () => {
            isDone = !life.isDead;
          },
          (error: unknown) => {
            if (!life.isDead) throw error; // What a dying process sees does not matter.
          },
        );
        await plane.time.until(() => isDone || life.isDead);
        await Promise.race([run, Promise.resolve()]);
        await plane.failOver();
        await check(plane, scenario);
        if (isDone) break;
        expect(stepsCount, 'the scenario ends').toBeLessThan(500);
      }
    }, 120_000);
  }
});

describe('a node that loses its data at any step of the creation of a table', () => {
  for (const id of ['n1', 'n2']) {
    it(`${id}: the table is ACTIVE all the same, and has all its replicas in the end`, async () => {
      for (let stepsCount = 0; ; stepsCount++) {
        const plane = await ControlPlane.open();
        let stepsLeft = stepsCount;
        plane.life.onStep = () => {
          if (stepsLeft === 0) plane.cluster.wipe(id);
          stepsLeft -= 1;
        };
        await created(plane, tableWithIndex);
        const isWiped = stepsLeft < 0;
        await plane.time.pass(60_000);
        expect(plane.cluster.violations).toEqual([]);
        expect(plane.partitions()).toHaveLength(8);
        for (const partitionId of plane.partitions()) {
          const members = plane.cluster.groupOf(partitionId)?.membership.members ?? [];
          expect(members.map(({ kind }) => kind)).toEqual(['voter', 'voter', 'voter']);
          for (const { node, replicaId } of members) {
            expect(plane.cluster.replicaAt(node, partitionId)?.replicaId).toBe(replicaId);
          }
        }
        if (!isWiped) break;
        expect(stepsCount, 'the creation ends').toBeLessThan(500);
      }
    }, 120_000);
  }
});
