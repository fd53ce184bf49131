import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonClients } from '../../dataplane/clients/python-clients.ts';
import type { ClientCommand } from './client-process.ts';

/** How the programs that hold one client each are started. */

const run = promisify(execFile);
const here = import.meta.dirname;

/** Of a file that holds no secret. */
const TRUST_STORE_PASSWORD = 'changeit';

/** What they may know: nothing of the user's own settings. */
export interface ClientSettings {
  /** `dax://127.0.0.1:8111` */
  readonly url: string;
  /** Path of the authority that signed the certificates of `daxs:`. */
  readonly ca?: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly sessionToken?: string;
}

function environment(settings: ClientSettings): NodeJS.ProcessEnv {
  const { accessKeyId = 'local', secretAccessKey = 'local', sessionToken } = settings;
  return {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1',
  };
}

/** `v3`: @amazon-dax-sdk/client-dax. `document`: lib-dax. `v1`: amazon-dax-client of npm. */
export function nodeClient(
  kind: 'v3' | 'document' | 'v1',
  settings: ClientSettings,
): ClientCommand {
  const { url, ca } = settings;
  return {
    program: process.execPath,
    args: ['--no-warnings', join(here, 'node-client.ts'), kind, url],
    env: { ...environment(settings), ...(ca !== undefined && { NODE_EXTRA_CA_CERTS: ca }) },
  };
}

/** amazon-dax-client of PyPI, installed on first use. */
export async function pythonClient(settings: ClientSettings): Promise<ClientCommand> {
  const { url, ca } = settings;
  return {
    program: join(await pythonClients(), 'python'),
    args: [join(here, 'python_client.py'), url],
    env: { ...environment(settings), ...(ca !== undefined && { SSL_CERT_FILE: ca }) },
  };
}

/** Whether there is a Go to build the client for Go with. */
export function hasGo(): Promise<boolean> {
  return runs('go', ['version']);
}

/** Whether there is what the clients for Java are built with: Maven and a compiler. */
export async function hasJava(): Promise<boolean> {
  return (await runs('mvn', ['--version'])) && (await runs('javac', ['--version']));
}

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(program, [...args]);
    return true;
  } catch {
    return false;
  }
}

/** `go-v1`: aws-dax-go. `go-v2`: aws-dax-go-v2. Built once. */
export class GoClient {
  readonly #folder: string;

  static async build(kind: 'go-v1' | 'go-v2'): Promise<GoClient> {
    const client = new GoClient(mkdtempSync(join(tmpdir(), 'trestle-dax-go-')));
    // The linker's tables take longer than the rest.
    await run('go', ['build', '-ldflags=-s -w', '-o', client.#program, '.'], {
      cwd: join(here, kind),
      env: { ...process.env, GOFLAGS: '-mod=readonly', GOWORK: 'off' },
    });
    return client;
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  get #program(): string {
    return join(this.#folder, 'client');
  }

  command(settings: ClientSettings): ClientCommand {
    const { url, ca } = settings;
    return {
      program: this.#program,
      args: [url],
      env: { ...environment(settings), ...(ca !== undefined && { SSL_CERT_FILE: ca }) },
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** amazon-dax-client of Maven, 1 and 2, built on first use. */
export class JavaClients {
  readonly #classPath: string;
  /** Of stores of authorities. */
  readonly #folder = mkdtempSync(join(tmpdir(), 'trestle-dax-java-'));

  static async build(): Promise<JavaClients> {
    const { stdout } = await run(join(here, '../../hack/java-clients'));
    const folder = stdout.trim();
    const libraries = readFileSync(join(folder, 'libraries'), 'utf8').trim();
    return new JavaClients(`${join(folder, 'classes')}:${libraries}`);
  }

  private constructor(classPath: string) {
    this.#classPath = classPath;
  }

  async command(
    program: 'ClientV1' | 'ClientV2',
    settings: ClientSettings,
  ): Promise<ClientCommand> {
    const { url, ca } = settings;
    const trust = ca === undefined ? [] : await this.#trust(ca);
    return {
      program: 'java',
      args: [...trust, '-cp', this.#classPath, program, url],
      env: environment(settings),
    };
  }

  /** Java reads no authorities as they are. */
  async #trust(ca: string): Promise<readonly string[]> {
    const store = join(mkdtempSync(join(this.#folder, 'trust-')), 'store');
    await run('keytool', [
      ...['-importcert', '-noprompt', '-alias', 'authority', '-file', ca],
      ...['-keystore', store, '-storepass', TRUST_STORE_PASSWORD],
    ]);
    return [
      `-Djavax.net.ssl.trustStore=${store}`,
      `-Djavax.net.ssl.trustStorePassword=${TRUST_STORE_PASSWORD}`,
    ];
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
