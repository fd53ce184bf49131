import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  goodPairs,
  type KeyMaterial,
  newestPair,
  newMaterial,
  nextStepMs,
  previousEndMs,
  type RotationFacts,
  rotated,
} from './key-material.ts';
import type { KeyPair } from './key-pair.ts';
import { PROPAGATION_MS } from './names.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1);

const pair = (name: string): KeyPair => ({
  accessKeyId: name,
  secretAccessKey: `secret of ${name}`,
});
const spec: RotationFacts['spec'] = { state: 'Active', gracePeriodSeconds: 3600 };

/** One that has been current, and known to routers, for a day. */
const settled: KeyMaterial = {
  current: pair('old'),
  sinceMs: START_MS - DAY_MS,
  next: undefined,
  previous: undefined,
  obeyedRequest: '',
};

function factsOf(change: Partial<RotationFacts> = {}): RotationFacts {
  return {
    spec,
    request: '',
    published: { accessKeyId: 'old', sinceMs: START_MS - DAY_MS },
    nowMs: START_MS,
    newPair: () => pair('new'),
    ...change,
  };
}

const staged: KeyMaterial = { ...settled, next: pair('new'), obeyedRequest: '1' };
const promoted: KeyMaterial = {
  current: pair('new'),
  sinceMs: START_MS,
  next: undefined,
  previous: pair('old'),
  obeyedRequest: '1',
};

describe('the keys of an Active AccessKey', () => {
  test('a new one is current at once, and a request that is there from the start is obeyed by it', () => {
    expect(newMaterial(factsOf({ request: '1' }))).toEqual({
      current: pair('new'),
      sinceMs: START_MS,
      next: undefined,
      previous: undefined,
      obeyedRequest: '1',
    });
  });

  test('stay the same object while nothing asks for a rotation', () => {
    expect(rotated(settled, factsOf())).toBe(settled);
    const seen = { ...settled, obeyedRequest: '1' };
    expect(rotated(seen, factsOf({ request: '1' }))).toBe(seen);
    expect(rotated(seen, factsOf({ request: '' }))).toBe(seen);
  });

  test('a new request makes a next key, which nobody uses yet', () => {
    expect(rotated(settled, factsOf({ request: '1' }))).toEqual(staged);
  });

  test('so does the age that rotateAfterDays says, and not a moment before', () => {
    const yearly = { ...spec, rotateAfterDays: 30 };
    const atMs = settled.sinceMs + 30 * DAY_MS;
    expect(nextStepMs(settled, yearly)).toBe(atMs);
    expect(rotated(settled, factsOf({ spec: yearly, nowMs: atMs - 1 }))).toBe(settled);
    expect(rotated(settled, factsOf({ spec: yearly, nowMs: atMs })).next).toEqual(pair('new'));
  });

  test('no rotation begins before routers know the current key', () => {
    const published = { accessKeyId: 'old', sinceMs: START_MS - PROPAGATION_MS + 1 };
    expect(rotated(settled, factsOf({ request: '1', published }))).toBe(settled);
    expect(rotated(settled, factsOf({ request: '1', published: undefined }))).toBe(settled);
  });

  test('the next key becomes the current one when all routers know it', () => {
    const published = { accessKeyId: 'new', sinceMs: START_MS - PROPAGATION_MS };
    const early = { ...published, sinceMs: published.sinceMs + 1 };
    expect(rotated(staged, factsOf({ request: '1', published: early }))).toBe(staged);
    expect(rotated(staged, factsOf({ request: '1' }))).toBe(staged);
    expect(rotated(staged, factsOf({ request: '1', published }))).toEqual(promoted);
  });

  test('a request that comes while the next key waits is part of the same rotation', () => {
    expect(rotated(staged, factsOf({ request: '2' }))).toEqual({ ...staged, obeyedRequest: '2' });
  });

  test('the former key is good for the grace period, then gone', () => {
    const endMs = START_MS + HOUR_MS;
    const published = { accessKeyId: 'new', sinceMs: START_MS - PROPAGATION_MS };
    const facts = factsOf({ request: '1', published });
    expect(nextStepMs(promoted, spec)).toBe(endMs);
    expect(rotated(promoted, { ...facts, nowMs: endMs - 1 })).toBe(promoted);
    expect(rotated(promoted, { ...facts, nowMs: endMs })).toEqual({
      ...promoted,
      previous: undefined,
    });
  });

  test('a shorter grace period counts for a former key, too', () => {
    const hasty = { ...spec, gracePeriodSeconds: 0 };
    const published = { accessKeyId: 'new', sinceMs: START_MS - PROPAGATION_MS };
    const now = rotated(promoted, factsOf({ spec: hasty, request: '1', published }));
    expect(goodPairs(now)).toEqual([pair('new')]);
  });

  test('without a grace period the former key goes in the step that replaces it', () => {
    const hasty = { ...spec, gracePeriodSeconds: 0 };
    const published = { accessKeyId: 'new', sinceMs: START_MS - PROPAGATION_MS };
    const now = rotated(staged, factsOf({ spec: hasty, request: '1', published }));
    expect(now).toEqual({ ...promoted, previous: undefined });
  });

  test('a rotation that is asked for in the grace period begins after it', () => {
    const published = { accessKeyId: 'new', sinceMs: START_MS - PROPAGATION_MS };
    const facts = factsOf({ request: '2', published, newPair: () => pair('newest') });
    expect(rotated(promoted, facts)).toBe(promoted);
    const after = rotated(promoted, { ...facts, nowMs: START_MS + HOUR_MS });
    expect(after).toMatchObject({ current: pair('new'), next: pair('newest'), obeyedRequest: '2' });
    expect(after.previous).toBeUndefined();
  });
});

