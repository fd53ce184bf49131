import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { ApplyConfiguration } from '../dataplane/kubernetes/api-client.ts';
import type { KubeApi } from '../dataplane/kubernetes/kube-api.fixture.ts';
import { KubeError } from '../dataplane/kubernetes/kube-error.ts';
import type { KubeObject } from '../dataplane/kubernetes/object.ts';
import type { ResourceType } from '../dataplane/kubernetes/resources.ts';

export type Json = { readonly [member: string]: unknown };

/** A refusal: the field as the API server names it, and a part of its message. */
export type Refusal = readonly [field: string, message: string];

/** A manifest, and what a real API server answers to it. */
export interface CrdCase {
  /** As a sentence: of an object, what is accepted or refused. */
  readonly name: string;
  readonly spec: Json;
  /** By default one that is right. */
  readonly metadataName?: string;
  /** The object was this before: `spec` is an update. */
  readonly before?: Json;
  /** What the operator had written to its status before the update. */
  readonly status?: Json;
  /** All of them; none when it is accepted. */
  readonly refusals: readonly Refusal[];
}

/** With a failure of the schema, rules wait: the server says so beside it. */
const NOT_ALL_RULES = 'some validation rules were not checked';
const options = { fieldManager: 'tests' };

/** Objects of one kind against the API server. */
export class CrdTrial {
  readonly #api: KubeApi;
  readonly #type: ResourceType;
  readonly #namespace: string;
  #count = 0;

  constructor(api: KubeApi, type: ResourceType, namespace: string) {
    this.#api = api;
    this.#type = type;
    this.#namespace = namespace;
  }

  create<T extends KubeObject>(spec: Json, name = `object-${++this.#count}`): Promise<T> {
    const metadata = { name, namespace: this.#namespace };
    return this.#api.client.create<T>(this.#type, { metadata, spec }, options);
  }

  writeStatus<T extends KubeObject>({ metadata }: KubeObject, status: Json): Promise<T> {
    const written = { ...options, contentType: 'merge', subresource: 'status' } as const;
    return this.#api.client.patch<T>(this.#type, metadata, { status }, written);
  }

  /**
   * What the API server objects to, as texts; the change itself is not kept. One that has an expected
   * part is shown as that, so that a difference shows the others whole.
   */
  async objections(given: CrdCase): Promise<readonly string[]> {
    const { spec, before, metadataName, status, refusals } = given;
    const { client } = this.#api;
    const dryRun = { ...options, dryRun: true };
    try {
      if (before === undefined) {
        const name = metadataName ?? `object-${++this.#count}`;
        const metadata = { name, namespace: this.#namespace };
        await client.create(this.#type, { metadata, spec }, dryRun);
      } else {
        const created = await this.create<KubeObject>(before, metadataName);
        const present = status === undefined ? created : await this.writeStatus(created, status);
        const changed: ApplyConfiguration = { ...present, spec };
        await client.replace(this.#type, changed, dryRun);
      }
      return [];
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 422) throw error;
      return error.causes
        .filter(({ message }) => !message.includes(NOT_ALL_RULES))
        .map(({ field, message }) => shown([field, message], refusals))
        .sort();
    }
  }
}

export function expectedOf({ refusals }: CrdCase): readonly string[] {
  return refusals.map((refusal) => refusal.join(': ')).sort();
}

function shown(objection: Refusal, expected: readonly Refusal[]): string {
  const [field, message] = objection;
  const match = expected.find(([place, part]) => place === field && message.includes(part));
  return (match ?? objection).join(': ');
}

/** Whether a description is one sentence. */
const SENTENCE = /^[^.]+(\.\D[^.]*)*\.?$/;

/** A definition's source, read for what no API server says. */
export class CrdSource {
  readonly bytes: number;
  readonly #schema: Json;

  constructor(file: string) {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');
    this.bytes = Buffer.byteLength(text);
    this.#schema = parse(text).spec.versions[0].schema.openAPIV3Schema;
  }

  /** Paths of fields without a description of one sentence. */
  undescribed(): readonly string[] {
    return (
      [...parts(this.#schema.properties, '')]
        .filter(([path]) => path.endsWith('.properties'))
        .flatMap(([path, fields]) =>
          Object.entries(fields).map(([name, field]) => [`${path}.${name}`, field] as const),
        )
        .filter(([path]) => path !== '.properties.metadata')
        .filter(([path]) => !path.startsWith('.metadata.'))
        // A field of a schema is a schema.
        .filter(([, field]) => !SENTENCE.test(String((field as Json).description)))
        .map(([path]) => path)
    );
  }

  /** Messages of all rules. */
  rules(): readonly string[] {
    return [...parts(this.#schema, '')]
      .filter(([, part]) => typeof part.rule === 'string')
      .map(([, { message }]) => String(message));
  }
}

/** All objects in a value, by path. */
function* parts(value: unknown, path: string): Iterable<readonly [string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  // What a YAML document consists of.
  if (!Array.isArray(value)) yield [path, value as Json];
  for (const [name, part] of Object.entries(value)) yield* parts(part, `${path}.${name}`);
}
