import type { Authorizer, ConditionValues } from '../../dataplane/access/authorizer.ts';
import type { DaxRequest, MethodName, TransactWriteItemsRequest } from '../protocol/requests.ts';
import type { Caller } from './caller.ts';

/**
 * What callers may do through the cluster: `dax:` actions on it. What tables allow is asked of the
 * cluster's own role, by the tables.
 * @see AWS, "DAX access control": actions, `dax:EnclosingOperation`
 */
export class CallerAccess {
  readonly #authorizer: Authorizer;
  readonly #clusterArn: string;

  constructor(authorizer: Authorizer, clusterArn: string) {
    this.#authorizer = authorizer;
    this.#clusterArn = clusterArn;
  }

  /**
   * Returns if the caller may. Who nodes are, key schemas and attribute lists are for all known callers.
   * @throws ClientFault AccessDeniedException
   */
  check(caller: Caller, request: DaxRequest): void {
    if (request.method === 'transactWriteItems') {
      this.#checkParts(caller, request);
      return;
    }
    const action = actions[request.method];
    if (action === undefined) return;
    const isTransaction = request.method === 'transactGetItems';
    this.#authorize(caller, action, isTransaction ? 'TransactGetItems' : undefined);
  }

  #checkParts(caller: Caller, { writes }: TransactWriteItemsRequest): void {
    const wanted = new Set(writes.map(({ operation }) => partActions[operation]));
    for (const action of wanted) this.#authorize(caller, action, 'TransactWriteItems');
  }

  #authorize(caller: Caller, action: string, enclosing: string | undefined): void {
    const conditions = new CallConditions(caller, enclosing);
    const { principal } = caller;
    this.#authorizer.authorize(principal, { action, resource: this.#clusterArn, conditions });
  }
}

/** What the conditions of policies are compared with. */
class CallConditions implements ConditionValues {
  readonly #caller: Caller;
  /** The transaction that the action is a part of. */
  readonly #enclosing: string | undefined;

  constructor(caller: Caller, enclosing: string | undefined) {
    this.#caller = caller;
    this.#enclosing = enclosing;
  }

  get(key: string): readonly string[] | undefined {
    switch (key) {
      case 'dax:enclosingoperation':
        return this.#enclosing === undefined ? undefined : [this.#enclosing];
      case 'aws:securetransport':
        return [String(this.#caller.isTls)];
      case 'aws:sourceip':
        return this.#caller.sourceIp === undefined ? undefined : [this.#caller.sourceIp];
      default:
        return undefined;
    }
  }
}

const actions: Readonly<
  Record<Exclude<MethodName, 'transactWriteItems'>, `dax:${string}` | undefined>
> = {
  authorizeConnection: undefined,
  endpoints: undefined,
  defineKeySchema: undefined,
  defineAttributeListId: undefined,
  defineAttributeList: undefined,
  getItem: 'dax:GetItem',
  putItem: 'dax:PutItem',
  updateItem: 'dax:UpdateItem',
  deleteItem: 'dax:DeleteItem',
  query: 'dax:Query',
  scan: 'dax:Scan',
  batchGetItem: 'dax:BatchGetItem',
  batchWriteItem: 'dax:BatchWriteItem',
  transactGetItems: 'dax:GetItem',
};

const partActions = {
  Put: 'dax:PutItem',
  Update: 'dax:UpdateItem',
  Delete: 'dax:DeleteItem',
  ConditionCheck: 'dax:ConditionCheckItem',
} as const;
