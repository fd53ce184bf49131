import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { certificatesOf } from '../../dataplane/pem-certificates.ts';
import { type KeyPair, newAuthority } from './authority.ts';
import {
  type Authority,
  type AuthorityChange,
  authorityOf,
  begun,
  dropped,
  NOT_BEFORE,
  ROTATE,
  ROTATED,
  reissued,
} from './authority-secret.ts';
import { ASKED_OVERLAP_MS, OWN_OVERLAP_MS, planRotation, SETTLE_MS } from './rotation.ts';
import { isConcerned, lackOf, reportOf, wantedOf } from './rotation-proof.ts';
import { encodedData, type SecretObject } from './secret-data.ts';

const DAY_MS = 86_400_000;
const nowMs = Date.parse('2026-11-27T00:00:00Z');
const AUTHORITIES_COUNT = 8;
let pool: readonly KeyPair[];

beforeAll(async () => {
  pool = await Promise.all(
    Array.from({ length: AUTHORITIES_COUNT }, () =>
      newAuthority('trestle shop', { nowMs, randomBytes }),
    ),
  );
});

const pair = (index: number) => pool[index] ?? { certificate: '', key: '' };
const fingerprint = ({ certificate }: Pick<KeyPair, 'certificate'>) =>
  certificatesOf(certificate)[0]?.fingerprint256 ?? '';

function secretOf(
  data: Readonly<Record<string, string>>,
  metadata: Partial<SecretObject['metadata']> = {},
): SecretObject {
  const labels = { 'app.kubernetes.io/managed-by': 'trestle-operator' };
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'trestle-ca', uid: 'uid', resourceVersion: '1', labels, ...metadata },
    data: encodedData(data),
  };
}

const resting = (metadata: Partial<SecretObject['metadata']> = {}) =>
  secretOf({ 'ca.crt': pair(0).certificate, 'ca.key': pair(0).key }, metadata);

/** As the API server does it: nothing, when the Secret is another one by now. */
function merged(secret: SecretObject, change: AuthorityChange): SecretObject | undefined {
  const { uid, resourceVersion, annotations } = change.metadata;
  if (uid !== secret.metadata.uid || resourceVersion !== secret.metadata.resourceVersion) {
    return undefined;
  }
  const version = String(Number(resourceVersion) + 1);
  return {
    ...secret,
    metadata: {
      ...secret.metadata,
      resourceVersion: version,
      annotations: withoutNull({ ...secret.metadata.annotations, ...annotations }),
    },
    data: withoutNull({ ...secret.data, ...change.data }),
  };
}

function withoutNull(members: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  );
}

/** What is read of the Secret after the step. */
function written(authority: Authority, change: AuthorityChange): Authority {
  const secret = merged(authority.secret, change);
  if (secret === undefined) throw new Error('it is the Secret that was read');
  return authorityOf('shop', secret);
}

