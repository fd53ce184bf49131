import type { Update } from '../expression/ast.ts';
import { project } from '../expression/project.ts';
import { updatedPaths } from '../expression/update.ts';
import type { Item } from '../item/attribute-value.ts';

export type ReturnValues = 'ALL_NEW' | 'UPDATED_OLD' | 'ALL_OLD' | 'NONE' | 'UPDATED_NEW';

/** What a write did to an item; undefined where there was or is none. */
export interface ItemChange {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** `Attributes` of PutItem and DeleteItem, which know ALL_OLD only. */
export function oldAttributes(
  mode: ReturnValues | undefined,
  { before }: ItemChange,
): Item | undefined {
  return mode === 'ALL_OLD' ? before : undefined;
}

/**
 * `Attributes` of UpdateItem. UPDATED_* show the places that the update names, as far as they are
 * there; absent where nothing is left to show.
 */
export function updateAttributes(
  mode: ReturnValues | undefined,
  { before, after }: ItemChange,
  update: Update,
): Item | undefined {
  switch (mode) {
    case 'ALL_OLD':
      return before;
    case 'ALL_NEW':
      return after;
    case 'UPDATED_OLD':
      return updatedPart(before, update);
    case 'UPDATED_NEW':
      return updatedPart(after, update);
    default:
      return undefined;
  }
}

function updatedPart(item: Item | undefined, update: Update): Item | undefined {
  if (item === undefined) return undefined;
  const part = project(updatedPaths(update), item);
  return Object.keys(part).length === 0 ? undefined : part;
}
