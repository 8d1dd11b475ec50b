/**
 * Tests that need a jail: run where one can start, counted as skipped elsewhere, and never skipped in CI.
 *
 * Only the launcher is asked here, by its most basic command, so that a jail of ours that is broken still fails.
 */
import { spawnSync } from 'node:child_process';
import { test } from 'vitest';
import { findExecutable } from '#sandbox/jail/executable.ts';

const launcher = findExecutable('bwrap');
const canStart =
  launcher !== null &&
  spawnSync(launcher, ['--unshare-all', '--ro-bind', '/', '/', '/bin/true'], { timeout: 10_000 }).status ===
    0;

/** `test` where bubblewrap works or CI is true; else a test that is reported as skipped. */
export const jailedTest = test.skipIf(!canStart && process.env['CI'] !== 'true');
