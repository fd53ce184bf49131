import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Tests stand beside what they test; those that start processes say so in their own time-outs. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['{crds,dataplane,operator,dax,hack}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    // Of conditions that are waited for: a machine may be busy with something else.
    expect: { poll: { timeout: 30_000 } },
    hookTimeout: 120_000,
    reporters: ['default', fileURLToPath(new URL('./closing-line.ts', import.meta.url))],
    passWithNoTests: false,
  },
});
