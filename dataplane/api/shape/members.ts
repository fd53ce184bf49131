import { constraintTexts } from '../../errors/requests.ts';
import type { JsonObject } from '../operation.ts';
import type { ConstraintFailures } from './constraint-failures.ts';
import { asList, asMap, asStructure, type MutableObject, replaceMember } from './conversion.ts';
import { cutDump, structureDump } from './dump.ts';
import type { AnyShape, Place, Shape } from './shape.ts';

/** One declared member of a structure. */
export interface MemberPart {
  readonly name: string;
  /** As paths have it: the name with a small first letter. */
  readonly wireName: string;
  readonly shape: AnyShape;
  readonly isRequired: boolean;
}

export function convertStructure(
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

export function convertMap(value: unknown, place: Place, of: AnyShape): MutableObject {
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

export function convertList<Element>(
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

export function membersHold(parts: readonly MemberPart[], value: JsonObject): boolean {
  for (const { name, shape, isRequired } of parts) {
    const member = value[name];
    if (member === undefined ? isRequired : !shape.holds(member)) return false;
  }
  return true;
}

export function addMemberFailures(
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

export function addFailures<Value>(
  shape: Shape<Value>,
  value: Value,
  path: string,
  failures: ConstraintFailures,
): void {
  const { report } = shape;
  for (const text of shape.violated(value)) {
    failures.add(
      report === undefined
        ? { kind: 'value', value: cutDump(shape.dump(value)), path, text }
        : { ...report, text },
    );
  }
  shape.descend(value, path, failures);
}

export function dumpMembers(name: string, parts: readonly MemberPart[], value: JsonObject): string {
  const shown = parts.map(({ name: member, wireName, shape }): readonly [string, string] => {
    const content = value[member];
    return [wireName, content === undefined ? 'null' : shape.dump(content)];
  });
  return structureDump(name, shown);
}