describe('the keys of an Inactive AccessKey', () => {
  const inactive = { ...spec, state: 'Inactive' as const };

  test('a request replaces the key at once, and the old one is good no more', () => {
    const now = rotated(settled, factsOf({ spec: inactive, request: '1', published: undefined }));
    expect(now).toEqual({ ...promoted, previous: undefined });
  });

  test('a rotation that was under way ends: its next key is the current one', () => {
    const now = rotated(staged, factsOf({ spec: inactive, request: '2' }));
    expect(now).toEqual({ ...promoted, previous: undefined, obeyedRequest: '2' });
  });

  test('a former key ends at once, and does not come back with the state', () => {
    const now = rotated(promoted, factsOf({ spec: inactive, request: '1' }));
    expect(goodPairs(now)).toEqual([pair('new')]);
  });

  test('without a request the key stays', () => {
    expect(rotated(settled, factsOf({ spec: inactive }))).toBe(settled);
  });
});

/** What may happen to an AccessKey; time passes with each. */
type Happening =
  | { readonly kind: 'request' }
  | { readonly kind: 'state'; readonly state: 'Active' | 'Inactive' }
  | { readonly kind: 'grace'; readonly seconds: number }
  | { readonly kind: 'age'; readonly days: number | undefined }
  /** Somebody deleted the status: when keys were published is known no more. */
  | { readonly kind: 'statusLost' }
  | { readonly kind: 'nothing' };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: 'nothing' } as const) },
  { weight: 3, arbitrary: fc.constant({ kind: 'request' } as const) },
  fc.record({ kind: fc.constant('state'), state: fc.constantFrom('Active', 'Inactive') }),
  fc.record({ kind: fc.constant('grace'), seconds: fc.constantFrom(0, 600, 3600, DAY_MS / 1000) }),
  fc.record({ kind: fc.constant('age'), days: fc.constantFrom(undefined, 1, 2) }),
  fc.constant({ kind: 'statusLost' } as const),
);
/** Up to two days, often just about the time that routers take. */
const passing = fc.oneof(
  fc.integer({ min: 0, max: 2 * PROPAGATION_MS }),
  fc.integer({ min: 0, max: 2 * DAY_MS }),
);

/** An AccessKey, the operator's passes over it, and what routers were given when. */
class Model {
  nowMs = START_MS;
  spec: RotationFacts['spec'] = spec;
  published: RotationFacts['published'];
  material: KeyMaterial;
  /** Ids of all keys that were ever ended, or replaced while the AccessKey was Inactive. */
  readonly ended = new Set<string>();
  /** Since when routers could fetch an id, without interruption. */
  readonly givenMs = new Map<string, number>();
  #made = 0;
  #request = 0;

