/**
 * Sums of usage for reports: over a month or several, by the dimensions that a report shows.
 *
 * Guarantee: only what may be seen by now is counted; the sums are of planned quantities. Every record is in one row
 * (`sumUsage`), or in one for each of its datasets where the report is by dataset.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { UsageDimension } from '../billing/usage-dimension.ts';
import type { Tx } from './database.ts';
import { isAsked, USAGE_OF_JOBS, type UsageFilter } from './oversight.ts';
import { shownAt, told } from './visibility.ts';

const VALUES: Readonly<Record<UsageDimension, SQL>> = {
  dataset: sql`s.dataset`,
  buyer: sql`a.organisation_id`,
  purpose: sql`j.purpose`,
  scene: sql`j.scene`,
  grant: sql`u.grant_id`,
  account: sql`u.account_id`,
  outcome: told('j').outcome,
  product: sql`u.billing->'product'->>'id'`,
  purposeClass: sql`u.billing->>'purposeClass'`,
};

export interface UsageSum {
  /** By dimension; null where a record has none. */
  readonly by: Readonly<Partial<Record<UsageDimension, string | null>>>;
  /** Decimal text of whole numbers. */
  readonly runs: string;
  readonly released: string;
  readonly calls: string;
  readonly rows: string;
  readonly bytes: string;
  readonly outputs: string;
  readonly computeUnits: string;
  readonly epsilonNano: string;
  /** What it was quoted at most, in billionths of a yuan. */
  readonly quotedNano: string;
}

/** The sums of what a filter asks for. `provider` in the filter leaves out the datasets of others as well. */
export async function sumUsage(
  tx: Tx,
  filter: UsageFilter,
  by: readonly UsageDimension[],
): Promise<readonly UsageSum[]> {
  const pairs = by.map((name) => sql`${sql.raw(`'${name}'`)}, ${VALUES[name]}`);
  const sets = by.includes('dataset')
    ? sql`CROSS JOIN LATERAL unnest(j.datasets) AS s(dataset) JOIN dataset o ON o.name = s.dataset
        AND (${filter.provider}::text IS NULL OR o.organisation_id = ${filter.provider})
        AND (${filter.dataset}::text IS NULL OR o.name = ${filter.dataset})`
    : sql.empty();
  const amount = (name: string): SQL =>
    sql`coalesce(sum((u.planned->>${sql.raw(`'${name}'`)})::numeric), 0)::text`;
  return tx.rows<UsageSum>(sql`
    SELECT jsonb_build_object(${sql.join(pairs, sql`, `)}) AS by, count(*)::text AS runs,
      count(*) FILTER (WHERE ${told('j').outcome} = 'released')::text AS released, ${amount('calls')} AS calls,
      ${amount('rows')} AS rows, ${amount('bytes')} AS bytes, ${amount('outputs')} AS outputs,
      ${amount('computeUnits')} AS "computeUnits", ${amount('epsilonNano')} AS "epsilonNano",
      coalesce(sum((SELECT sum(q.value::numeric) FROM jsonb_each_text(u.quoted) AS q)), 0)::text AS "quotedNano"
    FROM ${USAGE_OF_JOBS} ${sets}
    WHERE ${isAsked(filter)} GROUP BY 1 ORDER BY 1`);
}

/** Events of each grant on each day of the time zone, and the first day of each grant. */
export async function countByDay(
  tx: Tx,
  filter: UsageFilter,
  timeZone: string,
): Promise<
  readonly { readonly grant: string; readonly day: string; readonly first: string; readonly events: string }[]
> {
  return tx.rows(sql`
    SELECT u.grant_id AS grant, to_char(${shownAt('j')} AT TIME ZONE ${timeZone}, 'YYYY-MM-DD') AS day,
      to_char(g.created_at AT TIME ZONE ${timeZone}, 'YYYY-MM-DD') AS first, count(*)::text AS events
    FROM ${USAGE_OF_JOBS} JOIN (SELECT grant_id, min(visible_at) AS created_at FROM usage_record GROUP BY grant_id) g ON g.grant_id = u.grant_id
    WHERE ${isAsked(filter)} GROUP BY 1, 2, 3 ORDER BY 1, 2`);
}

/** Organisations that run the platform, or that a filed agreement names as operator or pays as one. */
export async function affiliatedOrganisations(tx: Tx): Promise<readonly string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    SELECT id FROM organisation WHERE operator
    UNION SELECT body->'parties'->>'operator' FROM filed_document WHERE kind = 'Agreement' AND approved_at IS NOT NULL
    UNION SELECT p->>'id' FROM filed_document, jsonb_array_elements(body->'payees') AS p
      WHERE kind = 'Agreement' AND approved_at IS NOT NULL AND p->>'type' IN ('operator', 'platform')
    ORDER BY id`);
  return rows.map(({ id }) => id);
}
