import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../dataplane/free-port.fixture.ts';

/** For tests: a real Redis on a free port of the loopback, which can be broken and mended. */
export interface TestRedis {
  readonly port: number;
  readonly url: string;
  /** One command, on a connection of its own; the answer as it is on the wire. */
  command(...words: string[]): Promise<string>;
  /** As a crash: nothing is saved. */
  kill(): Promise<void>;
  /** On the same port, and empty. */
  start(): Promise<void>;
  /** It holds its connections, and answers nothing. */
  pause(): void;
  resume(): void;
  close(): Promise<void>;
}

/** Speaks TLS alone on `url`, with certificates for 127.0.0.1; plainly it is told what to do on `port`. */
export interface TestTlsRedis extends TestRedis {
  /** Another certificate, for connections from then on. */
  show(material: CertificateMaterial): Promise<void>;
}

/** PEM texts. */
type CertificateMaterial = Readonly<Record<'cert' | 'key', string>>;

/** With both ports; nobody is asked for a certificate. */
export async function startTlsRedis(material: CertificateMaterial): Promise<TestTlsRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'trestle-redis-tls-'));
  const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const write = async (shown: CertificateMaterial) => {
    await writeFile(cert, shown.cert);
    await writeFile(key, shown.key);
  };
  await write(material);
  const [tlsPort] = await freePorts(1);
  const redis = await startRedis(
    ...['--tls-port', String(tlsPort), '--tls-auth-clients', 'no'],
    ...['--tls-cert-file', cert, '--tls-key-file', key],
  );
  return {
    ...redis,
    url: `rediss://127.0.0.1:${tlsPort}`,
    async show(shown) {
      await write(shown);
      // It loads the files when it is told their names.
      await redis.command('CONFIG', 'SET', 'tls-cert-file', cert);
    },
    async close() {
      await redis.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function startRedis(...options: string[]): Promise<TestRedis> {
  const path = fileURLToPath(new URL('../../hack/redis', import.meta.url));
  const binary = execFileSync(path, { encoding: 'utf8' }).trim();
  const folder = await mkdtemp(join(tmpdir(), 'trestle-redis-'));
  const [port = 0] = await freePorts(1);
  let server: ChildProcess | undefined;

  async function start(): Promise<void> {
    const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
    server = spawn(binary, [...words, ...options], { stdio: 'ignore' });
    while (!(await answers(port, server.pid))) {
      if (server.exitCode !== null) throw new Error(`redis-server ended: ${server.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function kill(): Promise<void> {
    const ending = server;
    server = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill('SIGKILL');
    await ended;
  }

  async function close(): Promise<void> {
    await kill();
    await rm(folder, { recursive: true, force: true });
  }

  try {
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    command: (...words) => ask(port, words),
    kill,
    start,
    pause: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    close,
  };
}

/** A way to Redis of one node alone, which can be cut. */
export interface TestWire {
  readonly url: string;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function startWire({ port }: TestRedis): Promise<TestWire> {
  const ends = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.on('error', () => undefined); // closed next
      end.on('close', () => {
        ends.delete(end);
        other.destroy();
      });
      end.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    isCut = true;
    for (const end of ends) end.destroy();
  };
  return {
    url: `redis://127.0.0.1:${portOf(server)}`,
    cut,
    mend: () => {
      isCut = false;
    },
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** And is that very process: not one that somebody else has started meanwhile. */
async function answers(port: number, pid: number | undefined): Promise<boolean> {
  try {
    return (await ask(port, ['INFO', 'server'])).includes(`\nprocess_id:${pid}\r`);
  } catch {
    return false; // not yet
  }
}

function ask(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    socket.end(respOf(words) + respOf(['QUIT']));
  });
}

function respOf(words: readonly string[]): string {
  const strings = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${strings.join('')}`;
}
