import type {
  AnswerTo,
  DecideCall,
  FinishCall,
  PrepareAnswer,
  PrepareCall,
  ResolveAnswer,
  StalledAnswer,
  TransactionCall,
  TransactionReadAnswer,
} from '../partition/transaction.ts';
import { isSameTransaction } from '../partition/transaction-rules.ts';
import type { Transport } from '../replication/transport/transport.ts';
import { methods, type TransactAnswer, type TransactCall } from '../routing/protocol.ts';
import { decodeTransactionAnswer } from '../routing/wire-transaction.ts';
import type { SetupOverlays } from './cluster-program.ts';
import { overlaid } from './overlay.ts';
import type { SimEnvironment } from './sim-machine.ts';

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

function answerOf<Kind extends TransactionCall['kind']>(kind: Kind, [encoded]: TransactAnswer) {
  return decodeTransactionAnswer(kind, encoded) as AnswerTo<
    Extract<TransactionCall, { readonly kind: Kind }>
  >;
}

/** A commit counts as decided before the ledger has heard of it. */
export const finishesBeforeDecision: TransportOf = mistaking(
  async ({ call, environment, send }) => {
    if (call.kind !== 'decide' || call.outcome.kind !== 'commit') return send(call);
    const { scheduler } = environment;
    scheduler.after(UNDECIDED_MS, () => void send(call).catch(() => {}));
    const decided: AnswerTo<DecideCall> = { ...call.outcome, kind: 'committed' };
    return [decided, scheduler.monotonicMs()];
  },
);

const UNDECIDED_MS = 2_500;

/** Marks that are in the way are dropped. */
export const ignoresMarks: TransportOf = mistaking(async ({ call, send }) => {
  const answer = await send(call);
  if (call.kind !== 'prepare' || !hasConflict(answerOf('prepare', answer))) return answer;
  const stalled = await send({ kind: 'stalled', isAll: true });
  const { marks }: StalledAnswer = answerOf('stalled', stalled);
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

/** Whether an item has changed between two rounds is not looked at. */
export const readsOneRound: TransportOf = mistaking(async ({ call, send }) => {
  const [answer, monotonicMs] = await send(call);
  if (call.kind !== 'read') return [answer, monotonicMs];
  const { items } = answer as TransactionReadAnswer;
  const same = items.map((item) => (item.kind === 'item' ? { ...item, state: '' } : item));
  return [{ items: same }, monotonicMs];
});

/** Every request with a token is one of its own. */
export const ignoresTokens: SetupOverlays['transactionsOf'] = (transactions) => ({
  write: (request) => transactions.write({ ...request, token: undefined }),
  read: (gets) => transactions.read(gets),
});
