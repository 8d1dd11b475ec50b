/**
 * What kills have left in the database, once it has been recovered and every request has been answered.
 *
 * Guarantee: each fault is named with an example. Nothing found means: what was acknowledged is there, once; answers,
 * usage records and leaves are equally many, kind by kind; budget and money are what the records say, to the last unit;
 * every invariant of the database holds.
 */
import { sql } from 'drizzle-orm';

import { recover } from '#gateway/storage/abort.ts';
import type { Database } from '#gateway/storage/database.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { openJob } from '#gateway/storage/open.ts';
import { claimJob } from '#gateway/storage/queue.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { returnSpend } from '#gateway/storage/spend-returns.ts';
import { closeMonth } from '#gateway/storage/statements.ts';
import { handIn, ledgerOf, LEASE_MS } from '#tests/support/world.ts';
import type { Told } from './killing.ts';
import { CALL, closingOf, COST, type Month } from './orders.ts';
import type { Stage } from './stage.ts';

/** Recovers as a runner does that starts under a dead one's name, then runs whatever waits to its end. */
export async function comeToAnEnd(db: Database, runners: number): Promise<void> {
  for (let runner = 0; runner < runners; runner += 1) await recover(db, { runner: `runner-${runner}` });
  for (;;) {
    const job = await claimJob(db, { runner: 'last', leaseMs: LEASE_MS });
    if (job === null) break;
    const { kind } = await openJob(db, { jobId: job.id, attempt: job.attempt });
    if (kind === 'opened') await commitRelease(db, handIn(job));
  }
  await returnSpend(db);
}

interface JobRow {
  readonly id: string;
  readonly key: string | null;
  readonly outcome: string | null;
  readonly spent: boolean;
}

/** What is wrong, in words; empty when nothing is. */
export async function faultsAfter(db: Database, stage: Stage, told: Told): Promise<readonly string[]> {
  return [
    ...[...told.faults].map((fault) => `answered with ${fault}`),
    ...(await lostOf(db, stage, told)),
    ...(await countsOf(db)),
    ...(await moneyOf(db, stage)),
    ...(await billedOf(db, stage, told)),
    ...(await findViolations(db)).map(({ invariant, rows }) => `not so: ${invariant} (${rows[0] ?? ''})`),
  ];
}

/** What was acknowledged and is not there, or is there twice. */
async function lostOf(db: Database, stage: Stage, told: Told): Promise<readonly string[]> {
  const rows = await db.rows<JobRow>(sql`
    SELECT j.id, i.key, j.outcome,
      EXISTS (SELECT FROM reservation r WHERE r.job_id = j.id AND r.state = 'spent') AS spent
    FROM job j LEFT JOIN idempotency i ON i.job_id = j.id WHERE j.account_id = ${stage.account}`);
  const quotes = await db.rows<{ id: string; accepted: boolean }>(sql`
    SELECT q.id, a.quote_id IS NOT NULL AS accepted
    FROM quote q LEFT JOIN quote_acceptance a ON a.quote_id = q.id WHERE q.account_id = ${stage.account}`);
  const jobs = new Map(rows.map((row) => [row.id, row]));
  const byKey = Map.groupBy(rows, ({ key }) => key ?? '');
  const isEnded = (outcome: string) => (id: string) => jobs.get(id)?.outcome === outcome;
  const known = new Map(quotes.map(({ id, accepted }) => [id, accepted]));
  return [
    ...[...told.jobs]
      .filter(([, named]) => named.size !== 1)
      .map(([key]) => `not one job was named for ${key}`),
    ...[...told.jobs]
      .filter(([key, named]) => byKey.get(key)?.length !== 1 || !named.has(byKey.get(key)?.[0]?.id ?? ''))
      .map(([key]) => `lost or doubled: the job of ${key}`),
    ...missing('released', told.released, isEnded('released')),
    ...missing('failed', told.failed, isEnded('failed')),
    ...missing('opened', told.opened, (id) => jobs.get(id)?.spent === true),
    ...missing('quoted', told.quotes, (id) => known.has(id)),
    ...missing('accepted', told.accepted, (id) => known.get(id) === true),
  ];
}

function missing(what: string, ids: Iterable<string>, isThere: (id: string) => boolean): string[] {
  return [...ids].filter((id) => !isThere(id)).map((id) => `lost: ${what} ${id}`);
}

/** Jobs that ended, usage records and leaves, by kind; acceptances and their leaves. */
async function countsOf(db: Database): Promise<readonly string[]> {
  const rows = await db.rows<{ kind: string; jobs: string; usage: string; leaves: string }>(sql`
    SELECT kind, (SELECT count(*) FROM job WHERE outcome = o.outcome)::text AS jobs,
      (SELECT count(*) FROM usage_record WHERE outcome = o.outcome)::text AS usage,
      (SELECT count(*) FROM audit_leaf WHERE class = o.kind)::text AS leaves
    FROM (VALUES ('release', 'released'), ('failure', 'failed'), ('refusal', 'refused')) AS o(kind, outcome)
    UNION ALL
    SELECT 'quote', a, a, (SELECT count(*)::text FROM audit_leaf WHERE class = 'quote') FROM
      (SELECT count(*)::text AS a FROM quote_acceptance) AS accepted`);
  return rows
    .filter(({ jobs, usage, leaves }) => jobs !== usage || usage !== leaves)
    .map(({ kind, ...counts }) => `${kind}: ${JSON.stringify(counts)}`);
}

