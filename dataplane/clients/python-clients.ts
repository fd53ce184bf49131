import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const installer = join(import.meta.dirname, '../../hack/python-clients');
const RUN_MS_MAX = 60_000;

/** The folder with `aws` and `python` in it, installed on first use. */
export async function pythonClients(): Promise<string> {
  const { stdout } = await run(installer);
  return `${stdout.trim()}/bin`;
}

/** What a Python client needs to know of the server, and nothing of the user's own settings. */
export function clientEnvironment(bin: string, endpoint: string): NodeJS.ProcessEnv {
  return {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: '/nonexistent',
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  };
}

/** Runs a client to its end. Throws with its output when it fails. */
export async function runClient(
  command: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly folder: string },
): Promise<string> {
  const [program = '', ...args] = command;
  const { stdout } = await run(program, args, {
    cwd: options.folder,
    env: options.env,
    timeout: RUN_MS_MAX,
  });
  return stdout;
}
