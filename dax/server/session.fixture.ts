import { createServer, type Server } from 'node:net';
import { pino } from 'pino';
import { expect } from 'vitest';
import { principalOf } from '../../dataplane/access/principal.ts';
import { SigningKeys } from '../../dataplane/access/signing-keys.ts';
import { errorReply } from '../protocol/errors.ts';
import type { Eventually } from '../tables/eventually.ts';
import type { Caller } from './caller.ts';
import { newCounters } from './counters.ts';
import { ACCESS_KEY_ID, SECRET, signedHandshake } from './handshake.fixture.ts';
import { SignedHandshakes } from './handshake.ts';
import { SESSION_TIMEOUTS } from './limits.ts';
import { authorizeConnection, PREAMBLE, RawClient } from './raw-client.fixture.ts';
import { type Answers, Session, type SessionContext } from './session.ts';

const WALL_MS = Date.UTC(2026, 10, 21);
/** Whose the one known key is. */
export const ann = principalOf('user/ann', '123456789012');

/** Sessions whose answers the test decides, with one clock for everything. */
export class SessionBench {
  readonly counters = newCounters();
  readonly held = { bytes: 0 };
  readonly asked: string[] = [];
  readonly callers: Caller[] = [];
  nowMs = 0;
  reply: (key: string) => Eventually<Buffer> = (key) => Buffer.from(`<${key}>`);
  readonly #server: Server;
  readonly sessions: Session[] = [];
  readonly #clients: RawClient[] = [];

  static async open(): Promise<SessionBench> {
    const bench = new SessionBench();
    await new Promise<void>((resolve) => bench.#server.listen(0, '127.0.0.1', resolve));
    return bench;
  }

  private constructor() {
    const credential = {
      accessKeyId: ACCESS_KEY_ID,
      sessionToken: undefined,
      principal: ann,
      signingKeys: new SigningKeys(SECRET),
    };
    const credentials = {
      find: (id: string) => (id === ACCESS_KEY_ID ? credential : undefined),
    };
    const answers: Answers = {
      answer: (asked, caller) => {
        this.callers.push(caller);
        if (asked.method !== 'getItem') return Buffer.from(`<${asked.method}>`);
        const key = asked.key.toString();
        this.asked.push(key);
        return this.reply(key);
      },
      answerFault: ({ type, message }) => errorReply({ type, message, status: 400 }, 'id'),
    };
    const context: SessionContext = {
      answers,
      handshakes: new SignedHandshakes({ credentials, region: 'us-east-1' }),
      counters: this.counters,
      clock: { nowMs: () => WALL_MS + this.nowMs, monotonicMs: () => this.nowMs },
      timeouts: SESSION_TIMEOUTS,
      held: this.held,
      log: pino({ level: 'silent' }),
    };
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sessions.push(new Session(socket, context, false));
    });
  }

  async client(): Promise<RawClient> {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it listens');
    const client = await RawClient.connect(address.port);
    this.#clients.push(client);
    await expect.poll(() => this.sessions).toHaveLength(this.#clients.length);
    return client;
  }

  /** A client that has said who it is. */
  async knownClient(): Promise<RawClient> {
    const client = await this.client();
    client.send(PREAMBLE, this.signed());
    return client;
  }

  signed(secret = SECRET): Buffer {
    return authorizeConnection(signedHandshake({ nowMs: WALL_MS + this.nowMs, secret }));
  }

  checkTimeouts(): void {
    for (const session of this.sessions) session.checkTimeouts(this.nowMs);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    for (const session of this.sessions) session.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
