import type { Projection } from '../../dataplane/expression/ast.ts';
import { valueAt } from '../../dataplane/expression/paths.ts';
import type { AttributeValue, Item } from '../../dataplane/item/attribute-value.ts';
import { MAJOR } from './cbor-head.ts';
import type { CborWriter } from './cbor-writer.ts';
import { encodeValue } from './values.ts';

/** What each path of a projection leads to, by the path's ordinal; undefined where nothing was found. */
export type ProjectedValues = readonly (AttributeValue | undefined)[];

/**
 * What a projection finds in an item (reference/dax-protocol.md section 10). The client builds the
 * nesting again, so it is not to be had from an item that was projected already, whose lists have
 * closed up. `item` is the whole item, key attributes included.
 */
export function projectedValues(projection: Projection, item: Item): ProjectedValues {
  return projection.map((path) => valueAt(path, item));
}

/** Writes a projection map: ordinal to value, without the paths that found nothing. */
export function writeProjectionMap(writer: CborWriter, found: ProjectedValues): void {
  let count = 0;
  for (const value of found) if (value !== undefined) count++;
  writer.head(MAJOR.map, count);
  for (const [ordinal, value] of found.entries()) {
    if (value === undefined) continue;
    writer.integer(ordinal);
    encodeValue(writer, value);
  }
}
