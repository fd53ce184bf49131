import { type Crd, type Field, fieldsOf, isOfWhole, type Schema } from './crd.ts';

/** crds/README.md: every field of every kind, a table an object. */
export function fieldReference(crds: readonly Crd[]): string {
  return [INTRODUCTION, ...crds.flatMap(kindReference)].join('\n');
}

const INTRODUCTION = `# crds

The resources of Trestle: one file a kind, the one source of the API server's schema and rules. \`hack/generate\` makes from them the
TypeScript types (\`dataplane/kubernetes/*-types.ts\`), the chart's copy (\`charts/trestle/templates/crds.yaml\`) and this file.

- A manifest is checked by the API server alone: by the schema, and by rules in CEL whose messages name the field and the fix. What is
  accepted can be made, and something acts on it. What only the whole namespace or cluster can tell (a name taken twice, a storage class
  that is not there) shows as a condition.
- Field names of a Table are those of the ACK controller for DynamoDB, which are those of the DynamoDB API with a small first letter.
- A rule that compares with the old value is on an object that is always there, or compares presence too: a rule on an optional field does
  not run when the field is added or removed. Every list and string that a rule reads has a bound, or the API server refuses the rule as too costly.
- A new object is born with \`observedGeneration\` -1 and \`Ready\` Unknown, so that nobody takes it for ready before the operator has seen it.
- \`trestle.dev/schema-version\` is raised with every change that an operator needs.

Tests: \`*-cases.ts\` have manifests with the answers that a real API server gives; \`*.test.ts\` ask it.

\`*\` marks required fields.
`;

function kindReference(crd: Crd): readonly string[] {
  const { kind, apiVersion, plural, shortNames, schema } = crd;
  const names = [plural, ...shortNames].map(code).join(', ');
  const parts = ['spec', 'status'].flatMap((name) => {
    const part = schema.properties?.[name];
    return part === undefined ? [] : objectReference(name, part);
  });
  const rules = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => `- ${message}\n`);
  return [
    `## ${kind}\n\n${schema.description ?? ''} ${code(apiVersion)}; ${names}.\n`,
    ...(rules.length === 0 ? [] : [`Rules on the whole object:\n\n${rules.join('')}`]),
    ...parts,
  ];
}

/** The table of an object, and after it those of the objects in it. */
function objectReference(path: string, schema: Schema): readonly string[] {
  const fields = fieldsOf(schema);
  const rows = fields.map((field) => `| ${cells(field).map(escaped).join(' | ')} |\n`);
  const whole = (schema['x-kubernetes-validations'] ?? []).filter(isOfWhole);
  const isRoot = !path.includes('.');
  const rules = isRoot && whole.length > 0 ? whole.map(({ message }) => `- ${message}\n`) : [];
  const table = `| field | type | default | description | rules |\n|---|---|---|---|---|\n${rows.join('')}`;
  return [
    `### ${path}\n\n${schema.description ?? ''}\n\n${table}`,
    ...(rules.length === 0 ? [] : [`Rules on the whole ${path}:\n\n${rules.join('')}`]),
    ...fields.flatMap((field) => {
      const held = field.schema.items ?? field.schema;
      if (held.properties === undefined) return [];
      const suffix = field.schema.items === undefined ? '' : '[]';
      return objectReference(`${path}.${field.name}${suffix}`, held);
    }),
  ];
}

function cells(field: Field): readonly string[] {
  const { name, schema, isRequired, rules } = field;
  return [
    `${code(name)}${isRequired ? '*' : ''}`,
    typeText(schema),
    schema.default === undefined ? '' : code(shown(schema.default)),
    schema.description ?? '',
    [...bounds(schema), ...new Set(rules.map(({ message }) => message))].join('; '),
  ];
}

function typeText(schema: Schema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'quantity';
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return 'any object';
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.type === 'array') {
    const keys = schema['x-kubernetes-list-map-keys'];
    const each = `list of ${plural(typeText(schema.items ?? {}))}`;
    return keys === undefined ? each : `${each}, by ${keys.map(code).join(', ')}`;
  }
  if (schema.additionalProperties !== undefined) {
    return `map of ${plural(typeText(schema.additionalProperties))}`;
  }
  return schema.format === 'date-time' ? 'time' : (schema.type ?? '');
}

/** Of `map of strings`: `maps of strings`. */
function plural(type: string): string {
  return type.replace(/^\S+/, (noun) => (noun === 'quantity' ? 'quantities' : `${noun}s`));
}

/** Bounds of a value, or of the elements of a list or map. */
function bounds(schema: Schema): readonly string[] {
  const element = schema.items ?? schema.additionalProperties;
  const of = element?.properties === undefined ? element : undefined;
  return [
    ...range(schema.minItems, schema.maxItems ?? schema.maxProperties, 'elements'),
    ...range(schema.minimum, schema.maximum, ''),
    ...range(schema.minLength, schema.maxLength, 'characters'),
    ...(schema['x-kubernetes-list-type'] === 'set' ? ['no element twice'] : []),
    ...(schema.pattern === undefined || schema['x-kubernetes-int-or-string'] === true
      ? []
      : [code(schema.pattern)]),
    ...(of === undefined
      ? []
      : bounds(of).map((bound) => (bound.startsWith('each ') ? bound : `each ${bound}`))),
  ];
}

function range(least: number | undefined, most: number | undefined, of: string): readonly string[] {
  if (least === undefined && most === undefined) return [];
  const text =
    most === undefined
      ? `at least ${least}`
      : least === undefined
        ? `at most ${most}`
        : `${least} to ${most}`;
  return [of === '' ? text : `${text} ${of}`];
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function code(text: string): string {
  return `\`${text}\``;
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|');
}
