import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { ClientFault } from '../../dataplane/errors/client-fault.ts';

/** The DynamoDB API of the tables behind the cache. */
export interface TableCalls {
  /**
   * Calls an operation, e.g. `GetItem`, as the cache's own role.
   * @param body as the API takes it; not kept
   * @returns the answer's body
   * @throws ClientFault the table's own answer (type, message, members) to what the caller did; TableCallError anything else
   */
  call(operation: string, body: JsonObject, options?: CallOptions): Promise<JsonObject>;
}

export interface CallOptions {
  /** Fires when nobody waits for the answer any more; the call then fails with a TableCallError. */
  readonly signal?: AbortSignal;
}

/** The tables gave no answer that can be used. The message is for logs, not for callers of the cache. */
export class TableCallError extends Error {
  /** Whether the operation may have been done, or may still be; false: it was not, for certain. */
  readonly isUncertain: boolean;
  /** What the tables said of what went wrong there, for callers of the cache; undefined: nothing. */
  readonly fault: ClientFault | undefined;

  constructor(
    message: string,
    isUncertain: boolean,
    { fault, ...options }: ErrorOptions & { readonly fault?: ClientFault | undefined } = {},
  ) {
    super(message, options);
    this.name = 'TableCallError';
    this.isUncertain = isUncertain;
    this.fault = fault;
  }
}
