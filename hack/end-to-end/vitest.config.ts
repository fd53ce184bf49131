import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By name: `one-node` is short, and builds the image. */
class ByName extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((one, other) => one.moduleId.localeCompare(other.moduleId));
  }
}

/** One cluster at a time, one scenario after the other; the first failure ends the run. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['hack/end-to-end/**/*.e2e.ts'],
    pool: 'forks',
    fileParallelism: false,
    sequence: { sequencer: ByName },
    bail: 1,
    // Above the sum of what a scenario waits for, each wait of which says what it waited for.
    testTimeout: 30 * 60_000,
    hookTimeout: 15 * 60_000,
    reporters: ['verbose', fileURLToPath(new URL('../closing-line.ts', import.meta.url))],
  },
});
