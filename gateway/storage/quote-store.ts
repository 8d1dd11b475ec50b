/**
 * Quotes as stored: made, counted, accepted, and used by one job.
 *
 * Guarantee: a quote is accepted at most once, with one leaf in the log that says the same; whoever accepts holds the
 * head of the log, so that two at once make one acceptance. A quote never changes, and prices one job: that there is no
 * second one is a unique index.
 */
import { isDeepStrictEqual } from 'node:util';

import { sql, type SQL } from 'drizzle-orm';

import { evidenceJson } from '#crypto/canonical.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { BillingFacts, DocumentRef, Quoted } from '../billing/facts.ts';
import { sqlStateOf, type Tx } from './database.ts';
import { appendSql, lockHead } from './log-append.ts';
import type { UsageFilter } from './oversight.ts';
import type { PlannedUsage } from './tables/jobs.ts';

export interface NewQuote {
  readonly id: string;
  readonly accountId: string;
  readonly grantId: string | null;
  readonly planDigest: string;
  readonly body: object;
  /** Null where the request would be refused: there is nothing to accept then. */
  readonly billing: BillingFacts | null;
  readonly quoted: Quoted;
  /** In fen. */
  readonly price: bigint;
  readonly expiresAt: Date;
}

/** A quote whose price a job may have. */
export interface OpenQuote {
  readonly id: string;
  readonly grantId: string;
  readonly planDigest: string;
  readonly billing: BillingFacts;
  readonly quoted: Quoted;
  readonly spendNano: string;
  /** The planned quantities that it is for. */
  readonly usage: PlannedUsage;
  /** In fen. */
  readonly price: string;
  readonly expiresAt: Date;
}

/** What a quote is for, beside its Plan: what its price may depend on. */
interface QuoteTerms {
  readonly purpose: string | null;
  readonly scene: string | null;
  readonly costCentre: string | null;
  readonly product: DocumentRef | null;
}

/** For whom a quote must be, and for what. */
export interface QuoteUse extends QuoteTerms {
  readonly quote: string;
  readonly account: string;
  readonly grant: string;
  readonly planDigest: string;
}

/** Keeps a quote, and counts it for its account on a calendar day (YYYY-MM-DD). */
export async function saveQuote(db: Tx, quote: NewQuote, day: string): Promise<void> {
  const { id, accountId, grantId, planDigest, body, billing, quoted, price, expiresAt } = quote;
  await db.rows(sql`
    WITH counted AS (
      INSERT INTO quote_count AS c (account_id, day, made) VALUES (${accountId}, ${day}, 1)
      ON CONFLICT (account_id, day) DO UPDATE SET made = c.made + 1
    )
    INSERT INTO quote (id, account_id, grant_id, plan_digest, body, billing, quoted, price, expires_at)
    VALUES (${id}, ${accountId}, ${grantId}, ${planDigest}, ${JSON.stringify(body)}::jsonb,
      ${billing === null ? null : JSON.stringify(billing)}::jsonb, ${JSON.stringify(quoted)}::jsonb, ${price}::numeric,
      ${expiresAt.toISOString()}::timestamptz)`);
}

interface QuoteRow extends Omit<OpenQuote, 'billing' | 'grantId'> {
  readonly terms: QuoteTerms;
  readonly grantId: string | null;
  readonly billing: BillingFacts | null;
  readonly expired: boolean;
  readonly used: boolean;
}

/** A quote of the organisation of an account, or null. */
async function findOwnQuote(tx: Tx, id: string, account: string): Promise<QuoteRow | null> {
  const [row] = await tx.rows<QuoteRow>(sql`
    SELECT q.id, q.grant_id AS "grantId", q.plan_digest AS "planDigest", q.billing, q.quoted, q.body->'usage' AS usage,
      jsonb_build_object('purpose', q.body->'purpose', 'scene', q.body->'scene', 'costCentre', q.body->'costCentre',
        'product', q.body->'product') AS terms,
      q.price::text AS price, q.expires_at AS "expiresAt", q.expires_at <= now() AS expired,
      coalesce((SELECT sum(value::numeric) FROM jsonb_each_text(q.quoted)), 0)::text AS "spendNano",
      EXISTS (SELECT FROM job j WHERE j.quote_id = q.id AND j.billing IS NOT NULL) AS used
    FROM quote q JOIN account a ON a.id = q.account_id
    WHERE q.id = ${id} AND a.organisation_id = (SELECT organisation_id FROM account WHERE id = ${account})`);
  return row ?? null;
}

