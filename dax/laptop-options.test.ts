import { describe, expect, it } from 'vitest';
import { UsageError } from '../dataplane/option-values.ts';
import { laptopHelp, parseLaptopCommand } from './laptop-options.ts';
import { parseDaxOptions } from './options.ts';

const URL = 'http://127.0.0.1:1234';

function optionsOf(...args: string[]) {
  const command = parseLaptopCommand(args, '/data');
  if (command.kind !== 'run') throw new Error(`${command.kind} was not asked for`);
  const { tablesArgs, daxArgsFor, cacheBytes } = command.options;
  return { tablesArgs, dax: parseDaxOptions(daxArgsFor(URL), '/unused'), cacheBytes };
}

describe('command line of hack/run --dax', () => {
  it('starts the tables as hack/run does, and a node in a folder inside theirs', () => {
    const { tablesArgs, dax, cacheBytes } = optionsOf('--dax');
    expect(tablesArgs).toEqual([]);
    expect(dax).toMatchObject({
      bind: '127.0.0.1',
      port: 8111,
      httpPort: 8001,
      healthPort: 8004,
      tables: { url: URL, roleFile: undefined },
      registry: { kind: 'folder', folder: '/data/dax' },
      credentials: { file: undefined, isAnyoneWelcome: true },
      drainMs: 0,
    });
    expect(cacheBytes).toBe(268_435_456);
  });

  it('gives both what both need, and each its own', () => {
    const { tablesArgs, dax, cacheBytes } = optionsOf(
      ...['--port', '0', '--dax', '--dax-port', '1', '--dax-http-port=2', '--durability=relaxed'],
      ...['--data', '/d', '--credentials', '/keys', '--region', 'eu-west-1', '--log-level', 'warn'],
      ...['--account', '210987654321', '--dax-cache-bytes', '2000000', '--host', '::1'],
    );
    expect(tablesArgs).toEqual([
      ...['--port', '0', '--durability=relaxed', '--data', '/d', '--credentials', '/keys'],
      ...['--region', 'eu-west-1', '--log-level', 'warn', '--account', '210987654321'],
      ...['--host', '::1'],
    ]);
    expect(dax).toMatchObject({
      bind: '::1',
      port: 1,
      httpPort: 2,
      registry: { kind: 'folder', folder: '/d/dax' },
      tables: { url: URL, roleFile: '/keys' },
      credentials: { file: '/keys' },
      region: 'eu-west-1',
      accountId: '210987654321',
      logLevel: 'warn',
    });
    expect(cacheBytes).toBe(2_000_000);
  });

  it('keeps nothing with --in-memory', () => {
    expect(optionsOf('--dax', '--in-memory').dax.registry).toEqual({ kind: 'memory' });
  });

  it('lets the node differ where it is told to', () => {
    const { dax } = optionsOf('--dax', '--dax-log-level', 'error', '--dax-bind', '127.0.0.2');
    expect(dax).toMatchObject({ logLevel: 'error', bind: '127.0.0.2' });
  });

  it('helps', () => {
    expect(parseLaptopCommand(['--dax', '--help'], '/data')).toEqual({
      kind: 'help',
      text: laptopHelp,
    });
    for (const line of laptopHelp.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it.each([
    [['--wrong'], "unknown option '--wrong'"],
    [['--dax-wrong', 'x'], "unknown option '--dax-wrong'"],
    [['--dax-port'], '--dax-port needs a value'],
    [['--dax-port', 'x'], "--dax-port needs a number from 0 to 65535, not 'x'"],
    [
      ['--host', '0.0.0.0', '--credentials', 'none'],
      '--dax-bind 0.0.0.0 needs --dax-advertise, an IP address that clients reach',
    ],
    [
      ['--host', '0.0.0.0'],
      '--host 0.0.0.0 can be reached from other machines: give --credentials FILE, or --credentials none to accept anyone',
    ],
  ])('%j is refused', (args, message) => {
    expect(() => optionsOf('--dax', ...args)).toThrow(new UsageError(message));
  });
});
