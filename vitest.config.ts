/** Test runner settings: real databases and real jails start slowly, so the limit per test is generous. */
import { defineConfig } from 'vitest/config';

/** Where .ci/run reads what the tests came to, for its closing line. */
const results = process.env['TEST_RESULTS_FILE'];

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    reporters: results === undefined ? ['default'] : ['default', ['json', { outputFile: results }]],
  },
});
