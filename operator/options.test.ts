import { expect, test } from 'vitest';
import { UsageError } from '../dataplane/option-values.ts';
import { help, parseOperator } from './options.ts';

const needed = [
  '--namespaces',
  'shop,games',
  '--release-namespace',
  'trestle-system',
  '--data-image',
  'trestle:1',
];

test('what is not given has its default', () => {
  expect(parseOperator(needed)).toEqual({
    kind: 'run',
    options: {
      namespaces: ['shop', 'games'],
      leaseName: 'trestle-operator',
      healthPort: 8004,
      logLevel: 'info',
      kubeconfig: undefined,
      install: {
        releaseNamespace: 'trestle-system',
        region: 'us-east-1',
        dataImage: 'trestle:1',
        imagePullPolicy: 'IfNotPresent',
        imagePullSecrets: [],
        upgradePolicy: 'Automatic',
        metricsNamespaces: [],
        daxClients: [],
        daxImage: 'trestle:1',
        redisImage: undefined,
        clusterDomain: 'cluster.local',
      },
    },
  });
});

test('caches may have images of their own', () => {
  const images = ['--dax-image', 'trestle:2', '--redis-image', 'valkey:8'];
  expect(parseOperator([...needed, ...images])).toMatchObject({
    options: { install: { dataImage: 'trestle:1', daxImage: 'trestle:2', redisImage: 'valkey:8' } },
  });
  expect(parseOperator([...needed, '--redis-image', ''])).toMatchObject({
    options: { install: { redisImage: undefined } },
  });
});

test('the callers of caches may be restrained', () => {
  const peers = [{ podSelector: { matchLabels: { role: 'shop' } } }, { ipBlock: { cidr: '::/0' } }];
  expect(parseOperator([...needed, '--dax-clients', JSON.stringify(peers)])).toMatchObject({
    options: { install: { daxClients: peers } },
  });
});

test.each([
  [[], '--release-namespace needs a name'],
  [[...needed.slice(2)], '--namespaces needs names of namespaces'],
  [[...needed.slice(0, 4)], '--data-image needs an image'],
  [[...needed, '--upgrade-policy', 'Never'], '--upgrade-policy needs one of'],
  [[...needed, '--image-pull-policy', 'x'], '--image-pull-policy needs one of'],
  [[...needed, '--health-port', '70000'], '--health-port needs a number'],
  [[...needed, '--region', 'A B'], '--region needs a name'],
  [[...needed, '--dax-image', ''], '--dax-image needs an image'],
  [[...needed, '--dax-clients', '{}'], '--dax-clients needs a JSON list'],
  [[...needed, '--dax-clients', '[{"anybody": {}}]'], '--dax-clients needs a JSON list'],
  [[...needed, '--dax-clients', '[{}'], '--dax-clients needs a JSON list'],
  [[...needed, '--cluster-domain', 'A'], '--cluster-domain needs a name'],
  [[...needed, '--log-level', 'loud'], '--log-level needs one of'],
  [[...needed, 'more'], "unexpected argument 'more'"],
  [[...needed, '--unknown'], 'unknown'],
  [['--namespaces', 'A', ...needed.slice(2)], '--namespaces needs small letters'],
])('a wrong command line is one line: %j', (args, message) => {
  expect(() => parseOperator(args)).toThrow(UsageError);
  expect(() => parseOperator(args)).toThrow(message);
});

test('the help names every option', () => {
  expect(parseOperator(['--help'])).toEqual({ kind: 'help' });
  for (const option of [
    'namespaces',
    'data-image',
    'dax-image',
    'upgrade-policy',
    'lease-name',
    'kubeconfig',
  ]) {
    expect(help).toContain(`--${option}`);
  }
});
