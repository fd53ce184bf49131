import { describe, expect, it } from 'vitest';
import { ClientFault } from '../errors/client-fault.ts';
import type { Item } from '../item/attribute-value.ts';
import { itemBytes } from '../item/size.ts';
import { SimRandom } from '../simulation/random.ts';
import { newIndex, table } from './control.fixture.ts';
import { NodeCluster, type RealNode } from './node-cluster.fixture.ts';

/**
 * Real nodes that are killed, come back, and lose their data at random times while tables are created
 * and written to. What was answered to be written is there in the end. A seed repeats its history.
 */
const SEEDS = Number(process.env.CLUSTER_CHAOS_SEEDS ?? 10);
const FIRST_SEED = Number(process.env.CLUSTER_CHAOS_FIRST ?? 1);
const ROUNDS = 12;
const zones = { n1: 'a', n2: 'b', n3: 'c', n4: 'a' };

class History {
  readonly cluster: NodeCluster;
  readonly random: SimRandom;
  readonly events: string[] = [];
  readonly #killed = new Map<string, RealNode>();
  /** Names of tables that were said to exist, with the keys of items that were said to be written. */
  readonly tables = new Map<string, string[]>();
  #tablesCount = 0;

  constructor(cluster: NodeCluster, random: SimRandom) {
    this.cluster = cluster;
    this.random = random;
  }

  async round(): Promise<void> {
    const { random, cluster } = this;
    const kind = random.weighted({
      kill: 3,
      wipe: 2,
      create: 3,
      change: 2,
      remove: 1,
      write: 4,
      wait: 3,
    });
    this.events.push(kind);
    switch (kind) {
      case 'kill':
        await this.revive();
        return this.#kill(random.pick([...cluster.nodes.keys()]));
      case 'wipe': {
        await this.revive();
        await this.untilWhole();
        const id = random.pick([...cluster.nodes.keys()]);
        this.events.push(id);
        await cluster.kill(id);
        await cluster.start(id);
        return;
      }
      case 'create':
        return this.#create();
      case 'change':
        return this.#tell('UpdateTable', { ...newIndex, TableName: this.#someTable() });
      case 'remove': {
        const name = this.#someTable();
        this.tables.delete(name);
        return this.#tell('DeleteTable', { TableName: name });
      }
      case 'write':
        return this.#write();
      case 'wait':
        return cluster.time.pass(random.logBetween(50, 10_000));
    }
  }

  async revive(): Promise<void> {
    for (const [id, node] of this.#killed) await this.cluster.start(id, node);
    this.#killed.clear();
  }

  /** Every replica of every group is there. */
  async untilWhole(): Promise<void> {
    const isWhole = () => {
      const groups = new Map<bigint, number>();
      let isGood = true;
      for (const { id, host } of this.cluster.nodes.values()) {
        for (const { partitionId, membership, replicaId, isReady } of host.all()) {
          const own = membership.members.find((member) => member.replicaId === replicaId);
          if (own?.node !== id || own.kind !== 'voter') isGood = false;
          const count = groups.get(partitionId) ?? 0;
          groups.set(partitionId, count + 1);
          if (isReady && membership.members.length !== 3) isGood = false;
        }
      }
      return isGood && [...groups.values()].every((count) => count === 3);
    };
    await this.cluster.time.until(isWhole, { limitMs: 300_000 });
  }

  async #kill(id: string): Promise<void> {
    this.events.push(id);
    this.#killed.set(id, await this.cluster.kill(id));
  }

  async #create(): Promise<void> {
    this.#tablesCount += 1;
    const TableName = `table-${this.#tablesCount}`;
    await this.#tell('CreateTable', table({ TableName }));
    this.tables.set(TableName, []); // It may exist even if the call failed.
  }

  async #tell(operation: string, body: object): Promise<void> {
    try {
      await this.cluster.call(operation, body);
    } catch (error) {
      if (!(error instanceof ClientFault)) throw error;
      this.events.push(`${operation}: ${error.type}`);
    }
  }

  #someTable(): string {
    return this.random.pick([...this.tables.keys(), 'table-1']);
  }

  async #write(): Promise<void> {
    for (const [name, written] of this.tables) {
      const pk = `item-${written.length}`;
      const item: Item = { pk: { S: pk } };
      try {
        const write = this.cluster.router.tables
          .openTable(name)
          .write(
            { kind: 'put', item, itemBytes: itemBytes(item), key: item, condition: undefined },
            { before: false, after: false },
          );
        await this.cluster.time.during(Promise.resolve(write));
        written.push(pk);
      } catch {
        // Not answered to be written.
      }
    }
  }

  async check(): Promise<void> {
    const { cluster, tables } = this;
    const { TableNames } = await cluster.call('ListTables', {});
    for (const [name, written] of tables) {
      if (!(TableNames as string[]).includes(name)) {
        expect(written).toEqual([]);
        continue;
      }
      const { Table } = await cluster.call('DescribeTable', { TableName: name });
      expect(Table).toMatchObject({ TableStatus: 'ACTIVE' });
      const { GlobalSecondaryIndexes: indexes = [] } = Table as {
        GlobalSecondaryIndexes?: readonly object[];
      };
      for (const index of indexes) expect(index).toMatchObject({ IndexStatus: 'ACTIVE' });
      for (const pk of written) {
        const options = { consistentRead: true, projection: undefined };
        const read = cluster.router.tables.openTable(name).get({ pk: { S: pk } }, options);
        const { json } = await cluster.time.during(Promise.resolve(read));
        expect(json, `${pk} of ${name}`).toBeDefined();
      }
    }
  }
}

describe('random histories of real nodes', () => {
  it(`${SEEDS} of them lose nothing and come to rest`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const history = new History(await NodeCluster.open(zones), new SimRandom(seed));
      try {
        for (let round = 0; round < ROUNDS; round++) await history.round();
        await history.revive();
        await history.cluster.time.pass(30_000);
        await history.untilWhole();
        await history.check();
      } catch (error) {
        throw new Error(`seed ${seed}: ${history.events.join(', ')}`, { cause: error });
      }
    }
  }, 300_000);
});
