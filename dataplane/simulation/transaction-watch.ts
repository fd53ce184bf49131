import type {
  AnswerTo,
  Attempt,
  ClaimAnswer,
  ClaimCall,
  PrepareAnswer,
  TransactionCall,
} from '../partition/transaction.ts';
import type { Transport } from '../replication/transport/transport.ts';
import { methods, type TransactAnswer, type TransactCall } from '../routing/protocol.ts';
import { decodeTransactionAnswer } from '../routing/wire-transaction.ts';
import type { Probe } from './coverage.ts';
import { overlaid } from './overlay.ts';

/** Looks at the answers that routers get, and says which rare ones there were. */
export class TransactionWatch {
  readonly #probe: Probe;
  /** Attempts that a ledger has aborted, as far as somebody was told. */
  readonly #aborted = new Set<string>();

  constructor(probe: Probe) {
    this.#probe = probe;
  }

  watched(transport: Transport): Transport {
    return overlaid(transport, {
      request: async (to, method, body, options) => {
        const answer = await transport.request(to, method, body, options);
        if (method === methods.transact) {
          const [, , , call] = body as TransactCall;
          const [encoded] = answer as TransactAnswer;
          // Calls that are looked at travel as they are.
          const branch = this.#branchOf(call as TransactionCall, encoded);
          if (branch !== undefined) this.#probe(branch);
        }
        return answer;
      },
    });
  }

  /** The rare branch that an answer shows. */
  #branchOf(call: TransactionCall, encoded: unknown): string | undefined {
    switch (call.kind) {
      case 'claim':
        return this.#claimBranch(call, answerOf(call.kind, encoded));
      case 'execute': {
        const { kind } = answerOf(call.kind, encoded);
        return kind === 'done' ? undefined : `execute ${kind}`;
      }
      case 'prepare':
        return prepareBranch(answerOf(call.kind, encoded));
      case 'read': {
        const { items } = answerOf(call.kind, encoded);
        return items.some(({ kind }) => kind === 'conflict') ? 'read conflict' : undefined;
      }
      case 'decide': {
        const isAborted = answerOf(call.kind, encoded).kind === 'aborted';
        if (isAborted) this.#aborted.add(textOf(call.attempt));
        return isAborted && call.outcome.kind === 'commit' ? 'decide too late' : undefined;
      }
      case 'finish': {
        const { finishedCount } = answerOf(call.kind, encoded);
        const isLate = call.outcome.kind === 'commit' && finishedCount === 0;
        return isLate ? 'finish late' : undefined;
      }
      case 'resolve': {
        const { kind } = answerOf(call.kind, encoded);
        if (kind === 'aborted') this.#aborted.add(textOf(call.attempt));
        return `resolve ${kind}`;
      }
      case 'stalled':
        return undefined;
    }
  }

  #claimBranch({ id }: ClaimCall, answer: ClaimAnswer): string | undefined {
    if (answer.kind !== 'claimed') return `claim ${answer.kind}`;
    if (answer.attempt === 1) return undefined;
    const before = textOf({ id, number: answer.attempt - 1 });
    return this.#aborted.has(before) ? 'claim after abort' : 'claim taken over';
  }
}

function prepareBranch({ outcomes }: PrepareAnswer): string | undefined {
  const conflicts = outcomes.filter((outcome) => outcome.kind === 'conflict');
  if (conflicts.some(({ stalled }) => stalled !== undefined)) return 'prepare stalled';
  return conflicts.length > 0 ? 'prepare conflict' : undefined;
}

/** The answer to a call of that kind, as nodes make it. */
export function answerOf<Kind extends TransactionCall['kind']>(kind: Kind, encoded: unknown) {
  return decodeTransactionAnswer(kind, encoded) as AnswerTo<
    Extract<TransactionCall, { readonly kind: Kind }>
  >;
}

function textOf({ id, number }: Attempt): string {
  return `${Buffer.from(id).toString('hex')} ${number}`;
}
