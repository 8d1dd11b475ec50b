/**
 * Admission: one transaction that decides, counts, reserves and queues a request, or does nothing.
 *
 * Guarantee: a queued job has its decision, its quota and its privacy budget; none of the three exists without the
 * job. A repetition of the same request (Idempotency-Key) makes nothing more. A request whose answer is stored is
 * answered from store, counted as a run, and costs no budget. Its price is fixed here: that of the quote that it names,
 * or of what is in force as this transaction sees it; what it may be billed at most is counted like any other quantity.
 * Not covered: the decision itself. `decide` gets the grant as this transaction sees it and throws to deny.
 */
import { sql } from 'drizzle-orm';

import type { Grant } from '#policies/grant.ts';
import { type Counted, possibleScopes, type Used } from '#policies/quota.ts';
import { Refusal } from '#policies/refusal.ts';
import type { Upstream } from '#policies/terms.ts';
import { say } from '#policies/words.ts';
import type { Timing } from '#sandbox/plan.ts';

import type { BillingFacts, DocumentRef, Quoted } from '../billing/facts.ts';
import { countUse, useSql } from './counters.ts';
import type { Database, Tx } from './database.ts';
import { upstreamSql } from './documents.ts';
import { answerFor, type EarlierAnswer, earlierSql } from './earlier-answer.ts';
import { claimKey, type IdempotencyKey } from './idempotency.ts';
import { type Charge, reserveCharge } from './ledger.ts';
import type { Drawn } from './shares.ts';
import { acceptQuote, type OpenQuote, openQuoteFor, quoteUsedBy } from './quote-store.ts';
import { type EndedJob, endJob, EVENT, NOTHING_SPENT } from './run-record.ts';
import { stoppedSql } from './suspension.ts';
import type { PlannedUsage } from './tables/jobs.ts';

/** How long a held reservation waits for a runner before it expires. */
const HOLD_MS = 24 * 3_600_000;

/** A grant, and what is true of it, as one transaction sees them. */
export interface StoredGrant {
  readonly id: string;
  readonly revision: number;
  readonly body: Grant;
  readonly upstream: readonly Upstream[];
  readonly suspended: boolean;
  readonly approvals: { readonly provider: boolean; readonly buyer: boolean; readonly subject: boolean };
  /** Reserved and used together: what `quotaLeft` subtracts. */
  readonly used: Used;
}

/** By what a run is billed, and how much at most; fixed from its admission on. */
export interface RunPrice {
  readonly billing: BillingFacts;
  readonly quoted: Quoted;
  /** The sum of `quoted`: what the counters of money count. */
  readonly spendNano: string;
}

/** Everything about a request that its job keeps. */
export interface JobRequest {
  /** Made by the server: 128 random bits in hex. */
  readonly jobId: string;
  readonly account: string;
  readonly idempotency: IdempotencyKey | null;
  readonly datasets: readonly string[];
  /** As sent; what the runner compiles again. */
  readonly request: object;
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly epsilon: string | null;
  readonly delta: string | null;
  readonly planDigest: string | null;
  /** The digest of the program that it runs; null for SQL. */
  readonly program: string | null;
  /** Version id, or of several inputs all ids in order, joined by `+`. */
  readonly versionId: string | null;
  /** Has every quota unit; further names may be rated. */
  readonly planned: PlannedUsage;
  /** Authoriser, operator, user. */
  readonly actors: Readonly<Record<string, string>>;
}

