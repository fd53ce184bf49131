import { describe, expect, it } from 'vitest';
import { parseKubernetesRouter } from './kubernetes-router-options.ts';
import { UsageError } from './option-values.ts';
import { parseCommand } from './options.ts';

const needed = [
  ...['--kubernetes', '--namespace', 'shop', '--id', 'trestle-7c9f-x2x'],
  ...['--region', 'eu-west-1'],
];
const tls = ['--tls-port', '8443', '--tls-cert', '/t/tls.crt', '--tls-key', '/t/tls.key'];

describe('the options of a router in Kubernetes', () => {
  it('have what a pod leaves out', () => {
    expect(parseKubernetesRouter(needed)).toEqual({
      namespace: 'shop',
      id: 'trestle-7c9f-x2x',
      region: 'eu-west-1',
      zone: 'none',
      bind: '127.0.0.1',
      port: 8000,
      healthPort: 8004,
      tls: undefined,
      nodeTls: undefined,
      credentials: { file: undefined, isAnyoneWelcome: false },
      storageHost: 'trestle-storage.shop.svc',
      storagePort: 8004,
      drainMs: 0,
      protocolMax: 2,
      logLevel: 'info',
    });
  });

  it('use one certificate for clients and towards storage nodes', () => {
    const args = [...needed, ...tls, '--ca', '/t/ca.crt', '--zone', ''];
    expect(parseKubernetesRouter(args)).toMatchObject({
      zone: 'none',
      tls: { port: 8443, cert: '/t/tls.crt', key: '/t/tls.key' },
      nodeTls: { ca: '/t/ca.crt', cert: '/t/tls.crt', key: '/t/tls.key' },
    });
  });

  it('are those of a role of the command line, with its help', () => {
    expect(parseCommand(['router', ...needed], '/data').kind).toBe('kubernetesRouter');
    const help = parseCommand(['router', '--help'], '/data');
    expect(help).toMatchObject({ kind: 'help', text: expect.stringContaining('--storage-host') });
  });

  it.each([
    { args: ['--kubernetes'], text: '--namespace needs the name of a namespace' },
    {
      args: [...needed, '--namespace', 'a.b'],
      text: "--namespace needs the name of a namespace, not 'a.b'",
    },
    { args: [...needed, '--id', 'A'], text: "--id needs a pod's name, not 'A'" },
    {
      args: [...needed, '--region', 'x y'],
      text: "--region needs a name like us-east-1, not 'x y'",
    },
    {
      args: [...needed, '--health-port', 'x'],
      text: "--health-port needs a number from 0 to 65535, not 'x'",
    },
    {
      args: [...needed, '--ca', '/t/ca.crt'],
      text: '--ca needs --tls-cert and --tls-key beside it',
    },
    { args: [...needed, '--topology', 'x'], text: "unknown option '--topology'" },
  ])('are refused: $text', ({ args, text }) => {
    expect(() => parseKubernetesRouter(args)).toThrow(new UsageError(text));
  });
});
