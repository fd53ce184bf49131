import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { UsageError } from './command-line.ts';
import { type Finding, findingsTable } from './finding.ts';

/** One command that measures parts and sets what it found beside targets. */
export interface BenchCommand<Options extends { readonly jsonFile: string | undefined }> {
  readonly command: string;
  readonly usage: string;
  /** Undefined: help is asked for. @throws UsageError */
  readonly parse: (args: readonly string[]) => Options | undefined;
  readonly run: (options: Options) => Promise<readonly Finding[]>;
}

/** Runs it with the words of the command line, prints the table of targets, writes the file asked for. */
export async function runBench<Options extends { readonly jsonFile: string | undefined }>({
  command,
  usage,
  parse,
  run,
}: BenchCommand<Options>): Promise<void> {
  try {
    const options = parse(process.argv.slice(2));
    if (options === undefined) {
      process.stdout.write(usage);
      return;
    }
    const findings = await run(options);
    console.log(`\nTargets\n${findingsTable(findings)}`);
    if (options.jsonFile !== undefined) {
      writeFileSync(options.jsonFile, `${JSON.stringify(findings, undefined, 2)}\n`);
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${command}: ${error.message} (see --help)`);
    process.exitCode = 2;
  }
}

/** What a reader must know of the machine to judge the figures. */
export function machineLine(): string {
  return `${cpus().length} cores (${cpus()[0]?.model}), ${(totalmem() / 2 ** 30).toFixed(0)} GB, node ${process.version}`;
}
