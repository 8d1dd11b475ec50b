/**
 * The counters of a grant: the same row refuses, counts and bills.
 *
 * Guarantee: reserved + used never exceeds a cap, however many ask at once: the check is the WHERE of the UPDATE
 * that counts. What a run used is moved from reserved to used once, in the transaction that records the run, and
 * given back only if no source was opened; the money of a failed run is given back later (spend-returns.ts).
 * Not covered: a limit that a new wording of the grant adds counts from then on.
 */
import { sql, type SQL } from 'drizzle-orm';

import {
  checkCounted,
  type Counted,
  QUOTA_UNITS,
  type Quota,
  type QuotaUnit,
  scopesOf,
} from '#policies/quota.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

import type { Tx } from './database.ts';
import { snakeCase } from './tables/grants.ts';
import type { PlannedUsage } from './tables/jobs.ts';

/** The part of a counter that an admission writes: `used` at once for a repeat, which reserves nothing. */
export type CountAs = 'reserved' | 'used';

const UNITS = QUOTA_UNITS.map((unit) => ({ unit, column: snakeCase(unit) }));

/** SQL over all units, in their order. */
function each(separator: string, part: (column: string) => string): SQL {
  return sql.raw(UNITS.map(({ column }) => part(column)).join(separator));
}

const COUNT_SQL = { reserved: countSql('reserved'), used: countSql('used') } as const;

/** The statement that counts and checks, for the rows of `${asked}`. */
function countSql(as: CountAs): (grantId: string, asked: string) => SQL {
  // Rows are taken in the order of their scopes, as in `settleUse`, so that two admissions cannot deadlock.
  return (grantId, asked) => sql`
    INSERT INTO grant_counter AS c
      (grant_id, scope, ${each(', ', (unit) => `cap_${unit}`)}, ${each(', ', (unit) => `${as}_${unit}`)})
    SELECT ${grantId}, a.scope, ${each(', ', (unit) => `a.cap_${unit}`)}, ${each(', ', (unit) => `a.${unit}`)}
    FROM jsonb_to_recordset(${asked}::jsonb)
      AS a(scope text, ${each(', ', (unit) => `cap_${unit} numeric, ${unit} numeric`)})
    WHERE ${each(' AND ', (unit) => `(a.cap_${unit} IS NULL OR a.${unit} <= a.cap_${unit})`)}
    ORDER BY a.scope COLLATE "C"
    ON CONFLICT (grant_id, scope) DO UPDATE SET
      ${each(', ', (unit) => `cap_${unit} = excluded.cap_${unit}, ${as}_${unit} = c.${as}_${unit} + excluded.${as}_${unit}`)}
    WHERE ${each(
      ' AND ',
      (unit) =>
        `(excluded.cap_${unit} IS NULL OR c.reserved_${unit} + c.used_${unit} + excluded.${as}_${unit} <= excluded.cap_${unit})`,
    )}
    RETURNING c.scope`;
}

/**
 * Counts a run on every counter of its grant that it counts on, or on none. Refusal QUOTA, PARAM. Returns the scopes
 * counted.
 * INVARIANT: the caller's transaction ends with the refusal, so that no counter stays counted.
 */
export async function countUse(
  tx: Tx,
  use: {
    readonly grantId: string;
    readonly quota: Quota;
    readonly counted: Counted;
    readonly planned: PlannedUsage;
  },
  as: CountAs,
): Promise<readonly string[]> {
  const { quota, planned } = use;
  const [spendNano, epsilonNano] = [plannedOf(planned, 'spendNano'), plannedOf(planned, 'epsilonNano')];
  checkCounted(quota, use.counted, { spendNano, epsilonNano });
  const scopes = scopesOf(quota, use.counted);
  const asked = scopes.map(({ scope, limits }) => ({
    scope,
    ...Object.fromEntries(
      UNITS.flatMap(({ unit, column }) => [
        [`cap_${column}`, limits[unit]],
        [column, plannedOf(planned, unit)],
      ]),
    ),
  }));
  const counted = await tx.rows<{ scope: string }>(COUNT_SQL[as](use.grantId, JSON.stringify(asked)));
  const full = scopes.find(({ scope }) => !counted.some((row) => row.scope === scope));
  if (full !== undefined) throw new Refusal('QUOTA', say('storage.quota', { scope: full.scope }));
  return scopes.map(({ scope }) => scope);
}

/**
 * Ends what a job has reserved: all of it goes, and what the run used is counted, null for nothing.
 * INVARIANT: a run uses no more than it reserved, so that no cap can be passed here.
 */
export async function settleUse(
  tx: Tx,
  job: { readonly grantId: string; readonly scopes: readonly string[]; readonly planned: PlannedUsage },
  used: PlannedUsage | null,
): Promise<void> {
  const amounts = Object.fromEntries(
    UNITS.flatMap(({ unit, column }) => [
      [`reserved_${column}`, plannedOf(job.planned, unit)],
      [`used_${column}`, used === null ? '0' : plannedOf(used, unit)],
    ]),
  );
  const moved = await tx.rows(sql`
    UPDATE grant_counter c SET ${each(
      ', ',
      (unit) =>
        `reserved_${unit} = c.reserved_${unit} - p.reserved_${unit}, used_${unit} = c.used_${unit} + p.used_${unit}`,
    )}
    FROM jsonb_to_record(${JSON.stringify(amounts)}::jsonb)
        AS p(${each(', ', (unit) => `reserved_${unit} numeric, used_${unit} numeric`)}),
      (SELECT scope FROM grant_counter WHERE grant_id = ${job.grantId} AND scope = ANY(${sql.param(job.scopes)}::text[])
       ORDER BY scope COLLATE "C" FOR NO KEY UPDATE) AS k
    WHERE c.grant_id = ${job.grantId} AND c.scope = k.scope
    RETURNING c.scope`);
  if (moved.length !== job.scopes.length) throw new RangeError('a job has a scope without a counter');
}

/** SQL for what counters of a grant have reserved and used, as JSON of decimal texts by scope; without those that count nothing yet. */
export function useSql(grantId: string, scopes: readonly string[]): SQL {
  const sums = UNITS.map(({ unit, column }) => `'${unit}', (reserved_${column} + used_${column})::text`).join(
    ', ',
  );
  return sql`(SELECT coalesce(jsonb_object_agg(scope, jsonb_build_object(${sql.raw(sums)})), '{}') FROM grant_counter
    WHERE grant_id = ${grantId} AND scope = ANY(${sql.param(scopes)}::text[]))`;
}

/** A planned quantity; a run without one could not be counted. */
function plannedOf(planned: PlannedUsage, unit: QuotaUnit): string {
  const amount = planned[unit];
  if (amount === undefined || !/^\d{1,38}$/.test(amount)) throw new RangeError(`planned usage lacks ${unit}`);
  return amount;
}
