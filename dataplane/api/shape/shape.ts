import { constraintTexts, requestFaults } from '../../errors/requests.ts';
import type { AttributeMap, AttributeValue } from '../../item/attribute-value.ts';
import { checkAttributeMap, checkAttributeValue } from '../../item/wire-shape.ts';
import type { JsonObject } from '../operation.ts';
import { addLengthConstraints, allHold, type Constraint, ownConstraints } from './constraint.ts';
import { ConstraintFailures } from './constraint-failures.ts';
import { convertBoolean, convertNumber, convertString } from './conversion.ts';
import { attributeDump, attributeMapDump } from './dump.ts';
import {
  addFailures,
  addMemberFailures,
  convertList,
  convertMap,
  convertStructure,
  dumpMembers,
  type MemberPart,
  membersHold,
} from './members.ts';

/**
 * The shape of one JSON value: how the service's parser converts it, and what constraints the
 * service model puts on it. Built once at start by the functions below; `ValueOf` gives the
 * TypeScript type of a checked value.
 */
export interface Shape<Value> {
  /** The Java type as the service's messages name it, e.g. `java.lang.String`. */
  readonly javaType: string;
  /**
   * Converts a JSON value other than null or throws a SerializationException. Usually returns its
   * argument; where the service is lenient (`"true"` for a boolean, 1.5 for an integer) what it
   * reads. Null members and list elements are dropped in place.
   * `place`: whether the value is a structure's member or an element of a list or map.
   */
  readonly convert: (value: unknown, place: Place) => Value;
  /** Whether all constraints hold, also of what is inside. Allocates nothing. */
  readonly holds: (value: Value) => boolean;
  /** Texts of the constraints on the value itself that fail. */
  readonly violated: (value: Value) => readonly string[];
  /** Constraints on the value itself, for `Map value must satisfy constraint: [...]`. */
  readonly texts: readonly string[];
  /** Adds the failures of what is inside the value, whose own path is given. */
  readonly descend: (value: Value, path: string, failures: ConstraintFailures) => void;
  /** The value in the notation of constraint messages. */
  readonly dump: (value: Value) => string;
  readonly report?: Report | undefined;
}

/**
 * How a failure is worded where it is not `Value '<v>' at '<path>' failed to satisfy constraint: <text>`:
 * without the value and under another path or without both.
 */
export type Report = { readonly kind: 'member'; readonly path: string } | { readonly kind: 'bare' };

export type Place = 'member' | 'element';
export type ValueOf<S> = S extends Shape<infer Value> ? Value : never;

// biome-ignore lint/suspicious/noExplicitAny: members of different value types stand side by side; ValueOf recovers each.
export type AnyShape = Shape<any>;
type Members = { readonly [member: string]: AnyShape };
type StructureValue<M extends Members, R extends keyof M> = {
  readonly [K in R]: ValueOf<M[K]>;
} & { readonly [K in Exclude<keyof M, R>]?: ValueOf<M[K]> | undefined };

/**
 * The check of one operation's body: JSON types of the whole body first (SerializationException at
 * the first mismatch in the order of the text), then the checks of `before` (see `stage`), then the
 * shape's constraints: one ValidationException that lists the failures in the order in which the
 * structure declares its members, at most 10.
 * Unknown members are ignored. Members that are JSON null count as absent: they are deleted from the body.
 * @see reference/dynamodb.md §5, steps 1 and 2
 */
export function compileShape<Value>(
  shape: Shape<Value>,
  { before = [] }: { readonly before?: readonly ((body: JsonObject) => void)[] } = {},
): (body: JsonObject) => Value {
  const checkConstraints = stage(shape);
  return (body) => {
    const value = shape.convert(body, 'member');
    for (const check of before) check(body);
    checkConstraints(body);
    return value;
  };
}

/**
 * Constraints that the service looks at together, ahead of others: throws when one fails.
 * `isBare`: the first failure alone, without `1 validation error detected: ` (UpdateItem).
 * @see dynoxide 3.2.0 (captures of October 2026): which members each operation checks first
 */
export function stage<Value>(
  shape: Shape<Value>,
  { isBare = false }: { readonly isBare?: boolean } = {},
): (body: JsonObject) => void {
  return (body) => {
    const value = body as Value; // the operation's shape has converted the body's members
    if (shape.holds(value)) return;
    const failures = new ConstraintFailures();
    shape.descend(value, '', failures);
    const [first] = failures.list;
    throw isBare && first !== undefined
      ? requestFaults.constraint(first)
      : requestFaults.constraints(failures.list);
  };
}

