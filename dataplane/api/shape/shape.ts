import type { ClientFault } from '../../errors/client-fault.ts';
import { constraintTexts, requestFaults } from '../../errors/requests.ts';
import type { AttributeMap, AttributeValue } from '../../item/attribute-value.ts';
import { checkAttributeMap, checkAttributeValue } from '../../item/wire-shape.ts';
import type { JsonObject } from '../operation.ts';
import { ConstraintFailures } from './constraint-failures.ts';
import {
  asList,
  asMap,
  asStructure,
  convertBoolean,
  convertNumber,
  convertString,
  type MutableObject,
  replaceMember,
} from './conversion.ts';
import { attributeDump, attributeMapDump, structureDump } from './dump.ts';

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
 * without the value and under another path, without both, or as a sentence.
 */
export type Report =
  | { readonly kind: 'member'; readonly path: string }
  | { readonly kind: 'bare' }
  | { readonly kind: 'sentence' };

export type Place = 'member' | 'element';
export type ValueOf<S> = S extends Shape<infer Value> ? Value : never;

// biome-ignore lint/suspicious/noExplicitAny: members of different value types stand side by side; ValueOf recovers each.
type AnyShape = Shape<any>;
type Members = { readonly [member: string]: AnyShape };
type StructureValue<M extends Members, R extends keyof M> = {
  readonly [K in R]: ValueOf<M[K]>;
} & { readonly [K in Exclude<keyof M, R>]?: ValueOf<M[K]> | undefined };

/** Constraints that the service looks at together, before or after others. */
export interface Stage {
  readonly shape: AnyShape;
  /** Whether the stage applies to this body; absent: always. */
  readonly when?: (body: JsonObject) => boolean;
  /** The first failure alone, without `1 validation error detected: ` (UpdateItem). */
  readonly isBare?: boolean;
}

/**
 * The check of one operation's body: JSON types of the whole body first (SerializationException at
 * the first mismatch in the order of the text), then the constraints of each stage and last those
 * of the shape itself. The first of these with failures is reported: one ValidationException that
 * lists its failures in the order in which its structure declares the members, at most 10.
 * Unknown members are ignored. Members that are JSON null count as absent: they are deleted from the body.
 * @see reference/dynamodb.md §5, steps 1 and 2; dynoxide 3.2.0 (stages)
 */
export function compileShape<Value>(
  shape: Shape<Value>,
  { before = [] }: { readonly before?: readonly Stage[] } = {},
): (body: JsonObject) => Value {
  return (body) => {
    const value = shape.convert(body, 'member');
    for (const stage of before) {
      if (stage.when !== undefined && !stage.when(body)) continue;
      if (!stage.shape.holds(value)) throw faultOf(stage.shape, value, stage.isBare ?? false);
    }
    if (!shape.holds(value)) throw faultOf(shape, value, false);
    return value;
  };
}

