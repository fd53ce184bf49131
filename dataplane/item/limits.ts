/**
 * Limits of items and attributes (reference/dynamodb.md section 2; guide: "Quotas").
 * Byte counts are of UTF-8 text and of raw (decoded) binary.
 */

/** An item with all its names and values; the largest one allowed. */
export const ITEM_BYTES_MAX = 409_600;

/** A top-level attribute's value is level 1; a value at level 33 is refused. */
export const NESTING_LEVELS_MAX = 32;

export const PARTITION_KEY_BYTES_MAX = 2048;
export const SORT_KEY_BYTES_MAX = 1024;
export const ATTRIBUTE_NAME_BYTES_MAX = 65_535;

/** Significant digits of a number, without leading and trailing zeros. */
export const NUMBER_DIGITS_MAX = 38;

/** Exponents in scientific notation with one digit before the point: 1E-130 to 9.99...E+125. */
export const NUMBER_EXPONENT_MIN = -130;
export const NUMBER_EXPONENT_MAX = 125;
