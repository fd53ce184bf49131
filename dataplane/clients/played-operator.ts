import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { accountIdOf } from '../kubernetes/account.ts';
import type { KubeClient } from '../kubernetes/api-client.ts';
import { resources } from '../kubernetes/resources.ts';
import { changesOf, isSettled } from '../kubernetes/table-changes.ts';
import type { DescribedTable } from '../kubernetes/table-description.ts';
import { createRequestOf, type TableResource } from '../kubernetes/table-resource.ts';
import type { Authority } from '../replication/transport/authority.fixture.ts';
import { OPERATOR_CERTIFICATE_NAME } from '../replication/transport/certificate.ts';
import type { TlsMaterial } from '../replication/transport/options.ts';
import { MemberProcess } from './cluster-processes.ts';

const POLL_MS = 100;
const PORTS = { port: 8002, adminPort: 8003, healthPort: 8004 } as const;

export interface PlayedOperatorOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly region: string;
  /** First two parts of the addresses that its nodes listen at: `127.9`. */
  readonly network: string;
  /** Signs all that processes of the namespace show each other. */
  readonly authority: Authority;
}

/**
 * Does what the operator does, as far as routers see it: each Table gets one storage node, a real
 * process with an address of its own, and a status.
 */
export class PlayedOperator {
  readonly #options: PlayedOperatorOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'trestle tables '));
  /** By uid of the Table: its one storage node. */
  readonly #tables = new Map<string, MemberProcess>();
  readonly #certificate: TlsMaterial;
  readonly #closed = new AbortController();
  readonly #loop: Promise<void>;
  #isAwake = true;
  /** What it does at present. */
  #round: Promise<void> = Promise.resolve();
  #nodesCount = 0;

  constructor(options: PlayedOperatorOptions) {
    this.#options = options;
    this.#certificate = options.authority.sign(OPERATOR_CERTIFICATE_NAME);
    this.#loop = this.#run();
  }

  /** Addresses of all nodes. */
  get addresses(): readonly string[] {
    return Array.from(this.#tables.values(), ({ member }) => member.host);
  }

  /** The node of a table. */
  node(uid: string | undefined): MemberProcess {
    const table = this.#tables.get(uid ?? '');
    if (table === undefined) throw new Error(`no node of ${uid}`);
    return table;
  }

  /** Resolves when it does nothing any more, until `wake`: to see what is shown before it acts. */
  async sleep(): Promise<void> {
    this.#isAwake = false;
    await this.#round;
  }

  wake(): void {
    this.#isAwake = true;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#loop;
    await Promise.all([...this.#tables.keys()].map((uid) => this.#remove(uid)));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      if (this.#isAwake) {
        this.#round = this.#look();
        await this.#round;
      }
      await delay(POLL_MS);
    }
  }

  async #look(): Promise<void> {
    const { client, namespace } = this.#options;
    // The API server may be away: it comes back.
    const listed = await client
      .listAll<TableResource>(resources.tables, { namespace })
      .catch(() => undefined);
    if (listed !== undefined) await this.#reconcile(listed.items).catch(() => undefined);
  }

