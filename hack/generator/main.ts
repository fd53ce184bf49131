import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { generatedFiles, outOfDate, ROOT } from './generated-files.ts';

/** Usage: node hack/generator/main.ts [--check] */
async function main(args: readonly string[]): Promise<number> {
  const isCheck = args[0] === '--check';
  if (args.length > (isCheck ? 1 : 0)) {
    console.error(`hack/generate: unknown argument '${args.at(-1)}'; there is: --check`);
    return 2;
  }
  const files = await generatedFiles();
  const stale = await outOfDate(files);
  if (isCheck) {
    if (stale.length === 0) return 0;
    console.error(`hack/generate: out of date: ${stale.join(', ')}; run hack/generate`);
    return 1;
  }
  for (const { file, text } of files) {
    if (!stale.includes(file)) continue;
    await mkdir(path.dirname(path.join(ROOT, file)), { recursive: true });
    await writeFile(path.join(ROOT, file), text);
    console.log(`${file}: ${(await readFile(path.join(ROOT, file))).byteLength} bytes`);
  }
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
