import { keyAt, tables } from '../benchmark/dataset.ts';
import { Caller } from '../benchmark/load-connection.ts';
import { requestBytes } from '../benchmark/request.ts';
import { DaxConnection, getItemRequest } from './dax-connection.ts';
import type { RedisProcess } from './redis-process.ts';

/** Reads items of the benchmark by their numbers, one at a time. */
export interface Reader {
  /** @throws Error unless the item is there */
  read(index: number): Promise<void>;
  close(): void;
}

/** GetItem as JSON over HTTP: at the tables, a router, or a DAX node's own HTTP port. */
export function httpReader(port: number, { isStrong }: { readonly isStrong: boolean }): Reader {
  const caller = new Caller(port);
  const requests = new Requests((index) =>
    requestBytes({
      port,
      target: 'GetItem',
      accessKey: undefined,
      body: {
        TableName: tables.reads,
        Key: keyAt(index),
        ...(isStrong ? { ConsistentRead: true } : {}),
      },
    }),
  );
  return {
    read: async (index) => {
      const { status, bodyBytes, body } = await caller.call(requests.at(index));
      if (status !== 200 || bodyBytes < 100) throw new Error(`answered ${status}: ${body}`);
    },
    close: () => caller.close(),
  };
}

/** GetItem by the DAX protocol. */
export function daxReader(port: number): Reader {
  let settle: ((answered: Buffer | Error) => void) | undefined;
  const connection = new DaxConnection({
    port,
    onAnswer: (bytes) => settle?.(bytes),
    onFailure: (error) => settle?.(error),
  });
  const requests = new Requests((index) => getItemRequest(tables.reads, keyAt(index)));
  /** All items are of one length, so all answers are, once the first is known. */
  let answerBytes: number | undefined;
  return {
    read: (index) =>
      new Promise((resolve, reject) => {
        settle = (answered) => {
          settle = undefined;
          if (answered instanceof Error) reject(answered);
          else if (answered[0] !== 0x80 || answered.length < 100) {
            reject(new Error(`the node answered ${answered.toString('latin1').slice(0, 200)}`));
          } else {
            answerBytes = answered.length;
            resolve();
          }
        };
        connection.send(requests.at(index), answerBytes);
      }),
    close: () => connection.close(),
  };
}

/** GET of values that were put there before, as a cache of one's own would. */
export function redisReader({ client }: RedisProcess): Reader {
  return {
    read: async (index) => {
      const value = await client.getBuffer(`item:${index}`);
      if (value === null) throw new Error('not in Redis');
    },
    close: () => undefined,
  };
}

/** Made once each, so that making them is not measured. */
class Requests {
  readonly #make: (index: number) => Buffer;
  readonly #made = new Map<number, Buffer>();

  constructor(make: (index: number) => Buffer) {
    this.#make = make;
  }

  at(index: number): Buffer {
    let request = this.#made.get(index);
    if (request === undefined) {
      request = this.#make(index);
      this.#made.set(index, request);
    }
    return request;
  }
}
