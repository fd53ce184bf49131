import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** One cluster, one scenario after the other; the first failure ends the run. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['hack/end-to-end/**/*.e2e.ts'],
    pool: 'forks',
    fileParallelism: false,
    bail: 1,
    testTimeout: 10 * 60_000,
    hookTimeout: 15 * 60_000,
    reporters: ['verbose', fileURLToPath(new URL('../closing-line.ts', import.meta.url))],
  },
});
