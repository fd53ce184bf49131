import { parse } from 'yaml';

/** A CustomResourceDefinition with one version. */
export interface Crd {
  /** Path in the repository. */
  readonly file: string;
  readonly source: string;
  /** Of the definition: `tables.trestle.dev`. */
  readonly name: string;
  /** Raised with every change that an operator needs (annotation `trestle.dev/schema-version`). */
  readonly schemaVersion: number;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  /** As a manifest writes it: group and version. */
  readonly apiVersion: string;
  readonly schema: Schema;
}

/** The part of JSON Schema that a CustomResourceDefinition may use, as far as ours do. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly description?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly (string | number)[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'map' | 'set';
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-validations'?: readonly Validation[];
}

/** A rule in CEL. */
export interface Validation {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
  readonly reason?: string;
}

/** @throws Error when it is not a CustomResourceDefinition of one version. */
export function parseCrd(file: string, source: string): Crd {
  const { kind, metadata, spec } = parse(source);
  if (kind !== 'CustomResourceDefinition') throw new Error(`${file}: not a CRD`);
  if (spec.versions.length !== 1) throw new Error(`${file}: needs one version`);
  const [version] = spec.versions;
  const schemaVersion = Number(metadata.annotations['trestle.dev/schema-version']);
  if (!Number.isInteger(schemaVersion)) throw new Error(`${file}: needs a schema-version`);
  return {
    file,
    source,
    name: metadata.name,
    schemaVersion,
    kind: spec.names.kind,
    plural: spec.names.plural,
    shortNames: spec.names.shortNames ?? [],
    apiVersion: `${spec.group}/${version.name}`,
    schema: version.schema.openAPIV3Schema,
  };
}

/** A property of an object, with what the object says about it. */
export interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly isRequired: boolean;
  /** Rules on the field itself, on its elements, and rules of the object that point at it. */
  readonly rules: readonly Validation[];
}

export function fieldsOf(schema: Schema): readonly Field[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  return Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    schema: field,
    isRequired: schema.required?.includes(name) === true,
    rules: [
      ...(field['x-kubernetes-validations'] ?? []).filter(isOfWhole),
      ...(field.items?.['x-kubernetes-validations'] ?? []).filter(isOfWhole),
      ...rules.filter(({ fieldPath }) => fieldPath === `.${name}`),
    ],
  }));
}

/** Rules of an object that are about several of its fields at once. */
export function isOfWhole({ fieldPath }: Validation): boolean {
  return fieldPath === undefined;
}
