import { isDeepStrictEqual } from 'node:util';
import {
  CreateTableCommand,
  DeleteTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  UpdateTableCommand,
  waitUntilTableExists,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import type { Installation } from './installation.ts';
import type { KindCluster } from './kind-cluster.ts';
import type { Report } from './report.ts';
import { until } from './until.ts';

const EXAMPLES = 'hack/examples/kubernetes';
const READY_SECONDS_MAX = 5 * 60;
const READY_MS_MAX = READY_SECONDS_MAX * 1_000;
/** An index is behind its table by moments. */
const INDEX_MS_MAX = 30_000;
/** Conditions may change for a moment when a machine stands still. */
const SHOWN_MS_MAX = 60_000;
const DELETION = `--timeout=${READY_SECONDS_MAX}s`;

export interface TableContext {
  readonly cluster: () => KindCluster;
  readonly installation: () => Installation;
  readonly client: () => DynamoDBClient;
  readonly report: Report;
  /** The one that is made by the SDK and stays. */
  readonly table: string;
}

/** Tables by manifest and by SDK: made, shown, served, protected, deleted. Scenarios to be run within a describe. */
export function tableScenarios({
  cluster,
  installation,
  client,
  report,
  table,
}: TableContext): void {
  it('makes tables of manifests', async () => {
    const startMs = performance.now();
    for (const name of ['employees', 'music', 'production']) {
      await installation().kubectl('apply', '-f', `${EXAMPLES}/${name}.yaml`);
    }
    for (const name of ['employees', 'music', 'orders']) await installation().tableWhole(name);
    report.add('three tables by manifest', startMs);
    const zones = (await installation().storagePods('music')).map(({ node }) => node);
    expect(new Set(zones).size).toBe(3);
  });

  it('shows in kubectl get tables how they are', async () => {
    const shown = async () => {
      const lines = (await installation().kubectl('get', 'tables')).trim().split('\n');
      return lines.map((line) => line.trim().split(/\s+/).slice(0, 4).join(' '));
    };
    const wished = [
      'NAME TABLE STATUS READY',
      'employees Employees ACTIVE True',
      'music Music ACTIVE True',
      'orders prod.Orders ACTIVE True',
    ];
    await until(shown, (cells) => isDeepStrictEqual(cells, wished), SHOWN_MS_MAX);
  });

  it('serves tables of manifests, with their indexes', async () => {
    // Routers hear of manifests by a watch: moments later than kubectl.
    await until(
      async () => (await client().send(new ListTablesCommand())).TableNames,
      (names) => isDeepStrictEqual(names, ['Employees', 'Music', 'prod.Orders']),
      SHOWN_MS_MAX,
    );
    const Item = {
      Artist: { S: 'No One You Know' },
      SongTitle: { S: 'Call Me Today' },
      AlbumTitle: { S: 'Somewhat Famous' },
      Genre: { S: 'Country' },
      Year: { N: '1998' },
    };
    await client().send(new PutItemCommand({ TableName: 'Music', Item }));
    const { Artist, SongTitle } = Item;
    const key = { TableName: 'Music', Key: { Artist, SongTitle }, ConsistentRead: true };
    expect((await client().send(new GetItemCommand(key))).Item).toEqual(Item);
    const byGenre = new QueryCommand({
      TableName: 'Music',
      IndexName: 'ByGenre',
      KeyConditionExpression: 'Genre = :g',
      ExpressionAttributeValues: { ':g': Item.Genre },
    });
    await until(
      async () => (await client().send(byGenre)).Items,
      (items) => items?.length === 1,
      INDEX_MS_MAX,
    );
  });

  it('serves by TLS with a certificate of the namespace', async () => {
    const secure = await installation().tlsClient();
    const { TableNames } = await secure.send(new ListTablesCommand());
    secure.destroy();
    expect(TableNames).toContain('Music');
  });

  it('refuses to delete what is protected, and the definition', async () => {
    await expect(installation().kubectl('delete', 'table', 'orders')).rejects.toThrow(
      /spec\.deletionProtectionEnabled of Table orders is true: set it to false/,
    );
    await expect(
      client().send(new DeleteTableCommand({ TableName: 'prod.Orders' })),
    ).rejects.toMatchObject({ name: 'ValidationException' });
    await expect(cluster().kubectl('delete', 'crd', 'tables.trestle.dev')).rejects.toThrow(
      /trestle\.dev\/allow-crd-deletion=true/,
    );
  });

  it('keeps the volumes of a table whose deletion policy says so', async () => {
    const unprotect = '{"spec":{"deletionProtectionEnabled":false}}';
    await installation().kubectl('patch', 'table', 'orders', '--type=merge', '-p', unprotect);
    await installation().kubectl('delete', 'table', 'orders', DELETION);
    const left = () =>
      installation().kubectl('get', 'pvc,pods', '-l', 'trestle.dev/table=orders', '-o', 'name');
    const text = await until(left, (names) => !names.includes('pod/'), READY_MS_MAX);
    expect(text.trim().split('\n')).toHaveLength(3);
    await installation().kubectl('delete', 'pvc', '-l', 'trestle.dev/table=orders');
  });

  it('makes, shows and deletes tables of an SDK', async () => {
    const startMs = performance.now();
    await createTable(client(), table);
    report.add('table by SDK', startMs);
    const resource = await installation().tableNamed(table);
    await installation().tableWhole(resource?.metadata.name ?? '');
    await createTable(client(), 'Passing');
    await client().send(new DeleteTableCommand({ TableName: 'Passing' }));
    await waitUntilTableNotExists(
      { client: client(), maxWaitTime: READY_SECONDS_MAX, minDelay: 1 },
      { TableName: 'Passing' },
    );
    await until(
      () => installation().kubectl('get', 'pvc', '-o', 'name'),
      (names) => !names.includes('passing'),
      READY_MS_MAX,
    );
  });

  it('deletes a table of a manifest with its volumes, where its policy says so', async () => {
    await installation().kubectl('delete', 'table', 'music', DELETION);
    const left = await installation().kubectl(
      'get',
      'pvc',
      '-l',
      'trestle.dev/table=music',
      '-o',
      'name',
    );
    expect(left).toBe('');
  });

  it('does not write over what a manifest says', async () => {
    const change = new UpdateTableCommand({
      TableName: 'Employees',
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
    });
    await expect(client().send(change)).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('billingMode'),
    });
  });
}

/** Makes a table with the keys that the loads use, and waits until it is active. */
export async function createTable(client: DynamoDBClient, TableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'N' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  await waitUntilTableExists(
    { client, maxWaitTime: READY_SECONDS_MAX, minDelay: 1 },
    { TableName },
  );
}
