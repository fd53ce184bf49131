import type { Capacity } from '../partition/command.ts';
import type {
  AnswerTo,
  DecideCall,
  FinishCall,
  PrepareAnswer,
  PrepareCall,
  ResolveAnswer,
  StalledAnswer,
  TransactionCall,
  TransactionItem,
} from '../partition/transaction.ts';
import { isSameTransaction } from '../partition/transaction-rules.ts';
import type { Transport } from '../replication/transport/transport.ts';
import { methods, type TransactAnswer, type TransactCall } from '../routing/protocol.ts';
import { elementsAt, sharesOf } from '../transaction/placement.ts';
import type { SetupOverlays } from './cluster-program.ts';
import { overlaid } from './overlay.ts';
import type { SimEnvironment } from './sim-machine.ts';
import { answerOf } from './transaction-watch.ts';

type TransportOf = SetupOverlays['transportOf'];

/** One call on its way from a router to a node, as it travels. */
interface Passing {
  readonly call: TransactionCall;
  readonly environment: SimEnvironment;
  /** Sends that call, or another one, to the same partition. */
  readonly send: (call: TransactionCall) => Promise<TransactAnswer>;
}

/** Puts a mistake between a router and the partitions that it asks. */
function mistaking(mistake: (passing: Passing) => Promise<TransactAnswer>): TransportOf {
  return (transport: Transport, environment) =>
    overlaid(transport, {
      request: (to, method, body, options) => {
        if (method !== methods.transact) return transport.request(to, method, body, options);
        const [partitionId, epoch, time, call] = body as TransactCall;
        const send = (other: TransactionCall) => {
          const changed: TransactCall = [partitionId, epoch, time, other];
          return transport.request(to, method, changed, options) as Promise<TransactAnswer>;
        };
        // Calls that are looked at travel as they are.
        return mistake({ call: call as TransactionCall, environment, send });
      },
    });
}

/** A commit counts as decided before the ledger has heard of it. */
export const finishesBeforeDecision: TransportOf = mistaking(
  async ({ call, environment, send }) => {
    if (call.kind !== 'decide' || call.outcome.kind !== 'commit') return send(call);
    const { scheduler } = environment;
    scheduler.after(UNDECIDED_MS, () => void send(call).catch(() => {}));
    const decided: AnswerTo<DecideCall> = { ...call.outcome, kind: 'committed' };
    // Answers tell the clock of the node.
    const [, monotonicMs] = await send({ kind: 'stalled', isAll: false });
    return [decided, monotonicMs];
  },
);

/** Longer than a claim may last before it is taken over. */
const UNDECIDED_MS = 8_000;

/** Marks that are in the way are dropped. */
export const ignoresMarks: TransportOf = mistaking(async ({ call, send }) => {
  const answer = await send(call);
  if (call.kind !== 'prepare' || !hasConflict(answerOf('prepare', answer[0]))) return answer;
  const stalled = await send({ kind: 'stalled', isAll: true });
  const { marks }: StalledAnswer = answerOf('stalled', stalled[0]);
  for (const { attempt } of marks) {
    if (isSameTransaction(attempt, (call as PrepareCall).attempt)) continue;
    const finish: FinishCall = { kind: 'finish', attempt, outcome: { kind: 'abort' } };
    await send(finish);
  }
  return send(call);
});

function hasConflict({ outcomes }: PrepareAnswer): boolean {
  return outcomes.some(({ kind }) => kind === 'conflict');
}

/** Whoever finds a mark takes its transaction for aborted. */
export const abortsCommitted: TransportOf = mistaking(async ({ call, send }) => {
  const [answer, monotonicMs] = await send(call);
  if (call.kind !== 'resolve') return [answer, monotonicMs];
  const { kind } = answer as ResolveAnswer;
  return kind === 'committed' ? [{ kind: 'aborted' }, monotonicMs] : [answer, monotonicMs];
});

/** Items are read once, wherever they are. */
export const readsOneRound: SetupOverlays['transactionsOf'] = (transactions) => ({
  write: (request) => transactions.write(request),
  read: async (gets) => {
    const items: TransactionItem[] = [];
    const reading = sharesOf(gets).map(async ({ table, partitionId, indexes }) => {
      const keys = elementsAt(gets, indexes).map(({ key }) => key);
      const answer = await table.transact(partitionId, { kind: 'read', keys });
      for (const [at, index] of indexes.entries()) {
        const item = answer.items[at];
        if (item !== undefined) items[index] = item;
      }
    });
    await Promise.all(reading);
    const found = items.flatMap((item) => (item.kind === 'item' ? [item] : []));
    if (found.length === items.length) {
      return { kind: 'read', items: found.map((item) => ({ ...item, capacity: noCapacity })) };
    }
    return {
      kind: 'cancelled',
      reasons: items.map(({ kind }) => ({ kind: kind === 'item' ? 'none' : kind })),
    };
  },
});

const noCapacity: Capacity = { table: 0, localIndexes: new Map(), globalIndexes: new Map() };

/** Every request with a token is one of its own. */
export const ignoresTokens: SetupOverlays['transactionsOf'] = (transactions) => ({
  write: (request) => transactions.write({ ...request, token: undefined }),
  read: (gets) => transactions.read(gets),
});
