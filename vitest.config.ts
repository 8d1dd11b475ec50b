/** Test runner settings: real databases and real jails start slowly, so the limit per test is generous. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // .ci/run asks for its closing line by naming a file for it.
    reporters: process.env['TEST_RESULTS_FILE'] === undefined ? ['default'] : ['default', './.ci/tally.ts'],
  },
});
