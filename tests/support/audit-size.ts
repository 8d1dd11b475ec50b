/** How much a test does: a quick size on every commit, the full one in `npm run audit`. */

/** `full` in the audit (UNSEEN_AUDIT=full), else `quick`. */
export function sized(quick: number, full: number): number {
  return process.env['UNSEEN_AUDIT'] === 'full' ? full : quick;
}
