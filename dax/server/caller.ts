import type { Principal } from '../../dataplane/access/principal.ts';

/** Whose request it is, and how it came. */
export interface Caller {
  readonly principal: Principal;
  /** Nodes are to be told to it by their TLS ports. */
  readonly isTls: boolean;
  /** Address at the other end of the connection; undefined when that has gone. */
  readonly sourceIp: string | undefined;
  readonly selectForm: SelectForm;
}

/**
 * What a client's `Select` means (reference/dax-protocol.md section 9). `plain`: what it says. `inverted`: aws-dax-go-v2
 * sends ALL_ATTRIBUTES when nothing was said, and nothing when that was. `unsure`: a client that nobody has looked at
 * may do the same.
 */
export type SelectForm = 'plain' | 'inverted' | 'unsure';

/** @param userAgent of the preamble, as `DaxGoV2Client-1.0.3`; undefined: it has none */
export function selectFormOf(userAgent: string | undefined): SelectForm {
  if (userAgent === undefined) return 'unsure';
  if (userAgent.startsWith('DaxGoV2')) return 'inverted';
  return /^Dax(?:JS|Python|Java|GoClient)/.test(userAgent) ? 'plain' : 'unsure';
}
