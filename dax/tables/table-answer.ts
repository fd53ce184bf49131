import type { JsonObject } from '../../dataplane/api/operation.ts';
import {
  ClientFault,
  type FaultType,
  faultName,
  faultNamespaces,
  RelayedFault,
} from '../../dataplane/errors/client-fault.ts';
import { TableCallError } from './table-calls.ts';
import type { RawAnswer } from './table-connections.ts';

/** Operations whose answer has no body at all. */
const EMPTY_ANSWERS: ReadonlySet<string> = new Set(['TagResource', 'UntagResource']);

/** Longer ones are no names of exceptions. */
const TYPE_CHARACTERS_MAX = 256;

/** Something came back that is no answer of the API, or tells of a failure at the tables. */
export class UnusableAnswerError extends TableCallError {
  constructor(message: string, isUncertain: boolean, fault: ClientFault | undefined) {
    super(message, isUncertain, { fault });
    this.name = 'UnusableAnswerError';
  }
}

/**
 * What the tables said.
 * @throws ClientFault their own answer to what the caller did; UnusableAnswerError
 */
export function answerOf(operation: string, { status, text }: RawAnswer): JsonObject {
  const body = text === '' && EMPTY_ANSWERS.has(operation) ? {} : jsonOf(text);
  if (status === 200 && body !== undefined) return body;
  const fault = status >= 400 && body !== undefined ? faultOf(body, status) : undefined;
  if (fault !== undefined && status < 500) throw fault;
  // What was refused was not done; but after a 5xx, or an answer that is cut off, it may have been.
  const isUncertain = status === 200 || status >= 500;
  const what = fault === undefined ? 'and no answer of the API' : nameOf(fault);
  throw new UnusableAnswerError(
    `the tables answered ${operation} with ${status} ${what}`,
    isUncertain,
    fault,
  );
}

function jsonOf(text: string): JsonObject | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? body : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Undefined: it is none. Types that we do not know are kept as they are. */
function faultOf(body: JsonObject, status: number): ClientFault | undefined {
  const { __type: wireType, message, Message, ...others } = body;
  if (typeof wireType !== 'string' || wireType.length > TYPE_CHARACTERS_MAX) return undefined;
  const given = message ?? Message;
  const text = typeof given === 'string' ? given : undefined;
  const members = Object.keys(others).length === 0 ? undefined : others;
  const type = faultName(wireType);
  return isFaultType(type) && (type === 'InternalServerError') === status >= 500
    ? new ClientFault(type, text, members)
    : new RelayedFault({ wireType, status }, text, members);
}

function nameOf(fault: ClientFault): string {
  return fault instanceof RelayedFault ? fault.wireName : fault.type;
}

function isFaultType(type: string): type is FaultType {
  return Object.hasOwn(faultNamespaces, type);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
