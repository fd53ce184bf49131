import type { Replica, ReplicaHost } from '../replication/replica.ts';
import type { Transport } from '../replication/transport/transport.ts';
import { methods, type WriteCall } from '../routing/protocol.ts';
import { REQUEST_ID_BYTES } from '../routing/request-ids.ts';
import type { Store } from '../storage/store.ts';
import { withEarlyQuorum } from './early-quorum.ts';
import { overlaid } from './overlay.ts';
import type { SimEnvironment } from './sim-machine.ts';
import type { SimulationTuning } from './simulation-plan.ts';
import type { SimulationOptions } from './simulation-run.ts';
import {
  abortsCommitted,
  finishesBeforeDecision,
  ignoresMarks,
  ignoresTokens,
  readsOneRound,
} from './transaction-bugs.ts';

/**
 * Mistakes made on purpose, to see that the simulation finds them:
 * - `acknowledgesEarly`: a write is acknowledged when its leader alone has it on disk;
 * - `acknowledgesUnsynced`: replicas vouch for what is not on their disks yet;
 * - `readsWithoutLease`: a leader reads under a lease that has ended, until it hears of another one;
 * - `appliesTwice`: a write that is sent again is not known to be the same one, and is done again;
 * - `finishesBeforeDecision`: participants finish a transaction before its ledger has decided it;
 * - `ignoresMarks`: a transaction drops the marks of others that are in its way;
 * - `abortsCommitted`: recovery aborts what was committed;
 * - `readsOneRound`: a snapshot does not look whether items have changed while it was taken;
 * - `ignoresTokens`: a repeat is not known to be one.
 */
export type PlantedBug =
  | 'acknowledgesEarly'
  | 'acknowledgesUnsynced'
  | 'readsWithoutLease'
  | 'appliesTwice'
  | 'finishesBeforeDecision'
  | 'ignoresMarks'
  | 'abortsCommitted'
  | 'readsOneRound'
  | 'ignoresTokens';

/** Transactions that meet each other, and coordinators that die. */
const busyTransactions: SimulationTuning = {
  transactions: { clientsCount: 3, gapMs: 60 },
  coordinatorFaultPart: 0.02,
};

const noTransactions: SimulationTuning = { transactions: { clientsCount: 0 } };

/** With the faults that they show up under, so that a few seeds do. */
export const plantedBugs: Readonly<Record<PlantedBug, SimulationOptions>> = {
  acknowledgesEarly: {
    overlays: { coreOf: withEarlyQuorum },
    tuning: { ...noTransactions, weights: { partition: 2, block: 1, crash: 1 } },
  },
  acknowledgesUnsynced: {
    overlays: { storeOf: withoutSyncs },
    tuning: { ...noTransactions, weights: { outage: 1, crash: 1 } },
  },
  readsWithoutLease: {
    overlays: {
      hostOf: (host) => withReplicas(host, (replica) => ({ holdsLease: () => replica.isReady })),
    },
    tuning: {
      ...noTransactions,
      weights: { partition: 1 },
      faultGapMs: 1_000,
      faultMsMax: 8_000,
      // The time in which there may be two leaders grows with the election time-out.
      replication: { electionTicks: 20 },
      workload: { clientsCount: 24, registersCount: 1, countersCount: 1, gapMs: 1_500 },
    },
  },
  appliesTwice: {
    overlays: { transportOf: withFreshRequestIds },
    tuning: { ...noTransactions, weights: { partition: 1, block: 1, pause: 1 } },
  },
  finishesBeforeDecision: {
    overlays: { transportOf: finishesBeforeDecision },
    tuning: busyTransactions,
  },
  ignoresMarks: { overlays: { transportOf: ignoresMarks }, tuning: busyTransactions },
  abortsCommitted: { overlays: { transportOf: abortsCommitted }, tuning: busyTransactions },
  readsOneRound: {
    overlays: { transactionsOf: readsOneRound },
    tuning: { ...busyTransactions, weights: { slowness: 1, block: 1 } },
  },
  ignoresTokens: { overlays: { transactionsOf: ignoresTokens }, tuning: busyTransactions },
};

function withoutSyncs(store: Store): Store {
  return overlaid(store, { commit: (effects) => store.commit(effects, { sync: false }) });
}

/** The host, whose replicas have some methods replaced. */
function withReplicas(
  host: ReplicaHost,
  replaced: (replica: Replica) => Partial<Replica>,
): ReplicaHost {
  const proxies = new WeakMap<Replica, Replica>();
  const proxyOf = (replica: Replica): Replica => {
    let proxy = proxies.get(replica);
    if (proxy === undefined) {
      proxy = overlaid(replica, replaced(replica));
      proxies.set(replica, proxy);
    }
    return proxy;
  };
  return overlaid(host, {
    create: async (replica) => proxyOf(await host.create(replica)),
    get: (partitionId) => {
      const replica = host.get(partitionId);
      return replica && proxyOf(replica);
    },
    all: () => Array.from(host.all(), proxyOf),
    onReplica: (listener) =>
      host.onReplica((replica, change) => listener(proxyOf(replica), change)),
  });
}

/** Every try of a write gets an id of its own. */
function withFreshRequestIds(transport: Transport, { random }: SimEnvironment): Transport {
  const renamed = (body: unknown): WriteCall => {
    const [partitionId, epoch, , ...rest] = body as WriteCall;
    const requestId = Buffer.alloc(REQUEST_ID_BYTES);
    for (let at = 0; at < REQUEST_ID_BYTES; at += 4) requestId.writeUInt32BE(random.u32(), at);
    return [partitionId, epoch, requestId, ...rest];
  };
  return overlaid(transport, {
    request: (to, method, body, options) =>
      transport.request(to, method, method === methods.write ? renamed(body) : body, options),
  });
}
