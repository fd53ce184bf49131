import { describe, expect, it } from 'vitest';
import { findStaleReads } from './eventual-reads.ts';
import { faultSchedule } from './fault-schedule.ts';
import { defaultFaultWeights } from './faults.ts';
import { History } from './history.ts';
import { checkLinearizable } from './linearizability.ts';
import { type RegisterBug, registerClients, registerNode } from './register-program.fixture.ts';
import { defaultClusterOptions, type FaultHooks, SimCluster } from './sim-cluster.ts';

const nodes = ['n1', 'n2', 'n3'];
const routers = ['r1', 'r2'];
const hooks: FaultHooks = {
  mayLoseData: () => false,
  memberChange: () => {},
  leaderTransfer: () => {},
  coreTrap: () => {},
  leaderCut: () => {},
};

/** A minute of clients and faults. */
async function runRegisters(seed: number, bug: RegisterBug = 'none') {
  const cluster = new SimCluster<undefined>(seed, {
    ...defaultClusterOptions,
    bodyMode: 'checked',
  });
  const { world } = cluster;
  const history = new History(() => world.nowMs);
  for (const id of nodes) {
    cluster.addMachine(
      id,
      'node',
      registerNode(
        bug,
        nodes.filter((other) => other !== id),
      ),
    );
  }
  for (const id of routers) {
    cluster.addMachine(id, 'router', registerClients(history, { bug, nodes }));
  }
  cluster.startAll();
  const faults = faultSchedule(world.random.fork('faults'), {
    nodes,
    routers,
    startMs: 2_000,
    endMs: 50_000,
    gapMs: 1_000,
    durationMsMax: 8_000,
    downMax: 2,
    repairMs: 20_000,
    weights: defaultFaultWeights,
  });
  cluster.schedule(faults, hooks);
  await world.run(60_000);
  return { cluster, history };
}

describe('SimCluster', () => {
  it('a seed gives the same run each time, another seed another one', async () => {
    const hashes: string[] = [];
    for (const seed of [1, 1, 2]) {
      const { cluster, history } = await runRegisters(seed);
      cluster.world.trace.note(JSON.stringify(history.operations));
      hashes.push(cluster.world.trace.hash);
    }
    expect(hashes[1]).toBe(hashes[0]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });
  it('one synced copy of a register is linearizable, whatever happens', async () => {
    const applied = new Set<string>();
    for (let seed = 0; seed < 15; seed += 1) {
      const { cluster, history } = await runRegisters(seed);
      const { verdict, violations } = checkLinearizable(history.operations);
      expect(verdict, `seed ${seed}\n${violations[0]?.report}`).toBe('linearizable');
      const answered = history.operations.filter(({ outcome }) => outcome.kind === 'ok');
      expect(answered.length, `seed ${seed}`).toBeGreaterThan(500);
      for (const kind of cluster.applied.keys()) {
        applied.add(kind);
      }
    }
    expect(applied.size).toBeGreaterThan(18);
  });
  it('a service that acknowledges what is not on disk is convicted', async () => {
    let convicted = 0;
    for (let seed = 0; seed < 15; seed += 1) {
      const { history } = await runRegisters(seed, 'acknowledgesUnsynced');
      convicted += checkLinearizable(history.operations).verdict === 'violated' ? 1 : 0;
    }
    expect(convicted).toBeGreaterThan(5);
  });
  it('a service that reads copies is convicted', async () => {
    const { history } = await runRegisters(3, 'readsAtAnyNode');
    expect(checkLinearizable(history.operations).verdict).toBe('violated');
    // The same reads, if they only promise to be recent: copies miss what was sent while they were down.
    const eventual = history.operations.map((operation) =>
      operation.operation.kind === 'get'
        ? { ...operation, operation: { kind: 'getEventual' as const } }
        : operation,
    );
    const options = { stalenessMsMax: 120_000, initial: undefined };
    expect(findStaleReads(eventual, options)).toEqual([]);
  });
  it('healAll: everything runs and is connected again', async () => {
    const { cluster } = await runRegisters(4);
    for (const { process, app, id, isRunning } of cluster.machines.values()) {
      expect([isRunning, process?.isPaused, app], id).toEqual([true, false, undefined]);
    }
  });
  it('a process that exits, or fails to boot, is started again', async () => {
    const cluster = new SimCluster<string>(5);
    const machine = cluster.addMachine('n1', 'node', {
      boot: ({ exit, scheduler }) => {
        if (machine.startsCount === 1) {
          throw new Error('the store is damaged');
        }
        if (machine.startsCount === 2) {
          scheduler.after(100, () => exit('a group is corrupt'));
        }
        return 'running';
      },
      shutdown: async () => {},
    });
    machine.start();
    await cluster.world.run(() => machine.startsCount === 3 && machine.app === 'running');
    expect(cluster.log.map(({ fields }) => fields.reason)).toEqual([
      'boot failed: Error: the store is damaged',
      'a group is corrupt',
    ]);
  });
  it('shutdown: the program ends in order before its process does', async () => {
    const cluster = new SimCluster<string>(6);
    const ended: string[] = [];
    const machine = cluster.addMachine('n1', 'node', {
      boot: () => 'app',
      shutdown: async (app) => {
        ended.push(app);
      },
    });
    machine.start();
    await cluster.world.run(() => machine.app !== undefined);
    machine.shutdown();
    await cluster.world.run(() => !machine.isRunning);
    expect(ended).toEqual(['app']);
  });
});