describe('the plan', () => {
  const plan = (secret: SecretObject, atMs = nowMs) =>
    planRotation(authorityOf('shop', secret), atMs);

  test('an authority rests until two thirds of its life are over, then clients have a week', () => {
    expect(plan(resting(), nowMs + 1_216 * DAY_MS)).toEqual({ kind: 'rest' });
    const dueMs = nowMs + 1_217 * DAY_MS;
    expect(plan(resting(), dueMs)).toMatchObject({
      kind: 'begin',
      notBeforeMs: dueMs + OWN_OVERLAP_MS,
    });
  });

  test('an operator that comes late takes half of the time that is left, and none that is not', () => {
    const endMs = nowMs + 1_825 * DAY_MS;
    const lateMs = endMs - 2 * DAY_MS;
    expect(plan(resting(), lateMs)).toMatchObject({ notBeforeMs: lateMs + DAY_MS });
    expect(plan(resting(), endMs + 1)).toMatchObject({ kind: 'begin', notBeforeMs: endMs + 1 });
  });

  test('one that somebody else has made is replaced only when somebody asks', () => {
    const lateMs = nowMs + 1_800 * DAY_MS;
    expect(plan(resting({ labels: {} }), lateMs)).toEqual({ kind: 'rest' });
    const asked = { labels: {}, annotations: { [ROTATE]: '1' } };
    expect(plan(resting(asked), lateMs)).toMatchObject({ kind: 'begin' });
  });

  test.each([
    ['nothing is asked', {}, 'rest'],
    ['an empty value', { [ROTATE]: '' }, 'rest'],
    ['a value', { [ROTATE]: '1' }, 'begin'],
    ['the value that was obeyed', { [ROTATE]: '1', [ROTATED]: '1' }, 'rest'],
    ['another value', { [ROTATE]: '2', [ROTATED]: '1' }, 'begin'],
    ['a value that is gone', { [ROTATED]: '1' }, 'rest'],
  ])('a new value of the annotation asks for a rotation: %s', (_, annotations, kind) => {
    expect(plan(resting({ annotations }))).toMatchObject({ kind });
  });

  test('clients have ten minutes, or as long as the annotation said beforehand', () => {
    const until = (annotations: Readonly<Record<string, string>>) =>
      plan(resting({ annotations: { [ROTATE]: '1', ...annotations } }));
    const usual = { kind: 'begin', notBeforeMs: nowMs + ASKED_OVERLAP_MS };
    for (const annotations of [{}, { [NOT_BEFORE]: '2020-01-01' }, { [NOT_BEFORE]: 'tomorrow' }])
      expect(until(annotations)).toMatchObject(usual);
    const longer = '2027-01-01T00:00:00Z';
    expect(until({ [NOT_BEFORE]: longer })).toMatchObject({ notBeforeMs: Date.parse(longer) });
  });

  test('a rotation has three steps, of which each waits for its time and for the proof', () => {
    const first = authorityOf('shop', resting({ annotations: { [ROTATE]: '1' } }));
    const untilMs = nowMs + ASKED_OVERLAP_MS;
    const trusting = written(first, begun(first, pair(1), untilMs));
    expect(trusting).toMatchObject({ obeyedRequest: '1', notBeforeMs: untilMs });
    expect(fingerprint(trusting.signing)).toBe(fingerprint(pair(0)));
    expect(certificatesOf(trusting.issuers)).toHaveLength(2);
    expect(planRotation(trusting, untilMs - 1)).toEqual({ kind: 'wait', untilMs });
    expect(planRotation(trusting, untilMs)).toEqual({ kind: 'prove', next: 'reissue' });

    if (trusting.next === undefined) throw new Error('it has one');
    const reissuing = written(trusting, reissued(trusting, trusting.next, untilMs + SETTLE_MS));
    expect(fingerprint(reissuing.signing)).toBe(fingerprint(pair(1)));
    expect(certificatesOf(reissuing.bundle).map((each) => each.fingerprint256)).toEqual(
      [pair(1), pair(0)].map(fingerprint),
    );
    expect(certificatesOf(reissuing.issuers).map((each) => each.fingerprint256)).toEqual([
      fingerprint(pair(1)),
    ]);
    expect(planRotation(reissuing, untilMs)).toMatchObject({ kind: 'wait' });
    expect(planRotation(reissuing, untilMs + SETTLE_MS)).toEqual({ kind: 'prove', next: 'drop' });

    const over = written(reissuing, dropped(reissuing));
    expect(over).toMatchObject({ next: undefined, previous: undefined, notBeforeMs: undefined });
    expect(Object.keys(over.secret.data ?? {}).sort()).toEqual(['ca.crt', 'ca.key']);
    expect(certificatesOf(over.bundle)).toHaveLength(1);
    expect(planRotation(over, nowMs)).toEqual({ kind: 'rest' });
  });

  test('others whom somebody trusts besides stay trusted, and their certificates stay', () => {
    const data = {
      'ca.crt': `${pair(2).certificate}${pair(0).certificate}`,
      'ca.key': pair(0).key,
    };
    const first = authorityOf('shop', secretOf(data));
    const trusting = written(first, begun(first, pair(1), nowMs));
    if (trusting.next === undefined) throw new Error('it has one');
    const reissuing = written(trusting, reissued(trusting, trusting.next, nowMs));
    const kept = [pair(1), pair(2)].map(fingerprint);
    expect(certificatesOf(reissuing.issuers).map((each) => each.fingerprint256)).toEqual(kept);
    const over = written(reissuing, dropped(reissuing));
    expect(certificatesOf(over.bundle).map((each) => each.fingerprint256)).toEqual(kept);
  });

  test.each([
    ['a next key of nobody', { 'next.key': 'no key' }],
    ['a next key that signs already', { 'next.key': 0 }],
    ['a former authority that signs', { 'previous.crt': 0 }],
  ])('%s is no rotation', (_, members) => {
    const [[member = '', value = ''] = []] = Object.entries(members);
    const { key, certificate } = pair(0);
    const text = value === 0 ? (member === 'next.key' ? key : certificate) : String(value);
    const data = { 'ca.crt': certificate, 'ca.key': key, [member]: text };
    expect(plan(secretOf(data))).toEqual({ kind: 'rest' });
  });
});

