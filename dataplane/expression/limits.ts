/**
 * Limits of expressions (reference/dynamodb.md section 2; guide: "Quotas"). Those of one expression
 * are checked before or while it is parsed, so that no text costs more than its 4096 bytes allow.
 */

/** One expression as UTF-8, as it was sent. */
export const EXPRESSION_BYTES_MAX = 4096;

/** AND, OR, NOT, comparators, BETWEEN, IN, + and - in one expression. */
export const OPERATORS_MAX = 300;

/** Candidates of one IN. */
export const IN_OPERANDS_MAX = 100;

/** Names and indexes of one document path. */
export const PATH_LEVELS_MAX = 32;

/** A list index as it stands in a path: a signed 32-bit integer. */
export const LIST_INDEX_MAX = 2_147_483_647;

/** `#name` or `:value` with its sign. */
export const SUBSTITUTION_TOKEN_BYTES_MAX = 255;

/** All names, or all values, of one request with their tokens. */
export const SUBSTITUTIONS_BYTES_MAX = 2 * 1024 * 1024;

/** Parsed expressions remembered, of all kinds together. */
export const PARSED_EXPRESSIONS_MAX = 1000;

/** Longer texts are not remembered: hot ones are short. Characters. */
export const PARSED_EXPRESSION_CHARS_MAX = 1024;
