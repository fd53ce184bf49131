import { ClientFault } from './client-fault.ts';

/** Faults of operations that are not of the API. */
export const adminFaults = {
  triggers: (text: string) => new ClientFault('ValidationException', text),
};
