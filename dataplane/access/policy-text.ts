import { PolicyError } from './policy-error.ts';
import { ANY_CHARACTER, ANY_TEXT, Wildcard, type WildcardToken } from './wildcard.ts';

/**
 * Texts of policies that stand for others: with wildcards (`*`, `?`) and with policy variables
 * (`${aws:username}`, `${aws:username, 'nobody'}`; `${*}`, `${?}` and `${$}` are these characters
 * themselves). Whatever a variable stands for is text, also a wildcard in it.
 * @see IAM user guide, "IAM policy elements: Variables and tags"
 */

/** What variables stand for: the value of a condition key (in lower case), if there is exactly one. */
export type VariableLookup = (key: string) => string | undefined;

/** A part of such a text. */
type Token = WildcardToken | Variable;

interface Variable {
  /** In lower case. */
  readonly key: string;
  /** What it stands for where the key has no value. */
  readonly otherwise: string | undefined;
}

export interface TextRules {
  /** From the 2012 version of the grammar on. */
  readonly hasVariables: boolean;
  readonly hasWildcards: boolean;
}

/** Bounds what a comparison costs; ARNs are no longer. */
const TEXT_CHARACTERS_MAX = 2_048;

/** One text, ready to be compared with others. */
export class PolicyText {
  readonly #tokens: readonly Token[];
  /** Undefined where the text has variables. */
  readonly #fixed: Wildcard | undefined;

  /**
   * @param place of the text in the document, for messages
   * @throws PolicyError
   */
  static parse(text: string, rules: TextRules, place: string): PolicyText {
    if (text.length > TEXT_CHARACTERS_MAX) {
      throw new PolicyError(`${place} has more than ${TEXT_CHARACTERS_MAX} characters`);
    }
    return new PolicyText(tokensOf(text, rules, place));
  }

  private constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#fixed = tokens.some(isVariable) ? undefined : new Wildcard(tokens.filter(isFixed));
  }

  /** A text with a variable that stands for nothing matches nothing. */
  matches(text: string, lookup: VariableLookup): boolean {
    if (this.#fixed !== undefined) return this.#fixed.matches(text);
    const tokens: WildcardToken[] = [];
    for (const token of this.#tokens) {
      const shown = isVariable(token) ? (lookup(token.key) ?? token.otherwise) : token;
      if (shown === undefined) return false;
      tokens.push(shown);
    }
    return new Wildcard(tokens).matches(text);
  }

  /**
   * The parts between colons, as of an ARN: the last of `count` has the colons that are left, and
   * those that are missing are any text.
   */
  split(count: number): readonly PolicyText[] {
    const parts: Token[][] = [[]];
    for (const token of this.#tokens) {
      if (typeof token !== 'string') {
        parts.at(-1)?.push(token);
        continue;
      }
      let rest = token;
      for (let colon = rest.indexOf(':'); colon >= 0 && parts.length < count; ) {
        parts.at(-1)?.push(rest.slice(0, colon));
        parts.push([]);
        rest = rest.slice(colon + 1);
        colon = rest.indexOf(':');
      }
      parts.at(-1)?.push(rest);
    }
    while (parts.length < count) parts.push([ANY_TEXT]);
    return parts.map((tokens) => new PolicyText(tokens));
  }
}

function isVariable(token: Token): token is Variable {
  return typeof token === 'object';
}

function isFixed(token: Token): token is WildcardToken {
  return typeof token !== 'object';
}

const SHOWN_CHARACTERS_MAX = 64;

/** Behind the dollar sign and the brace: a character, or a key and perhaps a default. */
const VARIABLE = /^(?:([*?$])|([\w.+=@/-]+:[\w.+=@:/-]+)(?:\s*,\s*'([^']*)')?)$/;

function tokensOf(text: string, rules: TextRules, place: string): readonly Token[] {
  const tokens: Token[] = [];
  let plain = '';
  const push = (token: Token) => {
    if (plain !== '') tokens.push(plain);
    plain = '';
    tokens.push(token);
  };
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (rules.hasVariables && text.startsWith('${', at)) {
      const end = text.indexOf('}', at);
      const token = variableOf(text.slice(at + 2, end < 0 ? undefined : end), end >= 0, place);
      if (typeof token === 'string') plain += token;
      else push(token);
      at = end;
    } else if (rules.hasWildcards && character === '*') {
      push(ANY_TEXT);
    } else if (rules.hasWildcards && character === '?') {
      push(ANY_CHARACTER);
    } else {
      plain += character;
    }
  }
  if (plain !== '') tokens.push(plain);
  return tokens;
}

/** @throws PolicyError */
function variableOf(text: string, isClosed: boolean, place: string): string | Variable {
  const [, character, key, otherwise] = (isClosed && VARIABLE.exec(text)) || [];
  if (character !== undefined) return character;
  if (key !== undefined) return { key: key.toLowerCase(), otherwise };
  const shown = JSON.stringify(`\${${text.slice(0, SHOWN_CHARACTERS_MAX)}`);
  throw new PolicyError(`${place} has a policy variable that is not well formed: ${shown}`);
}
