import { type ExpressionKind, expressionFaults } from '../errors/expressions.ts';
import { isReservedWord } from './reserved-words.ts';

/** Functions that are conditions, with their numbers of operands. */
export const conditionFunctions: ReadonlyMap<string, number> = new Map([
  ['attribute_exists', 1],
  ['attribute_not_exists', 1],
  ['attribute_type', 2],
  ['begins_with', 2],
  ['contains', 2],
]);

/** Functions that are values in a condition. */
export const operandFunctions: ReadonlyMap<string, number> = new Map([['size', 1]]);

/** Functions that are values in an update. */
export const updateFunctions: ReadonlyMap<string, number> = new Map([
  ['if_not_exists', 2],
  ['list_append', 2],
]);

/** Operands that a known function takes. */
export function operandCountOf(name: string): number | undefined {
  return conditionFunctions.get(name) ?? operandFunctions.get(name) ?? updateFunctions.get(name);
}

/**
 * What a parser finds wrong with names while it reads on: the first of each sort. They are reported
 * only once the text has proved to be grammatical, and in an order of their own.
 * @see reference/dynamodb.md section 5
 */
export class NameFindings {
  readonly #kind: ExpressionKind;
  #reserved: string | undefined;
  #unknown: string | undefined;
  #ofOtherKind: string | undefined;
  #misused: string | undefined;

  constructor(kind: ExpressionKind) {
    this.#kind = kind;
  }

  /** An attribute name stands in the text itself. */
  sawName(name: string): void {
    if (this.#reserved === undefined && isReservedWord(name)) this.#reserved = name;
  }

  sawFunction(name: string): void {
    const ours = this.#kind === 'UpdateExpression' ? isUpdateFunction : isConditionFunction;
    if (ours(name)) return;
    if (operandCountOf(name) === undefined) this.#unknown ??= name;
    else this.#ofOtherKind ??= name;
  }

  sawMisuse(name: string): void {
    this.#misused ??= name;
  }

  throwFunctionFaults(): void {
    const kind = this.#kind;
    if (this.#unknown !== undefined) throw expressionFaults.unknownFunction(kind, this.#unknown);
    if (this.#ofOtherKind !== undefined) {
      throw expressionFaults.functionOfOtherKind(kind, this.#ofOtherKind);
    }
    if (this.#misused !== undefined) throw expressionFaults.misusedFunction(kind, this.#misused);
  }

  throwReservedWord(): void {
    if (this.#reserved !== undefined) {
      throw expressionFaults.reservedWord(this.#kind, this.#reserved);
    }
  }
}

function isUpdateFunction(name: string): boolean {
  return updateFunctions.has(name);
}

function isConditionFunction(name: string): boolean {
  return conditionFunctions.has(name) || operandFunctions.has(name);
}
