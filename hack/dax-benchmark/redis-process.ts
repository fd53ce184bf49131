import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePorts, stopped } from './node-process.ts';

/** A Redis of its own that keeps nothing, and a connection to it. */
export interface RedisProcess {
  readonly client: Redis;
  stop(): Promise<void>;
}

/** @throws Error when hack/redis finds none */
export async function startRedis(): Promise<RedisProcess> {
  const command = execFileSync(join(import.meta.dirname, '../redis'), { encoding: 'utf8' }).trim();
  const [port = 0] = await freePorts(1);
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn(command, args, { stdio: 'ignore' });
  const client = new Redis({ host: '127.0.0.1', port, retryStrategy: () => 50 });
  client.on('error', () => undefined); // Until it listens.
  await client.ping();
  return {
    client,
    stop: async () => {
      client.disconnect();
      await stopped(child);
    },
  };
}
