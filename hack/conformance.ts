/**
 * Runs nubo-db/dynamodb-conformance, a checkout of which is given, against this server (or another endpoint)
 * and says how it went. The suite holds answers of the real service of May 2026; conformance.json lists the
 * texts that the service has changed since, and the tests that need operations of later.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startServer } from '../dataplane/clients/server-process.ts';
import expected from './conformance.json' with { type: 'json' };

const usage = `Usage: hack/conformance DIR [--endpoint URL] [--all]

  DIR              a checkout of https://github.com/nubo-db/dynamodb-conformance
  --endpoint URL   a server that runs already (without it: one of its own, in a temporary folder)
  --all            the tests of later operations too (PartiQL, streams)
`;

interface TestResult {
  readonly file: string;
  readonly name: string;
  readonly status: string;
  readonly message: string;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      endpoint: { type: 'string' },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [folder] = positionals;
  if (values.help || folder === undefined) {
    process.stdout.write(usage);
    return values.help ? 0 : 2;
  }
  const suite = resolve(folder);
  if (!existsSync(join(suite, 'vitest.config.ts'))) {
    console.error(`${suite} is no checkout of the conformance suite`);
    return 2;
  }
  installSuite(suite);
  if (values.endpoint !== undefined) return runSuite(suite, values.endpoint, values.all);
  const data = mkdtempSync(join(tmpdir(), 'trestle-conformance-'));
  const server = await startServer(['--data', data]);
  try {
    return runSuite(suite, server.endpoint, values.all);
  } finally {
    await server.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

/** By ranges: the suite's own lock file does not install everywhere. */
function installSuite(suite: string): void {
  if (existsSync(join(suite, 'node_modules/vitest'))) return;
  console.log('installing what the suite needs');
  execFileSync('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], {
    cwd: suite,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** @returns the exit status: 0 when only changed texts differ, in the way that is known */
function runSuite(suite: string, endpoint: string, withLater: boolean): number {
  // The folder must be below the suite, so that the suite's own packages are found.
  const scratch = join(suite, 'node_modules/.trestle');
  const config = join(scratch, 'vitest.config.mjs');
  const output = join(scratch, 'results.json');
  mkdirSync(scratch, { recursive: true });
  rmSync(output, { force: true });
  writeFileSync(config, configText(suite, withLater));
  spawnSync(
    process.execPath,
    [
      ...[join(suite, 'node_modules/vitest/vitest.mjs'), 'run', '--config', config],
      ...['--reporter=json', `--outputFile=${output}`],
    ],
    {
      cwd: suite,
      env: { ...process.env, DYNAMODB_ENDPOINT: endpoint, AWS_REGION: 'us-east-1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const results = readResults(output, suite).filter(
    (test) => withLater || !isIn(expected.laterTests, test),
  );
  rmSync(scratch, { recursive: true, force: true });
  return report(results);
}

/** The suite's settings, but messages are kept whole and files of later operations are left out. */
function configText(suite: string, withLater: boolean): string {
  const settings = {
    root: suite,
    test: {
      chaiConfig: { truncateThreshold: 0 },
      exclude: withLater ? [] : expected.laterFiles.map((file) => `tests/${file}`),
    },
  };
  return `import { mergeConfig } from 'vitest/config';
import suite from ${JSON.stringify(join(suite, 'vitest.config.ts'))};
export default mergeConfig(suite, ${JSON.stringify(settings)});
`;
}

/** Vitest's JSON report, of which only what is read here is declared. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

function readResults(output: string, suite: string): TestResult[] {
  if (!existsSync(output)) throw new Error('The suite gave no results');
  const { testResults: files }: Report = JSON.parse(readFileSync(output, 'utf8'));
  return files.flatMap(({ name, message = '', assertionResults: tests }) => {
    const file = relative(join(suite, 'tests'), name);
    if (tests.length === 0) return [{ file, name: 'the whole file', status: 'failed', message }];
    return tests.map(({ fullName, status, failureMessages }) => ({
      file,
      name: fullName,
      status,
      message: failureMessages?.join('\n') ?? '',
    }));
  });
}

function report(results: readonly TestResult[]): number {
  const passed = results.filter(({ status }) => status === 'passed');
  const failed = results.filter(({ status }) => status === 'failed');
  const changed = failed.filter((test) => isIn(expected.changedTexts, test));
  const wrong = failed.filter((test) => !isIn(expected.changedTexts, test));
  const otherwise = changed.filter((test) => !hasNewerText(test));
  const old = passed.filter((test) => isIn(expected.changedTexts, test));
  list('Failed', wrong);
  list('Texts changed since, but answered neither as before nor as now', otherwise);
  list('Texts changed since, but answered as before', old);
  console.log(
    [
      `${results.length} tests: ${passed.length} passed, ${failed.length} failed,`,
      `${results.length - passed.length - failed.length} skipped;`,
      `of the failed, ${changed.length - otherwise.length} are texts the service has changed since,`,
      `answered as it does now, and ${wrong.length + otherwise.length} are wrong`,
    ].join(' '),
  );
  return wrong.length + otherwise.length + old.length === 0 ? 0 : 1;
}

function list(title: string, tests: readonly TestResult[]): void {
  if (tests.length === 0) return;
  console.log(`${title}:`);
  for (const { file, name, message } of tests) {
    console.log(`  ${file}: ${name}\n    ${message.split('\n')[0]}`);
  }
}

interface TestName {
  readonly file: string;
  readonly name: string;
}

function isIn(names: readonly TestName[], test: TestName): boolean {
  return names.some(({ file, name }) => file === test.file && name === test.name);
}

/** Whether the answer that the suite did not expect is the one that the service gives today. */
function hasNewerText(test: TestResult): boolean {
  const known = expected.changedTexts.find(
    ({ file, name }) => file === test.file && name === test.name,
  );
  return known !== undefined && receivedText(test.message) === known.newer;
}

/** From `AssertionError: expected 'received' to be 'wished'`, where a quote in a text is `\\'`. */
function receivedText(message: string): string | undefined {
  const match = /expected '(.*?)' to (?:be|contain) /s.exec(message);
  return match?.[1]?.replaceAll("\\'", "'");
}

process.exitCode = await main();
