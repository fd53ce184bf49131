import { ClientFault, type FaultType } from '../errors/client-fault.ts';
import { SignatureTimeFault } from '../errors/transport.ts';

/**
 * Why a request was refused before it was looked at.
 *
 * - `signature`: there is none, or it is malformed or wrong
 * - `token`: nobody knows the access key or its session token, or they are known no more
 * - `expired`: the time of the signature is too far from now
 * - `policy`: the caller is known, and may not
 */
export type DenialReason = 'signature' | 'token' | 'expired' | 'policy';

export interface DenialCount {
  readonly operation: string;
  readonly reason: DenialReason;
  readonly count: number;
}

/** Requests refused at a door since its start, to be read by metrics. */
export class AccessDenials {
  readonly #counts = new Map<string, Map<DenialReason, number>>();

  /** @param operation one of those that there are, never a text of the caller's: it becomes a label */
  add(operation: string, reason: DenialReason): void {
    const counts = this.#counts.get(operation) ?? new Map<DenialReason, number>();
    this.#counts.set(operation, counts);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }

  /** The same for what an authenticator or authorizer threw; other faults are no denials. */
  addThrown(operation: string, thrown: unknown): void {
    const reason = thrown instanceof ClientFault ? reasonOf(thrown) : undefined;
    if (reason !== undefined) this.add(operation, reason);
  }

  get all(): readonly DenialCount[] {
    return Array.from(this.#counts, ([operation, counts]) =>
      Array.from(counts, ([reason, count]) => ({ operation, reason, count })),
    ).flat();
  }
}

function reasonOf(fault: ClientFault): DenialReason | undefined {
  return fault instanceof SignatureTimeFault ? 'expired' : reasons[fault.type];
}

const reasons: Readonly<Partial<Record<FaultType, DenialReason>>> = {
  AccessDeniedException: 'policy',
  IncompleteSignatureException: 'signature',
  InvalidSignatureException: 'signature',
  MissingAuthenticationTokenException: 'signature',
  UnrecognizedClientException: 'token',
};
