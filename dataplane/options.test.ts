import { describe, expect, it } from 'vitest';
import { helpText, parseCommand, UsageError } from './options.ts';

function optionsOf(...args: string[]) {
  const command = parseCommand(args, '/default');
  if (command.kind !== 'embedded') throw new Error('help was not asked for');
  return command.options;
}

describe('command line', () => {
  it('has a default for everything', () => {
    expect(optionsOf()).toEqual({
      host: '127.0.0.1',
      port: 8000,
      folder: '/default',
      durability: 'fsync',
      credentialsFile: undefined,
      region: 'us-east-1',
      accountId: '123456789012',
      logLevel: 'info',
    });
  });

  it('takes every option, with a blank or an equals sign', () => {
    expect(
      optionsOf(
        'embedded',
        ...['--host', '::1', '--port=0', '--data', '/some folder', '--durability=relaxed'],
        ...['--credentials', '/keys.json', '--region', 'eu-west-1', '--account', '123456789012'],
        '--log-level=debug',
      ),
    ).toEqual({
      host: '::1',
      port: 0,
      folder: '/some folder',
      durability: 'relaxed',
      credentialsFile: '/keys.json',
      region: 'eu-west-1',
      accountId: '123456789012',
      logLevel: 'debug',
    });
  });

  it('takes paths from the working directory', () => {
    expect(optionsOf('--data', 'x').folder).toBe(`${process.cwd()}/x`);
    expect(optionsOf('--credentials', 'x').credentialsFile).toBe(`${process.cwd()}/x`);
  });

  it('keeps nothing in memory mode', () => {
    expect(optionsOf('--in-memory').folder).toBeUndefined();
  });

  it.each(['--help', '-h'])('%s asks for help, whatever else is there', (flag) => {
    expect(parseCommand([flag, '--port', 'x'], '/d')).toEqual({ kind: 'help' });
  });

  it('mentions every option in the help', () => {
    for (const option of ['port', 'host', 'data', 'in-memory', 'durability', 'credentials']) {
      expect(helpText).toContain(`--${option}`);
    }
    for (const option of ['region', 'account', 'log-level', 'help']) {
      expect(helpText).toContain(`--${option}`);
    }
  });

  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('accepts anyone on %s', (host) => {
    expect(optionsOf('--host', host).credentialsFile).toBeUndefined();
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.evil.com'])(
    'accepts anyone on %s only when told so',
    (host) => {
      expect(() => optionsOf('--host', host)).toThrow(
        new UsageError(
          `--host ${host} can be reached from other machines: give --credentials FILE, or --credentials none to accept anyone`,
        ),
      );
      expect(optionsOf('--host', host, '--credentials', 'none').credentialsFile).toBeUndefined();
      expect(optionsOf('--host', host, '--credentials', '/f').credentialsFile).toBe('/f');
    },
  );

  it.each([
    [['--port', 'x'], "--port needs a number from 0 to 65535, not 'x'"],
    [['--port', '65536'], "--port needs a number from 0 to 65535, not '65536'"],
    [['--port=-1'], "--port needs a number from 0 to 65535, not '-1'"],
    [['--port', ''], "--port needs a number from 0 to 65535, not ''"],
    [['--durability', 'never'], "--durability needs one of fsync, relaxed, not 'never'"],
    [['--region', 'US East'], "--region needs a name like us-east-1, not 'US East'"],
    [['--account', '12'], "--account needs 12 digits, not '12'"],
    [
      ['--log-level', 'loud'],
      "--log-level needs one of trace, debug, info, warn, error, fatal, silent, not 'loud'",
    ],
    [['--host', ''], '--host needs an address'],
    [['--data', ''], '--data needs a folder'],
    [['--credentials', ''], '--credentials needs a file, or none'],
    [['--in-memory', '--data', 'x'], '--in-memory and --data exclude each other'],
    [['--in-memory', '--durability', 'fsync'], '--in-memory and --durability exclude each other'],
    [['--unknown'], "unknown option '--unknown'"],
    [['--port'], "option '--port <value>' argument missing"],
    [['--in-memory=yes'], "option '--in-memory' does not take an argument"],
    [['router'], "there is no role 'router'; there is: embedded"],
    [['embedded', 'x'], "unexpected argument 'x'"],
  ])('refuses %j in one line', (args, message) => {
    expect(() => optionsOf(...args)).toThrow(new UsageError(message));
  });
});
