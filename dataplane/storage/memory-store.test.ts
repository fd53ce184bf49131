import { MemoryStore } from './memory-store.ts';
import { describeStoreContract } from './store.contract.ts';

describeStoreContract('memory store', async () => {
  const store = await MemoryStore.open();
  return { store, dispose: () => store.close() };
});
