import { isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A wrong option or value; the message is one line for people. */
export class UsageError extends Error {}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const DURABILITIES = ['fsync', 'relaxed'] as const;
export type Durability = (typeof DURABILITIES)[number];

/** Splits a command line into options and other arguments. @throws UsageError */
export function parseOptions<T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // node:util says what is wrong in its first sentence; advice about `--` follows.
    const [sentence = ''] = error.message.split(/\.(?:\s|$)/);
    throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1));
  }
}

export function portOf(text: string, option = '--port'): number {
  return wholeOf(text, 65_535, option);
}

/** A whole number from 0. */
export function wholeOf(text: string, most: number, option: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= most)) {
    throw new UsageError(`${option} needs a number from 0 to ${most}, not '${text}'`);
  }
  return value;
}

/** A port of HTTPS, with absolute paths of PEM files. */
export interface TlsChoice {
  readonly port: number;
  readonly cert: string;
  readonly key: string;
}

export const TLS_OPTIONS = {
  'tls-port': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
} as const;

export const TLS_HELP = `  --tls-port N           serve the API by HTTPS on this port too, 0: any free one; with
  --tls-cert FILE        its certificate and what leads to the authority (PEM), read again when it
  --tls-key FILE         changes, and the private key`;

/** All three or none. @throws UsageError */
export function tlsOf(
  values: {
    readonly [option in keyof typeof TLS_OPTIONS]?: string | undefined;
  },
): TlsChoice | undefined {
  const { 'tls-port': port, 'tls-cert': cert, 'tls-key': key } = values;
  if (port === undefined && cert === undefined && key === undefined) return undefined;
  return {
    port: portOf(
      required(port, '--tls-port', 'a port, with --tls-cert and --tls-key'),
      '--tls-port',
    ),
    cert: resolve(required(cert, '--tls-cert', 'a file, with --tls-port and --tls-key')),
    key: resolve(required(key, '--tls-key', 'a file, with --tls-port and --tls-cert')),
  };
}

export function matching(text: string, pattern: RegExp, complaint: string): string {
  if (!pattern.test(text)) throw new UsageError(`${complaint}, not '${text}'`);
  return text;
}

export function oneOf<T extends string>(text: string, choices: readonly T[], option: string): T {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) {
    throw new UsageError(`${option} needs one of ${choices.join(', ')}, not '${text}'`);
  }
  return choice;
}

/** An option that has to be given. */
export function required(text: string | undefined, option: string, what: string): string {
  if (text === undefined || text === '') throw new UsageError(`${option} needs ${what}`);
  return text;
}

/** Who may call: an absolute path of access keys, or anyone, which may have been said or not. */
export interface CredentialsChoice {
  readonly file: string | undefined;
  readonly isAnyoneWelcome: boolean;
}

export function credentialsOf(value: string | undefined): CredentialsChoice {
  if (value === '') throw new UsageError('--credentials needs a file, or none');
  const isFile = value !== undefined && value !== 'none';
  return { file: isFile ? resolve(value) : undefined, isAnyoneWelcome: value === 'none' };
}

/**
 * The absolute path of the file that says who may do what; undefined: whoever may call may do
 * everything.
 * @throws UsageError without access keys, since nobody is known by name then
 */
export function policiesOf(
  value: string | undefined,
  credentials: CredentialsChoice,
): string | undefined {
  if (value === undefined) return undefined;
  if (value === '') throw new UsageError('--policies needs a file');
  if (credentials.file === undefined) {
    throw new UsageError(
      '--policies needs --credentials FILE, which says who has which access key',
    );
  }
  return resolve(value);
}

/**
 * Accepting anyone beyond this machine has to be said.
 * @param place how the address was given, like `--host 0.0.0.0`
 * @throws UsageError
 */
export function checkCredentials(choice: CredentialsChoice, host: string, place: string): void {
  if (choice.file !== undefined || choice.isAnyoneWelcome || isLoopback(host)) return;
  throw new UsageError(
    `${place} can be reached from other machines: give --credentials FILE, or --credentials none to accept anyone`,
  );
}

/** Only what is loopback for certain: a name may resolve to anything. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