export interface Admission extends JobRequest {
  readonly grant: string;
  readonly planDigest: string;
  readonly versionId: string;
  /** Each lineage and population once; all cost the same. */
  readonly charges: readonly Charge[];
  /** The calendar day in the dataset's time zone, YYYY-MM-DD: whose counter counts. */
  readonly day: string;
  /** On which of its holder's cost centres it is booked; null where none is named. */
  readonly costCentre: string | null;
  readonly timing: Timing;
  readonly repeats: 'stored' | 'fresh';
  /** Whether a person decides about the release. */
  readonly review: boolean;
  /** The product that is called; null for a query or program of the buyer's own. */
  readonly product: DocumentRef | null;
  /** An open quote for this very Plan, whose price is the job's; null: the price is `priceOf`. */
  readonly quote: string | null;
  readonly holdMs?: number;
  /** The price of a run of these planned quantities, now; asked again with less for a repeat. Refusal PRICE. */
  priceOf(tx: Tx, grant: StoredGrant, planned: PlannedUsage): Promise<RunPrice>;
  /** Throws a Refusal to deny. Synchronous and quick: locks may be held. `planned` says what it may cost. */
  decide(grant: StoredGrant, planned: PlannedUsage): void;
}

export type Admitted =
  | { readonly kind: 'queued'; readonly jobId: string }
  /** Answered from store: the job is done. */
  | { readonly kind: 'stored'; readonly jobId: string; readonly releaseId: string }
  /** The Idempotency-Key has a job already, whatever became of it. */
  | { readonly kind: 'replayed'; readonly jobId: string };

/**
 * Admits a request. Refusal NO_GRANT, GRANT_REVOKED, QUOTA, BUDGET, PARAM (key reused, or a quote that does not hold),
 * or what `priceOf` and `decide` throw; nothing is then written, and the caller records it with `refuse`.
 */
export async function admit(db: Database, admission: Admission): Promise<Admitted> {
  checkCharges(admission.charges);
  const admitted = await db
    .transact((tx) => admitIn(tx, admission))
    .catch((error: unknown) => {
      throw quoteUsedBy(error, admission.quote);
    });
  if (admitted.kind === 'queued') await db.notify('queue', admitted.jobId);
  if (admitted.kind === 'stored') await db.notify('done', admitted.jobId);
  return admitted;
}

/** The order of locks is that of locked-job.ts. A crash anywhere before the commit leaves nothing. */
async function admitIn(tx: Tx, admission: Admission): Promise<Admitted> {
  const { jobId, grant: grantId } = admission;
  // 1. The key: a concurrent twin waits here until this transaction has ended, and then replays it.
  const known = await claimKey(tx, admission, jobId);
  if (known !== null) return { kind: 'replayed', jobId: known };

  // 2. Price and decision, on quote, grant and counters as they are now.
  const quote =
    admission.quote === null ? null : await openQuoteFor(tx, { ...admission, quote: admission.quote });
  const { grant, earlier, hasShare } = await readGrant(tx, admission);
  const offered = { admission, grant, quote };
  const priced = await pricedAs(tx, offered, admission.planned);
  admission.decide(grant, priced.planned);
  const stored = answerFor(earlier, admission);

  // 3. The quota. A repeat is a run with ε 0.
  const counted = { grantId, quota: grant.body.quota, counted: grant.used };
  if (stored !== null) {
    const free = await pricedAs(tx, offered, { ...admission.planned, epsilonNano: '0' });
    checkQuoted(quote, free.planned);
    const scopes = await countUse(tx, { ...counted, planned: free.planned }, 'used');
    return answerFromStore(tx, { ...admission, ...free }, { grant, scopes, releaseId: stored, quote });
  }
  checkQuoted(quote, priced.planned);
  const scopes = await countUse(tx, { ...counted, planned: priced.planned }, 'reserved');

  // 4. The budget of every lineage, or of none: a refusal ends the transaction.
  const holder = hasShare ? { grantId: grant.id, revision: grant.revision } : null;
  const held: Held[] = [];
  for (const charge of inOrder(admission.charges))
    held.push({ charge, drawn: await reserveCharge(tx, charge, holder) });

  // 5. The job, its reservations and its first event.
  await insertJob(tx, { ...admission, ...priced }, { grant, scopes, held });

  // 6. What is new about its quote, in the log: its head is locked last.
  if (quote !== null) await acceptQuote(tx, quote, admission.account);
  return { kind: 'queued', jobId };
}