interface StringOptions<T extends string> {
  /** Characters (UTF-16 units). */
  readonly min?: number;
  readonly max?: number;
  /** Anchored at both ends. */
  readonly pattern?: string;
  /** In the order in which the service's message lists them. */
  readonly enum?: readonly T[];
  /** The message's list where it is not what is accepted (ReturnValues). */
  readonly shownEnum?: readonly string[];
  /** Which failed constraints are reported: all of them, or the first of length and pattern. */
  readonly reports?: 'all' | 'first';
  readonly report?: Report;
}

type EnumOptions<T extends string> = StringOptions<T> & { readonly enum: readonly T[] };

export function string<const T extends string>(options: EnumOptions<T>): Shape<T>;
export function string(options?: StringOptions<never>): Shape<string>;
export function string(options: StringOptions<string> = {}): Shape<string> {
  const constraints: Constraint<string>[] = [];
  const { min, max, pattern, enum: values, reports = 'all', report } = options;
  const regex = new RegExp(`^(?:${pattern ?? '[^]*'})$`);
  const patternConstraint = {
    text: constraintTexts.pattern(pattern ?? ''),
    test: (s: string) => regex.test(s),
  };
  if (pattern !== undefined && reports === 'all') constraints.push(patternConstraint);
  addLengthConstraints<string>(constraints, { min, max }, (s) => s.length);
  if (pattern !== undefined && reports === 'first') constraints.push(patternConstraint);
  if (values !== undefined) {
    const set: ReadonlySet<string> = new Set(values);
    constraints.push({
      text: constraintTexts.enumeration(options.shownEnum ?? values),
      test: (s) => set.has(s),
    });
  }
  const shape = scalar('java.lang.String', convertString, constraints);
  const violated = (value: string): readonly string[] =>
    reports === 'all' ? shape.violated(value) : shape.violated(value).slice(0, 1);
  return { ...shape, violated, report };
}

interface NumberOptions {
  readonly min?: number;
  readonly max?: number;
  readonly report?: Report;
}

export function integer(options: NumberOptions = {}): Shape<number> {
  return number('Integer', options);
}

export function long(options: NumberOptions = {}): Shape<number> {
  return number('Long', options);
}

export function double(options: NumberOptions = {}): Shape<number> {
  return number('Double', options);
}

/** Seconds since the epoch, with a fraction. */
export function timestamp(): Shape<number> {
  return number('Date', {});
}

export function boolean(): Shape<boolean> {
  return scalar('java.lang.Boolean', convertBoolean, []);
}

/** One AttributeValue: JSON types only; `item/validate.ts` checks the value. */
export function attributeValue(): Shape<AttributeValue> {
  const javaType = modelType('AttributeValue');
  return {
    ...unconstrained,
    javaType,
    convert: (value, place) => {
      checkAttributeValue(value, place);
      return value as AttributeValue; // JSON types are checked; the content is item/validate.ts's.
    },
    dump: attributeDump,
  };
}

/** A map of attribute names to values: an item, a key, expression values. JSON types only. */
export function attributeMap(): Shape<AttributeMap> {
  const javaType = javaMapOf(modelType('AttributeValue'));
  return {
    ...unconstrained,
    javaType,
    convert: (value, place) => {
      checkAttributeMap(value, place);
      return value as AttributeMap; // JSON types are checked; the content is item/validate.ts's.
    },
    dump: attributeMapDump,
  };
}

interface LengthOptions {
  readonly min?: number;
  readonly max?: number;
  readonly report?: Report;
}

export function list<Element>(
  of: Shape<Element>,
  options: LengthOptions = {},
): Shape<readonly Element[]> {
  const constraints: Constraint<readonly Element[]>[] = [];
  addLengthConstraints<readonly Element[]>(constraints, options, (elements) => elements.length);
  return {
    ...ownConstraints(constraints),
    javaType: `java.util.List<${of.javaType}>`,
    report: options.report,
    convert: (value, place) => convertList(value, place, of),
    holds: (elements) => allHold(constraints, elements) && elements.every(of.holds),
    descend: (elements, path, failures) => {
      elements.forEach((element, index) => {
        addFailures(of, element, `${path}.${index + 1}.member`, failures);
      });
    },
    dump: (elements) => `[${elements.map(of.dump).join(', ')}]`,
  };
}

