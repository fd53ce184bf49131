import {
  type ExpressionKind,
  expressionFaults,
  substitutionFaults,
} from '../../dataplane/errors/expressions.ts';
import type { Condition, Path, Projection, Update } from '../../dataplane/expression/ast.ts';
import { checkPathsDisjoint } from '../../dataplane/expression/path-tree.ts';
import type { AttributeValue } from '../../dataplane/item/attribute-value.ts';
import { CborReader } from './cbor-reader.ts';
import { readCondition } from './condition-tree.ts';
import { ExpressionReader } from './expression-reader.ts';
import { malformedFaults } from './faults.ts';
import { readUpdate } from './update-tree.ts';
import { decodeValue } from './values.ts';

/**
 * Compiled expressions (reference/dax-protocol.md section 8): the tree that a client made of a text,
 * its names put in and its values in a list. Trees are checked as dataplane/expression checks texts,
 * with the same faults; only reserved words cannot be told any more. What is decoded here has a text
 * (`print.ts`) whose parse it is.
 */

/** Kinds whose tree is a condition. */
export type ConditionKind = Extract<
  ExpressionKind,
  'ConditionExpression' | 'FilterExpression' | 'KeyConditionExpression'
>;

/** @throws ClientFault ValidationException */
export function decodeCondition(bytes: Buffer, kind: ConditionKind): Condition {
  return readCondition(openExpression(bytes, kind));
}

/** @throws ClientFault ValidationException */
export function decodeUpdate(bytes: Buffer): Update {
  return readUpdate(openExpression(bytes, 'UpdateExpression'));
}

/**
 * Paths in the order of the user's text: their indexes are the ordinals of projection maps.
 * @throws ClientFault ValidationException
 */
export function decodeProjection(bytes: Buffer): Projection {
  const kind = 'ProjectionExpression';
  const cbor = new CborReader(bytes);
  checkFormat(cbor, PROJECTION_PARTS);
  const reader = new ExpressionReader(cbor, { kind, values: [] });
  const count = reader.count();
  if (count === 0) throw expressionFaults.empty(kind);
  const paths: Path[] = [];
  while (paths.length < count) paths.push(reader.path());
  cbor.expectEnd('an expression');
  checkPathsDisjoint(paths, kind);
  return paths;
}

/** Version of the format: the first element of every expression. */
const FORMAT = 1;
/** Format, tree, values. */
const EXPRESSION_PARTS = 3;
/** Format, paths. */
const PROJECTION_PARTS = 2;

function checkFormat(cbor: CborReader, partsCount: number): void {
  const isKnown = cbor.arrayCount() === partsCount && cbor.integer() === FORMAT;
  if (!isKnown) throw malformedFaults.expressionFormat();
}

/** The values come behind the tree that refers to them. @returns a reader of the tree */
function openExpression(bytes: Buffer, kind: ExpressionKind): ExpressionReader {
  const cbor = new CborReader(bytes);
  checkFormat(cbor, EXPRESSION_PARTS);
  const treeStart = cbor.position;
  cbor.skip();
  const treeEnd = cbor.position;
  const values = readValues(cbor);
  cbor.expectEnd('an expression');
  return new ExpressionReader(new CborReader(bytes, treeStart, treeEnd), { kind, values });
}

function readValues(cbor: CborReader): readonly AttributeValue[] {
  const count = cbor.definiteArrayCount();
  const values: AttributeValue[] = [];
  while (values.length < count) {
    if (!cbor.countValue()) throw substitutionFaults.tooLarge('ExpressionAttributeValues');
    values.push(decodeValue(cbor));
  }
  return values;
}
