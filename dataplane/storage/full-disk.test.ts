import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

/** Ways to get a mount of one's own: as root, and as an ordinary user. */
const unshareFlags = ['-m', '-Urm'];

it.each(['reserve', 'exhausted'])(
  'full disk, %s: writes are refused, reads go on, space brings writes back',
  async (scenario) => {
    const volume = await mkdtemp(join(tmpdir(), 'trestle-full-'));
    onTestFinished(() => rm(volume, { recursive: true }));
    const script = join(import.meta.dirname, 'full-disk.child.ts');
    const run = inVolume(volume, '"$2" "$3" "$1" "$4"', [process.execPath, script, scenario]);
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  },
  60_000,
);

/** Runs a shell command with a volume of 192 MB at a folder, which only that command sees. */
function inVolume(volume: string, command: string, args: readonly string[]) {
  const mount = 'mount -t tmpfs -o size=192m tmpfs "$1"';
  const flags = unshareFlags.find((flag) => unshare(flag, mount, [volume]).status === 0);
  expect(flags, 'this machine lets nobody mount a volume: unshare -m and -Urm fail').toBeDefined();
  return unshare(flags ?? '', `${mount} && ${command}`, [volume, ...args]);
}

function unshare(flags: string, command: string, args: readonly string[]) {
  return spawnSync('unshare', [flags, 'sh', '-c', command, 'sh', ...args], {
    encoding: 'utf8',
    timeout: 50_000,
  });
}
