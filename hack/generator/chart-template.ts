import type { Crd } from './crd.ts';

const KEEP = /^( *)helm\.sh\/resource-policy: keep\n/m;

/**
 * The CustomResourceDefinitions as a Helm template: there with `crds.enabled`, kept on uninstall with
 * `crds.keep`, and else free to be deleted. Nothing of their text is taken for a template.
 */
export function chartTemplate(crds: readonly Crd[]): string {
  const documents = crds.map((crd) => `---\n${withKeep(crd)}`);
  return [
    '{{- /* Made by hack/generate from crds/. Change it there. */ -}}\n',
    '{{- if .Values.crds.enabled }}\n',
    ...documents,
    '{{- end }}\n',
  ].join('');
}

function withKeep({ file, source }: Crd): string {
  const text = withoutComments(source).replaceAll('{{', '{{ "{{" }}');
  if (!KEEP.test(text)) throw new Error(`${file}: needs the annotation helm.sh/resource-policy`);
  return text.replace(
    KEEP,
    (line, indent) =>
      `${indent}{{- if .Values.crds.keep }}\n${line}${indent}{{- else }}\n` +
      `${indent}trestle.dev/allow-crd-deletion: 'true'\n${indent}{{- end }}\n`,
  );
}

/** They are about the source. */
function withoutComments(source: string): string {
  return source.replaceAll(/^#.*\n/gm, '');
}
