import type { Update } from '../expression/ast.ts';
import { project } from '../expression/project.ts';
import { updatedPaths } from '../expression/update.ts';
import type { Item } from '../item/attribute-value.ts';
import type { WriteReturns } from '../partition/command.ts';

export type ReturnValues = 'ALL_NEW' | 'UPDATED_OLD' | 'ALL_OLD' | 'NONE' | 'UPDATED_NEW';

/**
 * What a write did to an item; undefined where there was or is none. Looking at a member may parse the
 * item, so it is done only for what is asked for.
 */
export interface ItemChange {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** Which items a mode shows anything of. */
export function itemsOf(mode: ReturnValues | undefined): WriteReturns {
  return {
    before: mode === 'ALL_OLD' || mode === 'UPDATED_OLD',
    after: mode === 'ALL_NEW' || mode === 'UPDATED_NEW',
  };
}

/** `Attributes` of PutItem and DeleteItem, which know ALL_OLD only. */
export function oldAttributes(
  mode: ReturnValues | undefined,
  change: ItemChange,
): Item | undefined {
  return mode === 'ALL_OLD' ? change.before : undefined;
}

/**
 * `Attributes` of UpdateItem. UPDATED_* show the places that the update names, as far as they are
 * there; absent where nothing is left to show.
 */
export function updateAttributes(
  mode: ReturnValues | undefined,
  change: ItemChange,
  update: Update,
): Item | undefined {
  switch (mode) {
    case 'ALL_OLD':
      return change.before;
    case 'ALL_NEW':
      return change.after;
    case 'UPDATED_OLD':
      return updatedPart(change.before, update);
    case 'UPDATED_NEW':
      return updatedPart(change.after, update);
    default:
      return undefined;
  }
}

function updatedPart(item: Item | undefined, update: Update): Item | undefined {
  if (item === undefined) return undefined;
  const part = project(updatedPaths(update), item);
  return Object.keys(part).length === 0 ? undefined : part;
}
