import type { JsonObject } from '../../dataplane/api/operation.ts';
import type { AttributeValue } from '../../dataplane/item/attribute-value.ts';
import type { Draw } from './random-draw.fixture.ts';

const comparators = ['=', '<>', '<', '<=', '>', '>='] as const;
const types = ['S', 'N', 'B', 'SS', 'NS', 'BS', 'L', 'M', 'BOOL', 'NULL'] as const;

/** For tests: expressions of one request, with the names and values that they use. */
export class RandomExpressions {
  readonly #draw: Draw;
  readonly #names: Record<string, string> = {};
  readonly #values: Record<string, AttributeValue> = {};

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  /** The expressions as members of a request, with what they use and no more: clients refuse surplus names. */
  members(expressions: Readonly<Record<string, string>>): JsonObject {
    const text = Object.values(expressions).join(' ');
    const used = (token: string) => new RegExp(`${token}(?!\\d)`).test(text);
    const names = Object.entries(this.#names).filter(([token]) => used(token));
    const values = Object.entries(this.#values).filter(([token]) => used(token));
    return {
      ...expressions,
      ...(names.length > 0 && { ExpressionAttributeNames: Object.fromEntries(names) }),
      ...(values.length > 0 && { ExpressionAttributeValues: Object.fromEntries(values) }),
    };
  }

  name(name: string): string {
    if (/^[a-z]{1,2}$/.test(name) && this.#draw.chance(0.5)) return name;
    const known = Object.entries(this.#names).find(([, each]) => each === name);
    if (known !== undefined) return known[0];
    const token = `#n${Object.keys(this.#names).length}`;
    this.#names[token] = name;
    return token;
  }

  value(value: AttributeValue): string {
    const token = `:v${Object.keys(this.#values).length}`;
    this.#values[token] = value;
    return token;
  }

  /**
   * @param isShown what it leads to is to be shown: before an element of a list inside a list that is not the first,
   *   Node's clients keep a hole (README.md), so there is none
   * @returns its text, and the attribute that it begins with
   */
  path({ isShown = false } = {}): { readonly text: string; readonly top: string } {
    const draw = this.#draw;
    const top = draw.chance(0.2) ? draw.pick(['g', 'gn', 'nope']) : draw.name();
    let text = this.name(top);
    for (let depth = draw.below(3); depth > 0 && /^[abcml]$/.test(top); depth -= 1) {
      const isIndex = draw.chance(0.5);
      const isInList = text.endsWith(']');
      text += isIndex
        ? `[${isShown && isInList ? 0 : draw.below(4)}]`
        : `.${this.name(draw.pick(['x', 'y', 'x.y', 'é']))}`;
    }
    return { text, top };
  }

  condition(depth = 0): string {
    const draw = this.#draw;
    const path = this.path().text;
    switch (draw.below(depth > 2 ? 8 : 11)) {
      case 0:
      case 1:
        return `${path} ${draw.pick(comparators)} ${this.value(draw.value(2))}`;
      case 2:
        return `${this.#operand()} ${draw.pick(comparators)} ${this.#operand()}`;
      case 3:
        return `attribute_exists(${path})`;
      case 4:
        return `attribute_type(${path}, ${this.value({ S: draw.pick(types) })})`;
      case 5:
        return `begins_with(${path}, ${this.value({ S: draw.text() })})`;
      case 6:
        return `contains(${path}, ${this.value(draw.value(2))})`;
      case 7:
        return draw.chance(0.5)
          ? `${path} IN (${draw.several(3, () => this.#operand()).join(', ')})`
          : `${path} BETWEEN ${this.value({ N: '0' })} AND ${this.value({ N: '50' })}`;
      case 8:
        return `${this.condition(depth + 1)} AND ${this.condition(depth + 1)}`;
      case 9:
        return `${this.condition(depth + 1)} OR ${this.condition(depth + 1)}`;
      default:
        return `NOT ${this.condition(depth + 1)}`;
    }
  }

  /** Paths of different attributes, since overlapping ones are refused. */
  projection(): string {
    return this.#apart(
      4,
      () => this.path({ isShown: true }),
      ({ text }) => text,
    ).join(', ');
  }

  update(): string {
    const clauses = new Map<string, string[]>();
    const actions = this.#apart(
      3,
      () => this.path(),
      (path) => this.#action(path),
    );
    for (const [clause, action] of actions) {
      clauses.set(clause, [...(clauses.get(clause) ?? []), action]);
    }
    return Array.from(clauses, ([clause, each]) => `${clause} ${each.join(', ')}`).join(' ');
  }

  #action({ text, top }: { text: string; top: string }): readonly [clause: string, action: string] {
    const draw = this.#draw;
    const n = this.name('n');
    const l = this.name('l');
    switch (draw.below(7)) {
      case 0:
      case 1:
        return ['SET', `${text} = ${this.value(draw.value(1))}`];
      case 2:
        return [
          'SET',
          `${text} = if_not_exists(${n}, ${this.value({ N: '0' })}) + ${this.value({ N: draw.pick(['1', '-3.5']) })}`,
        ];
      case 3: {
        const none = this.value({ L: [] });
        return [
          'SET',
          `${text} = list_append(if_not_exists(${l}, ${none}), ${this.value({ L: [draw.value(2)] })})`,
        ];
      }
      case 4:
        return ['REMOVE', text];
      case 5:
        return [
          'ADD',
          `${this.name(top)} ${this.value(draw.chance(0.6) ? { N: draw.number() } : { SS: ['a', 'q'] })}`,
        ];
      default:
        return ['DELETE', `${this.name(top)} ${this.value({ SS: ['a', 'b'] })}`];
    }
  }

  #operand(): string {
    const draw = this.#draw;
    if (draw.chance(0.15)) return `size(${this.path().text})`;
    return draw.chance(0.5) ? this.path().text : this.value(draw.value(2));
  }

  #apart<Path extends { readonly top: string }, Result>(
    most: number,
    path: () => Path,
    next: (path: Path) => Result,
  ): Result[] {
    const byTop = new Map(this.#draw.several(most, path).map((each) => [each.top, each]));
    return [...byTop.values()].map(next);
  }
}
