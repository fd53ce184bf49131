import { createRequire } from 'node:module';
import type { AttributeValue } from '../../dataplane/item/attribute-value.ts';

/** Parts of Amazon's own Node client, which it does not export: the other side of our codecs. */

const require = createRequire(import.meta.url);
const client = '@amazon-dax-sdk/client-dax/src';

interface AttributeValueEncoder {
  encodeAttributeValue(value: unknown): Buffer;
}

interface LexDecimal {
  encode(value: object): Buffer;
}

interface Generator {
  encodeExpressions(
    condition: string | undefined,
    keyCondition: string | undefined,
    filter: string | undefined,
    update: string | undefined,
    projection: string | undefined,
    names: object,
    values: object,
  ): Readonly<Record<string, Buffer | null>>;
}

interface Assembler {
  _decodeAttributeValue(decoder: object): ClientValue;
}

const { encodeAttributeValue }: AttributeValueEncoder = require(
  `${client}/AttributeValueEncoder.js`,
);
const lexDecimal: LexDecimal = require(`${client}/LexDecimal.js`);
const BigDecimal: new (text: string) => object = require(`${client}/BigDecimal.js`);
const { CborSExprGenerator }: { CborSExprGenerator: Generator } = require(
  `${client}/CborSExprGenerator.js`,
);
const assembler: Assembler = require(`${client}/Assembler.js`);
const DaxCborDecoder: new (bytes: Buffer) => object = require(`${client}/DaxCborDecoder.js`);

/** A value as the client shows it: binary as bytes. */
export type ClientValue = { readonly [type: string]: unknown };

/** A value as the client sends it. */
export function clientEncodes(value: AttributeValue): Buffer {
  return encodeAttributeValue(withBinary(value));
}

/** What the client makes of a value we send, with binary as base64 again. */
export function clientDecodes(bytes: Buffer): unknown {
  return withBase64(assembler._decodeAttributeValue(new DaxCborDecoder(bytes)));
}

/** A number as the client appends it to a key. */
export function clientSortKey(number: string): Buffer {
  return lexDecimal.encode(new BigDecimal(number));
}

/** An expression as the client compiles it. @throws when the client refuses the text */
export function clientCompiles(
  kind: 'Condition' | 'KeyCondition' | 'Filter' | 'Update' | 'Projection',
  text: string,
  { names, values }: { readonly names: object; readonly values: object },
): Buffer {
  const of = (each: string) => (kind === each ? text : undefined);
  const compiled = CborSExprGenerator.encodeExpressions(
    of('Condition'),
    of('KeyCondition'),
    of('Filter'),
    of('Update'),
    of('Projection'),
    names,
    binaryMembers(values),
  )[kind];
  if (compiled === undefined || compiled === null) throw new Error('the client made nothing of it');
  return compiled;
}

function binaryMembers(values: object): object {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, withBinary(value)]),
  );
}

/** The client takes binary as bytes. */
function withBinary(value: AttributeValue): unknown {
  if ('B' in value) return { B: Buffer.from(value.B, 'base64') };
  if ('BS' in value) return { BS: value.BS.map((member) => Buffer.from(member, 'base64')) };
  if ('L' in value) return { L: value.L.map(withBinary) };
  if ('M' in value) return { M: binaryMembers(value.M) };
  return value;
}

function withBase64(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(withBase64);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withBase64(part)]));
}
