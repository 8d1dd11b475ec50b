/**
 * What is counted under a grant, beside its limits, and the alerts about its money.
 *
 * Guarantee: reserved and used are one sum, because the step from one to the other says when a run has ended; it moves
 * with admissions, which are planned amounts, and with money that goes back after a release time.
 */
import { type Amounts, NOTHING_USED, QUOTA_UNITS, quotaDay, scopesOn } from '#policies/quota.ts';
import { instantText } from '#sandbox/release/zone.ts';
import type { Caller } from '../http/endpoint.ts';
import { findDataset } from '../storage/dataset-list.ts';
import { findAmounts, findGrant, type GrantRecord } from '../storage/grant-store.ts';
import type { SpendAlert } from '../storage/spend-alerts.ts';
import { notFound } from './permission.ts';
import type { Shell } from './shell.ts';

/** A counter as it is shown: amounts are decimal text, money in billionths of a yuan; null: no limit. */
interface CounterView {
  readonly scope: string;
  readonly counted: Amounts;
  readonly limits: Readonly<Record<keyof Amounts, string | null>>;
  /** How much of its money is counted, rounded down; null without a limit, or with none of it allowed. */
  readonly spendPercent: number | null;
}

/** A grant whose counters this caller may see: its holder's, or he oversees all. HttpFault NOT_FOUND. */
export async function spendingGrant(shell: Shell, caller: Caller, id: string): Promise<GrantRecord> {
  const { roles, org } = caller.principal;
  const grant = await findGrant(shell.db, id);
  const oversees = roles.some((role) => role === 'operator' || role === 'auditor' || role === 'supervisor');
  if (grant === null || (!oversees && grant.body.holder !== org.id)) throw notFound();
  return grant;
}

/** The counters of a grant on which a run of now could count. */
export async function countersOf(shell: Shell, { id, body }: GrantRecord): Promise<readonly CounterView[]> {
  const days = await daysOf(shell, body.datasets);
  const scopes = new Map(
    days.flatMap((day) => scopesOn(body.quota, day)).map((entry) => [entry.scope, entry]),
  );
  const amounts = await findAmounts(shell.db, id, [...scopes.keys()]);
  return [...scopes.values()].map(({ scope, limits }) => {
    const counted = amounts[scope] ?? NOTHING_USED;
    const cap = BigInt(limits.spendNano ?? '0');
    return {
      scope,
      counted,
      limits: Object.fromEntries(
        QUOTA_UNITS.map((unit) => [unit, limits[unit] ?? null]),
      ) as CounterView['limits'],
      spendPercent: cap === 0n ? null : Number((BigInt(counted.spendNano) * 100n) / cap),
    };
  });
}

/** Today in the time zones of a grant's datasets. */
async function daysOf(shell: Shell, datasets: GrantRecord['body']['datasets']): Promise<readonly string[]> {
  const found = await Promise.all(datasets.map(({ dataset }) => findDataset(shell.db, dataset)));
  const zones = found.map((dataset) => dataset?.manifest.timeZone ?? shell.timeZone);
  const now = new Date(shell.now()).toISOString();
  return [...new Set(zones.map((zone) => quotaDay(now, zone)))];
}

/** An alert as a resource. */
export function alertView({ timeZone }: Shell, { scope, percent, capNano, at }: SpendAlert): object {
  return { scope, percent, limitNano: capNano, at: instantText(at.getTime(), timeZone) };
}
