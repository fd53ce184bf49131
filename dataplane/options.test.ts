import { describe, expect, it } from 'vitest';
import { nodeHelp, routerHelp } from './cluster-options.ts';
import { embeddedHelp } from './embedded-options.ts';
import { UsageError } from './option-values.ts';
import { parseCommand } from './options.ts';

function optionsOf(...args: string[]) {
  const command = parseCommand(args, '/default');
  if (command.kind !== 'embedded') throw new Error(`${command.kind} was not asked for`);
  return command.options;
}

const POLICIES_ALONE = '--policies needs --credentials FILE, which says who has which access key';

describe('command line', () => {
  it('has a default for everything', () => {
    expect(optionsOf()).toEqual({
      host: '127.0.0.1',
      port: 8000,
      tls: undefined,
      healthPort: undefined,
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
        ...[
          '--health-port',
          '0',
          '--tls-port',
          '8443',
          '--tls-cert',
          '/tls/tls.crt',
          '--tls-key',
          'tls.key',
        ],
        ...['--log-level=debug', '--triggers', '/triggers.json', '--policies=/policies.json'],
      ),
    ).toEqual({
      host: '::1',
      port: 0,
      tls: { port: 8443, cert: '/tls/tls.crt', key: `${process.cwd()}/tls.key` },
      healthPort: 0,
      folder: '/some folder',
      durability: 'relaxed',
      credentialsFile: '/keys.json',
      policiesFile: '/policies.json',
      region: 'eu-west-1',
      accountId: '123456789012',
      logLevel: 'debug',
      triggersFile: '/triggers.json',
    });
  });

  it('takes paths from the working directory', () => {
    expect(optionsOf('--data', 'x').folder).toBe(`${process.cwd()}/x`);
    expect(optionsOf('--credentials', 'x').credentialsFile).toBe(`${process.cwd()}/x`);
    expect(optionsOf('--triggers', 'x').triggersFile).toBe(`${process.cwd()}/x`);
    const { policiesFile } = optionsOf('--credentials', 'x', '--policies', 'y');
    expect(policiesFile).toBe(`${process.cwd()}/y`);
  });

  it('keeps nothing in memory mode', () => {
    expect(optionsOf('--in-memory').folder).toBeUndefined();
  });

  it.each(['--help', '-h'])('%s asks for help, whatever else is there', (flag) => {
    expect(parseCommand([flag, '--port', 'x'], '/d')).toEqual({ kind: 'help', text: embeddedHelp });
    expect(parseCommand(['embedded', flag], '/d')).toEqual({ kind: 'help', text: embeddedHelp });
    expect(parseCommand(['node', flag], '/d')).toEqual({ kind: 'help', text: nodeHelp });
    const ofRouter = { kind: 'help', text: expect.stringContaining(routerHelp) };
    expect(parseCommand(['router', '--x', flag], '/d')).toEqual(ofRouter);
  });

  it('mentions every option in the help', () => {
    for (const option of ['port', 'host', 'data', 'in-memory', 'durability', 'credentials']) {
      expect(embeddedHelp).toContain(`--${option}`);
    }
    for (const option of ['region', 'account', 'log-level', 'help', 'tls-port', 'tls-cert']) {
      expect(embeddedHelp).toContain(`--${option}`);
    }
    expect(embeddedHelp).toContain('--triggers FILE');
    expect(embeddedHelp).toContain('--policies FILE');
    expect(nodeHelp).toContain('--secrets DIR');
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
    [
      ['--tls-port', '8443', '--tls-key', 'k'],
      '--tls-cert needs a file, with --tls-port and --tls-key',
    ],
    [
      ['--tls-cert', 'c', '--tls-key', 'k'],
      '--tls-port needs a port, with --tls-cert and --tls-key',
    ],
    [
      ['--tls-port', 'x', '--tls-cert', 'c', '--tls-key', 'k'],
      "--tls-port needs a number from 0 to 65535, not 'x'",
    ],
    [['--triggers', ''], '--triggers needs a file'],
    [['--credentials', 'x', '--policies', ''], '--policies needs a file'],
    [['--policies', 'x'], POLICIES_ALONE],
    [['--credentials', 'none', '--policies', 'x'], POLICIES_ALONE],
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
    [['dax'], "there is no role 'dax'; there is: embedded, node, router"],
    [['constructor'], "there is no role 'constructor'; there is: embedded, node, router"],
    [['embedded', 'x'], "unexpected argument 'x'"],
  ])('refuses %j in one line', (args, message) => {
    expect(() => optionsOf(...args)).toThrow(new UsageError(message));
  });
});