/** The quote that a job names. Refusal PARAM for one that is expired, used, somebody else's, or for another request. */
export async function openQuoteFor(
  tx: Tx,
  { quote: id, account, grant, planDigest, purpose, scene, costCentre, product }: QuoteUse,
): Promise<OpenQuote> {
  const row = await findOwnQuote(tx, id, account);
  const quote = openOf(row, id);
  const isSame = isDeepStrictEqual(row?.terms, { purpose, scene, costCentre, product });
  if (!isSame || quote.grantId !== grant || quote.planDigest !== planDigest) throw unknownQuote(id);
  return quote;
}

function openOf(row: QuoteRow | null, id: string): OpenQuote {
  if (row === null || row.expired) throw unknownQuote(id);
  const { expired: _expired, terms: _terms, used, grantId, billing, ...rest } = row;
  if (grantId === null || billing === null) throw unknownQuote(id);
  if (used) throw new Refusal('PARAM', say('api.quoteUsed', { quote: id }));
  return { ...rest, grantId, billing };
}

function unknownQuote(id: string): Refusal {
  return new Refusal('PARAM', say('api.quoteUnknown', { quote: id }));
}

/** What becomes of a job that came at the same moment as another under its quote: unique_violation of job_of_quote. */
export function quoteUsedBy(error: unknown, quote: string | null): unknown {
  const isUsed =
    sqlStateOf(error) === '23505' &&
    error instanceof Error &&
    'constraint' in error &&
    error.constraint === 'job_of_quote';
  return isUsed ? new Refusal('PARAM', say('api.quoteUsed', { quote: String(quote) })) : error;
}

/** That a quote was accepted. */
export interface Acceptance {
  readonly quoteId: string;
  /** The public record, as canonical JSON: the body of its leaf. */
  readonly record: string;
  readonly leafIndex: string;
  readonly acceptedAt: Date;
}

/**
 * The buyer's acceptance of a quote that is open; one that was accepted before, as it was then, even if it has expired or
 * been used since. Null for a quote that his organisation does not have. Refusal PARAM for one that cannot be accepted.
 */
export async function acceptOwnQuote(
  tx: Tx,
  { quote: id, account }: Pick<QuoteUse, 'quote' | 'account'>,
): Promise<Acceptance | null> {
  const row = await findOwnQuote(tx, id, account);
  if (row === null) return null;
  return (await findAcceptance(tx, id)) ?? acceptQuote(tx, openOf(row, id), account);
}

/**
 * Writes that a quote is accepted, unless it has been: record and leaf, in one statement under the lock on the head of
 * the log, which is the last one that the caller's transaction takes.
 */
export async function acceptQuote(tx: Tx, quote: OpenQuote, account: string): Promise<Acceptance> {
  const head = await lockHead(tx);
  const known = await findAcceptance(tx, quote.id);
  if (known !== null) return known;
  const acceptedAt = head.now.toISOString();
  const record = evidenceJson(acceptanceRecord(quote, { account, acceptedAt }));
  const leaf = appendSql(head, { body: record, class: 'quote', visibleAt: acceptedAt });
  await tx.rows(sql`
    WITH ${leaf.parts}
    INSERT INTO quote_acceptance (quote_id, account_id, grant_id, record, leaf_index, accepted_at)
    VALUES (${quote.id}, ${account}, ${quote.grantId}, ${record}, ${leaf.index}::bigint, ${acceptedAt}::timestamptz)`);
  return { quoteId: quote.id, record, leafIndex: String(leaf.index), acceptedAt: head.now };
}

async function findAcceptance(tx: Tx, quote: string): Promise<Acceptance | null> {
  const [row] = await tx.rows<Acceptance>(sql`
    SELECT quote_id AS "quoteId", record, leaf_index::text AS "leafIndex", accepted_at AS "acceptedAt"
    FROM quote_acceptance WHERE quote_id = ${quote}`);
  return row ?? null;
}

/** What stands in the log: the offer as it was accepted, by whom and when. */
function acceptanceRecord(
  quote: OpenQuote,
  { account, acceptedAt }: { readonly account: string; readonly acceptedAt: string },
): object {
  const { id, grantId, planDigest, billing, quoted, usage, price, expiresAt } = quote;
  return {
    type: 'quote',
    id: `${id}/quote`,
    quoteId: id,
    accountId: account,
    grantId,
    planDigest,
    planned: usage,
    billing,
    quoted,
    priceFen: price,
    expiresAt: expiresAt.toISOString(),
    acceptedAt,
  };
}

