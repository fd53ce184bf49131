import { describe, expect, it } from 'vitest';
import { UsageError } from '../dataplane/option-values.ts';
import { daxHelp, parseDaxCommand } from './options.ts';

const TABLES = ['--tables', 'http://127.0.0.1:8000'];

function optionsOf(...args: string[]) {
  const command = parseDaxCommand([...TABLES, ...args], '/default');
  if (command.kind !== 'serve') throw new Error(`${command.kind} was not asked for`);
  return command.options;
}

describe('command line of a DAX node', () => {
  it('has a default for everything but the tables', () => {
    expect(optionsOf()).toEqual({
      clusterName: 'local',
      nodeId: 1,
      zone: 'none',
      bind: '127.0.0.1',
      advertise: '127.0.0.1',
      port: 8111,
      tls: undefined,
      httpPort: 8001,
      healthPort: 8004,
      peers: undefined,
      registry: { kind: 'folder', folder: '/default' },
      tables: { url: 'http://127.0.0.1:8000', ca: undefined, roleFile: undefined },
      parametersFile: undefined,
      cacheBytes: 268_435_456,
      redis: undefined,
      credentials: { file: undefined, isAnyoneWelcome: false },
      policiesFile: undefined,
      region: 'us-east-1',
      accountId: '123456789012',
      drainMs: 0,
      logLevel: 'info',
    });
    expect(() => parseDaxCommand([], '/default')).toThrow(
      '--tables needs the URL of the tables, like http://127.0.0.1:8000',
    );
  });

  it('takes all that a pod gives', () => {
    const options = parseDaxCommand(
      [
        ...['--cluster', 'cache-1a2b3', '--node-id=7', '--zone', 'z1', '--bind', '0.0.0.0'],
        ...['--advertise', '10.0.0.7', '--port', '8111', '--tls-port', '9111'],
        ...['--tls-cert', '/tls/tls.crt', '--tls-key', '/tls/tls.key', '--http-port', '8000'],
        ...['--https-port', '8443', '--health-port', '8004', '--peer-port', '8112'],
        ...['--peer-ca', '/p/ca.crt', '--peer-cert', '/p/tls.crt', '--peer-key', '/p/tls.key'],
        ...['--tables', 'https://trestle.a.svc:8443', '--tables-ca', '/ca.crt', '--role', '/role'],
        ...['--registry', 'table:trestle-dax-registry', '--parameters', '/parameters.json'],
        ...['--cache-bytes', '1073741824', '--redis', 'rediss://r.a.svc:6379'],
        ...[
          '--redis-ca',
          '/redis/ca',
          '--redis-password-file',
          '/redis/password',
          '--credentials',
          '/c/credentials',
        ],
        ...['--policies', '/c/policies', '--region', 'eu-west-1', '--account', '000000000001'],
        ...['--drain-seconds', '20', '--log-level', 'warn'],
      ],
      '/default',
    );
    expect(options).toEqual({
      kind: 'serve',
      options: {
        clusterName: 'cache-1a2b3',
        nodeId: 7,
        zone: 'z1',
        bind: '0.0.0.0',
        advertise: '10.0.0.7',
        port: 8111,
        tls: { port: 9111, httpsPort: 8443, cert: '/tls/tls.crt', key: '/tls/tls.key' },
        httpPort: 8000,
        healthPort: 8004,
        peers: { port: 8112, tls: { ca: '/p/ca.crt', cert: '/p/tls.crt', key: '/p/tls.key' } },
        registry: { kind: 'table', name: 'trestle-dax-registry' },
        tables: { url: 'https://trestle.a.svc:8443', ca: '/ca.crt', roleFile: '/role' },
        parametersFile: '/parameters.json',
        cacheBytes: 1_073_741_824,
        redis: { url: 'rediss://r.a.svc:6379', ca: '/redis/ca', passwordFile: '/redis/password' },
        credentials: { file: '/c/credentials', isAnyoneWelcome: false },
        policiesFile: '/c/policies',
        region: 'eu-west-1',
        accountId: '000000000001',
        drainMs: 20_000,
        logLevel: 'warn',
      },
    });
  });

  it('waits for clients to leave where there are others to go to', () => {
    expect(optionsOf('--registry', 'table:members').drainMs).toBe(12_000);
    expect(optionsOf('--registry', 'table:members').peers).toEqual({ port: 8112, tls: undefined });
    expect(optionsOf('--registry', 'memory').drainMs).toBe(0);
    expect(optionsOf('--registry', 'folder:x').registry).toEqual({
      kind: 'folder',
      folder: `${process.cwd()}/x`,
    });
  });

  it('tells clients the address that it listens on, unless that is none', () => {
    expect(optionsOf('--bind', 'localhost').advertise).toBe('127.0.0.1');
    expect(optionsOf('--bind', '127.0.3.1').advertise).toBe('127.0.3.1');
    expect(optionsOf('--bind', '::1').advertise).toBe('::1');
    expect(optionsOf('--advertise', '10.1.2.3').advertise).toBe('10.1.2.3');
  });

  it('may do without plain listeners, and without a zone', () => {
    const tls = ['--tls-port', '9111', '--tls-cert', '/c', '--tls-key', '/k'];
    const options = optionsOf(
      ...['--zone', '', '--port', 'none', '--http-port', 'none', '--https-port', '8443', ...tls],
    );
    expect(options).toMatchObject({
      zone: 'none',
      port: undefined,
      httpPort: undefined,
      tls: { port: 9111, httpsPort: 8443, cert: '/c', key: '/k' },
    });
    expect(() => optionsOf('--port', 'none')).toThrow('--port none needs --tls-port beside it');
    expect(() => optionsOf('--http-port', 'none', ...tls)).toThrow(
      '--http-port none needs --https-port beside it',
    );
  });

  it('helps', () => {
    const help = { kind: 'help', text: daxHelp };
    expect(parseDaxCommand(['--help'], '/default')).toEqual(help);
    expect(parseDaxCommand(['--wrong', '--help'], '/default')).toEqual(help);
    for (const line of daxHelp.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it.each([
    [['--wrong'], "unknown option '--wrong'"],
    [['serve'], "unexpected argument 'serve'"],
    [['--port', 'x'], "--port needs a number from 0 to 65535, not 'x'"],
    [['--http-port', '70000'], "--http-port needs a number from 0 to 65535, not '70000'"],
    [['--node-id', '-'], "--node-id needs a number from 0 to 999999999, not '-'"],
    [['--cluster', 'a/b'], "--cluster needs a name of letters, digits, dots and dashes, not 'a/b'"],
    [
      ['--bind', '0.0.0.0'],
      '--bind 0.0.0.0 can be reached from other machines: give --credentials FILE, or --credentials none to accept anyone',
    ],
    [
      ['--bind', '0.0.0.0', '--credentials', 'none'],
      '--bind 0.0.0.0 needs --advertise, an IP address that clients reach',
    ],
    [
      ['--bind', 'cache.example', '--credentials', 'none'],
      '--bind cache.example needs --advertise, an IP address that clients reach',
    ],
    [['--advertise', 'a.example'], "--advertise needs an IP address, not 'a.example'"],
    [['--tables', 'ftp://x'], "--tables needs a URL like http://127.0.0.1:8000, not 'ftp://x'"],
    [['--tables', 'x'], "--tables needs a URL like http://127.0.0.1:8000, not 'x'"],
    [['--tables-ca', '/ca'], '--tables-ca needs an https: URL of the tables'],
    [['--role', ''], '--role needs a file'],
    [['--tls-port', '1'], '--tls-cert needs a file, with --tls-port or --https-port'],
    [
      ['--tls-cert', 'c', '--tls-key', 'k'],
      '--tls-cert and --tls-key need --tls-port or --https-port',
    ],
    [['--registry', 'x'], "--registry needs table:NAME, folder:DIR or memory, not 'x'"],
    [['--registry', 'table:a/b'], "--registry table: needs the name of a table, not 'a/b'"],
    [
      ['--peer-port', '1'],
      '--peer-port, --peer-ca, --peer-cert and --peer-key need --registry table:NAME',
    ],
    [
      ['--registry', 'table:members', '--peer-ca', 'ca'],
      '--peer-cert needs a file, as --peer-ca, --peer-cert and --peer-key all do',
    ],
    [['--cache-bytes', '5'], "--cache-bytes needs a number from 1048576 to 274877906944, not '5'"],
    [['--redis', 'x:y'], '--redis needs a URL like redis://127.0.0.1:6379'],
    [['--redis-password-file', 'f'], '--redis-password-file needs --redis beside it'],
    [['--redis-ca', 'f'], '--redis-ca needs --redis beside it'],
    [['--redis', 'redis://r', '--redis-ca', 'f'], '--redis-ca needs a rediss: URL of Redis'],
    [['--credentials', ''], '--credentials needs a file, or none'],
    [['--region', 'A B'], "--region needs a name like us-east-1, not 'A B'"],
    [['--account', '1'], "--account needs 12 digits, not '1'"],
    [['--drain-seconds', '999'], "--drain-seconds needs a number from 0 to 300, not '999'"],
    [
      ['--log-level', 'loud'],
      "--log-level needs one of trace, debug, info, warn, error, fatal, silent, not 'loud'",
    ],
  ])('%j is refused', (args, message) => {
    expect(() => optionsOf(...args)).toThrow(new UsageError(message));
  });

  it('never shows a password', () => {
    expect(() => optionsOf('--redis', 'http://:secret@x')).toThrow(/^((?!secret).)*$/);
  });
});
