import { setTimeout as delay } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { DaxTrial } from '../daxcluster/dax-trial.fixture.ts';
import { REGISTRY_TABLE } from '../daxcluster/registry.ts';
import { startOperator, startZonedApi } from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import { CREDENTIALS_SECRET } from './namespace-secrets.ts';
import { AuthorityHand, FollowingAgent } from './rotation.fixture.ts';
import { type SecretObject, secretText } from './secret-data.ts';

/** A rotation as clients of a DaxCluster see it: real nodes, with their certificates from the operator. */

const PAUSE_MS = 20;
let api: KubeApi;
let trial: DaxTrial;
let operator: Operator | undefined;
let hand: AuthorityHand;

beforeAll(async () => {
  api = await startZonedApi();
  trial = await DaxTrial.start(api);
  operator = await startOperator(api, trial.namespace);
  await trial.create('cache', { replicationFactor: 2 });
  await trial.serveRegistry();
  await trial.router.registerPod();
  await trial.isAvailable('cache', 120_000);
  hand = new AuthorityHand(trial.tables);
  hand.hurry(() => operator);
}, 240_000);

afterAll(async () => {
  await hand?.close();
  await operator?.close();
  await trial?.close();
  await api?.close();
});

/** Writes and reads through a node by HTTPS, one after the other. */
class Caller {
  readonly agent: FollowingAgent;
  readonly failures: string[] = [];
  doneCount = 0;
  readonly #client: DynamoDBClient;
  readonly #name: string;
  #isStopping = false;
  readonly #running: Promise<void>;

  constructor(
    pod: string,
    parts: { readonly keepAlive: boolean; readonly service: string; readonly key: SecretObject },
  ) {
    const { keepAlive, service, key } = parts;
    const member = (name: string) => secretText(key, name) ?? '';
    this.agent = new FollowingAgent(hand.ca, service, { keepAlive, maxSockets: 1 });
    this.#name = `${pod} ${keepAlive}`;
    this.#client = new DynamoDBClient({
      endpoint: `https://${trial.tables.cluster.addressOf(pod)}:8443`,
      region: 'eu-central-1',
      credentials: {
        accessKeyId: member('accessKeyId'),
        secretAccessKey: member('secretAccessKey'),
      },
      maxAttempts: 1,
      requestHandler: { httpsAgent: this.agent },
    });
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    this.#client.destroy();
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      try {
        await this.#call();
        this.doneCount += 1;
      } catch (error) {
        this.failures.push(String(error));
      }
      await delay(PAUSE_MS);
    }
  }

  async #call(): Promise<void> {
    const id = { S: this.#name };
    const Key = { cluster: { S: 'load' }, id };
    const TableName = REGISTRY_TABLE;
    const count = { N: String(this.doneCount) };
    await this.#client.send(new PutItemCommand({ TableName, Item: { ...Key, count } }));
    const { Item } = await this.#client.send(new GetItemCommand({ TableName, Key }));
    if (Item?.count?.N !== count.N) throw new Error(`read ${Item?.count?.N} for ${count.N}`);
  }
}

test('nodes take up leaves and authorities without a restart, and no caller sees anything of it', async () => {
  const names = await trial.names('cache');
  const pods = [names.pod(0), names.pod(1)];
  const [old = ''] = await hand.trusted();
  const key = await trial.get<SecretObject>(resources.secrets, CREDENTIALS_SECRET);
  if (key === undefined) throw new Error('the operator has made it');
  const callers = pods.flatMap((pod) =>
    [true, false].map((keepAlive) => new Caller(pod, { keepAlive, service: names.service, key })),
  );
  const goesOn = async () => {
    const wished = callers.map(({ doneCount }) => doneCount + 10);
    const isSo = () => callers.every(({ doneCount }, n) => doneCount >= (wished[n] ?? 0));
    await expect.poll(isSo, { timeout: 60_000 }).toBe(true);
  };
  await goesOn();
  const before = {
    pods: await trial.pods('cache'),
    pids: pods.map((pod) => trial.tables.cluster.pidOf(pod)),
  };

  await hand.ask('1');
  await hand.becomes('trust');
  const [, young = ''] = await hand.trusted();
  await hand.areSo(pods, ({ trusted }) => trusted.includes(old) && trusted.includes(young));
  await goesOn();
  await hand.release();
  await hand.becomes('reissue');
  await hand.trusted();
  const reports = await hand.areSo(pods, ({ leaves }) =>
    leaves.every(({ signedBy }) => signedBy === young),
  );
  for (const { leaves } of reports) {
    expect(leaves.map(({ use }) => use)).toEqual(['peers', 'dax', 'https']);
  }
  await goesOn();
  await hand.release();
  await hand.becomes('rest');
  await hand.areSo(pods, ({ trusted }) => trusted.join() === young);
  await hand.trusted();
  await goesOn();

  for (const caller of callers) {
    await caller.stop();
    expect(caller.failures).toEqual([]);
  }
  // Connections that were kept were never lost.
  expect(callers.map(({ agent }) => agent.connectionsCount === 1)).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect({
    pods: await trial.pods('cache'),
    pids: pods.map((pod) => trial.tables.cluster.pidOf(pod)),
  }).toEqual(before);
  await trial.isAvailable('cache');
}, 240_000);
