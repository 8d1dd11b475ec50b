/**
 * Whether a jail can start here. Tests that need one are counted as skipped where none can, and never in CI.
 *
 * Only the launcher is asked, by its most basic command, so that a jail of ours that is broken still fails.
 */
import { spawnSync } from 'node:child_process';
import { findExecutable } from '#sandbox/jail/executable.ts';

const launcher = findExecutable('bwrap');
const canStart =
  launcher !== null &&
  spawnSync(launcher, ['--unshare-all', '--ro-bind', '/', '/', '/bin/true'], { timeout: 10_000 }).status ===
    0;

/** For `test.skipIf`: no bubblewrap works here, and CI does not demand one. */
export const isJailMissing = !canStart && process.env['CI'] !== 'true';
