/**
 * What has become of the same question under the same grant, and what that means for whoever asks it again.
 *
 * Guarantee: one Plan of one version under one grant has one answer, and one decision about it. An answer that waits for
 * a person is not given again, nor is one that was rejected, of whatever kind the new request says it is. Whether the
 * first run still computes or already waits makes no difference to what is said.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { RejectionReason } from '#policies/output-kind.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { Tx } from './database.ts';
import { isShown, rejectedFor } from './visibility.ts';

export interface Question {
  readonly grant: string;
  readonly versionId: string;
  readonly planDigest: string;
}

export interface EarlierAnswer {
  /** The stored answer that may be seen; null while there is none. */
  readonly stored: string | null;
  /** Whether a person released it. */
  readonly storedReview: boolean;
  /** Why it may not be seen, if a person decided so. */
  readonly rejected: RejectionReason | null;
  /** A job with the same question about whose answer a person has yet to decide. */
  readonly waiting: string | null;
}

const NOTHING: EarlierAnswer = { stored: null, storedReview: false, rejected: null, waiting: null };

/**
 * An expression for it, as JSON. An answer that waits for its release time is not found: a repetition that got it at
 * once would tell that the run has ended, and what came of it.
 */
export function earlierSql({ grant, versionId, planDigest }: Question): SQL {
  const same = (alias: 'm' | 'r'): SQL => {
    const field = (name: string): SQL => sql.raw(`${alias}.${name}`);
    return sql`${field('grant_id')} = ${grant} AND ${field('version_id')} = ${versionId}
      AND ${field('plan_digest')} = ${planDigest} AND ${field('repeatable')}`;
  };
  return sql`(SELECT jsonb_build_object(
      'stored', (SELECT r.id FROM release r JOIN job m ON m.id = r.job_id
        WHERE ${same('r')} AND ${isShown('m')} AND ${rejectedFor('m')} IS NULL),
      'storedReview', EXISTS (SELECT FROM release r JOIN job m ON m.id = r.job_id WHERE ${same('r')} AND m.review),
      'rejected', (SELECT ${rejectedFor('m')} FROM job m
        WHERE ${same('m')} AND m.review AND ${isShown('m')} AND ${rejectedFor('m')} IS NOT NULL LIMIT 1),
      'waiting', (SELECT m.id FROM job m WHERE ${same('m')} AND m.review AND NOT ${isShown('m')} ORDER BY m.created_at LIMIT 1)))`;
}

/** The same, for a quote. */
export async function findEarlier(db: Tx, question: Question): Promise<EarlierAnswer> {
  const [row] = await db.rows<{ earlier: EarlierAnswer }>(sql`SELECT ${earlierSql(question)} AS earlier`);
  return row?.earlier ?? NOTHING;
}

/**
 * The release that answers a request from store, or null for a run of its own. Refusal RELEASE_WAITING,
 * RELEASE_REJECTED, or OUTPUT_KIND where a person would have to decide about what a rule released long ago.
 */
export function answerFor(
  { stored, storedReview, rejected, waiting }: EarlierAnswer,
  ask: { readonly repeats: 'stored' | 'fresh'; readonly review: boolean },
): string | null {
  if (ask.repeats === 'fresh') return null;
  if (rejected !== null) throw new Refusal('RELEASE_REJECTED', say(`review.rejected.${rejected}`));
  if (waiting !== null) throw new Refusal('RELEASE_WAITING', say('review.waiting', { job: waiting }));
  if (stored !== null && ask.review && !storedReview)
    throw new Refusal('OUTPUT_KIND', say('review.otherKind'));
  return stored;
}
