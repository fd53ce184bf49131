/** An access key: what requests are signed with. */
export interface KeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What tells a key that does not expire from a temporary one (IAM User Guide, unique identifiers). */
const PREFIX = 'AKIA';
const ID_CHARACTERS = 16;
const SECRET_BYTES = 30;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Of the forms that AWS's have: 20 letters and digits, and 40 characters of base64 (240 random bits). */
export function newKeyPair(randomBytes: (count: number) => Uint8Array): KeyPair {
  const letters = Array.from(randomBytes(ID_CHARACTERS), (byte) => BASE32[byte % BASE32.length]);
  return {
    accessKeyId: `${PREFIX}${letters.join('')}`,
    secretAccessKey: Buffer.from(randomBytes(SECRET_BYTES)).toString('base64'),
  };
}

const ACCESS_KEY_ID = /^[\w-]{1,128}$/;
const SECRET_CHARACTERS_MAX = 256;

/** The pair, if the two can stand in a credentials file; undefined when one is missing or damaged. */
export function keyPairOf(
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
): KeyPair | undefined {
  if (accessKeyId === undefined || !ACCESS_KEY_ID.test(accessKeyId)) return undefined;
  if (!secretAccessKey || secretAccessKey.length > SECRET_CHARACTERS_MAX) return undefined;
  return { accessKeyId, secretAccessKey };
}
