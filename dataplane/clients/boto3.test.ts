import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientEnvironment, pythonClients, runClient } from './python-clients.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const server = { current: undefined as ServerProcess | undefined };
const folder = import.meta.dirname;
let env: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  const bin = await pythonClients();
  server.current = await startServer(['--in-memory']);
  env = clientEnvironment(bin, server.current.endpoint);
});

afterAll(async () => {
  await server.current?.stop();
});

it('boto3: tables, batches, conditions, queries, paginators and errors', async () => {
  const output = await runClient(['python', 'boto3_movies.py'], { env, folder });
  expect(output.trim().split('\n').at(-1)).toBe('all checks passed');
});
