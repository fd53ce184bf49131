import { partiqlFaults } from '../errors/partiql.ts';
import type { AttributeValue } from '../item/attribute-value.ts';
import { placeOf, type Span } from './syntax.ts';

/** What a statement's tree is bound with: its text, for messages, and its parameters, canonical. */
export class Binding {
  readonly #statement: string;
  readonly #parameters: readonly AttributeValue[];

  constructor(statement: string, parameters: readonly AttributeValue[]) {
    this.#statement = statement;
    this.#parameters = parameters;
  }

  /** @throws ClientFault when there are not so many */
  parameter(index: number): AttributeValue {
    const value = this.#parameters[index];
    if (value === undefined) throw partiqlFaults.parameterCount();
    return value;
  }

  place(span: Span): string {
    return placeOf(this.#statement, span);
  }
}