/** Budget and money: nothing is reserved any more, and what is used is what the records say. */
async function moneyOf(db: Database, stage: Stage): Promise<readonly string[]> {
  const { reserved, spent } = await ledgerOf(db, stage);
  const [row] = await db.rows<{ answers: string; unfinished: string; held: string; off: string }>(sql`
    SELECT (SELECT count(*) FROM job j JOIN reservation r ON r.job_id = j.id
        WHERE j.account_id = ${stage.account} AND r.state = 'spent')::text AS answers,
      (SELECT count(*) FROM job WHERE state <> 'done')::text AS unfinished,
      (SELECT sum(reserved_spend_nano) FROM grant_counter)::text AS held,
      (SELECT sum(c.used_spend_nano - coalesce((SELECT sum(q.value::numeric) FROM usage_record u, jsonb_each_text(u.quoted) q
          WHERE u.grant_id = c.grant_id AND u.charged), 0) + coalesce((SELECT sum(s.nano) FROM spend_return s
          JOIN job j ON j.id = s.job_id WHERE j.grant_id = c.grant_id), 0))
        FROM grant_counter c WHERE c.scope = 'total')::text AS off`);
  const wanted = {
    reserved: 0n,
    spent: COST * BigInt(row?.answers ?? -1),
    unfinished: '0',
    held: '0',
    off: '0',
  };
  const found = { reserved, spent, unfinished: row?.unfinished, held: row?.held, off: row?.off };
  return Object.keys(wanted)
    .filter((name) => wanted[name as keyof typeof wanted] !== found[name as keyof typeof found])
    .map(
      (name) => `${name}: ${found[name as keyof typeof found]} for ${wanted[name as keyof typeof wanted]}`,
    );
}

/** This month as far as it has come, which stands for one that is over. */
export async function monthOf(db: Database, { organisation, scene }: Stage): Promise<Month> {
  const timeZone = 'Asia/Shanghai';
  const [row] = await db.rows<{ period: string; from: Date; to: Date }>(sql`
    SELECT to_char(now() AT TIME ZONE ${timeZone}, 'YYYY-MM') AS period, clock_timestamp() AS "to",
      date_trunc('month', now() AT TIME ZONE ${timeZone}) AT TIME ZONE ${timeZone} AS "from"`);
  if (row === undefined) throw new RangeError('it is some month');
  const { period, from, to } = row;
  const [by] = scene.clerks;
  const parties = { issuer: scene.operator, buyer: organisation, by };
  return { ...parties, period, timeZone, from: from.toISOString(), to: to.toISOString() };
}

/** Closes the month, which somebody may have done, and adds its statement to what was told. */
export async function closeAtLast(db: Database, month: Month, told: Told): Promise<void> {
  const closed = await closeMonth(db, closingOf(month));
  if ('statement' in closed) told.closed.add(closed.statement.digest);
  else told.faults.add(`the month: ${closed.kind}`);
}

/** Every run that may be billed stands once on one family for each of its charges, and the lines say what they cost. */
async function billedOf(db: Database, { account }: Stage, told: Told): Promise<readonly string[]> {
  const loose = await db.rows<{ id: string; families: number }>(sql`
    SELECT u.id, count(c.family_id)::int AS families
    FROM usage_record u CROSS JOIN LATERAL jsonb_object_keys(u.quoted) AS k
      LEFT JOIN rated_run r ON r.usage_id = u.id
      LEFT JOIN usage_class c ON c.id = r.class_id AND c.fee_type || '/' || c.basis = k
    WHERE u.account_id = ${account} AND u.outcome <> 'refused'
    GROUP BY u.id, k HAVING count(c.family_id) <> 1 LIMIT 3`);
  const [sum] = await db.rows<{
    events: string;
    runs: string;
    fen: string;
    cost: string;
    statements: string;
  }>(sql`
    WITH run AS (SELECT * FROM usage_record WHERE account_id = ${account} AND outcome <> 'refused'),
      line AS (SELECT l.* FROM statement_line l JOIN statement s ON s.id = l.statement_id
        JOIN account a ON a.organisation_id = s.organisation_id WHERE a.id = ${account} AND l.fee_type = 'data_usage')
    SELECT (SELECT coalesce(sum(events), 0) FROM line)::text AS events, (SELECT count(*) FROM run)::text AS runs,
      (SELECT coalesce(sum(amount_fen), 0) FROM line)::text AS fen,
      (SELECT coalesce(sum(fen), 0) FROM (SELECT round(sum((planned->>'calls')::numeric) * ${String(CALL)}::numeric / 10000000) AS fen
        FROM run WHERE outcome = 'released' AND quoted->>'data_usage/calls' <> '0' GROUP BY grant_id) AS g)::text AS cost,
      (SELECT count(*) FROM statement s JOIN account a ON a.organisation_id = s.organisation_id WHERE a.id = ${account})::text AS statements`);
  return [
    ...loose.map(({ id, families }) => `${id} stands on ${families} families for a charge`),
    ...(told.closed.size === 1 && sum?.statements === '1'
      ? []
      : [`statements: ${[...told.closed].join(' and ')}`]),
    ...(sum?.events === sum?.runs ? [] : [`lines count ${sum?.events} runs of ${sum?.runs}`]),
    ...(sum?.fen === sum?.cost ? [] : [`lines come to ${sum?.fen} fen and not ${sum?.cost}`]),
  ];
}
