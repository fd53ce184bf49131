import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { chartTemplate } from './chart-template.ts';
import { parseCrd } from './crd.ts';
import { generatedFiles, outOfDate, ROOT, sources } from './generated-files.ts';
import { typeScript } from './type-script.ts';

const CRD = `# About the source.
kind: CustomResourceDefinition
metadata:
  name: things.example.com
  annotations:
    helm.sh/resource-policy: keep
    trestle.dev/schema-version: '1'
spec:
  group: example.com
  names: {kind: Thing, plural: things, shortNames: [th]}
  versions:
  - name: v1
    schema:
      openAPIV3Schema:
        properties:
          spec:
            description: What is {{ wanted }}.
            type: object
            required: [parts]
            properties:
              parts:
                description: Parts.
                type: array
                items: {description: A part., type: object, properties: {name: {description: Its name., type: string}}}
              size:
                description: Size.
                x-kubernetes-int-or-string: true
                default: 1Gi
          status:
            description: What is there.
            type: object
            properties:
              parts:
                description: Parts.
                type: array
                items: {description: A part., type: object, properties: {ready: {description: Whether., type: boolean}}}
`;
const thing = parseCrd('crds/thing.yaml', CRD);

/** As Helm would with these values; a template has nothing but conditions, the release's id and quoted braces. */
function rendered(template: string, { isKept }: { readonly isKept: boolean }): string {
  return template
    .replace(/^\{\{- \/\*.*\*\/ -\}\}\n/, '')
    .replace(
      / *\{\{- if \.Values\.crds\.keep \}\}\n(.*\n) *\{\{- else \}\}\n(.*\n) *\{\{- end \}\}\n/g,
      isKept ? '$1' : '$2',
    )
    .replaceAll(
      /\{\{- if include "trestle\.bringsDefinition" \(list \. "[a-z.]+" \d+\) \}\}\n/g,
      '',
    )
    .replaceAll(/^\{\{- end \}\}\n/gm, '')
    .replaceAll('{{ include "trestle.releaseId" . }}', 'shop/trestle')
    .replaceAll('{{ "{{" }}', '{{');
}

test('what is in the repository is what hack/generate writes', async () => {
  expect(await outOfDate(await generatedFiles())).toEqual([]);
});

test('a missing file is out of date', async () => {
  expect(await outOfDate([{ file: 'crds/nowhere.yaml', text: '' }])).toEqual(['crds/nowhere.yaml']);
});

test('chart: rendered with crds.keep it is the source', async () => {
  const crds = await sources();
  const source = crds.map((crd) => `---\n${crd.source.replaceAll(/^#.*\n/gm, '')}`).join('');
  expect(rendered(chartTemplate(crds), { isKept: true })).toBe(source);
});

test('chart: rendered without crds.keep it may be deleted, and that is all', () => {
  const kept = rendered(chartTemplate([thing]), { isKept: true });
  const loose = rendered(chartTemplate([thing]), { isKept: false });
  const keep = 'helm.sh/resource-policy: keep';
  expect(loose).toBe(kept.replace(keep, 'trestle.dev/allow-crd-deletion: shop/trestle'));
});

test('chart: braces of the CRD are not taken for a template', () => {
  expect(chartTemplate([thing])).toContain('What is {{ "{{" }} wanted }}.');
});

test('types: parts of spec and status with one name are told apart', () => {
  const text = typeScript(thing);
  expect(text).toContain('readonly parts: readonly Part[];');
  expect(text).toContain('readonly parts?: readonly PartStatus[];');
});

test('types: what has a default is there when read, and may be left out when written', () => {
  const text = typeScript(thing);
  expect(text).toContain('/** Size. Default: 1Gi. */\n  readonly size: number | string;');
  expect(text).toContain('export type WrittenThingSpec = Omit<ThingSpec, ThingSpecDefault>');
  expect(text).toContain("type ThingSpecDefault = 'size';");
});

test('reference: every field of a Table is in crds/README.md', async () => {
  const reference = readFileSync(path.join(ROOT, 'crds/README.md'), 'utf8');
  const types = readFileSync(path.join(ROOT, 'dataplane/kubernetes/table-types.ts'), 'utf8');
  const fields = [...types.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => `\`${name}\``);
  expect(fields.filter((field) => !reference.includes(field))).toEqual([]);
});
