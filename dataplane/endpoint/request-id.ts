import { randomFillSync } from 'node:crypto';

const ID_CHARACTERS = 52;
const IDS_PER_FILL = 512;

/** 32 of the 36 allowed characters, so that five bits of a random byte pick one without bias. */
const ALPHABET = Buffer.from('0123456789ABCDEFGHIJKLMNOPQRSTUV', 'latin1');

const pool = Buffer.alloc(ID_CHARACTERS * IDS_PER_FILL);
let position = pool.length;

/** A value for `x-amzn-RequestId`: 52 characters of A-Z and 0-9, unpredictable. */
export function nextRequestId(): string {
  if (position === pool.length) refill();
  const start = position;
  position += ID_CHARACTERS;
  return pool.toString('latin1', start, position);
}

/** Randomness is taken for many ids at once: the system call costs more than an id. */
function refill(): void {
  randomFillSync(pool);
  for (let i = 0; i < pool.length; i += 1) {
    pool[i] = ALPHABET[(pool[i] ?? 0) & 31] ?? 0;
  }
  position = 0;
}
