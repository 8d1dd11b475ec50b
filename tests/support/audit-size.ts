/**
 * How large a test that samples is: quick in `npm cit`, full in an audit, which says UNSEEN_AUDIT=full.
 *
 * A test states its chance of failing for nothing for both sizes.
 */

/** Whether the environment asks for an audit. */
const IS_AUDIT = process.env['UNSEEN_AUDIT'] === 'full';

/** The one or the other. */
export function sized<Size>(quick: Size, full: Size): Size {
  return IS_AUDIT ? full : quick;
}
