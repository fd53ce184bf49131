/** Bounds of statements, checked before or while they are read: no text costs more than they allow. */

/** Characters of one statement. @see service model dynamodb 2012-08-10, PartiQLStatement */
export const STATEMENT_CHARS_MAX = 8192;

/** Parentheses, brackets, braces and arguments inside each other. Differs: the service's is not known. */
export const STATEMENT_DEPTH_MAX = 100;

/** Queries and gets that one SELECT may become; the guide's 50 values for a hash key. */
export const READS_MAX = 50;

/**
 * Conditions of a statement that are compared with paths or other conditions: each of them stands
 * twice in what is evaluated. Differs: the service's bound is not known.
 */
export const EQUALITIES_MAX = 5;