function faultOf<Value>(shape: Shape<Value>, value: Value, isBare: boolean): ClientFault {
  const failures = new ConstraintFailures();
  shape.descend(value, '', failures);
  const [first] = failures.list;
  return isBare && first !== undefined
    ? requestFaults.constraint(first)
    : requestFaults.constraints(failures.list);
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

export function string<const T extends string = string>(options: StringOptions<T> = {}): Shape<T> {
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
  const shape = scalar<string>('java.lang.String', convertString, constraints);
  const violated = (value: string): readonly string[] =>
    reports === 'all' ? shape.violated(value) : shape.violated(value).slice(0, 1);
  // The value's type is narrower than string only by the enum constraint, which the check enforces.
  return { ...shape, violated, report } as unknown as Shape<T>;
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

interface MemberPart {
  readonly name: string;
  /** As paths have it: the name with a small first letter. */
  readonly wireName: string;
  readonly shape: AnyShape;
  readonly isRequired: boolean;
}

function convertStructure(
  value: unknown,
  place: Place,
  { shapes, javaType }: { shapes: ReadonlyMap<string, AnyShape>; javaType: string },
): MutableObject {
  const object = asStructure(value, place, javaType);
  for (const name in object) {
    const shape = shapes.get(name);
    if (shape !== undefined) convertMember(object, name, shape.convert, 'member');
  }
  return object;
}

function convertMap(value: unknown, place: Place, of: AnyShape): MutableObject {
  const object = asMap(value, place, of.javaType);
  for (const key in object) convertMember(object, key, of.convert, 'element');
  return object;
}

/** Null members count as absent. */
function convertMember(
  object: MutableObject,
  name: string,
  convert: (value: unknown, place: Place) => unknown,
  place: Place,
): void {
  const value = object[name];
  if (value === null) {
    delete object[name];
    return;
  }
  const converted = convert(value, place);
  if (converted !== value) replaceMember(object, name, converted);
}

function convertList<Element>(
  value: unknown,
  place: Place,
  of: Shape<Element>,
): readonly Element[] {
  const elements = asList(value, place);
  let hasNull = false;
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index];
    if (element === null) hasNull = true;
    else elements[index] = of.convert(element, 'element');
  }
  // Every element other than null has been converted.
  return (hasNull ? elements.filter((element) => element !== null) : elements) as Element[];
}

function membersHold(parts: readonly MemberPart[], value: JsonObject): boolean {
  for (const { name, shape, isRequired } of parts) {
    const member = value[name];
    if (member === undefined ? isRequired : !shape.holds(member)) return false;
  }
  return true;
}

function addMemberFailures(
  parts: readonly MemberPart[],
  value: JsonObject,
  { path, failures }: { path: string; failures: ConstraintFailures },
): void {
  for (const { name, wireName, shape, isRequired } of parts) {
    if (failures.isFull) return;
    const memberPath = path === '' ? wireName : `${path}.${wireName}`;
    const member = value[name];
    if (member !== undefined) addFailures(shape, member, memberPath, failures);
    else if (isRequired) {
      failures.add({
        kind: 'value',
        value: undefined,
        path: memberPath,
        text: constraintTexts.notNull,
      });
    }
  }
}

function addFailures<Value>(
  shape: Shape<Value>,
  value: Value,
  path: string,
  failures: ConstraintFailures,
): void {
  const { report } = shape;
  for (const text of shape.violated(value)) {
    failures.add(
      report === undefined
        ? { kind: 'value', value: shape.dump(value), path, text }
        : { ...report, text },
    );
  }
  shape.descend(value, path, failures);
}

function dumpMembers(name: string, parts: readonly MemberPart[], value: JsonObject): string {
  const shown = parts.map(({ name: member, wireName, shape }): readonly [string, string] => {
    const content = value[member];
    return [wireName, content === undefined ? 'null' : shape.dump(content)];
  });
  return structureDump(name, shown);
}

interface Constraint<Value> {
  readonly text: string;
  readonly test: (value: Value) => boolean;
}

function addLengthConstraints<Value>(
  constraints: Constraint<Value>[],
  { min, max }: { readonly min?: number | undefined; readonly max?: number | undefined },
  lengthOf: (value: Value) => number,
): void {
  if (min !== undefined) {
    constraints.push({
      text: constraintTexts.lengthMin(min),
      test: (value) => lengthOf(value) >= min,
    });
  }
  if (max !== undefined) {
    constraints.push({
      text: constraintTexts.lengthMax(max),
      test: (value) => lengthOf(value) <= max,
    });
  }
}

function allHold<Value>(constraints: readonly Constraint<Value>[], value: Value): boolean {
  for (const constraint of constraints) if (!constraint.test(value)) return false;
  return true;
}

/** The parts of a shape that follow from the constraints on the value itself. */
function ownConstraints<Value>(constraints: readonly Constraint<Value>[]) {
  return {
    texts: constraints.map(({ text }) => text),
    violated: (value: Value) =>
      constraints.filter(({ test }) => !test(value)).map(({ text }) => text),
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
