import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Operation, Outcome, RecordedOperation } from '../../dataplane/simulation/history.ts';

/**
 * An operation as a client process writes it down: one line of JSON. Times are nanoseconds of the
 * machine's monotonic clock, which all processes share, since the run began.
 */
export interface HistoryLine {
  readonly client: string;
  readonly key: string;
  readonly operation: Operation;
  readonly outcome: Outcome;
  readonly calledNs: number;
  readonly returnedNs: number;
}

/** Writes lines as they come; the file is whole once `close` has resolved. */
export class HistoryWriter {
  readonly #stream: WriteStream;

  constructor(path: string) {
    this.#stream = createWriteStream(path, { flags: 'a' });
  }

  write(line: HistoryLine): void {
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.once('error', reject);
      this.#stream.end(resolve);
    });
  }
}

/** All lines of some files. @throws SyntaxError, or the system's error for a file */
export async function readHistoryLines(paths: readonly string[]): Promise<readonly HistoryLine[]> {
  const lines: HistoryLine[] = [];
  for (const path of paths) {
    for await (const text of createInterface({ input: createReadStream(path) })) {
      // Written by `HistoryWriter`.
      if (text !== '') lines.push(JSON.parse(text) as HistoryLine);
    }
  }
  return lines;
}

/** The history as the checkers take it: in order of the calls, with what did not return still open. */
export function recordedOperations(lines: readonly HistoryLine[]): readonly RecordedOperation[] {
  return lines
    .toSorted((one, other) => one.calledNs - other.calledNs)
    .map(({ client, key, operation, outcome, calledNs, returnedNs }, id) => {
      const isOpen = outcome.kind === 'unknown';
      return {
        id,
        client,
        key,
        operation,
        outcome,
        calledAt: calledNs,
        returnedAt: isOpen ? Number.POSITIVE_INFINITY : returnedNs,
        calledMs: calledNs / 1e6,
        returnedMs: isOpen ? Number.POSITIVE_INFINITY : returnedNs / 1e6,
      };
    });
}

/** Nanoseconds since `beginning`, a reading of the same clock in any process of this machine. */
export function nanosecondsSince(beginning: bigint): number {
  return Number(process.hrtime.bigint() - beginning);
}
