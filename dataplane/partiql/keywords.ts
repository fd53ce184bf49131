/**
 * Words that are no bare names, in any case: an attribute of such a name needs double quotes.
 *
 * SQL-92's and PartiQL's, as the service's parser has them; they are not the reserved words of
 * expressions.
 * @see partiql-lang-kotlin, LexerConstants.kt (Apache-2.0); the service refuses `inner` and `pad`
 *   among them (public captures)
 */
const KEYWORDS = `
absolute action add all allocate alter and any are as asc assertion at authorization avg begin between
bit bit_length by cascade cascaded case cast catalog char character character_length char_length check
close coalesce collate collation column commit connect connection constraint constraints continue
convert corresponding count create cross current current_date current_time current_timestamp
current_user cursor date date_add date_diff deallocate dec decimal declare default deferrable deferred
delete desc describe descriptor diagnostics disconnect distinct domain double drop else end end-exec
escape except exception exec execute exists external extract false fetch first float for foreign found
from full get global go goto grant group having identity immediate in indicator initially inner input
insensitive insert int integer intersect interval into is isolation join key language last left level
like local lower match max min module names national natural nchar next no not null nullif numeric
octet_length of on only open option or order outer output overlaps pad partial position precision
prepare preserve primary prior privileges procedure public read real references relative restrict
revoke right rollback rows schema scroll section select session session_user set size smallint some
space sql sqlcode sqlerror sqlstate substring sum system_user table temporary then time timestamp to
transaction translate translation trim true union unique unknown update upper usage user using value
values varchar varying view when whenever where with work write zone
bag bigint blob bool boolean can_cast can_lossless_cast clob conflict do index int2 int4 int8 integer2
integer4 integer8 let limit list missing modified new nothing offset old pivot remove returning sexp
string struct symbol tuple unpivot
`;

const keywords: ReadonlySet<string> = new Set(KEYWORDS.trim().split(/\s+/));

/** Whether a word, in lower case, is a keyword. */
export function isKeyword(word: string): boolean {
  return keywords.has(word);
}

/** Keywords that are functions where a parenthesis follows. */
export const functionKeywords: ReadonlySet<string> = new Set([
  'avg',
  'bag',
  'bit_length',
  'char_length',
  'character_length',
  'count',
  'exists',
  'list',
  'lower',
  'max',
  'min',
  'missing',
  'octet_length',
  'sexp',
  'size',
  'substring',
  'sum',
  'upper',
]);

/** Keywords that name types, for IS. */
export const typeKeywords: ReadonlySet<string> = new Set([
  'any',
  'bag',
  'bigint',
  'blob',
  'bool',
  'boolean',
  'char',
  'character',
  'clob',
  'date',
  'decimal',
  'double',
  'float',
  'int',
  'int2',
  'int4',
  'int8',
  'integer',
  'integer2',
  'integer4',
  'integer8',
  'list',
  'missing',
  'null',
  'numeric',
  'real',
  'sexp',
  'smallint',
  'string',
  'struct',
  'symbol',
  'time',
  'timestamp',
  'tuple',
  'varchar',
]);

/** Types whose names go on with another keyword, or may. */
export const secondTypeWords: ReadonlyMap<string, string> = new Map([
  ['double', 'precision'],
  ['character', 'varying'],
]);

/** Keywords that are operators of expressions. */
export const operatorKeywords: ReadonlySet<string> = new Set([
  'and',
  'between',
  'in',
  'is',
  'like',
  'not',
  'or',
]);
