import { defineConfig } from 'vitest/config';

/** Tests stand beside what they test; those that start processes say so in their own time-outs. */
export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    include: ['{dataplane,operator,dax,hack}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    reporters: ['default', new URL('./closing-line.ts', import.meta.url).pathname],
    passWithNoTests: false,
  },
});
