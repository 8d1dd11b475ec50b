/**
 * The record of a run: its usage record, its leaf in the log, and the end of its job, in one place.
 *
 * Guarantee: a job ends exactly once, with exactly one usage record and one leaf, all in the caller's transaction.
 * The leaf of a release is its receipt; the leaf of anything else is the canonical JSON of the usage record.
 */
import { sql, type SQL } from 'drizzle-orm';

import { type Digest, digestOf, evidenceJson } from '#crypto/canonical.ts';
import type { FailedCode, RefusedCode } from '#policies/refusal.ts';
import type { Sentence } from '#policies/words.ts';

import type { BillingFacts, Quoted } from '../billing/facts.ts';
import type { Tx } from './database.ts';
import type { LockedJob } from './locked-job.ts';
import { appendSql, lockHead } from './log-append.ts';
import type { PlannedUsage } from './tables/jobs.ts';

/** Sequence numbers of a job's public events. */
export const EVENT = { queued: 1, accepted: 2, done: 3 } as const;

/** Where the events of CloudEvents come from. */
const USAGE_SOURCE = 'unseen';

export type Ending =
  | { readonly outcome: 'released'; readonly releaseId: string; readonly repeat: boolean }
  | { readonly outcome: 'refused'; readonly code: RefusedCode; readonly sentence: Sentence }
  | { readonly outcome: 'failed'; readonly code: FailedCode; readonly sentence: Sentence };

export interface RunRecord {
  readonly job: EndedJob;
  readonly ending: Ending;
  /** Whether the run stands in the counters of its grant. */
  readonly charged: boolean;
  /** What it cost each of its lineages; zero if nothing was opened, and for a repeat from store. */
  readonly spent: { readonly nano: string; readonly thresholdDeltaYocto: string };
  /** For the operator only. */
  readonly measured: object;
  /** When a reader outside may see that the job is done; null for at once. */
  readonly releaseAt: Date | null;
}

/** What a record says of its job. */
export type EndedJob = Pick<
  LockedJob,
  | 'id'
  | 'accountId'
  | 'grantId'
  | 'grantRevision'
  | 'datasets'
  | 'versionId'
  | 'purpose'
  | 'scene'
  | 'epsilon'
  | 'delta'
  | 'planDigest'
  | 'programDigest'
  | 'planned'
  | 'billing'
  | 'quoted'
  | 'quoteId'
  | 'actors'
  | 'repeatable'
  | 'review'
  | 'state'
  | 'attempt'
>;

/** An answer to be stored. */
export interface NewRelease {
  /** JSON text, byte for byte. */
  readonly cells: string;
  readonly salt: string;
  readonly outputDigest: string;
  readonly receipt: string;
}

export const NOTHING_SPENT = { nano: '0', thresholdDeltaYocto: '0' } as const;

const TYPES = { released: 'release', refused: 'refusal', failed: 'failure' } as const;

/** The public usage record: what its owner may read, a function of Plan, policy and catalogue alone. */
export interface PublicUsage {
  readonly id: string;
  readonly source: string;
  readonly type: 'release' | 'refusal' | 'failure';
  readonly jobId: string;
  readonly accountId: string;
  readonly grantId: string | null;
  readonly grantRevision: number | null;
  readonly datasets: readonly string[];
  readonly versionId: string | null;
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly epsilon: string | null;
  readonly delta: string | null;
  readonly planDigest: string | null;
  /** The digest of the program that ran; null for SQL. */
  readonly program: string | null;
  readonly outcome: Ending['outcome'];
  readonly code: string | null;
  readonly releaseId: string | null;
  readonly repeat: boolean;
  readonly charged: boolean;
  readonly spent: RunRecord['spent'];
  readonly planned: PlannedUsage;
  /** By what it is billed; null for a request that was refused before it had a price. */
  readonly billing: BillingFacts | null;
  readonly quoted: Quoted;
  readonly quoteId: string | null;
  readonly actors: Readonly<Record<string, string>>;
  /** ISO 8601. The only clock time in it. */
  readonly releasedAt: string;
}

