/** Major types: the three high bits of a head byte. */
export const MAJOR = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;

/** Whole head bytes. */
export const FALSE = 0xf4;
export const TRUE = 0xf5;
export const NULL = 0xf6;
export const FLOAT64 = 0xfb;
export const BREAK = 0xff;
export const EMPTY_ARRAY = 0x80;
export const INDEFINITE_MAP = 0xbf;

/** Low five bits of a head byte: the argument itself below 24, else where it is. */
export const ARGUMENT_MASK = 0x1f;
export const ARGUMENT_8_BITS = 24;
export const ARGUMENT_16_BITS = 25;
export const ARGUMENT_32_BITS = 26;
export const ARGUMENT_64_BITS = 27;
export const INDEFINITE = 31;

/** Tags of numbers (RFC 8949 section 3.4) and of DAX (reference section 2.3). */
export const TAG = {
  bigInteger: 2,
  negativeBigInteger: 3,
  decimal: 4,
  stringSet: 3321,
  numberSet: 3322,
  binarySet: 3323,
  listIndex: 3324,
} as const;

/** 2^32: what the high half of a 64-bit argument counts in. */
export const HIGH_WORD = 0x1_0000_0000;

/** High halves above this make arguments above 2^53 - 1. */
export const SAFE_HIGH_WORD_MAX = 0x1f_ffff;
