import {
  type ConstraintFailure,
  constraintTexts,
  omitted,
  requestFaults,
} from '../../errors/requests.ts';
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
  /** Set where the service's message leaves the value out and names another path. */
  readonly reportedAs?: string | undefined;
  /** A failure here hides all other failures (table names). */
  readonly stops?: boolean | undefined;
}

export type Place = 'member' | 'element';
export type ValueOf<S> = S extends Shape<infer Value> ? Value : never;

// biome-ignore lint/suspicious/noExplicitAny: members of different value types stand side by side; ValueOf recovers each.
type AnyShape = Shape<any>;
type Members = { readonly [member: string]: AnyShape };
type StructureValue<M extends Members, R extends keyof M> = {
  readonly [K in R]: ValueOf<M[K]>;
} & { readonly [K in Exclude<keyof M, R>]?: ValueOf<M[K]> | undefined };

/**
 * The check of one operation's body: JSON types of the whole body first (SerializationException at
 * the first mismatch in the order of the text), then all constraints (one ValidationException that
 * lists the failures in the order in which the structure declares its members, at most 10).
 * Unknown members are ignored. Members that are JSON null count as absent: they are deleted from the body.
 * @see reference/dynamodb.md §5, steps 1 and 2
 */
export function compileShape<Value>(shape: Shape<Value>): (body: JsonObject) => Value {
  return (body) => {
    const value = shape.convert(body, 'member');
    if (!shape.holds(value)) {
      const failures = new ConstraintFailures();
      shape.descend(value, '', failures);
      throw requestFaults.constraints(failures.list);
    }
    return value;
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
}

export function string<const T extends string = string>(options: StringOptions<T> = {}): Shape<T> {
  const constraints: Constraint<string>[] = [];
  const { min, max, pattern, enum: values } = options;
  if (pattern !== undefined) {
    const regex = new RegExp(`^(?:${pattern})$`);
    constraints.push({ text: constraintTexts.pattern(pattern), test: (s) => regex.test(s) });
  }
  addLengthConstraints<string>(constraints, { min, max }, (s) => s.length);
  if (values !== undefined) {
    const set: ReadonlySet<string> = new Set(values);
    constraints.push({ text: constraintTexts.enumeration(values), test: (s) => set.has(s) });
  }
  // The value's type is narrower than string only by the enum constraint, which the check enforces.
  return scalar<string>('java.lang.String', convertString, constraints) as unknown as Shape<T>;
}

interface NumberOptions {
  readonly min?: number;
  readonly max?: number;
  /** For messages that leave the value out: `Value at 'Limit' failed ...` (Query's Limit). */
  readonly reportedAs?: string;
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
      asStructure(value, place, javaType);
      checkAttributeValue(value);
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
      asMap(value, place, javaType);
      checkAttributeMap(value);
      return value as AttributeMap; // JSON types are checked; the content is item/validate.ts's.
    },
    dump: attributeMapDump,
  };
}

interface LengthOptions {
  readonly min?: number;
  readonly max?: number;
  readonly reportedAs?: string;
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
    reportedAs: options.reportedAs,
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
  if (of.texts.length > 0 && of.reportedAs === undefined) {
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
    convert: (value, place) => convertMap(value, place, { of, javaType }) as Values,
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

function convertMap(
  value: unknown,
  place: Place,
  { of, javaType }: { of: AnyShape; javaType: string },
): MutableObject {
  const object = asMap(value, place, javaType);
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
    if (failures.isFull && !shape.stops) continue;
    const memberPath = path === '' ? wireName : `${path}.${wireName}`;
    const member = value[name];
    if (member !== undefined) addFailures(shape, member, memberPath, failures);
    else if (isRequired) addMissing(shape, memberPath, failures);
  }
}

function addMissing(shape: AnyShape, path: string, failures: ConstraintFailures): void {
  const missing = { value: undefined, path, text: constraintTexts.notNull };
  if (shape.stops) failures.replaceAll([missing]);
  else failures.add(missing);
}

function addFailures<Value>(
  shape: Shape<Value>,
  value: Value,
  path: string,
  failures: ConstraintFailures,
): void {
  const own = shape
    .violated(value)
    .map(
      (text): ConstraintFailure =>
        shape.reportedAs === undefined
          ? { value: shape.dump(value), path, text }
          : { value: omitted, path: shape.reportedAs, text },
    );
  if (shape.stops && own.length > 0) {
    failures.replaceAll(own);
    return;
  }
  for (const failure of own) failures.add(failure);
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

function number(javaType: string, { min, max, reportedAs }: NumberOptions): Shape<number> {
  const constraints: Constraint<number>[] = [];
  if (min !== undefined) {
    constraints.push({ text: constraintTexts.valueMin(min), test: (value) => value >= min });
  }
  if (max !== undefined) {
    constraints.push({ text: constraintTexts.valueMax(max), test: (value) => value <= max });
  }
  const convert = (value: unknown): number => convertNumber(value, javaType);
  return { ...scalar(`java.lang.${javaType}`, convert, constraints), reportedAs };
}

function modelType(shapeName: string): string {
  return `com.amazonaws.dynamodb.v20120810.${shapeName}`;
}

function javaMapOf(javaType: string): string {
  return `java.util.Map<java.lang.String, ${javaType}>`;
}
