import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualScheduler } from '../node/manual-scheduler.fixture.ts';
import { type ApiAccess, inClusterAccess, kubeConfigAccess } from './api-access.ts';
import { KubeClient } from './api-client.ts';
import { type KubeApi, startKubeApi } from './kube-api.fixture.ts';
import { resources } from './resources.ts';

const inPod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

describe('in a pod', () => {
  let folder: string;
  let clock: ManualScheduler;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'trestle-service-account-'));
    clock = new ManualScheduler();
    await write('token', 'first\n');
    await write('ca.crt', 'one CA');
    await write('namespace', 'music\n');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = (file: string, text: string) => writeFile(join(folder, file), text);

  async function access(environment: NodeJS.ProcessEnv = inPod): Promise<ApiAccess> {
    const found = await inClusterAccess(environment, clock, folder);
    if (found === undefined) throw new Error('not in a pod');
    return found;
  }

  it('is what environment and files say', async () => {
    const { url, namespace, credentials } = await access();
    expect({ url, namespace }).toEqual({ url: 'https://10.0.0.1:443', namespace: 'music' });
    expect(await credentials(false)).toMatchObject({
      tls: { ca: 'one CA' },
      headers: { Authorization: 'Bearer first' },
    });
  });

  it('an IPv6 address stands in brackets', async () => {
    const { url } = await access({ ...inPod, KUBERNETES_SERVICE_HOST: 'fd00::1' });
    expect(url).toBe('https://[fd00::1]:443');
  });

  it('a token is read again each minute', async () => {
    const { credentials } = await access();
    await write('token', 'second');
    await clock.advance(59_999);
    expect((await credentials(false)).headers).toEqual({ Authorization: 'Bearer first' });
    await clock.advance(1);
    expect((await credentials(false)).headers).toEqual({ Authorization: 'Bearer second' });
  });

  it('a token that is refused is read again at once', async () => {
    const { credentials } = await access();
    await write('token', 'second');
    expect((await credentials(true)).headers).toEqual({ Authorization: 'Bearer second' });
  });

  it('connections are kept until the CA changes', async () => {
    const { credentials } = await access();
    const { tls } = await credentials(true);
    expect((await credentials(true)).tls).toBe(tls);
    await write('ca.crt', 'another CA');
    expect((await credentials(true)).tls).toEqual({ ca: 'another CA' });
  });

  it.each([
    ['without the environment', {}],
    ['without a token', inPod],
  ])('is not where we are %s', async (_, environment) => {
    await rm(join(folder, 'token'));
    expect(await inClusterAccess(environment, clock, folder)).toBeUndefined();
  });
});

describe('a configuration file', () => {
  let api: KubeApi | undefined;
  afterAll(() => api?.close());

  it('leads to the server that it names', async () => {
    api = await startKubeApi();
    const client = await KubeClient.load({ kubeconfig: api.kubeconfig });
    const { items } = await client.listAll(resources.namespaces);
    expect(items.map(({ metadata }) => metadata.name)).toContain('kube-system');
    client.close();
  });

  it('keeps connections as long as nothing changes', async () => {
    if (api === undefined) throw new Error('the case before starts it');
    const { credentials } = await kubeConfigAccess(api.kubeconfig);
    const { tls, headers } = await credentials(false);
    expect((await credentials(false)).tls).toBe(tls);
    expect(headers).toHaveProperty('Authorization');
  });

  it('that is not there is an error that names it', async () => {
    await expect(KubeClient.load({ kubeconfig: '/absent/config' })).rejects.toThrow(
      '/absent/config',
    );
  });
});
