import type { Projection } from './ast.ts';
import { NameFindings } from './functions.ts';
import { parsePath } from './operand-parser.ts';
import { ParseCache } from './parse-cache.ts';
import { checkPathsDisjoint } from './path-tree.ts';
import type { Substitutions } from './substitutions.ts';
import type { PathNode } from './syntax-tree.ts';
import { TokenCursor } from './token-cursor.ts';

const KIND = 'ProjectionExpression';

/**
 * The paths a text stands for, all names resolved: projection := path { ',' path }
 * @throws ClientFault `Invalid ProjectionExpression: ...`, for the first that is wrong: size,
 *   syntax, reserved word, undefined name, overlapping paths, conflicting paths
 */
export function parseProjection(text: string, substitutions: Substitutions): Projection {
  const paths = cache.get(text, parseText).map((node) => substitutions.path(node, KIND));
  checkPathsDisjoint(paths, KIND);
  return paths;
}

const cache = new ParseCache<readonly PathNode[]>();

function parseText(text: string): readonly PathNode[] {
  const findings = new NameFindings(KIND);
  const cursor = new TokenCursor(text, KIND);
  const paths = [parsePath(cursor, findings)];
  while (cursor.accept(',')) paths.push(parsePath(cursor, findings));
  cursor.finish();
  findings.throwReservedWord();
  return paths;
}
