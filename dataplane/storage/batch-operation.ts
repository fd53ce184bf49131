import type { Effect } from './store.ts';

/** An effect as the batches of abstract-level have it, on disk and in memory alike. */
export function operationOf({ key, value }: Effect) {
  return value === undefined
    ? ({ type: 'del', key } as const)
    : ({ type: 'put', key, value } as const);
}
