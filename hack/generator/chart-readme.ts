import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isMap, isScalar, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';

/** One value of the chart, or a group of them. */
interface Row {
  readonly key: string;
  readonly description: string;
  /** Undefined for a group. */
  readonly value: string | undefined;
}

const BEGIN = '<!-- Made of values.yaml by hack/generate: -->\n';
const END = '<!-- end -->\n';

/**
 * The chart's README with its table of all values made anew of values.yaml, where the comment above
 * a value is its description.
 * @param chart folder of the chart
 * @throws Error that names a value without description
 */
export async function chartReadme(chart: string): Promise<string> {
  const values = await readFile(path.join(chart, 'values.yaml'), 'utf8');
  const readme = await readFile(path.join(chart, 'README.md'), 'utf8');
  const [before, rest = ''] = readme.split(BEGIN);
  const [, after] = rest.split(END);
  if (after === undefined) throw new Error('charts/trestle/README.md lacks the marks of the table');
  return `${before}${BEGIN}\n${valuesTable(values)}\n\n${END}${after}`;
}

/** @throws Error that names a value without description */
export function valuesTable(values: string): string {
  const { contents } = parseDocument(values);
  if (!isMap(contents)) throw new Error('values.yaml holds no mapping');
  const rows = rowsOf(contents, '');
  for (const { key, description } of rows) {
    if (description === '') throw new Error(`values.yaml: ${key} needs a comment above it`);
  }
  return ['| value | default | |', '|---|---|---|', ...rows.map(lineOf)].join('\n');
}

function rowsOf(map: YAMLMap, prefix: string): Row[] {
  return map.items.flatMap((pair, index) => {
    const key = `${prefix}${String(isScalar(pair.key) ? pair.key.value : pair.key)}`;
    // The first comment of a mapping is the mapping's own in the parser's eyes.
    const comment = commentOf(pair) ?? (index === 0 ? map.commentBefore : undefined);
    const description = textOf(comment ?? '');
    const { value } = pair;
    if (isMap(value) && value.items.length > 0 && hasComments(value)) {
      return [{ key, description, value: undefined }, ...rowsOf(value, `${key}.`)];
    }
    return [{ key, description, value: JSON.stringify(plainOf(value)) }];
  });
}

function commentOf({ key }: Pair): string | undefined {
  return (key as Node | null)?.commentBefore ?? undefined;
}

/** A mapping whose parts are described is a group; one without comments is one value. */
function hasComments(map: YAMLMap): boolean {
  const own = map.commentBefore !== undefined && map.commentBefore !== null;
  return own || map.items.some((pair) => commentOf(pair) !== undefined);
}

function plainOf(value: unknown): unknown {
  return isMap(value) || isScalar(value) || hasToJson(value) ? value.toJSON() : value;
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return typeof value === 'object' && value !== null && 'toJSON' in value;
}

/** The last paragraph of a comment: one before it is about more than this value. */
function textOf(comment: string): string {
  const [last = ''] = comment.split(/\n\s*\n/).slice(-1);
  return last
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
}

function lineOf({ key, description, value }: Row): string {
  const text = description.replaceAll('|', '\\|');
  if (value === undefined) return `| **${key}** | | ${text} |`;
  return `| \`${key}\` | \`${value}\` | ${text} |`;
}
