import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nestedDocument } from './nested-document.ts';
import { clientEnvironment, pythonClients, runClient } from './python-clients.ts';
import { type ServerProcess, startServer } from './server-process.ts';

/** The lines people learn DynamoDB with, run by a shell as they are printed. Each call costs a second. */
const server = { current: undefined as ServerProcess | undefined };
const folder = mkdtempSync(join(tmpdir(), 'trestle-cli-'));
let env: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  const bin = await pythonClients();
  server.current = await startServer(['--in-memory']);
  env = clientEnvironment(bin, server.current.endpoint);
});

afterAll(async () => {
  await server.current?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The CLI's own start script cannot be in a folder whose path has a blank. */
const aws = 'aws() { python -m awscli "$@"; }\n';

const shell = (line: string): Promise<string> =>
  runClient(['bash', '--norc', '-euc', aws + line], { env, folder });

const json = async (line: string): Promise<unknown> => JSON.parse(await shell(line));

function file(name: string, content: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(content));
}

it('AWS CLI: a table of employees, from its creation to its items', {
  timeout: 120_000,
}, async () => {
  await shell(`aws dynamodb create-table --table-name Employees \\
    --attribute-definitions AttributeName=EmployeeID,AttributeType=N \\
    --key-schema AttributeName=EmployeeID,KeyType=HASH \\
    --provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=5`);
  await shell('aws dynamodb wait table-exists --table-name Employees');
  expect(await json('aws dynamodb list-tables')).toEqual({ TableNames: ['Employees'] });
  expect(await json('aws dynamodb describe-table --table-name Employees')).toMatchObject({
    Table: {
      TableName: 'Employees',
      TableStatus: 'ACTIVE',
      KeySchema: [{ AttributeName: 'EmployeeID', KeyType: 'HASH' }],
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 5 },
      ItemCount: 0,
    },
  });
  expect(await json('aws dynamodb describe-limits')).toEqual({
    AccountMaxReadCapacityUnits: expect.any(Number),
    AccountMaxWriteCapacityUnits: expect.any(Number),
    TableMaxReadCapacityUnits: expect.any(Number),
    TableMaxWriteCapacityUnits: expect.any(Number),
  });

  const employee = {
    EmployeeID: { N: '1' },
    Name: { S: 'Ada' },
    Skills: { SS: ['algebra', 'engines'] },
    Notes: nestedDocument(32),
  };
  file('item.json', employee);
  file('key.json', { EmployeeID: { N: '1' } });
  await shell('aws dynamodb put-item --table-name Employees --item file://item.json');
  const got = await json(
    'aws dynamodb get-item --table-name Employees --key file://key.json --return-consumed-capacity TOTAL',
  );
  expect(got).toEqual({
    Item: employee,
    ConsumedCapacity: { TableName: 'Employees', CapacityUnits: 0.5 },
  });
});

it('AWS CLI: the tutorial on music', { timeout: 120_000 }, async () => {
  await shell(`aws dynamodb create-table \\
    --table-name Music \\
    --attribute-definitions \\
        AttributeName=Artist,AttributeType=S \\
        AttributeName=SongTitle,AttributeType=S \\
    --key-schema \\
        AttributeName=Artist,KeyType=HASH \\
        AttributeName=SongTitle,KeyType=RANGE \\
    --provisioned-throughput \\
        ReadCapacityUnits=10,WriteCapacityUnits=5
  aws dynamodb wait table-exists --table-name Music`);
  await shell(`aws dynamodb put-item \\
    --table-name Music  \\
    --item \\
        '{"Artist": {"S": "No One You Know"}, "SongTitle": {"S": "Call Me Today"}, "AlbumTitle": {"S": "Somewhat Famous"}, "Awards": {"N": "1"}}'`);
  file('songs.json', {
    Music: ['Happy Day', 'PartiQL Rocks'].map((title) => ({
      PutRequest: {
        Item: {
          Artist: { S: 'Acme Band' },
          SongTitle: { S: title },
          AlbumTitle: { S: 'Songs About Life' },
          Awards: { N: '10' },
        },
      },
    })),
  });
  const written = await json('aws dynamodb batch-write-item --request-items file://songs.json');
  expect(written).toEqual({ UnprocessedItems: {} });

  const song = `{ "Artist": {"S": "Acme Band"}, "SongTitle": {"S": "Happy Day"}}`;
  const item = await json(
    `aws dynamodb get-item --consistent-read --table-name Music --key '${song}'`,
  );
  expect(item).toMatchObject({ Item: { Awards: { N: '10' } } });
  const updated = await json(`aws dynamodb update-item \\
    --table-name Music \\
    --key '${song}' \\
    --update-expression "SET AlbumTitle = :newval" \\
    --expression-attribute-values '{":newval":{"S":"Updated Album Title"}}' \\
    --return-values ALL_NEW`);
  expect(updated).toMatchObject({
    Attributes: { AlbumTitle: { S: 'Updated Album Title' }, Artist: { S: 'Acme Band' } },
  });
  file('expression-attributes.json', { ':v1': { S: 'Acme Band' } });
  const found = await json(`aws dynamodb query --table-name Music \\
    --key-condition-expression "Artist = :v1" \\
    --expression-attribute-values file://expression-attributes.json`);
  expect(found).toMatchObject({
    Count: 2,
    Items: [{ SongTitle: { S: 'Happy Day' } }, { SongTitle: { S: 'PartiQL Rocks' } }],
  });
  await shell(`aws dynamodb delete-item --table-name Music --key '${song}'`);
  const left = await json('aws dynamodb scan --table-name Music --page-size 1 --max-items 10');
  expect(left).toMatchObject({ Count: 2 });

  const refused = shell(`aws dynamodb put-item --table-name Music --item '${song}' \\
    --condition-expression 'attribute_exists(Artist)'`);
  await expect(refused).rejects.toThrow(
    'An error occurred (ConditionalCheckFailedException) when calling the PutItem operation: The conditional request failed',
  );
  await shell(`aws dynamodb delete-table --table-name Music
    aws dynamodb wait table-not-exists --table-name Music`);
});
