import { describeStoreContract } from '../storage/store.contract.ts';
import { SimRandom } from './random.ts';
import { type DiskTime, SimDisk } from './sim-disk.ts';

/** The machine's own event loop, without waits: the contract knows nothing of virtual time. */
const realTime: DiskTime = {
  soon: (fn) => void setImmediate(fn),
  afterUs: (_delayUs, _label, fn) => setImmediate(fn),
};

for (const syncsApart of [false, true]) {
  describeStoreContract(`simulated store${syncsApart ? ', syncs apart' : ''}`, async () => {
    const disk = new SimDisk(new SimRandom(1), {
      syncUs: { min: 0, max: 0 },
      pageUs: { min: 0, max: 0 },
      syncsApart,
      checksBytes: true,
    });
    const store = disk.open(realTime);
    return { store, dispose: () => store.close() };
  });
}
