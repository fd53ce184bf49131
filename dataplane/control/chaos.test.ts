import { describe, expect, it } from 'vitest';
import { RemoteFailure, RequestFailed } from '../replication/transport/transport.ts';
import { SimRandom } from '../simulation/random.ts';
import { ControlPlane, newIndex, table } from './control.fixture.ts';

/**
 * Random histories: nodes stop, start and lose their data, calls and answers get lost or come late,
 * leaders of the catalog follow each other, tables come, change and go. FakeCluster sees whatever must
 * never happen; when all is well again, everything must come to rest. A seed repeats its history.
 */
const SEEDS = Number(process.env.CHAOS_SEEDS ?? 30);
const FIRST_SEED = Number(process.env.CHAOS_FIRST ?? 1);
const STEPS = 60;
const ZONES = { n1: 'a', n2: 'b', n3: 'c', n4: 'a', n5: 'b' };

class History {
  readonly random: SimRandom;
  readonly plane: ControlPlane;
  readonly events: string[] = [];
  #tablesCount = 0;

  constructor(random: SimRandom, plane: ControlPlane) {
    this.random = random;
    this.plane = plane;
    const { cluster, time } = plane;
    cluster.beforeCall = async () => {
      if (random.chance(0.03)) throw new RequestFailed('notSent', 'lost');
      if (random.chance(0.05)) await wait(random.between(1, 8_000));
    };
    cluster.beforeAnswer = async () => {
      if (random.chance(0.03)) throw new RequestFailed('unknown', 'lost');
      if (random.chance(0.02)) await wait(random.between(1, 8_000));
    };
    const wait = (ms: number) => new Promise<void>((resolve) => time.after(ms, resolve));
  }

  async step(): Promise<void> {
    const { random, plane } = this;
    const kind = random.weighted({
      stop: 3,
      start: 4,
      wipe: 3,
      create: 4,
      remove: 2,
      change: 3,
      leave: 1,
      die: 2,
      wait: 6,
    });
    const node = random.pick([...plane.cluster.all.keys()]);
    this.events.push(`${kind} ${node}`);
    switch (kind) {
      case 'stop':
        if (this.#mayLose(node)) plane.cluster.stop(node);
        return;
      case 'start':
        plane.cluster.start(node);
        return;
      case 'wipe':
        if (this.#mayLose(node)) plane.cluster.wipe(node);
        return;
      case 'create':
        this.#tablesCount += 1;
        return this.#tell('CreateTable', table({ TableName: `table-${this.#tablesCount}` }));
      case 'remove':
        return this.#tell('DeleteTable', { TableName: this.#someTable() });
      case 'change':
        return this.#tell('UpdateTable', { ...newIndex, TableName: this.#someTable() });
      case 'leave':
        return plane.failOver();
      case 'die':
        plane.life.stepsLeft = random.between(0, 30);
        await plane.time.pass(random.between(1, 3_000));
        plane.life.stepsLeft = 0;
        return plane.failOver();
      case 'wait':
        return plane.time.pass(random.logBetween(10, 20_000));
    }
  }

  #someTable(): string {
    return `table-${this.random.between(1, Math.max(1, this.#tablesCount))}`;
  }

  /** It is begun; whether it comes to anything is not waited for. */
  async #tell(operation: string, body: object): Promise<void> {
    const told = this.plane.call(operation, body).catch((error: unknown) => {
      if (!(error instanceof RemoteFailure)) throw error;
    });
    await Promise.race([told, this.plane.time.pass(this.random.between(1, 2_000))]);
  }

  /** Groups that live must be able to: nobody can repair one that has lost its majority. */
  #mayLose(id: string): boolean {
    const { cluster } = this.plane;
    return cluster.groups.every(({ membership, partitionId }) => {
      const voters = membership.members.filter(({ kind }) => kind === 'voter');
      const left = voters.filter(({ node, replicaId }) => {
        const isThere = cluster.replicaAt(node, partitionId)?.replicaId === replicaId;
        return node !== id && isThere && cluster.at(node).isUp;
      });
      return left.length > voters.length / 2 || !voters.some(({ node }) => node === id);
    });
  }
}

/** All is well from now on. */
async function comeToRest(plane: ControlPlane): Promise<void> {
  plane.cluster.beforeCall = () => {};
  plane.cluster.beforeAnswer = () => {};
  for (const id of plane.cluster.all.keys()) plane.cluster.start(id);
  await plane.time.pass(20_000); // Calls under way arrive.
  await plane.failOver();
  await plane.time.pass(300_000);
}

async function checkRest(plane: ControlPlane): Promise<void> {
  const { cluster } = plane;
  expect(cluster.violations).toEqual([]);
  const { TableNames } = await plane.call('ListTables', {});
  for (const name of TableNames as string[]) {
    expect((await plane.describe(name)).TableStatus).toBe('ACTIVE');
  }
  const ids = plane.partitions();
  for (const id of ids) {
    const members = cluster.groupOf(id)?.membership.members ?? [];
    expect(members.map(({ kind }) => kind)).toEqual(['voter', 'voter', 'voter']);
    const zones = new Set(members.map(({ node }) => cluster.at(node).zone));
    expect(zones.size).toBeGreaterThan(1);
    for (const { node, replicaId } of members) {
      expect(cluster.replicaAt(node, id)?.replicaId).toBe(replicaId);
    }
  }
  const replicas = [...cluster.all.values()].flatMap((node) => [...node.replicas.values()]);
  expect(replicas.filter(({ group }) => group !== undefined)).toHaveLength(3 * ids.length);
}

describe('random histories', () => {
  it(`${SEEDS} of them come to rest, and nothing happens that must not`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const plane = await ControlPlane.open(ZONES);
      const history = new History(new SimRandom(seed), plane);
      try {
        for (let step = 0; step < STEPS; step++) await history.step();
        await comeToRest(plane);
        await checkRest(plane);
      } catch (error) {
        const events = history.events.join(', ');
        throw new Error(`seed ${seed}: ${events}`, { cause: error });
      }
    }
  }, 300_000);
});
