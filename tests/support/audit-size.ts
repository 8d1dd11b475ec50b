/**
 * How large a test that samples is: quick in `npm cit`, full in an audit, which says UNSEEN_AUDIT=full.
 *
 * A test states its chance of failing for nothing for both sizes. Tests that ask here have an hour in an audit.
 */
import { vi } from 'vitest';

const IS_AUDIT = process.env['UNSEEN_AUDIT'] === 'full';
if (IS_AUDIT) vi.setConfig({ testTimeout: 3_600_000 });

/** The one or the other. */
export function sized<Size>(quick: Size, full: Size): Size {
  return IS_AUDIT ? full : quick;
}