describe('the proof', () => {
  const wanted = { trusted: ['old', 'new'], retired: 'old' };
  const leaf = (signedBy: string | null) => ({ use: 'peers', notAfter: '', signedBy });

  test.each([
    ['all of it', { trusted: ['new', 'old', 'x'], leaves: [leaf('new')] }, undefined],
    ['a certificate of its own', { trusted: ['old', 'new'], leaves: [leaf(null)] }, undefined],
    ['the former bundle', { trusted: ['old'], leaves: [leaf('new')] }, 'has not loaded ca.crt yet'],
    [
      'the former certificate',
      { trusted: ['old', 'new'], leaves: [leaf('new'), leaf('old')] },
      'still shows its former certificate (peers)',
    ],
  ])('a process that has loaded %s', (_, report, lack) => {
    expect(lackOf(report, wanted)).toBe(lack);
  });

  test('before anything is retired, whoever trusts all may show what it has', () => {
    const report = { trusted: ['old', 'new'], leaves: [leaf('old'), leaf(null)] };
    expect(lackOf(report, { ...wanted, retired: undefined })).toBeUndefined();
  });

  test.each([
    undefined,
    null,
    {},
    { trusted: 'x', leaves: [] },
    { trusted: [1], leaves: [] },
    { trusted: [], leaves: [{ use: 'peers' }] },
  ])('an answer that is none proves nothing: %j', (answer) => {
    expect(reportOf(answer)).toBeUndefined();
  });

  test.each([
    ['that waits for a machine', {}, undefined, false],
    ['that starts', { nodeName: 'm' }, 'Pending', true],
    ['that runs', { nodeName: 'm' }, 'Running', true],
    ['that has ended', { nodeName: 'm' }, 'Failed', false],
  ])('a pod %s', (_, spec, phase, isSo) => {
    const status = phase === undefined ? {} : { phase };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec, status };
    expect(isConcerned(pod)).toBe(isSo);
  });
});

/** Fingerprints, of which the same are asked for thousands of times. */
const fingerprints = new Map<string, readonly string[]>();

function fingerprintsOf(bundle: string): readonly string[] {
  const known = fingerprints.get(bundle);
  if (known !== undefined) return known;
  const made = certificatesOf(bundle).map((each) => each.fingerprint256);
  fingerprints.set(bundle, made);
  return made;
}

/** A process with the files of its Secret, and what of them it has loaded. */
interface Process {
  files: { readonly bundle: string; readonly signer: string };
  loaded: Process['files'];
}

/**
 * Processes that load files when it pleases them, operators that act upon what they have read, be it
 * outdated, and people who ask for rotations.
 */
class Model {
  secret = resting();
  nowMs = nowMs;
  #known: Authority | undefined;
  rotationsCount = 0;
  readonly processes: Process[] = [];
  /** What an operator has read, some time ago. */
  #read = authorityOf('shop', this.secret);
  #nextPair = 1;
  readonly #random: (below: number) => number;

  constructor(random: (below: number) => number) {
    this.#random = random;
    for (let n = 0; n < 4; n++) this.start();
  }

