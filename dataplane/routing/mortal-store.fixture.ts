import { type Store, StoreError } from '../storage/store.ts';

/**
 * A store as a process sees it that is killed at some moment: from then on its commits do not end well.
 * @param isHeld - of commits that the process never comes to make, though it lives
 */
export function mortalStore(
  store: Store,
  isHeld: (effects: Parameters<Store['commit']>[0]) => boolean = () => false,
): { readonly store: Store; readonly die: () => void } {
  const death = Promise.withResolvers<never>();
  death.promise.catch(() => {});
  let isDead = false;
  const mortal: Store = {
    commit: (effects) => (isDead || isHeld(effects) ? death.promise : store.commit(effects)),
    get: (key) => store.get(key),
    iterate: (range) => store.iterate(range),
    snapshot: () => store.snapshot(),
    clear: (start, end) => store.clear(start, end),
    approximateBytes: (start, end) => store.approximateBytes(start, end),
    writesRefused: undefined,
    onReopened: (recover) => store.onReopened(recover),
    close: () => store.close(),
  };
  const die = () => {
    isDead = true;
    death.reject(new StoreError('closed', 'The process is gone.'));
  };
  return { store: mortal, die };
}