/** The part of a job that its price decides. */
type Priced = Omit<RunPrice, 'spendNano'> & Pick<JobRequest, 'planned'>;

async function pricedAs(
  tx: Tx,
  { admission, grant, quote }: Offered,
  planned: PlannedUsage,
): Promise<Priced> {
  const { billing, quoted, spendNano } = quote ?? (await admission.priceOf(tx, grant, planned));
  return { billing, quoted, planned: { ...planned, spendNano } };
}

/** What an admission is decided by. */
interface Offered {
  readonly admission: Admission;
  readonly grant: StoredGrant;
  readonly quote: OpenQuote | null;
}

/** A quote of an answer from store is for no more than that. */
function checkQuoted(quote: OpenQuote | null, planned: PlannedUsage): void {
  if (quote === null) return;
  const isMore = Object.entries(planned).some(
    ([name, amount]) => BigInt(amount) > BigInt(quote.usage[name] ?? '0'),
  );
  if (isMore) throw new Refusal('PARAM', say('api.quoteSmaller', { quote: quote.id }));
}

/** A charge that was reserved, and what of it came from the share of its grant. */
interface Held {
  readonly charge: Charge;
  readonly drawn: Drawn;
}

interface GrantRow {
  readonly revision: number;
  readonly body: Grant;
  readonly upstream: readonly Upstream[];
  readonly suspended: boolean;
  readonly provider: boolean;
  readonly buyer: boolean;
  readonly subject: boolean;
  readonly stopped: boolean;
  readonly hasShare: boolean;
  readonly earlier: EarlierAnswer;
  readonly amounts: Used['amounts'];
}

/** The grant as it stands, and what has become of the same question under it. */
async function readGrant(
  tx: Tx,
  admission: Admission,
): Promise<{ readonly grant: StoredGrant; readonly earlier: EarlierAnswer; readonly hasShare: boolean }> {
  const { grant: id, account, datasets, program } = admission;
  const counted = countedOf(admission);
  const [row] = await tx.rows<GrantRow>(sql`
    SELECT revision, body, ${upstreamSql('g')} AS upstream, suspended_at IS NOT NULL AS suspended, provider_approval IS NOT NULL AS provider,
      buyer_approval IS NOT NULL AS buyer, subject_approval IS NOT NULL AS subject,
      ${stoppedSql({ grant: id, account, datasets, program })} AS stopped, ${useSql(id, possibleScopes(counted))} AS amounts,
      ${earlierSql(admission)} AS earlier,
      EXISTS (SELECT FROM budget_share s WHERE s.grant_id = g.id AND s.ended_at IS NULL) AS "hasShare"
    FROM access_grant g
    WHERE id = ${id} AND organisation_id = (SELECT organisation_id FROM account WHERE id = ${account})`);
  if (row === undefined) throw new Refusal('NO_GRANT', say('storage.noGrant'));
  if (row.stopped) throw new Refusal('GRANT_REVOKED', say('storage.revoked'));
  const { provider, buyer, subject, revision, body, upstream, suspended } = row;
  const used = { ...counted, amounts: row.amounts };
  const approvals = { provider, buyer, subject };
  const { earlier, hasShare } = row;
  return { grant: { id, revision, body, upstream, suspended, approvals, used }, earlier, hasShare };
}

/** An admission with its price, as its job is written. */
type PricedAdmission = Admission & Priced;

/** What a job keeps of its admission, and a request that was refused has none of: it is billed nothing. */
type Kept = Pick<EndedJob, 'billing' | 'quoted' | 'quoteId' | 'repeatable' | 'review'> & {
  readonly timing: Timing | null;
};

function keptOf({ billing, quoted, quote, repeats, review, timing }: PricedAdmission): Kept {
  return { billing, quoted, quoteId: quote, repeatable: repeats === 'stored', review, timing };
}