interface MapOptions extends LengthOptions {
  /** Constraints on the keys. */
  readonly keys?: Shape<string>;
}

/** Constraints on a map's values themselves are reported with the map, those deeper inside with their path. */
export function map<Value>(
  of: Shape<Value>,
  options: MapOptions = {},
): Shape<{ readonly [key: string]: Value }> {
  type Values = { readonly [key: string]: Value };
  const constraints: Constraint<Values>[] = [];
  const { keys } = options;
  addLengthConstraints<Values>(constraints, options, (values) => Object.keys(values).length);
  if (keys !== undefined && keys.texts.length > 0) {
    constraints.push({
      text: constraintTexts.mapKeys(keys.texts),
      test: (values) => Object.keys(values).every(keys.holds),
    });
  }
  if (of.texts.length > 0 && of.report === undefined) {
    constraints.push({
      text: constraintTexts.mapValues(of.texts),
      test: (values) => Object.values(values).every((value) => of.violated(value).length === 0),
    });
  }
  const javaType = javaMapOf(of.javaType);
  return {
    ...ownConstraints(constraints),
    javaType,
    report: options.report,
    // Every value has been converted by `of`.
    convert: (value, place) => convertMap(value, place, of) as Values,
    holds: (values) =>
      allHold(constraints, values) && Object.values(values).every((value) => of.holds(value)),
    descend: (values, path, failures) => {
      for (const [key, value] of Object.entries(values)) {
        of.descend(value, `${path}.${key}.member`, failures);
      }
    },
    dump: (values) =>
      `{${Object.entries(values)
        .map(([key, value]) => `${key}=${of.dump(value)}`)
        .join(', ')}}`,
  };
}

/**
 * A structure of the service model. Members are listed in the order in which the service reports
 * their failures. `name` is the shape's name in the model (used in messages).
 */
export function structure<M extends Members, const R extends keyof M & string = never>(
  members: M,
  options: { readonly required?: readonly R[]; readonly name?: string } = {},
): Shape<StructureValue<M, R>> {
  type Value = StructureValue<M, R>;
  const required: ReadonlySet<string> = new Set(options.required);
  const parts: readonly MemberPart[] = Object.entries(members).map(([name, shape]) => ({
    name,
    wireName: name.charAt(0).toLowerCase() + name.slice(1),
    shape,
    isRequired: required.has(name),
  }));
  const shapes: ReadonlyMap<string, AnyShape> = new Map(Object.entries(members));
  const javaType = modelType(options.name ?? 'Structure');
  // Members are read by the names the structure declares; the value has just been converted.
  const membersOf = (value: Value): JsonObject => value as JsonObject;
  return {
    ...ownConstraints<Value>([]),
    javaType,
    convert: (value, place) => convertStructure(value, place, { shapes, javaType }) as Value,
    holds: (value) => membersHold(parts, membersOf(value)),
    descend: (value, path, failures) => {
      addMemberFailures(parts, membersOf(value), { path, failures });
    },
    dump: (value) => dumpMembers(options.name ?? '', parts, membersOf(value)),
  };
}

const unconstrained = {
  texts: [],
  violated: () => [],
  holds: () => true,
  descend: () => {},
} as const;

function scalar<Value extends string | number | boolean>(
  javaType: string,
  convert: (value: unknown) => Value,
  constraints: readonly Constraint<Value>[],
): Shape<Value> {
  return {
    ...ownConstraints(constraints),
    javaType,
    convert,
    holds: (value) => allHold(constraints, value),
    descend: () => {},
    dump: String,
  };
}

function number(javaType: string, { min, max, report }: NumberOptions): Shape<number> {
  const constraints: Constraint<number>[] = [];
  if (min !== undefined) {
    constraints.push({ text: constraintTexts.valueMin(min), test: (value) => value >= min });
  }
  if (max !== undefined) {
    constraints.push({ text: constraintTexts.valueMax(max), test: (value) => value <= max });
  }
  const convert = (value: unknown): number => convertNumber(value, javaType);
  return { ...scalar(`java.lang.${javaType}`, convert, constraints), report };
}

function modelType(shapeName: string): string {
  return `com.amazonaws.dynamodb.v20120810.${shapeName}`;
}

function javaMapOf(javaType: string): string {
  return `java.util.Map<java.lang.String, ${javaType}>`;
}
