import { partiqlFaults } from '../errors/partiql.ts';
import { valueFaults } from '../errors/values.ts';
import {
  type AttributeValue,
  attributeOf,
  type MutableAttributeMap,
  setAttribute,
} from '../item/attribute-value.ts';
import { compareUtf8, sortedSet } from '../item/equality.ts';
import { ATTRIBUTE_NAME_BYTES_MAX, NESTING_LEVELS_MAX } from '../item/limits.ts';
import { compareNumbers } from '../item/number.ts';
import { utf8Bytes } from '../item/size.ts';
import type { Binding } from './binding.ts';
import { literalNumber } from './numbers.ts';
import type { ExpressionNode, MapNode } from './syntax.ts';

/** Whether the node can only be a value: a literal or a parameter. */
export function isValueNode(node: ExpressionNode): boolean {
  return valueKinds.has(node.kind);
}

const valueKinds: ReadonlySet<ExpressionNode['kind']> = new Set<ExpressionNode['kind']>([
  'string',
  'number',
  'boolean',
  'null',
  'parameter',
  'list',
  'set',
  'map',
]);

/** Where a whole value is, in texts about its parts. */
const ROOT = 'root';

/**
 * The canonical value of a literal or parameter.
 * @throws ClientFault: numbers, sets, nesting, what is neither
 */
export function valueOfNode(node: ExpressionNode, binding: Binding): AttributeValue {
  if (node.kind === 'parameter') return binding.parameter(node.index);
  return literal(node, { path: ROOT, level: 1, binding });
}

/**
 * The attributes of a map literal whose values may be parameters: an item.
 * @throws ClientFault as of values; an attribute twice
 */
export function attributesOfNode(node: MapNode, binding: Binding): MutableAttributeMap {
  const attributes: MutableAttributeMap = {};
  for (const { key, value } of node.members) {
    const name = nameOf(key, ROOT, attributes);
    setAttribute(attributes, name, valueOfNode(value, binding));
  }
  return attributes;
}

/** Where a literal is. An attribute's value is level 1. */
interface Place {
  readonly path: string;
  readonly level: number;
  readonly binding: Binding;
}

/** Depth is bounded by the parser; a value too deep is refused before its members are read. */
function literal(node: ExpressionNode, place: Place): AttributeValue {
  const { path, level, binding } = place;
  if (level > NESTING_LEVELS_MAX) throw partiqlFaults.nestingTooDeep(path);
  switch (node.kind) {
    case 'string':
      return { S: node.text.toWellFormed() };
    case 'number':
      return { N: literalNumber(node.text, path) };
    case 'boolean':
      return { BOOL: node.value };
    case 'null':
      return { NULL: true };
    case 'list':
      return {
        L: node.elements.map((element, index) =>
          literal(element, { path: `${path}[${index}]`, level: level + 1, binding }),
        ),
      };
    case 'map':
      return { M: map(node, place) };
    case 'set':
      return set(node.elements, place);
    default:
      throw partiqlFaults.literalType(shownType(node), path, binding.place(node.span));
  }
}

function map(node: MapNode, { path, level, binding }: Place): MutableAttributeMap {
  const members: MutableAttributeMap = {};
  for (const { key, value } of node.members) {
    const name = nameOf(key, path, members);
    setAttribute(
      members,
      name,
      literal(value, { path: `${path}.${name}`, level: level + 1, binding }),
    );
  }
  return members;
}

function nameOf(key: ExpressionNode, path: string, known: MutableAttributeMap): string {
  if (key.kind !== 'string') throw partiqlFaults.mapKey(shownType(key), path);
  const name = key.text.toWellFormed();
  if (name === '') throw valueFaults.emptyAttributeName();
  if (utf8Bytes(name) > ATTRIBUTE_NAME_BYTES_MAX) throw valueFaults.attributeNameTooLarge();
  if (attributeOf(known, name) !== undefined) throw partiqlFaults.duplicateMapKey(name, path);
  return name;
}

/** A set of strings or of numbers; the others have no literal. */
function set(elements: readonly ExpressionNode[], place: Place): AttributeValue {
  if (elements.length === 0) throw partiqlFaults.emptySet();
  const inside = { ...place, level: place.level + 1 };
  const members = elements.map((element) => literal(element, inside));
  const strings = members.flatMap((member) => ('S' in member ? [member.S] : []));
  const numbers = members.flatMap((member) => ('N' in member ? [member.N] : []));
  if (strings.length === members.length) {
    if (new Set(strings).size < strings.length) throw partiqlFaults.duplicateStrings(strings);
    return { SS: sortedSet(strings, compareUtf8) };
  }
  if (numbers.length !== members.length) throw partiqlFaults.setMembers();
  if (new Set(numbers).size < numbers.length) {
    const written = elements.map((element) => (element.kind === 'number' ? element.text : ''));
    throw partiqlFaults.duplicateNumbers(written, place.path);
  }
  return { NS: sortedSet(numbers, compareNumbers) };
}

/** As the service's texts name what is no value. */
function shownType(node: ExpressionNode): string {
  switch (node.kind) {
    case 'call':
      return node.name;
    case 'parameter':
      return 'Parameter';
    case 'path':
      return node.path.length === 1 ? 'VariableReference' : 'Path';
    case 'missing':
      return 'LiteralMissing';
    default:
      return 'NAry';
  }
}
