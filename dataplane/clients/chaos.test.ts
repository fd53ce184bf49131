import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const chaos = join(import.meta.dirname, '../../hack/chaos-test/main.ts');
const TEST_MS_MAX = 300_000;
const OUTPUT_CHARS_MAX = 20_000;

/**
 * A short run of hack/chaos: the seed gives kills, pauses, partitions and a wiped node. Nothing here
 * depends on how fast the machine is: what takes long is waited for, and what clients saw is judged.
 */
test(
  'kills, pauses, partitions and a lost data folder leave histories linearizable and replicas equal',
  async () => {
    const faults = ['--minutes', '0.35', '--gap', '2', '--fault', '4', '--seed', 'short-113'];
    const load = ['--clients', '6', '--epoch', '10', '--keys', '20'];
    const child = spawn(process.execPath, [chaos, ...faults, ...load, '--verbose'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // If time is up first, it ends its cluster.
    onTestFinished(() => {
      child.kill('SIGTERM');
    });
    let output = '';
    const read = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const [status] = await once(child, 'close');
    expect(output).toContain('all is well');
    expect(status).toBe(0);
  },
  TEST_MS_MAX,
);
