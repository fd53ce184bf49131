import type { Invalidation } from './coherence.ts';
import { defaultCoherenceLimits } from './coherence-limits.ts';
import type { PlantedBug } from './coherence-simulation.fixture.ts';
import type { PeerCoherence } from './peer-coherence.ts';
import type { RegistryRecord, RegistryStore } from './registry-store.ts';

/** Mistakes that the simulation has to find. They sit between the real parts, or in their limits. */
export const plantedBugs = {
  acknowledgesBeforeTheLeaseOfAnExcludedNodeEnds: { firstSeed: 3, limits: { fenceMs: 0 } },
  isActiveAsSoonAsItJoins: { firstSeed: 20, limits: { joinMs: 0 } },
  leaseOutlastsTheFence: {
    firstSeed: 22,
    limits: { leaseMs: defaultCoherenceLimits.leaseMs + 1_500 },
  },
  servesWhileInactive: {
    firstSeed: 1,
    disguise: (coherence) => withMembers(coherence, { mayServe: () => true }),
  },
  keepsItsCacheWhenItRejoins: {
    firstSeed: 22,
    disguise: (coherence) => withMembers(coherence, { onReset: () => () => undefined }),
  },
  acknowledgesWithoutOthers: {
    firstSeed: 2,
    disguise: (coherence) =>
      withMembers(coherence, {
        invalidate: () => (message: Invalidation) => {
          coherence.invalidate(message).catch(() => undefined);
          return Promise.resolve();
        },
      }),
  },
  acknowledgesBeforeItDrops: {
    firstSeed: 1,
    disguise: (coherence, process) =>
      withMembers(coherence, {
        onInvalidation: () => (handler: (message: Invalidation) => void) =>
          coherence.onInvalidation((message) => {
            process.afterUs(20_000, 'late drop', () => handler(message));
          }),
      }),
  },
  waitsOnlyWhereItExcludedSomebodyItself: {
    firstSeed: 52,
    options: (options) => ({ ...options, registry: hidingExclusions(options.registry) }),
  },
  readsTheViewEventually: {
    firstSeed: 44,
    options: (options) => ({ ...options, registry: laggingStore(options.registry) }),
  },
  readsAndFillsAnL2ThatIsNotShared: { firstSeed: 24, l2: { ignoresUnshared: true } },
  usesKeysOfL2AsSoonAsItKnowsThem: { firstSeed: 2492, l2: { usesGenerationsAtOnce: true } },
  finishesUnderKeysOfL2ThatArePast: { firstSeed: 2367, l2: { finishesOnce: true } },
} satisfies Readonly<Record<string, PlantedBug & { readonly firstSeed: number }>>;

/** The coherence with some members in place of its own. */
function withMembers(
  coherence: PeerCoherence,
  members: Partial<Record<keyof PeerCoherence, () => unknown>>,
): PeerCoherence {
  return new Proxy(coherence, {
    get(target, name) {
      // Names of other members are asked for as well, and are not among these.
      const own = members[name as keyof PeerCoherence];
      if (own !== undefined) return own();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Nobody learns from the view that somebody was excluded. */
function hidingExclusions(store: RegistryStore): RegistryStore {
  return {
    put: (...args) => store.put(...args),
    async get(id, options) {
      const record = await store.get(id, options);
      return record && { ...record, value: { ...record.value, exclusionEpoch: 0 } };
    },
  };
}

/** Reads what was there a read ago, half of the time. */
function laggingStore(store: RegistryStore): RegistryStore {
  let former: RegistryRecord | undefined;
  let count = 0;
  return {
    put: (...args) => store.put(...args),
    async get(id, options) {
      const record = await store.get(id, options);
      const shown = count % 2 === 0 ? record : (former ?? record);
      count += 1;
      former = record;
      return shown;
    },
  };
}