  async #reconcile(tables: readonly TableResource[]): Promise<void> {
    const wanted = new Set(tables.map(({ metadata }) => metadata.uid));
    for (const uid of [...this.#tables.keys()]) if (!wanted.has(uid)) await this.#remove(uid);
    for (const table of tables) {
      if (!this.#tables.has(table.metadata.uid ?? '')) await this.#found(table);
      else if (table.metadata.generation !== table.status?.observedGeneration) {
        await this.#change(table);
      }
    }
  }

  async #found(table: TableResource): Promise<void> {
    const { namespace, region, network, authority } = this.#options;
    const uid = table.metadata.uid ?? '';
    this.#nodesCount += 1;
    const id = `${table.metadata.name}-z0-0`;
    const member = { id, zone: 'a', host: `${network}.1.${this.#nodesCount}`, ...PORTS };
    const folder = join(this.#folder, uid);
    mkdirSync(folder);
    for (const [name, pem] of Object.entries(authority.sign(id))) {
      writeFileSync(join(folder, `${name}.pem`), pem);
    }
    const topology = {
      clusterId: uid,
      region,
      accountId: accountIdOf(namespace),
      tableName: table.spec.tableName,
      nodes: [member],
      routers: [],
      tls: { ca: 'ca.pem', cert: 'cert.pem', key: 'key.pem' },
    };
    const file = join(folder, 'topology.json');
    writeFileSync(file, JSON.stringify(topology));
    const data = join(folder, 'data');
    const process = new MemberProcess(member, [
      ...['node', '--topology', file, '--id', id, '--data', data],
    ]);
    process.operator = () => this.#certificate;
    this.#tables.set(uid, process);
    process.start();
    try {
      await process.isReady();
      await process.admin('POST', '/bootstrap', {});
      await this.#operate(process, 'CreateTable', createRequestOf(table));
      await this.#activated(process, table.spec.tableName);
      await this.#setStatus(table, process);
    } catch (error) {
      // The next round begins anew.
      await this.#remove(uid);
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async #change(table: TableResource): Promise<void> {
    const process = this.#tables.get(table.metadata.uid ?? '');
    if (process === undefined) return;
    for (;;) {
      const described = await this.#described(process, table.spec.tableName);
      const [change] = changesOf(described, table);
      if (change !== undefined) await this.#operate(process, change.operation, change.body);
      else if (isSettled(described)) break;
      await delay(POLL_MS);
    }
    await this.#setStatus(table, process);
  }

  async #remove(uid: string): Promise<void> {
    const process = this.#tables.get(uid);
    this.#tables.delete(uid);
    await process?.end('SIGKILL');
  }

  async #described(process: MemberProcess, TableName: string): Promise<DescribedTable> {
    const { Table } = await this.#operate(process, 'DescribeTable', { TableName });
    const { TimeToLiveDescription } = await this.#operate(process, 'DescribeTimeToLive', {
      TableName,
    });
    const { Tags } = await this.#operate(process, 'ListTagsOfResource', {
      ResourceArn: Table.TableArn,
    });
    return { table: Table, timeToLive: TimeToLiveDescription, tags: Tags };
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers of the API
  async #operate(process: MemberProcess, operation: string, body: object): Promise<any> {
    const answer = await process.admin('POST', `/operations/${operation}`, body);
    if (answer.status !== 200) throw new Error(`${operation}: ${JSON.stringify(answer)}`);
    return answer.body;
  }

  async #activated(process: MemberProcess, TableName: string): Promise<void> {
    for (;;) {
      const { Table } = await this.#operate(process, 'DescribeTable', { TableName });
      if (Table.TableStatus === 'ACTIVE') return;
      await delay(POLL_MS);
    }
  }

  async #streamOf(process: MemberProcess, TableName: string): Promise<object> {
    const { Table } = await this.#operate(process, 'DescribeTable', { TableName });
    const { LatestStreamArn: latestStreamARN, LatestStreamLabel: latestStreamLabel } = Table;
    return latestStreamARN === undefined ? {} : { latestStreamARN, latestStreamLabel };
  }

  async #setStatus({ metadata, spec }: TableResource, process: MemberProcess): Promise<void> {
    const { client, namespace } = this.#options;
    const { id, zone, host, port } = process.member;
    const status = {
      observedGeneration: metadata.generation,
      tableStatus: 'ACTIVE',
      ...(await this.#streamOf(process, spec.tableName)),
      nodes: [{ name: id, zone, host, port, isReady: true }],
    };
    await client.apply(
      resources.tables,
      { metadata: { name: metadata.name, namespace }, status } as never,
      { fieldManager: 'trestle-operator', force: true, subresource: 'status' },
    );
  }
}
