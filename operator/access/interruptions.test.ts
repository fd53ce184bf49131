import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type KubeApi, startKubeApi } from '../../dataplane/kubernetes/kube-api.fixture.ts';
import { resources } from '../../dataplane/kubernetes/resources.ts';
import { secretText } from '../certificates/secret-data.ts';
import { Interruption } from '../operator.fixture.ts';
import { AccessTrial, ann, musicForAnn } from './access.fixture.ts';
import { PROPAGATION_MS } from './names.ts';
import type { AccessKeyResource, AccessObject } from './resources.ts';

const OPERATORS_MAX = 60;
const WAIT = { timeout: 60_000, interval: 50 };
const GRACE_MS = 600_000;

let api: KubeApi;
let trial: AccessTrial;

beforeAll(async () => {
  api = await startKubeApi();
  await api.applyCrds();
});

afterAll(() => api?.close());

beforeEach(async () => {
  trial = await AccessTrial.start(api);
});

afterEach(() => trial?.stopOperator());

/**
 * Operators that each end at a write, until it is as wished.
 * @param holds what no interruption may break
 * @returns the writes they ended at
 */
async function interrupted(
  kind: 'before' | 'after',
  isWished: () => Promise<boolean>,
  holds: () => Promise<void>,
): Promise<readonly string[]> {
  const met: string[] = [];
  for (let n = 0; n < OPERATORS_MAX; n++) {
    const interruption = new Interruption(kind, kind === 'after' ? 0 : 1);
    await trial.startOperator({ client: interruption.client(api.newClient()) });
    let end: string | undefined;
    const ended = interruption.met.then((write) => {
      end = write;
    });
    await expect.poll(async () => end !== undefined || (await isWished()), WAIT).toBe(true);
    await trial.stopOperator();
    await holds();
    if (end === undefined) return met;
    await ended;
    met.push(end);
  }
  throw new Error(`not so after ${OPERATORS_MAX} operators: ${met.join('\n')}`);
}

async function readyIn(name: string): Promise<string | undefined> {
  const key = await trial.get<AccessObject>(resources.accessKeys, name);
  return key?.status?.conditions?.find(({ type }) => type === 'Ready')?.reason;
}

test.each(['after', 'before'] as const)(
  'operators that end %s a write make, rotate and revoke a key all the same, and the root key stays',
  async (kind) => {
    await trial.createKey('app', { ...ann, gracePeriodSeconds: GRACE_MS / 1000 });
    await trial.createPolicy('music', musicForAnn);
    let root: string | undefined;
    /** Once routers have the key that programs read, they have it at every moment. */
    let isGiven = false;
    const holds = async () => {
      const secret = await trial.secret('trestle-credentials');
      if (secret === undefined) return;
      root ??= secretText(secret, 'secretAccessKey');
      expect(secretText(secret, 'secretAccessKey')).toBe(root);
      const ids = await trial.idsOf('user/ann');
      await trial.policies();
      if (isGiven) expect(ids).toContain(await trial.keyIn('app'));
    };

    const made = await interrupted(
      kind,
      async () => (await readyIn('app')) === 'Propagating',
      holds,
    );
    expect(made.length).toBeGreaterThan(2);
    isGiven = true;
    expect(await trial.policies()).toHaveLength(1);
    const first = (await trial.keyIn('app')) ?? '';

    trial.pass(PROPAGATION_MS);
    await trial.askForRotation('app', '1');
    await interrupted(
      kind,
      async () => {
        const key = await trial.get<AccessKeyResource>(resources.accessKeys, 'app');
        const { published } = key?.status ?? {};
        return published !== undefined && published.revision !== first;
      },
      holds,
    );
    expect(await trial.keyIn('app')).toBe(first);
    expect(await trial.idsOf('user/ann')).toHaveLength(2);

    trial.pass(PROPAGATION_MS);
    await interrupted(kind, async () => (await trial.keyIn('app')) !== first, holds);
    expect(await trial.idsOf('user/ann')).toContain(first);

    trial.pass(GRACE_MS);
    await interrupted(kind, async () => (await trial.idsOf('user/ann')).length === 1, holds);
    expect(await trial.idsOf('user/ann')).toEqual([await trial.keyIn('app')]);

    isGiven = false;
    await trial.delete(resources.accessKeys, 'app');
    await interrupted(kind, async () => (await trial.idsOf('user/ann')).length === 0, holds);
  },
  300_000,
);