/** As what it counts. Naming a quote means that it is accepted: by this very admission, if not before. */
function countedOf({ day, purpose, costCentre, quote }: Admission): Counted {
  return { day, purpose: purpose ?? '', costCentre, hasQuote: quote !== null };
}

async function insertJob(
  tx: Tx,
  admission: PricedAdmission,
  made: { readonly grant: StoredGrant; readonly scopes: readonly string[]; readonly held: readonly Held[] },
): Promise<void> {
  const { grant, scopes } = made;
  const held = made.held.map(({ charge, drawn }) => ({
    lineage: charge.lineage,
    nano: String(charge.nano),
    yocto: String(charge.thresholdDeltaYocto),
    share_nano: String(drawn.nano),
    share_yocto: String(drawn.thresholdDeltaYocto),
  }));
  await tx.rows(sql`
    WITH job AS (${jobSql(admission, { grantId: grant.id, revision: grant.revision, scopes }, keptOf(admission))}), event AS (${queuedSql(admission.jobId)})
    INSERT INTO reservation (job_id, lineage_id, nano, yocto, share_nano, share_yocto, state, expires_at)
    SELECT ${admission.jobId}, h.lineage, h.nano, h.yocto, h.share_nano, h.share_yocto, 'held', now() + ${admission.holdMs ?? HOLD_MS}::float8 * interval '1 millisecond'
    FROM jsonb_to_recordset(${JSON.stringify(held)}::jsonb) AS h(lineage text, nano numeric, yocto numeric, share_nano numeric, share_yocto numeric)`);
}

async function answerFromStore(
  tx: Tx,
  admission: PricedAdmission,
  found: {
    readonly grant: StoredGrant;
    readonly scopes: readonly string[];
    readonly releaseId: string;
    readonly quote: OpenQuote | null;
  },
): Promise<Admitted> {
  const { jobId } = admission;
  const { releaseId, scopes, grant, quote } = found;
  const under = { grantId: grant.id, revision: grant.revision, scopes };
  const kept = keptOf(admission);
  await insertEndedJob(tx, admission, under, kept);
  if (quote !== null) await acceptQuote(tx, quote, admission.account);
  const ending = { outcome: 'released', releaseId, repeat: true } as const;
  const job = endedJobOf(admission, under, kept);
  await endJob(tx, { job, ending, charged: true, spent: NOTHING_SPENT, measured: {}, releaseAt: null }, null);
  return { kind: 'stored', jobId, releaseId };
}

/** What a job is under: its grant, and the counters that count it. */
interface Under {
  readonly grantId: string | null;
  readonly revision: number | null;
  readonly scopes: readonly string[];
}

/** A job that never waits: it is ended by `endJob` in the same transaction. */
async function insertEndedJob(tx: Tx, request: JobRequest, under: Under, kept: Kept): Promise<void> {
  await tx.rows(sql`WITH event AS (${queuedSql(request.jobId)}) ${jobSql(request, under, kept)}`);
}

function endedJobOf(request: JobRequest, { grantId, revision }: Under, kept: Kept): EndedJob {
  const {
    jobId: id,
    account: accountId,
    datasets,
    versionId,
    purpose,
    scene,
    epsilon,
    delta,
    planDigest,
  } = request;
  const { planned, actors, program: programDigest } = request;
  const { billing, quoted, quoteId } = kept;
  const asked = {
    id,
    accountId,
    datasets,
    versionId,
    purpose,
    scene,
    epsilon,
    delta,
    planDigest,
    programDigest,
    planned,
    billing,
    quoted,
    quoteId,
    actors,
  };
  return {
    ...asked,
    repeatable: false,
    review: false,
    attempt: 0,
    state: 'queued',
    grantId,
    grantRevision: revision,
  };
}

function queuedSql(jobId: string): ReturnType<typeof sql> {
  return sql`INSERT INTO job_event (job_id, seq, state, visible_at) VALUES (${jobId}, ${EVENT.queued}, 'queued', now())`;
}

