import { ClientFault } from './client-fault.ts';

/** Faults of callers who are known, and may not do what they ask for. */
export const accessFaults = {
  /**
   * @param caller an ARN
   * @param action `dynamodb:GetItem`
   * @param resource an ARN, or `*`
   * @see reference/dynamodb.md section 4; the service's newer text adds a reason
   */
  denied: (caller: string, action: string, resource: string) =>
    new ClientFault(
      'AccessDeniedException',
      `User: ${caller} is not authorized to perform: ${action} on resource: ${resource}`,
    ),
} as const;
