import type {
  AnswerTo,
  DecideCall,
  FinishCall,
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
          this.#look(call as TransactionCall, encoded);
        }
        return answer;
      },
    });
  }

  #look(call: TransactionCall, encoded: unknown): void {
    const branch = branchOf(call, encoded);
    if (branch !== undefined) this.#probe(branch);
  }
}

/** The rare branch that an answer shows. */
function branchOf(call: TransactionCall, encoded: unknown): string | undefined {
  // Of the kind of the call, both as routers and nodes make them.
  const answerTo = <Kind extends TransactionCall['kind']>(kind: Kind) =>
    decodeTransactionAnswer(kind, encoded) as AnswerTo<
      Extract<TransactionCall, { readonly kind: Kind }>
    >;
  switch (call.kind) {
    case 'claim': {
      const answer = answerTo(call.kind);
      if (answer.kind !== 'claimed') return `claim ${answer.kind}`;
      return answer.attempt > 1 ? 'claim again' : undefined;
    }
    case 'execute': {
      const { kind } = answerTo(call.kind);
      return kind === 'done' ? undefined : `execute ${kind}`;
    }
    case 'prepare': {
      const { outcomes } = answerTo(call.kind);
      const conflicts = outcomes.filter((outcome) => outcome.kind === 'conflict');
      if (conflicts.some(({ stalled }) => stalled !== undefined)) return 'prepare stalled';
      return conflicts.length > 0 ? 'prepare conflict' : undefined;
    }
    case 'read': {
      const conflicts = answerTo(call.kind).items.filter(({ kind }) => kind === 'conflict');
      return conflicts.length > 0 ? 'read conflict' : undefined;
    }
    case 'decide':
      return decideBranch(call, answerTo(call.kind).kind);
    case 'finish':
      return finishBranch(call, answerTo(call.kind).finishedCount);
    case 'resolve':
      return `resolve ${answerTo(call.kind).kind}`;
    case 'stalled':
      return undefined;
  }
}

function decideBranch({ outcome }: DecideCall, kind: string): string | undefined {
  return outcome.kind === 'commit' && kind === 'aborted' ? 'decide too late' : undefined;
}

function finishBranch({ outcome }: FinishCall, finishedCount: number): string | undefined {
  return outcome.kind === 'commit' && finishedCount === 0 ? 'finish late' : undefined;
}
