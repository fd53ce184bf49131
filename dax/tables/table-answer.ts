import type { JsonObject } from '../../dataplane/api/operation.ts';
import {
  ClientFault,
  type FaultType,
  faultNamespaces,
} from '../../dataplane/errors/client-fault.ts';
import { TableCallError } from './table-calls.ts';
import type { RawAnswer } from './table-connections.ts';

/** Operations whose answer has no body at all. */
const EMPTY_ANSWERS: ReadonlySet<string> = new Set(['TagResource', 'UntagResource']);

/** Something came back that is no answer of the API. */
export class UnusableAnswerError extends TableCallError {
  constructor(message: string, isUncertain: boolean) {
    super(message, isUncertain);
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
  if (status >= 400 && status < 500 && body !== undefined) {
    const fault = faultOf(body);
    if (fault !== undefined) throw fault;
  }
  // What was refused was not done; but after a 5xx, or an answer that is cut off, it may have been.
  const isUncertain = status === 200 || status >= 500;
  const type = body === undefined ? 'no JSON' : typeOf(body);
  throw new UnusableAnswerError(
    `the tables answered ${operation} with ${status} ${type}`,
    isUncertain,
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

function faultOf(body: JsonObject): ClientFault | undefined {
  const type = typeOf(body);
  if (!isFaultType(type) || type === 'InternalServerError') return undefined;
  const { __type, message, Message, ...members } = body;
  const text = message ?? Message;
  return new ClientFault(
    type,
    typeof text === 'string' ? text : undefined,
    Object.keys(members).length === 0 ? undefined : members,
  );
}

/** `ValidationException` of `com.amazon.coral.validate#ValidationException`. */
function typeOf({ __type: type }: JsonObject): string {
  return typeof type === 'string' ? type.slice(type.indexOf('#') + 1, 200) : 'without a type';
}

function isFaultType(type: string): type is FaultType {
  return Object.hasOwn(faultNamespaces, type);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