describe('command line of a node', () => {
  const minimal = ['node', '--topology', '/t.json', '--id', 'a-1', '--data', '/d'];

  it('needs a topology, a name and a folder, and has a default for the rest', () => {
    expect(parseCommand(minimal, '/default')).toEqual({
      kind: 'node',
      options: {
        topologyFile: '/t.json',
        id: 'a-1',
        bind: undefined,
        folder: '/d',
        durability: 'fsync',
        hasFaultInjection: false,
        protocolMax: 2,
        logLevel: 'info',
      },
    });
  });

  it('takes every option', () => {
    const more = ['--durability', 'relaxed', '--fault-injection', '--protocol-max=1'];
    const last = ['--log-level', 'warn', '--bind', '0.0.0.0'];
    expect(parseCommand([...minimal, ...more, ...last], '/default')).toMatchObject({
      options: {
        bind: '0.0.0.0',
        durability: 'relaxed',
        hasFaultInjection: true,
        protocolMax: 1,
        logLevel: 'warn',
      },
    });
  });

  it('mentions every option in the help', () => {
    for (const option of ['topology', 'id', 'bind', 'data', 'durability', 'fault-injection']) {
      expect(nodeHelp).toContain(`--${option}`);
    }
    for (const option of ['protocol-max', 'log-level', 'help']) {
      expect(nodeHelp).toContain(`--${option}`);
    }
  });

  it.each([
    [['node'], '--topology needs a file'],
    [['node', '--topology', 't'], '--id needs the name of a process in the topology'],
    [['node', '--topology', 't', '--id', 'a'], '--data needs a folder'],
    [[...minimal, '--data', ''], '--data needs a folder'],
    [[...minimal, '--bind', ''], '--bind needs an address'],
    [[...minimal, '--port', '1'], "unknown option '--port'"],
    [[...minimal, 'x'], "unexpected argument 'x'"],
    [[...minimal, '--protocol-max', '3'], "--protocol-max needs a number from 1 to 2, not '3'"],
    [[...minimal, '--durability', 'x'], "--durability needs one of fsync, relaxed, not 'x'"],
  ])('refuses %j in one line', (args, message) => {
    expect(() => parseCommand(args, '/default')).toThrow(new UsageError(message));
  });
});

describe('command line of a router', () => {
  const minimal = ['router', '--topology', '/t.json', '--id', 'r'];

  it('needs a topology and a name, and has a default for the rest', () => {
    expect(parseCommand(minimal, '/default')).toEqual({
      kind: 'router',
      options: {
        topologyFile: '/t.json',
        id: 'r',
        bind: undefined,
        tls: undefined,
        drainMs: 0,
        credentials: { file: undefined, isAnyoneWelcome: false },
        protocolMax: 2,
        logLevel: 'info',
      },
    });
  });

  it.each([
    ['none', { file: undefined, isAnyoneWelcome: true }],
    ['/keys.json', { file: '/keys.json', isAnyoneWelcome: false }],
  ])('takes --credentials %s', (value, credentials) => {
    expect(parseCommand([...minimal, '--credentials', value], '/default')).toMatchObject({
      options: { credentials },
    });
  });

  it('takes policies beside a file of credentials', () => {
    const files = ['--credentials', '/keys.json', '--policies', '/policies.json'];
    expect(parseCommand([...minimal, ...files], '/default')).toMatchObject({
      options: { policiesFile: '/policies.json' },
    });
  });

  it('listens elsewhere, by HTTPS too, and drains, when told so', () => {
    const tls = ['--tls-port', '0', '--tls-cert', '/c', '--tls-key', '/k'];
    const more = [...tls, '--drain-seconds', '5', '--bind', '::'];
    expect(parseCommand([...minimal, ...more], '/default')).toMatchObject({
      options: { bind: '::', tls: { port: 0, cert: '/c', key: '/k' }, drainMs: 5_000 },
    });
  });

  it('mentions every option in the help', () => {
    const own = ['topology', 'id', 'bind', 'credentials', 'tls-port', 'tls-cert', 'tls-key'];
    const more = ['policies', 'drain-seconds', 'protocol-max', 'log-level', 'help'];
    for (const option of [...own, ...more]) {
      expect(routerHelp).toContain(`--${option}`);
    }
  });

  it.each([
    [['router'], '--topology needs a file'],
    [[...minimal, '--credentials', ''], '--credentials needs a file, or none'],
    [[...minimal, '--policies', 'x'], POLICIES_ALONE],
    [[...minimal, '--data', 'x'], "unknown option '--data'"],
    [
      [...minimal, '--drain-seconds', '301'],
      "--drain-seconds needs a number from 0 to 300, not '301'",
    ],
  ])('refuses %j in one line', (args, message) => {
    expect(() => parseCommand(args, '/default')).toThrow(new UsageError(message));
  });
});
