import { isIPv4 } from 'node:net';
import type { Authorizer, ConditionValues } from './access/authorizer.ts';
import { type AccessContext, accessRequests } from './api/access-requests/access-requests.ts';
import type { ItemContext, RefusedParts } from './api/operation.ts';
import { refreshingOperation, type TableKnowledge } from './api/refreshing-operation.ts';
import type { AuthenticCall, Authorize } from './endpoint/life-cycle.ts';
import { ClientFault } from './errors/client-fault.ts';
import { UnknownTableFault } from './routing/remote-table.ts';

/** Asks for all that a call needs; `absentTables` are known not to be there. @throws ClientFault */
type RequestAuthorizer = (call: AuthenticCall, absentTables?: ReadonlySet<string>) => RefusedParts;

/**
 * Asks for each thing that a call needs whether its caller may do it. Nothing of the call is looked at
 * for the account itself.
 */
export function requestAuthorizer(
  authorizer: Authorizer,
  context: AccessContext,
): RequestAuthorizer {
  return (call, absentTables) => {
    const { caller, operation, body } = call;
    if (caller.isRoot) return undefined;
    let refused: Map<number, ClientFault> | undefined;
    for (const { action, resource, conditions, part } of accessRequests(operation, body, context)) {
      const values = new CallConditions(call, context.region, conditions);
      try {
        authorizer.authorize(caller, { action, resource, conditions: values });
      } catch (thrown) {
        if (part === undefined || !(thrown instanceof ClientFault)) throw thrown;
        if (thrown instanceof UnknownTableFault && absentTables?.has(thrown.table) !== true) {
          throw thrown;
        }
        refused ??= new Map();
        refused.set(part, thrown);
      }
    }
    return refused;
  };
}

/**
 * The same at a router, whose map of tables may be behind: where a policy depends on a table that is
 * not known, it is found out first whether there is one.
 */
export function refreshingAuthorizer(
  authorizer: Authorizer,
  context: Omit<ItemContext, 'host'>,
  knowledge: TableKnowledge,
): Authorize {
  const authorize = requestAuthorizer(authorizer, context);
  return (call) => {
    if (call.caller.isRoot) return undefined;
    let refused: RefusedParts;
    const authorization = refreshingOperation(
      {
        name: call.operation,
        handle: (_body, { absentTables }) => {
          refused = authorize(call, absentTables);
          return authorized;
        },
        isToldOfAbsentTables: true,
      },
      knowledge,
    );
    const result = authorization.handle(call.body, { ...context, host: '' });
    return result instanceof Promise ? result.then(() => refused) : refused;
  };
}

/** Nobody looks at it. */
const authorized = {};

const MAPPED_IPV4 = '::ffff:';

/** What is known of a call by the way it came, beside what it asks for. */
class CallConditions implements ConditionValues {
  readonly #call: AuthenticCall;
  readonly #region: string;
  readonly #request: ConditionValues;

  constructor(call: AuthenticCall, region: string, request: ConditionValues) {
    this.#call = call;
    this.#region = region;
    this.#request = request;
  }

  get(key: string): readonly string[] | undefined {
    switch (key) {
      case 'aws:sourceip': {
        const { sourceIp } = this.#call;
        return sourceIp === undefined ? undefined : [plainAddress(sourceIp)];
      }
      case 'aws:securetransport':
        return [String(this.#call.isSecure)];
      case 'aws:requestedregion':
        return [this.#region];
      default:
        return this.#request.get(key);
    }
  }
}

/** A socket of both families shows IPv4 addresses as a part of IPv6. */
function plainAddress(address: string): string {
  const mapped = address.startsWith(MAPPED_IPV4) ? address.slice(MAPPED_IPV4.length) : '';
  return isIPv4(mapped) ? mapped : address;
}
