import type { ClientFault } from '../../dataplane/errors/client-fault.ts';
import { type ExpressionKind, expressionFaults } from '../../dataplane/errors/expressions.ts';
import type { Path } from '../../dataplane/expression/ast.ts';
import {
  EXPRESSION_BYTES_MAX,
  LIST_INDEX_MAX,
  OPERATORS_MAX,
  PATH_LEVELS_MAX,
} from '../../dataplane/expression/limits.ts';
import type { AttributeValue } from '../../dataplane/item/attribute-value.ts';
import { MAJOR, TAG } from './cbor-head.ts';
import type { CborReader } from './cbor-reader.ts';
import { malformedFaults } from './faults.ts';
import { functionName, isUpdateFunction, OPCODE } from './opcodes.ts';
import { readAttributeName } from './values.ts';

/** The head of a tree's node: what it is, and how many arguments follow. */
export interface NodeHead {
  readonly code: number;
  readonly argumentsCount: number;
}

/**
 * Reads the nodes of an expression tree and keeps account of the limits that a text would be under:
 * a tree whose text cannot exist within 4096 bytes is as large as such a text is.
 */
export class ExpressionReader {
  readonly kind: ExpressionKind;
  readonly #cbor: CborReader;
  readonly #values: readonly AttributeValue[];
  #operatorsCount = 0;
  #nodesCount = 0;
  #depth = 0;

  constructor(
    cbor: CborReader,
    expression: { readonly kind: ExpressionKind; readonly values: readonly AttributeValue[] },
  ) {
    this.#cbor = cbor;
    this.kind = expression.kind;
    this.#values = expression.values;
  }

  /** Takes the head of a list of nodes. */
  count(): number {
    return this.#cbor.definiteArrayCount();
  }

  /** Takes a node's array head and opcode. @throws ClientFault when there are too many nodes */
  node(): NodeHead {
    if (++this.#nodesCount > NODES_COUNT_MAX) throw expressionFaults.tooLarge(this.kind);
    const argumentsCount = this.#cbor.definiteArrayCount() - 1;
    return { code: this.#cbor.integer(), argumentsCount };
  }

  /** Whether the next node has this opcode; it is not taken. */
  isNext(code: number): boolean {
    const start = this.#cbor.position;
    this.#cbor.definiteArrayCount();
    const isSame = this.#cbor.integer() === code;
    this.#cbor.position = start;
    return isSame;
  }

  /** Counts an operator. @throws ClientFault when there are too many */
  countOperator(): void {
    // The service stops counting at the first operator too many.
    if (++this.#operatorsCount > OPERATORS_MAX) {
      throw expressionFaults.tooManyOperators(this.kind, OPERATORS_MAX + 1);
    }
  }

  /** Reads what stands inside a node. @throws ClientFault when nodes nest too deeply */
  inside<T>(read: () => T): T {
    if (++this.#depth > DEPTH_MAX) throw expressionFaults.tooLarge(this.kind);
    const result = read();
    this.#depth--;
    return result;
  }

  /** @throws ClientFault unless the node has as many arguments as its operator takes. */
  expectArguments({ argumentsCount }: NodeHead, name: string, expected: number): void {
    if (argumentsCount !== expected) {
      throw expressionFaults.operandCount(this.kind, name, argumentsCount);
    }
  }

  /** What is wrong with an opcode in its place: a function has a fault of its own. */
  misplaced(code: number, place: string): ClientFault {
    const name = functionName(code);
    if (name === undefined) return malformedFaults.opcode(code, place);
    return isUpdateFunction(code) === (this.kind === 'UpdateExpression')
      ? expressionFaults.misusedFunction(this.kind, name)
      : expressionFaults.functionOfOtherKind(this.kind, name);
  }

  /** A document path, node head and all. */
  path(): Path {
    const head = this.node();
    if (head.code !== OPCODE.path) throw this.misplaced(head.code, 'a path');
    return this.pathParts(head);
  }

  /** The parts of a path whose head was taken. */
  pathParts({ argumentsCount }: NodeHead): Path {
    if (argumentsCount > PATH_LEVELS_MAX) {
      throw expressionFaults.pathTooDeep(this.kind, argumentsCount);
    }
    if (argumentsCount < 1) throw malformedFaults.value('a name in a path');
    const path: [string, ...(string | number)[]] = [readAttributeName(this.#cbor)];
    while (path.length < argumentsCount) path.push(this.#pathPart());
    return path;
  }

  /** The value that a value node, whose head was taken, refers to. */
  value(head: NodeHead): AttributeValue {
    this.expectArguments(head, 'value', 1);
    const index = this.#cbor.integer();
    const value = this.#values[index];
    if (value === undefined) throw malformedFaults.valueIndex(index);
    return value;
  }

  #pathPart(): string | number {
    if (this.#cbor.peekMajor() !== MAJOR.tag) return readAttributeName(this.#cbor);
    if (this.#cbor.takeArgument() !== TAG.listIndex) throw malformedFaults.value('a list index');
    const index = this.#cbor.integer();
    if (index < 0 || index > LIST_INDEX_MAX) {
      throw expressionFaults.listIndexTooLarge(this.kind, String(index));
    }
    return index;
  }
}

/** Every node takes a byte of the text at least. */
const NODES_COUNT_MAX = EXPRESSION_BYTES_MAX;

/** Only operators nest without end in a text, but for functions that are refused inside themselves. */
const DEPTH_MAX = OPERATORS_MAX + 16;
