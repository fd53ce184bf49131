import type { Principal } from '../../dataplane/access/principal.ts';

/** Whose request it is, and how it came. */
export interface Caller {
  readonly principal: Principal;
  /** Nodes are to be told to it by their TLS ports. */
  readonly isTls: boolean;
  /** Address at the other end of the connection; undefined when that has gone. */
  readonly sourceIp: string | undefined;
  /** Its client is Amazon's for Go, which has its own way to say which attributes it wants. */
  readonly isGo: boolean;
}
