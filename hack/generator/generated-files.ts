import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chartReadme } from './chart-readme.ts';
import { chartTemplate } from './chart-template.ts';
import { type Crd, parseCrd } from './crd.ts';
import { fieldReference } from './field-reference.ts';
import { typeScript } from './type-script.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = 'crds';

/** A file that is made from the sources, by its path in the repository. */
export interface GeneratedFile {
  readonly file: string;
  readonly text: string;
}

/** All CustomResourceDefinitions in crds/, by file name. */
export async function sources(): Promise<readonly Crd[]> {
  const names = (await readdir(path.join(ROOT, SOURCES))).filter((name) => name.endsWith('.yaml'));
  return Promise.all(
    names.sort().map(async (name) => {
      const file = `${SOURCES}/${name}`;
      return parseCrd(file, await readFile(path.join(ROOT, file), 'utf8'));
    }),
  );
}

/** Everything that hack/generate writes, as it is to be. */
export async function generatedFiles(): Promise<readonly GeneratedFile[]> {
  const crds = await sources();
  const types = crds.map((crd) => {
    const file = `dataplane/kubernetes/${crd.kind.toLowerCase()}-types.ts`;
    return { file, text: formatted(file, typeScript(crd)) };
  });
  return [
    ...types,
    { file: `${SOURCES}/README.md`, text: fieldReference(crds) },
    { file: 'charts/trestle/templates/crds.yaml', text: chartTemplate(crds) },
    {
      file: 'charts/trestle/README.md',
      text: await chartReadme(path.join(ROOT, 'charts/trestle')),
    },
  ];
}

/** Paths of those that are missing or differ from what they are to be. */
export async function outOfDate(files: readonly GeneratedFile[]): Promise<readonly string[]> {
  const stale = await Promise.all(
    files.map(async ({ file, text }) => (await present(file)) !== text),
  );
  return files.filter((_, position) => stale[position]).map(({ file }) => file);
}

async function present(file: string): Promise<string | undefined> {
  try {
    return await readFile(path.join(ROOT, file), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** As `biome format` writes it. */
function formatted(file: string, text: string): string {
  const biome = path.join(ROOT, 'node_modules/.bin/biome');
  const args = ['format', '--config-path', 'hack/lint.json', `--stdin-file-path=${file}`];
  const result = spawnSync(biome, args, { cwd: ROOT, input: text, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`biome format of ${file}: ${result.stderr}`);
  return result.stdout;
}