function publicUsage({ job, ending, charged, spent }: RunRecord, releaseAt: Date): PublicUsage {
  const type = TYPES[ending.outcome];
  const released = ending.outcome === 'released' ? ending : null;
  return {
    id: `${job.id}/${type}`,
    source: USAGE_SOURCE,
    type,
    jobId: job.id,
    accountId: job.accountId,
    grantId: job.grantId,
    grantRevision: job.grantRevision,
    datasets: job.datasets,
    versionId: job.versionId,
    purpose: job.purpose,
    scene: job.scene,
    epsilon: job.epsilon,
    delta: job.delta,
    planDigest: job.planDigest,
    program: job.programDigest,
    outcome: ending.outcome,
    code: ending.outcome === 'released' ? null : ending.code,
    releaseId: released?.releaseId ?? null,
    repeat: released?.repeat ?? false,
    charged,
    spent,
    planned: job.planned,
    billing: job.billing,
    quoted: job.quoted,
    quoteId: job.quoteId,
    actors: job.actors,
    releasedAt: releaseAt.toISOString(),
  };
}

/** Digest of the public usage record. */
export function usageDigest(record: RunRecord & { readonly releaseAt: Date }): Digest {
  return digestOf(publicUsage(record, record.releaseAt));
}

/**
 * Ends a job: writes its record, its leaf, its last event, and the answer if it makes one. Two statements, to be
 * followed by COMMIT and nothing else. Returns the index of the leaf.
 */
export async function endJob(tx: Tx, record: RunRecord, release: NewRelease | null): Promise<bigint> {
  const head = await lockHead(tx);
  const usage = publicUsage(record, record.releaseAt ?? head.now);
  const body = release?.receipt ?? evidenceJson(usage);
  const visibleAt = usage.releasedAt;
  const appended = appendSql(head, { body, class: usage.type, visibleAt });
  const ended = await tx.rows(sql`
    WITH ${appended.parts}, ${answerSql(record, release, visibleAt)} usage AS (
      INSERT INTO usage_record (id, source, type, job_id, grant_id, account_id, release_id, outcome, code, charged,
        spent_nano, spent_yocto, planned, measured, billing, quoted, quote_id, digest, leaf_index, visible_at)
      VALUES (${usage.id}, ${usage.source}, ${usage.type}, ${usage.jobId}, ${usage.grantId}, ${usage.accountId},
        ${usage.releaseId}, ${usage.outcome}, ${usage.code}, ${usage.charged}, ${usage.spent.nano}::numeric,
        ${usage.spent.thresholdDeltaYocto}::numeric, ${JSON.stringify(usage.planned)}::jsonb,
        ${JSON.stringify(record.measured)}::jsonb, ${usage.billing === null ? null : JSON.stringify(usage.billing)}::json,
        ${JSON.stringify(usage.quoted)}::jsonb, ${usage.quoteId}, ${digestOf(usage)}, ${appended.index}::bigint, ${visibleAt}::timestamptz)
    ), event AS (
      INSERT INTO job_event (job_id, seq, state, visible_at)
      VALUES (${usage.jobId}, ${EVENT.done}, 'done', ${visibleAt}::timestamptz)
    )
    UPDATE job SET state = 'done', outcome = ${usage.outcome}, code = ${usage.code}, sentence = ${sentenceOf(record.ending)}::jsonb,
      release_id = ${usage.releaseId}, repeat = ${usage.repeat}, review = ${record.job.review}, planned = ${JSON.stringify(usage.planned)}::jsonb, release_at = ${visibleAt}::timestamptz, done_at = now(),
      lease_until = NULL
    WHERE id = ${usage.jobId} AND state = ${record.job.state} AND attempt = ${record.job.attempt} RETURNING id`);
  if (ended.length !== 1) throw new RangeError('a job was ended without its lock');
  return appended.index;
}

function answerSql({ job, ending }: RunRecord, release: NewRelease | null, releasedAt: string): SQL {
  if (release === null || ending.outcome !== 'released') return sql.empty();
  return sql`answer AS (
      INSERT INTO release (id, job_id, grant_id, version_id, plan_digest, repeatable, cells, salt, output_digest,
        receipt, released_at)
      VALUES (${ending.releaseId}, ${job.id}, ${job.grantId}, ${job.versionId}, ${job.planDigest}, ${job.repeatable},
        ${release.cells}, ${release.salt}, ${release.outputDigest}, ${release.receipt}, ${releasedAt}::timestamptz)
    ), `;
}

function sentenceOf(ending: Ending): string | null {
  return ending.outcome === 'released' ? null : JSON.stringify(ending.sentence);
}