/** An acceptance as its readers see it: between whom it is. */
export interface SeenAcceptance extends Acceptance {
  readonly buyer: string;
  readonly providers: readonly string[];
}

/** Acceptances in the order of the log, after a leaf that was seen; -1 for all. One has no outcome. */
export async function listAcceptances(
  db: Tx,
  { readers, grant, account, from, to, ...dimensions }: UsageFilter,
  {
    afterLeaf,
    limit,
    within = sql`true`,
  }: { readonly afterLeaf: bigint; readonly limit: number; readonly within?: SQL },
): Promise<readonly SeenAcceptance[]> {
  const { buyer, provider } = readers === 'all' ? { buyer: null, provider: null } : readers;
  return db.rows<SeenAcceptance>(sql`
    SELECT q.quote_id AS "quoteId", q.record, q.leaf_index::text AS "leafIndex", q.accepted_at AS "acceptedAt",
      a.organisation_id AS buyer, jsonb_build_array(g.body->>'authoriser') AS providers
    FROM quote_acceptance q JOIN quote o ON o.id = q.quote_id JOIN account a ON a.id = q.account_id
      JOIN access_grant g ON g.id = q.grant_id
    WHERE q.leaf_index > ${afterLeaf}::bigint AND ${within}
      AND (${readers === 'all'} OR a.organisation_id = ${buyer}::text OR g.body->>'authoriser' = ${provider}::text)
      AND (${grant}::text IS NULL OR q.grant_id = ${grant}) AND (${account}::text IS NULL OR q.account_id = ${account})
      AND (${from}::timestamptz IS NULL OR q.accepted_at >= ${from}::timestamptz)
      AND (${to}::timestamptz IS NULL OR q.accepted_at < ${to}::timestamptz)
      AND ${isOfDimensions(dimensions)}
    ORDER BY q.leaf_index LIMIT ${limit}::int`);
}

/** Of an acceptance `q` of a quote `o` by an account `a` under a grant `g`. */
function isOfDimensions({
  buyer,
  provider,
  dataset,
  purpose,
  scene,
  outcome,
  product,
}: Pick<UsageFilter, 'buyer' | 'provider' | 'dataset' | 'purpose' | 'scene' | 'outcome' | 'product'>): SQL {
  return sql`${outcome}::text IS NULL AND (${buyer}::text IS NULL OR a.organisation_id = ${buyer})
    AND (${provider}::text IS NULL OR g.body->>'authoriser' = ${provider})
    AND (${dataset}::text IS NULL OR o.billing->'contributions' @> jsonb_build_array(jsonb_build_object('dataset', ${dataset}::text)))
    AND (${purpose}::text IS NULL OR o.body->>'purpose' = ${purpose}) AND (${scene}::text IS NULL OR o.body->>'scene' = ${scene})
    AND (${product}::text IS NULL OR o.billing->'product'->>'id' = ${product})`;
}

/** How many quotes an account was made on a day, and how many of that day's were accepted. */
export interface QuoteCount {
  readonly day: string;
  readonly account: string;
  readonly organisation: string;
  readonly made: number;
  readonly accepted: number;
}

/** Quotes per account and day, newest day first; days (YYYY-MM-DD in a time zone) from and up to, both included. */
export async function listQuoteCounts(
  db: Tx,
  {
    from,
    to,
    timeZone,
  }: { readonly from: string | null; readonly to: string | null; readonly timeZone: string },
): Promise<readonly QuoteCount[]> {
  return db.rows<QuoteCount>(sql`
    SELECT c.day, c.account_id AS account, a.organisation_id AS organisation, c.made,
      (SELECT count(*)::int FROM quote q JOIN quote_acceptance x ON x.quote_id = q.id
        WHERE q.account_id = c.account_id AND to_char(q.created_at AT TIME ZONE ${timeZone}, 'YYYY-MM-DD') = c.day) AS accepted
    FROM quote_count c JOIN account a ON a.id = c.account_id
    WHERE (${from}::text IS NULL OR c.day >= ${from}) AND (${to}::text IS NULL OR c.day <= ${to})
    ORDER BY c.day DESC, c.account_id`);
}
