import { partiqlFaults } from '../errors/partiql.ts';
import type { Condition } from '../expression/ast.ts';
import {
  type AttributeValue,
  attributeOf,
  type Item,
  type MutableAttributeMap,
  setAttribute,
  typeOf,
} from '../item/attribute-value.ts';
import { equalValues } from '../item/equality.ts';
import type { KeySchema } from '../partition/schema.ts';
import { joined } from './key-access.ts';

/** The one item that a clause is about. */
export interface ItemAccess {
  /** The key attributes; some may be missing. */
  readonly key: Item;
  /** What else the clause demands of the item. */
  readonly condition: Condition | undefined;
  /** A key attribute that is to have two values. The first one is in the key, the other in the condition. */
  readonly contradicted: string | undefined;
}

/** Takes the equalities on key attributes out of a clause, as far as all of it is joined by AND. */
export function itemAccess(where: Condition | undefined, { hash, range }: KeySchema): ItemAccess {
  const names = new Set([...hash, ...range].map(({ name }) => name));
  const key: MutableAttributeMap = {};
  const rest: Condition[] = [];
  let contradicted: string | undefined;
  for (const term of termsOf(where)) {
    const equality = equalityOf(term);
    if (equality === undefined || !names.has(equality.name)) {
      rest.push(term);
      continue;
    }
    const known = attributeOf(key, equality.name);
    if (known === undefined) {
      setAttribute(key, equality.name, equality.value);
    } else if (!equalValues(known, equality.value)) {
      contradicted ??= equality.name;
      rest.push(term);
    }
  }
  return { key, condition: joined('and', rest), contradicted };
}

/** @throws ClientFault: key attributes that are missing or of another type */
export function checkItemKey(key: Item, { hash, range }: KeySchema): void {
  const attributes = [...hash, ...range];
  for (const { name } of attributes) {
    if (attributeOf(key, name) === undefined) throw partiqlFaults.keyIncomplete();
  }
  for (const { name, type } of attributes) {
    const value = attributeOf(key, name);
    if (value !== undefined && typeOf(value) !== type) throw partiqlFaults.keyType(name);
  }
}

function termsOf(where: Condition | undefined): readonly Condition[] {
  if (where === undefined) return [];
  if (where.kind !== 'and') return [where];
  return [...termsOf(where.left), ...termsOf(where.right)];
}

function equalityOf(
  condition: Condition,
): { readonly name: string; readonly value: AttributeValue } | undefined {
  if (condition.kind !== 'compare' || condition.comparator !== '=') return undefined;
  const { left, right } = condition;
  if (left.kind === 'path' && left.path.length === 1 && right.kind === 'value') {
    return { name: left.path[0], value: right.value };
  }
  if (right.kind === 'path' && right.path.length === 1 && left.kind === 'value') {
    return { name: right.path[0], value: left.value };
  }
  return undefined;
}