function jobSql(
  request: JobRequest,
  { grantId, revision, scopes }: Under,
  { billing, quoted, quoteId, repeatable, review, timing }: Kept,
): ReturnType<typeof sql> {
  const { jobId, account, datasets, versionId, purpose, scene, epsilon, delta, planDigest, planned, actors } =
    request;
  const { program } = request;
  return sql`
    INSERT INTO job (id, account_id, grant_id, grant_revision, datasets, version_id, request, purpose, scene, epsilon,
      delta, plan_digest, program_digest, planned, scopes, timing, actors, quote_id, billing, quoted,
      repeatable, review, state)
    VALUES (${jobId}, ${account}, ${grantId}, ${revision}, ${sql.param(datasets)}::text[], ${versionId},
      ${JSON.stringify(request.request)}::jsonb, ${purpose}, ${scene}, ${epsilon}, ${delta}, ${planDigest}, ${program},
      ${JSON.stringify(planned)}::jsonb, ${sql.param(scopes)}::text[], ${jsonOrNull(timing)}::jsonb, ${JSON.stringify(actors)}::jsonb,
      ${quoteId}, ${jsonOrNull(billing)}::json, ${JSON.stringify(quoted)}::jsonb,
      ${repeatable}, ${review}, 'queued')`;
}

function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** A request that was refused, with whatever of it is known. */
export interface RefusedRequest extends JobRequest {
  /** Null when no grant was found. */
  readonly grant: { readonly id: string; readonly revision: number } | null;
  readonly refusal: Refusal;
  /** By what it would have been billed, where it got so far. It is billed nothing. */
  readonly billing?: BillingFacts;
}

/**
 * Records a refusal: job, usage record and leaf, in one transaction. It spends nothing and counts nothing.
 * A repetition under the same Idempotency-Key is the first one's job.
 */
export async function refuse(db: Database, refused: RefusedRequest): Promise<{ readonly jobId: string }> {
  const jobId = await db.transact(async (tx) => {
    const earlier = await claimKey(tx, refused, refused.jobId).catch(whenReused);
    if (earlier !== null) return earlier;
    const under = {
      grantId: refused.grant?.id ?? null,
      revision: refused.grant?.revision ?? null,
      scopes: [],
    };
    const { billing = null } = refused;
    const kept = { billing, quoted: {}, quoteId: null, repeatable: false, review: false, timing: null };
    await insertEndedJob(tx, refused, under, kept);
    const { code, sentence } = refused.refusal;
    const ending = { outcome: 'refused', code, sentence } as const;
    const job = endedJobOf(refused, under, kept);
    await endJob(
      tx,
      { job, ending, charged: false, spent: NOTHING_SPENT, measured: {}, releaseAt: null },
      null,
    );
    return refused.jobId;
  });
  await db.notify('done', jobId);
  return { jobId };
}

/** The key belongs to another request, which keeps it: this refusal is recorded without. */
function whenReused(error: unknown): null {
  if (error instanceof Refusal) return null;
  throw error;
}

function checkCharges(charges: readonly Charge[]): void {
  const [first] = charges;
  if (first === undefined) throw new RangeError('a job charges at least one lineage');
  const isSame = (charge: Charge) =>
    charge.unit === first.unit &&
    charge.nano === first.nano &&
    charge.thresholdDeltaYocto === first.thresholdDeltaYocto;
  if (!charges.every(isSame)) throw new RangeError('every lineage of a job pays the same');
  if (new Set(charges.map(({ lineage }) => lineage)).size !== charges.length)
    throw new RangeError('a lineage is charged once');
  if (first.nano < 0n || first.thresholdDeltaYocto < 0n) throw new RangeError('a charge is not negative');
}

function inOrder(charges: readonly Charge[]): readonly Charge[] {
  return charges.toSorted((left, right) => (left.lineage < right.lineage ? -1 : 1));
}
