import { describe, expect, it } from 'vitest';
import { splitAppend } from './append-split.ts';
import { readMessageHead } from './core/message-head.ts';

interface Entry {
  readonly term: number;
  readonly kind: 0 | 1 | 2;
  readonly bytes: number;
}

/** As `core/README.md` lays it out. */
function appendMessage(index: number, logTerm: number, entries: readonly Entry[]): Uint8Array {
  const parts = entries.map(({ term, kind, bytes }) => {
    const head = Buffer.alloc(17);
    head.writeBigUInt64LE(BigInt(term), 0);
    head[8] = kind;
    head.writeUInt32LE(kind === 1 ? 99 : kind === 2 ? bytes : 0, 9);
    head.writeUInt32LE(kind === 1 ? bytes : 0, 13);
    return kind === 2 ? Buffer.concat([head, Buffer.alloc(bytes, 7)]) : head;
  });
  const message = Buffer.alloc(64);
  message[0] = 3;
  message.writeUInt32LE(entries.length, 4);
  message.writeBigUInt64LE(1n, 8);
  message.writeBigUInt64LE(2n, 16);
  message.writeBigUInt64LE(9n, 24);
  message.writeBigUInt64LE(BigInt(index), 32);
  message.writeBigUInt64LE(BigInt(logTerm), 40);
  message.writeBigUInt64LE(1_000n, 48);
  return Buffer.concat([message, ...parts]);
}

function placeOf(message: Uint8Array): { readonly index: bigint; readonly logTerm: bigint } {
  const view = Buffer.from(message);
  return { index: view.readBigUInt64LE(32), logTerm: view.readBigUInt64LE(40) };
}

describe('splitAppend', () => {
  it('leaves a message of few bytes as it is', () => {
    const message = appendMessage(10, 2, [
      { term: 3, kind: 1, bytes: 40 },
      { term: 3, kind: 1, bytes: 60 },
    ]);
    const parts = splitAppend(message, 100);
    expect(parts).toEqual([{ message, payloadsCount: 2 }]);
  });

  it('cuts so that each part follows the one before', () => {
    const message = appendMessage(10, 2, [
      { term: 2, kind: 0, bytes: 0 },
      { term: 3, kind: 1, bytes: 60 },
      { term: 3, kind: 2, bytes: 33 },
      { term: 4, kind: 1, bytes: 60 },
      { term: 5, kind: 1, bytes: 500 },
      { term: 6, kind: 1, bytes: 10 },
    ]);
    const parts = splitAppend(message, 100);
    expect(parts.map(({ payloadsCount }) => payloadsCount)).toEqual([1, 1, 1, 1]);
    const heads = parts.map((part) => readMessageHead(part.message));
    expect(heads.flatMap(({ payloads }) => payloads)).toEqual(readMessageHead(message).payloads);
    expect(heads.map(({ term, commit }) => ({ term, commit }))).toEqual(
      heads.map(() => ({ term: 9, commit: 1_000 })),
    );
    expect(parts.map((part) => placeOf(part.message))).toEqual([
      { index: 10n, logTerm: 2n },
      { index: 13n, logTerm: 3n },
      { index: 14n, logTerm: 4n },
      { index: 15n, logTerm: 5n },
    ]);
  });
});
