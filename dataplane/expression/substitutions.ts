import {
  type ExpressionKind,
  expressionFaults,
  type SubstitutionParameter,
  substitutionFaults,
} from '../errors/expressions.ts';
import type { AttributeMap, AttributeValue } from '../item/attribute-value.ts';
import { utf8Bytes, valueBytes } from '../item/size.ts';
import type { Path } from './ast.ts';
import { SUBSTITUTION_TOKEN_BYTES_MAX, SUBSTITUTIONS_BYTES_MAX } from './limits.ts';
import type { PathNode } from './syntax-tree.ts';

/**
 * A request's ExpressionAttributeNames and ExpressionAttributeValues, shared by all its
 * expressions, with account of which have been used.
 *
 * Keys are well-formed tokens (`#n`, `:v`) and values canonical: the request's validation has seen
 * to it. No such key is a member of `Object.prototype`, so plain indexing is safe.
 */
export class Substitutions {
  readonly #names: Readonly<Record<string, string>>;
  readonly #values: AttributeMap;
  readonly #namesCount: number;
  readonly #valuesCount: number;
  readonly #usedNames: string[] = [];
  readonly #usedValues: string[] = [];

  /** @throws ClientFault when a token, or a map as a whole, is too large */
  constructor(
    names: Readonly<Record<string, string>> | undefined,
    values: AttributeMap | undefined,
  ) {
    this.#names = names ?? nothing;
    this.#values = values ?? nothing;
    this.#namesCount = checkSizes('ExpressionAttributeNames', this.#names, utf8Bytes);
    this.#valuesCount = checkSizes('ExpressionAttributeValues', this.#values, valueBytes);
  }

  /** The path with its names resolved; the written one itself when it has no placeholders. */
  path(node: PathNode, kind: ExpressionKind): Path {
    if (!node.hasPlaceholders) return node.path;
    const [head, ...tail] = node.path;
    if (tail.length === 0) return [this.#name(head, kind)];
    return [
      this.#name(head, kind),
      ...tail.map((part) => (typeof part === 'string' ? this.#name(part, kind) : part)),
    ];
  }

  /** The value, or undefined when it is not defined. Counts as a use. */
  value(name: string): AttributeValue | undefined {
    const value = this.#values[name];
    if (value !== undefined && !this.#usedValues.includes(name)) this.#usedValues.push(name);
    return value;
  }

  /**
   * To be called when all expressions of the request have been parsed.
   * @throws ClientFault that lists what no expression used: names, else values
   */
  assertAllUsed(): void {
    if (this.#usedNames.length < this.#namesCount) {
      throw substitutionFaults.unusedNames(unused(this.#names, this.#usedNames));
    }
    if (this.#usedValues.length < this.#valuesCount) {
      throw substitutionFaults.unusedValues(unused(this.#values, this.#usedValues));
    }
  }

  #name(part: string, kind: ExpressionKind): string {
    if (part.charCodeAt(0) !== HASH) return part;
    const name = this.#names[part];
    if (name === undefined) throw expressionFaults.undefinedName(kind, part);
    if (!this.#usedNames.includes(part)) this.#usedNames.push(part);
    return name;
  }
}

const HASH = 35;
const nothing: Readonly<Record<string, never>> = Object.freeze({});

/** @returns the number of entries */
function checkSizes<T>(
  parameter: SubstitutionParameter,
  map: Readonly<Record<string, T>>,
  bytesOf: (entry: T) => number,
): number {
  let count = 0;
  let bytes = 0;
  for (const token in map) {
    const entry = map[token];
    if (entry === undefined) continue;
    const tokenBytes = utf8Bytes(token);
    if (tokenBytes > SUBSTITUTION_TOKEN_BYTES_MAX) {
      throw substitutionFaults.keyTooLong(parameter, tokenBytes);
    }
    count++;
    bytes += tokenBytes + bytesOf(entry);
  }
  if (bytes > SUBSTITUTIONS_BYTES_MAX) throw substitutionFaults.tooLarge(parameter);
  return count;
}

function unused(map: Readonly<Record<string, unknown>>, used: readonly string[]): string[] {
  return Object.keys(map)
    .filter((token) => !used.includes(token))
    .sort();
}
