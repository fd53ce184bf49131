import { type Crd, type Field, fieldsOf, type Schema } from './crd.ts';

/** Where the name of a field is not the name for what it holds. */
const NAMES: Readonly<Record<string, string>> = {
  keySchema: 'KeySchemaElement',
  'podTemplate.metadata': 'PodTemplateMetadata',
  'redis.resources': 'RedisResources',
  conditions: 'Condition',
  partitionList: 'PartitionStatus',
};
const LINE_LENGTH_MAX = 98;

/** The part of a kind that a type is in. */
type Part = 'spec' | 'status';

/** Interfaces by name, in the order in which they are met. */
type Interfaces = Map<string, { readonly schema: Schema; readonly text: string }>;

/**
 * The types of a kind's spec and status as they are read. Fields with a default are always there
 * then; they may be left out of what is written, for which there is a type too.
 */
export function typeScript(crd: Crd): string {
  const head = `/** Made by hack/generate from ${crd.file}. Change it there. */\n`;
  const parts = (['spec', 'status'] as const).map((part) => {
    const schema = crd.schema.properties?.[part];
    if (schema === undefined) throw new Error(`${crd.file}: needs ${part}`);
    const name = `${crd.kind}${pascal(part)}`;
    const interfaces: Interfaces = new Map();
    addInterface(interfaces, { name, schema, part, path: [] });
    const written = part === 'spec' ? writtenType(name, schema) : '';
    const [own = '', ...nested] = [...interfaces.values()].map(({ text }) => text);
    return [own, ...(written === '' ? [] : [written]), ...nested].join('\n');
  });
  return [head, ...parts].join('\n');
}

interface Named {
  readonly name: string;
  readonly schema: Schema;
  readonly part: Part;
  readonly path: readonly string[];
}

function addInterface(interfaces: Interfaces, { name, schema, part, path }: Named): void {
  const known = interfaces.get(name);
  if (known !== undefined) {
    if (shapeOf(known.schema) === shapeOf(schema)) return;
    throw new Error(`two different objects would be ${name}: name one of them in NAMES`);
  }
  const fields = fieldsOf(schema);
  const members = fields.map((field) => {
    const optional = field.isRequired || field.schema.default !== undefined ? '' : '?';
    const type = typeOf(field.schema, nameOf([...path, field.name], field.schema, part));
    return `${docstring(describedField(field))}\n  readonly ${field.name}${optional}: ${type};\n`;
  });
  const text = `${docstring(schema.description)}\nexport interface ${name} {\n${members.join('')}}\n`;
  interfaces.set(name, { schema, text });
  for (const field of fields) {
    const nested = objectIn(field.schema);
    if (nested === undefined) continue;
    const at = [...path, field.name];
    const nestedName = nameOf(at, field.schema, part);
    addInterface(interfaces, { name: nestedName, schema: nested, part, path: at });
  }
}

/** The object with fields of its own that a field holds, or a list of which. */
function objectIn(schema: Schema): Schema | undefined {
  const held = schema.items ?? schema;
  return held.properties === undefined ? undefined : held;
}

function nameOf(path: readonly string[], schema: Schema, part: Part): string {
  const field = path.at(-1) ?? '';
  const named = NAMES[path.slice(-2).join('.')] ?? NAMES[field];
  if (named !== undefined) return named;
  const one = schema.items === undefined ? field : singular(field);
  return `${pascal(one)}${part === 'status' ? 'Status' : ''}`;
}

function typeOf(schema: Schema, name: string): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'number | string';
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) {
    return 'Readonly<Record<string, unknown>>';
  }
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ');
  switch (schema.type) {
    case 'array': {
      const element = typeOf(schema.items ?? {}, name);
      return `readonly ${element.includes(' ') ? `(${element})` : element}[]`;
    }
    case 'object':
      if (schema.properties !== undefined) return name;
      return `Readonly<Record<string, ${typeOf(schema.additionalProperties ?? {}, name)}>>`;
    case 'string':
    case 'boolean':
      return schema.type;
    case 'integer':
      return 'number';
    default:
      throw new Error(`no type for ${name}: ${JSON.stringify(schema).slice(0, 100)}`);
  }
}

function writtenType(name: string, schema: Schema): string {
  const defaulted = fieldsOf(schema).filter((field) => field.schema.default !== undefined);
  if (defaulted.length === 0) return '';
  const names = defaulted.map((field) => `'${field.name}'`).join(' | ');
  return [
    docstring(`${name} as it is written: the API server adds what has a default.`),
    `export type Written${name} = Omit<${name}, ${name}Default> & Partial<Pick<${name}, ${name}Default>>;\n`,
    `type ${name}Default = ${names};\n`,
  ].join('\n');
}

/** What makes two objects the same for TypeScript. */
function shapeOf(schema: Schema): string {
  return JSON.stringify(schema, (key, value) => (key === 'description' ? undefined : value));
}

function describedField({ schema }: Field): string {
  const { description = '', default: value } = schema;
  const isShown = value !== undefined && typeof value !== 'object';
  return isShown ? `${description} Default: ${String(value)}.` : description;
}

function docstring(text = ''): string {
  const line = `/** ${text} */`;
  if (line.length <= LINE_LENGTH_MAX) return line;
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= LINE_LENGTH_MAX - 3) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return ['/**', ...lines.map((words) => ` * ${words}`), ' */'].join('\n');
}

function literal(value: string | number): string {
  return typeof value === 'number' ? String(value) : `'${value}'`;
}

function singular(name: string): string {
  if (name.endsWith('ies')) return `${name.slice(0, -3)}y`;
  if (name.endsWith('xes')) return name.slice(0, -2);
  return name.endsWith('s') ? name.slice(0, -1) : name;
}

function pascal(name: string): string {
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}
