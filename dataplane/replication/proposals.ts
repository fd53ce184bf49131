import { ProposalError, type ProposalErrorCode } from './replica.ts';

interface Proposal {
  readonly token: number;
  readonly payload: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: ProposalError) => void;
  /** Known from the append record. */
  term: number;
}

/** A proposal as the core gets it. */
export interface UnsentProposal {
  readonly token: number;
  readonly payloadBytes: number;
}

/**
 * The proposals of one group that are not settled, in the order of the calls: first those in the log,
 * then those handed to the core in this turn, then those that wait for the turn's end.
 *
 * The core may lose a proposal without notice; its place in the log decides: an entry of another
 * term applied there, or the end of the leadership, settles it as `unknown`.
 */
export class Proposals {
  /** By index in the log, ascending. */
  readonly #placed = new Map<number, Proposal>();
  /** By token, in order. */
  readonly #sent = new Map<number, Proposal>();
  #unsent: Proposal[] = [];
  #nextToken: number;
  #bytes = 0;

  /** `firstToken`: random, so that tokens of different nodes seldom agree. */
  constructor(firstToken: number) {
    this.#nextToken = firstToken;
  }

  get count(): number {
    return this.#placed.size + this.#sent.size + this.#unsent.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0;
  }

  add(payload: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#unsent.push({ token: this.#takeToken(), payload, resolve, reject, term: 0 });
    this.#bytes += payload.length;
    return promise;
  }

  /** What is to be handed to the core now. */
  take(): readonly UnsentProposal[] {
    const taken = this.#unsent;
    this.#unsent = [];
    for (const proposal of taken) this.#sent.set(proposal.token, proposal);
    return taken.map(({ token, payload }) => ({ token, payloadBytes: payload.length }));
  }

  /** An append record has this token: the payload, or undefined if it was not proposed in this turn. */
  placed(token: number, index: number, term: number): Buffer | undefined {
    const proposal = this.#sent.get(token);
    if (proposal === undefined) return undefined;
    this.#sent.delete(token);
    proposal.term = term;
    this.#placed.set(index, proposal);
    return proposal.payload;
  }

  /** The core refused it, and so all behind it are refused. Returns whether it was waiting. */
  dropped(token: number, error: ProposalError): void {
    const isFirst = this.#sent.has(token);
    if (!isFirst) return;
    let isBehind = false;
    for (const proposal of this.#sent.values()) {
      isBehind ||= proposal.token === token;
      if (isBehind) this.#reject(proposal, error);
    }
    for (const proposal of this.#unsent) this.#reject(proposal, error);
    this.#unsent = [];
  }

  /** The turn is over: what was handed to the core and is in no append record was lost. */
  endTurn(): void {
    for (const proposal of this.#sent.values()) {
      this.#reject(proposal, new ProposalError('unknown', 'the proposal was overwritten'));
    }
  }

  /** An entry was applied. */
  applied(index: number, term: number): void {
    const proposal = this.#placed.get(index);
    if (proposal === undefined) return;
    this.#placed.delete(index);
    this.#bytes -= proposal.payload.length;
    if (proposal.term === term) proposal.resolve();
    else proposal.reject(new ProposalError('unknown', 'another entry took its place in the log'));
  }

  /** Settles all: `unknown` for those that the core has seen, `other` for the rest. */
  failAll(message: string, other: ProposalErrorCode): void {
    const unknown = new ProposalError('unknown', message);
    for (const [index, proposal] of this.#placed) {
      this.#placed.delete(index);
      this.#bytes -= proposal.payload.length;
      proposal.reject(unknown);
    }
    for (const proposal of this.#sent.values()) this.#reject(proposal, unknown);
    const rest = new ProposalError(other, message);
    for (const proposal of this.#unsent) this.#reject(proposal, rest);
    this.#unsent = [];
  }

  #reject(proposal: Proposal, error: ProposalError): void {
    this.#sent.delete(proposal.token);
    this.#bytes -= proposal.payload.length;
    proposal.reject(error);
  }

  #takeToken(): number {
    this.#nextToken = (this.#nextToken + 1) >>> 0;
    if (this.#nextToken === 0) this.#nextToken = 1;
    return this.#nextToken;
  }
}
