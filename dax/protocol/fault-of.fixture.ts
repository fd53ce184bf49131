import { ClientFault } from '../../dataplane/errors/client-fault.ts';

/** The fault that an act ends in; undefined when it ends well. Anything else it throws is thrown. */
export function faultOf(act: () => unknown): ClientFault | undefined {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof ClientFault) return thrown;
    throw thrown;
  }
  return undefined;
}

/** The text of that fault. */
export function messageOf(act: () => unknown): string | undefined {
  return faultOf(act)?.message;
}