  /** As the Secret is now. */
  get authority(): Authority {
    if (this.#known?.secret !== this.secret) this.#known = authorityOf('shop', this.secret);
    return this.#known;
  }

  start(): void {
    const { bundle, signing } = this.authority;
    const files = { bundle, signer: fingerprint(signing) };
    this.processes.push({ files, loaded: files });
  }

  step(): void {
    const acts = [
      () => this.#issue(),
      () => this.#load(),
      () => this.#load(),
      () => this.#advance(),
      () => this.#advance(),
      () => this.#readAnew(),
      () => this.#ask(),
      () => {
        this.nowMs += this.#random(ASKED_OVERLAP_MS);
      },
      () => {
        if (this.processes.length < 6) this.start();
        else this.processes.splice(this.#random(this.processes.length), 1);
      },
    ];
    acts[this.#random(acts.length)]?.();
  }

  /** The operator's pass for one Secret. */
  #issue(): void {
    const { bundle, issuers, signing } = this.authority;
    const process = this.#any();
    const may = fingerprintsOf(issuers);
    const { signer } = process.files;
    process.files = { bundle, signer: may.includes(signer) ? signer : fingerprint(signing) };
  }

  #load(): void {
    const process = this.#any();
    process.loaded = process.files;
  }

  #readAnew(): void {
    this.#read = this.authority;
  }

  #advance(): void {
    const authority = this.#read;
    const plan = planRotation(authority, this.nowMs);
    if (plan.kind === 'begin') {
      const next = pair(this.#nextPair % AUTHORITIES_COUNT);
      if (this.#write(begun(authority, next, plan.notBeforeMs))) this.#nextPair += 1;
    }
    if (plan.kind !== 'prove') return;
    const wanted = wantedOf(authority);
    if (this.processes.some((each) => lackOf(reportOfModel(each), wanted) !== undefined)) return;
    if (plan.next === 'drop') {
      if (this.#write(dropped(authority))) this.rotationsCount += 1;
    } else if (authority.next !== undefined) {
      this.#write(reissued(authority, authority.next, this.nowMs + SETTLE_MS));
    }
  }

  #ask(): void {
    const annotations = {
      ...this.secret.metadata.annotations,
      [ROTATE]: String(this.#random(1_000)),
    };
    const resourceVersion = String(Number(this.secret.metadata.resourceVersion) + 1);
    this.secret = {
      ...this.secret,
      metadata: { ...this.secret.metadata, annotations, resourceVersion },
    };
  }

  #write(change: AuthorityChange): boolean {
    const written = merged(this.secret, change);
    if (written !== undefined) this.secret = written;
    return written !== undefined;
  }

  #any(): Process {
    const process = this.processes[this.#random(this.processes.length)];
    if (process === undefined) throw new Error('there are some');
    return process;
  }
}

function reportOfModel({ loaded }: Process) {
  const trusted = fingerprintsOf(loaded.bundle);
  const signedBy = trusted.includes(loaded.signer) ? loaded.signer : null;
  return { trusted, leaves: [{ use: 'peers', notAfter: '', signedBy }] };
}

/** Of those that have loaded what they have, each trusts each, and a client trusts all by `ca.crt`. */
function strangers({ processes, authority }: Model): readonly string[] {
  const clients = fingerprintsOf(authority.bundle);
  return processes.flatMap(({ loaded: shown }) => [
    ...(clients.includes(shown.signer) ? [] : ['a client refuses a process']),
    ...processes.flatMap(({ loaded }) =>
      fingerprintsOf(loaded.bundle).includes(shown.signer) ? [] : ['a process refuses another'],
    ),
  ]);
}

test('whatever loads when, and whoever acts upon what is outdated: all trust each other at all times', () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  let state = seed || 1;
  const random = (below: number) => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  let rotationsCount = 0;
  for (let history = 0; history < 5; history++) {
    const model = new Model(random);
    for (let n = 0; n < 1_500; n++) {
      model.step();
      expect(strangers(model), `SEED=${seed}, history ${history}, step ${n}`).toEqual([]);
    }
    rotationsCount += model.rotationsCount;
  }
  expect(rotationsCount, `SEED=${seed}`).toBeGreaterThan(5);
}, 60_000);
