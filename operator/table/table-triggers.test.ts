import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import type { KubeObject } from '../../dataplane/kubernetes/object.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import {
  conditionIn,
  music,
  startOperator,
  startZonedApi,
  TableTrial,
} from '../operator.fixture.ts';
import type { Operator } from '../operator.ts';
import { RouterProcess } from '../router-process.fixture.ts';

const KEY = 'opensesame';
const ROLLOUT_MS_MAX = 240_000;

let api: KubeApi;
let trial: TableTrial;
let operator: Operator;
let target: Server;
/** Path and song title of each record, as they came. */
const taken: string[] = [];
let unsignedCount = 0;

beforeAll(async () => {
  api = await startZonedApi({ allowsExpansion: true });
  trial = await TableTrial.start(api);
  target = createServer(async (request, response) => {
    // A node that is stopped while it posts has gone before its request is whole.
    const body = await text(request).catch(() => undefined);
    if (body === undefined) return;
    const { 'x-trestle-timestamp': time, 'x-trestle-signature': signature } = request.headers;
    const expected = createHmac('sha256', KEY).update(`${time}.${body}`).digest('hex');
    if (signature !== `v1=${expected}`) unsignedCount += 1;
    for (const { dynamodb } of JSON.parse(body).Records) {
      taken.push(`${request.url} ${dynamodb.Keys.SongTitle.S}`);
    }
    response.end();
  });
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
});

afterAll(async () => {
  await operator?.close();
  await trial?.close();
  target?.closeAllConnections();
  target?.close();
  await api?.close();
});

/** A trigger that stays, and beside it one that posts to this path; '': there is none. */
function spec(path: string, change: object = {}) {
  // It listens on TCP.
  const { port } = target.address() as AddressInfo;
  const trigger = (name: string, to: string) => ({
    name,
    target: { url: `http://127.0.0.1:${port}${to}` },
    authSecretRef: { name: 'hook', key: 'hmac' },
  });
  const audit = { ...trigger('audit', path), ...change };
  const witness = trigger('witness', '/witness');
  const streamSpecification = { streamEnabled: true, streamViewType: 'KEYS_ONLY' } as const;
  // The API server adds what has a default.
  return { streamSpecification, triggers: path === '' ? [witness] : [audit, witness] } as object;
}

test('the triggers of a Table post its changes, signed with a Secret, and follow the spec', async () => {
  const secret = {
    metadata: { namespace: trial.namespace, name: 'hook' },
    stringData: { hmac: KEY },
  };
  await api.client.create<KubeObject>(resources.secrets, secret, { fieldManager: 'tests' });
  operator = await startOperator(api, trial.namespace);
  await trial.create('music', music(spec('/first')));
  await trial.isActive('music');
  const router = await RouterProcess.start(trial, 'music');
  const sdk = new DynamoDBClient({
    endpoint: router.endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });
  const put = (title: string) =>
    sdk.send(
      new PutItemCommand({
        TableName: 'Music',
        Item: { Artist: { S: 'No One You Know' }, SongTitle: { S: title } },
      }),
    );
  try {
    await put('one');
    await trial.until(async () => taken.includes('/first one') || undefined);

    await trial.change('music', { spec: spec('/second') });
    await trial.isActive('music');
    await put('two');
    await trial.until(async () => taken.includes('/second two') || undefined);

    // What no API server can check: the table refuses it, and says so.
    await trial.change('music', { spec: spec('/second', { filterPatterns: ['{}'] }) });
    const refused = await trial.until(async () => {
      const table = await trial.table('music');
      const stalled = table && conditionIn(table, 'Stalled');
      return stalled?.reason === 'RequestRefused' ? table : undefined;
    });
    expect(conditionIn(refused, 'Stalled')?.message).toBe(
      'UpdateTriggers is refused: The request is refused: filter pattern: the pattern is an empty object (trigger audit)',
    );

    await trial.change('music', { spec: spec('') });
    await trial.isActive('music');
    const isPosted = async (title: string) => {
      await put(title);
      await trial.until(async () => taken.includes(`/witness ${title}`) || undefined);
      return taken.includes(`/second ${title}`);
    };
    // A node may hear of it later than others.
    let count = 0;
    await trial.until(async () => ((await isPosted(`heard ${++count}`)) ? undefined : true));
    for (const title of ['three', 'four']) await isPosted(title);
    expect(taken.filter((each) => /second (three|four)/.test(each))).toEqual([]);
    expect(unsignedCount).toBe(0);

    // Without their Secret, the pods are restarted, one after the other.
    await trial.change('music', { spec: { triggers: null } });
    await trial.isActive('music', ROLLOUT_MS_MAX);
  } finally {
    sdk.destroy();
    await router.close();
  }
}, 500_000);
