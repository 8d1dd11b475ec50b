/** Test runner settings: real databases and real jails start slowly, so the limit per test is generous. */
import { availableParallelism, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Hundreds of processes are started, most of them with the same modules: they are compiled once.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), `unseen-compile-cache-${userInfo().uid}`);

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Tests mostly wait for processes of their own: on two cores one at a time would leave one idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    execArgv: ['--import', './gateway/quick-start.ts'],
    // The second writes nothing unless .ci/run names a file for its closing line.
    reporters: ['default', './.ci/tally.ts'],
  },
});