  constructor() {
    this.material = newMaterial(this.#facts());
    this.#publish();
  }

  happen(what: Happening): void {
    switch (what.kind) {
      case 'request':
        this.#request += 1;
        break;
      case 'state':
        this.spec = { ...this.spec, state: what.state };
        break;
      case 'grace':
        this.spec = { ...this.spec, gracePeriodSeconds: what.seconds };
        break;
      case 'age': {
        const { rotateAfterDays: _, ...rest } = this.spec;
        this.spec = what.days === undefined ? rest : { ...rest, rotateAfterDays: what.days };
        break;
      }
      case 'statusLost':
        this.published = undefined;
        break;
      case 'nothing':
        break;
    }
    this.#pass();
  }

  /** Time in which every wish of the clock is followed by a pass, as the controller does it. */
  passMs(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const known = (this.published?.sinceMs ?? this.nowMs) + PROPAGATION_MS;
      const steps = [known, nextStepMs(this.material, this.spec) ?? endMs, endMs];
      this.nowMs = Math.min(...steps.filter((stepMs) => stepMs > this.nowMs), endMs);
      this.#pass();
      if (this.nowMs >= endMs) return;
    }
  }

  #pass(): void {
    const before = this.material;
    this.material = rotated(before, this.#facts());
    const good = new Set(goodPairs(this.material).map(({ accessKeyId }) => accessKeyId));
    for (const { accessKeyId } of goodPairs(before)) {
      if (!good.has(accessKeyId)) this.ended.add(accessKeyId);
    }
    expect(rotated(this.material, this.#facts())).toBe(this.material);
    this.#publish();
    this.#check(before);
  }

  #publish(): void {
    const isActive = this.spec.state === 'Active';
    const good = isActive ? goodPairs(this.material).map(({ accessKeyId }) => accessKeyId) : [];
    for (const id of [...this.givenMs.keys()]) if (!good.includes(id)) this.givenMs.delete(id);
    for (const id of good) if (!this.givenMs.has(id)) this.givenMs.set(id, this.nowMs);
    const revision = isActive ? newestPair(this.material).accessKeyId : 'none';
    if (this.published?.accessKeyId === revision) return;
    this.published = { accessKeyId: revision, sinceMs: this.nowMs };
  }

  #check(before: KeyMaterial): void {
    const { current, next, previous, sinceMs } = this.material;
    expect(next === undefined || previous === undefined).toBe(true);
    for (const { accessKeyId } of goodPairs(this.material)) {
      expect(this.ended.has(accessKeyId)).toBe(false);
    }
    if (this.spec.state === 'Inactive') return;
    const id = current.accessKeyId;
    if (id !== before.current.accessKeyId) {
      // Whoever reads the Secret now signs with a key that every router has had time to learn.
      expect(this.nowMs - (this.givenMs.get(id) ?? this.nowMs)).toBeGreaterThanOrEqual(
        PROPAGATION_MS,
      );
      expect(sinceMs).toBe(this.nowMs);
    }
    const isInGrace = this.nowMs < previousEndMs(this.material, this.spec);
    const wasReplaced =
      before.previous ?? (id === before.current.accessKeyId ? undefined : before.current);
    if (wasReplaced !== undefined) {
      expect(previous?.accessKeyId).toBe(isInGrace ? wasReplaced.accessKeyId : undefined);
    }
  }

  #facts(): RotationFacts {
    return {
      spec: this.spec,
      request: this.#request === 0 ? '' : String(this.#request),
      published: this.published,
      nowMs: this.nowMs,
      newPair: () => {
        this.#made += 1;
        return pair(`key-${this.#made}`);
      },
    };
  }
}

test('whatever happens: at most two keys are good, ended ones stay ended, and the current one is known to routers', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(passing, happening), { maxLength: 60 }), (story) => {
      const model = new Model();
      for (const [ms, what] of story) {
        model.passMs(ms);
        model.happen(what);
      }
    }),
  );
});

test('left alone, a rotation that was asked for ends with one key, which is not the old one', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(passing, happening), { maxLength: 20 }), (story) => {
      const model = new Model();
      for (const [ms, what] of story) {
        model.passMs(ms);
        model.happen(what);
      }
      model.happen({ kind: 'state', state: 'Active' });
      model.happen({ kind: 'age', days: undefined });
      model.passMs(8 * DAY_MS);
      const old = model.material.current.accessKeyId;
      expect(goodPairs(model.material)).toHaveLength(1);
      model.happen({ kind: 'request' });
      model.passMs(8 * DAY_MS);
      expect(goodPairs(model.material)).toHaveLength(1);
      expect(model.material.current.accessKeyId).not.toBe(old);
      expect(model.ended.has(old)).toBe(true);
    }),
  );
});
