/**
 * When a run may be seen outside, and as what: the one place that says so, in SQL, for every read of this folder.
 *
 * Guarantee: a run is seen from its release time on; one whose answer waits for a person, from the decision on and not
 * before its release time. Until then `shownAt` is NULL, and no comparison with it holds. What was rejected is told as a
 * refusal, without its release.
 */
import { sql, type SQL } from 'drizzle-orm';

/** Where a job stands in a statement: `j` for most. */
type Alias = 'j' | 'm';

/** The instant from which a job may be seen to be done; NULL while it is not known. */
export function shownAt(job: Alias): SQL {
  // Not greatest() over an outer join: it would pass over a decision that is not there.
  return sql.raw(`(CASE WHEN ${job}.review AND ${job}.outcome = 'released'
    THEN (SELECT greatest(${job}.release_at, v.decided_at) FROM release_review v WHERE v.release_id = ${job}.release_id)
    ELSE ${job}.release_at END)`);
}

/** Whether a job may be seen to be done. */
export function isShown(job: Alias): SQL {
  return sql`(coalesce(${shownAt(job)} <= now(), false))`;
}

/** Why a reviewer rejected the answer of a job; NULL where none did. */
export function rejectedFor(job: Alias): SQL {
  return sql.raw(
    `(CASE WHEN ${job}.review THEN (SELECT v.reason FROM release_review v WHERE v.release_id = ${job}.release_id) END)`,
  );
}

/** What became of a job that is shown, as it is told. */
export function told(job: Alias): Readonly<Record<'outcome' | 'code' | 'sentence' | 'releaseId', SQL>> {
  const reason = rejectedFor(job);
  const field = (name: string): SQL => sql.raw(`${job}.${name}`);
  return {
    outcome: sql`(CASE WHEN ${reason} IS NULL THEN ${field('outcome')} ELSE 'refused' END)`,
    code: sql`(CASE WHEN ${reason} IS NULL THEN ${field('code')} ELSE 'RELEASE_REJECTED' END)`,
    sentence: sql`(CASE WHEN ${reason} IS NULL THEN ${field('sentence')}
      ELSE jsonb_build_object('id', 'review.rejected.' || ${reason}, 'args', '{}'::jsonb) END)`,
    releaseId: sql`(CASE WHEN ${reason} IS NULL THEN ${field('release_id')} END)`,
  };
}
