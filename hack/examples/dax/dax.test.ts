import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('the example runs, and both clients see the same', async () => {
  const run = join(import.meta.dirname, 'run');
  const child = spawn(run, ['--products', '10', '--reads', '200'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [status] = await once(child, 'close');
  expect(output).toMatch(/^without the cache +p50 +\d+ µs +p99 +\d+ µs$/m);
  expect(output).toMatch(/^with the cache +p50 +\d+ µs +p99 +\d+ µs$/m);
  expect(output).toMatch(/^With the cache, a read takes 1\/\d+\.\d of the time/m);
  expect(output).toContain('A price that was raised through the cache is the new one at once');
  expect(status).toBe(0);
}, 120_000);
