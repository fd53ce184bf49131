import type { Crd } from './crd.ts';

const KEEP = /^( *)helm\.sh\/resource-policy: keep\n/m;

/**
 * The CustomResourceDefinitions as a Helm template: each there where the release brings it (_helpers.tpl), kept on
 * uninstall with `crds.keep`, and else free to be deleted by this release. Nothing of their text is taken for a
 * template.
 */
export function chartTemplate(crds: readonly Crd[]): string {
  return [
    '{{- /* Made by hack/generate from crds/. Change it there. */ -}}\n',
    ...crds.map(documentOf),
  ].join('');
}

function documentOf(crd: Crd): string {
  const { name, schemaVersion } = crd;
  const condition = `include "trestle.bringsDefinition" (list . "${name}" ${schemaVersion})`;
  return `{{- if ${condition} }}\n---\n${withKeep(crd)}{{- end }}\n`;
}

function withKeep({ file, source }: Crd): string {
  const text = withoutComments(source).replaceAll('{{', '{{ "{{" }}');
  if (!KEEP.test(text)) throw new Error(`${file}: needs the annotation helm.sh/resource-policy`);
  return text.replace(
    KEEP,
    (line, indent) =>
      `${indent}{{- if .Values.crds.keep }}\n${line}${indent}{{- else }}\n` +
      `${indent}trestle.dev/allow-crd-deletion: {{ include "trestle.releaseId" . }}\n${indent}{{- end }}\n`,
  );
}

/** They are about the source. */
function withoutComments(source: string): string {
  return source.replaceAll(/^#.*\n/gm, '');
}
