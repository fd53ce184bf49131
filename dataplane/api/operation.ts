import type { ControlPlane } from '../catalog/control-plane.ts';
import type { ClientFault } from '../errors/client-fault.ts';
import type { Eventually, Table } from '../routing/table.ts';
import type { Streams } from '../stream/streams.ts';
import type { Transactions } from '../transaction/requests.ts';

/**
 * One operation of the API: a validated body in, a response body out. Operations on items need
 * tables, and transactions on them (`ItemContext`); those of the control plane (`ControlContext`) run
 * where the catalog is.
 */
export interface Operation<Context extends CallContext = OperationContext> {
  /** As the `X-Amz-Target` header has it after the dot, e.g. `GetItem`. */
  readonly name: string;
  /** What the header has before the dot; `DynamoDB_20120810` where nothing is said. */
  readonly service?: 'DynamoDBStreams_20120810';
  /**
   * Validates and executes. Synchronous when the data is at hand, so callers wait only for a promise.
   * Owns `body`: the shape check brings it into normal form in place.
   * Throws (or rejects with) ClientFault; anything else is a defect or an operating error (5xx).
   */
  readonly handle: (body: JsonObject, context: Context) => Eventually<ResponseBody>;
  /** Answers by itself for tables that are certain not to exist (`absentTables`). */
  readonly isToldOfAbsentTables?: boolean;
}

/** Ready UTF-8 JSON, or a plain object for JSON.stringify. */
export type ResponseBody = Uint8Array | JsonObject;

/** The parsed body of a request. */
export type JsonObject = { readonly [member: string]: unknown };

/**
 * Why parts of a request are not done, by their index in it: an AccessDeniedException, or the fault that
 * kept it from being known whether the caller may. Undefined: everything may be done.
 */
export type RefusedParts = ReadonlyMap<number, ClientFault> | undefined;

/** What every operation is told, whatever it works on. */
export interface CallContext {
  readonly region: string;
  readonly clock: { nowMs(): number };
  /**
   * Where policies restrain callers: to be called before a request is tried once more on tables that
   * may be others than those it was authorised for.
   * @throws (or rejects with) ClientFault
   */
  readonly authorizeAgain?: () => Eventually<RefusedParts>;
  /** What the caller may not do of a request whose parts are answered each on its own. */
  readonly refusedParts?: RefusedParts;
  /** Host the client called, for DescribeEndpoints. */
  readonly host: string;
}

export interface OperationContext extends CallContext {
  readonly tables: Tables;
  /** At a router: names and ARNs that the catalog was asked about, and does not have. */
  readonly absentTables?: ReadonlySet<string>;
  readonly accountId: string;
}

/** What operations on items need beside. */
export interface ItemContext extends OperationContext {
  readonly transactions: Transactions;
}

/** What operations of the control plane need beside. */
export interface ControlContext extends OperationContext {
  readonly catalog: ControlPlane;
}

/** What operations on streams need beside. */
export interface StreamContext extends OperationContext {
  readonly streams: Streams;
}

/** What all operations together need. */
export interface ServerContext extends ItemContext, ControlContext, StreamContext {}

export interface Tables {
  /**
   * The table of a name or full ARN, for the data plane.
   * @throws ClientFault ResourceNotFoundException when none is ACTIVE
   */
  openTable(nameOrArn: string): Table;
}
