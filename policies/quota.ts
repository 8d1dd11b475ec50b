/**
 * The amounts a grant limits, and how much of each is left.
 *
 * All amounts are planned quantities (functions of Plan and policy, never of the data) and decimal text of
 * whole numbers, so that they survive JSON exactly. Counting is the database's: the counter that refuses is
 * the counter that bills. This file only subtracts what was counted.
 */

export const QUOTA_UNITS = [
  'runs',
  'calls',
  'rows',
  'outputs',
  'computeUnits',
  'epsilonNano',
  'spendNano',
] as const;

/** runs, service calls, nominal rows, released values, compute units, ε in units of 1e-9, and money in billionths of a yuan. */
export type QuotaUnit = (typeof QUOTA_UNITS)[number];

/** Decimal text of a whole number from 0. */
export type Amount = string;

export type Amounts = Readonly<Record<QuotaUnit, Amount>>;

/** What may still be used; null where the grant sets no limit. Runs are always limited. */
export type AmountsLeft = Readonly<Record<Exclude<QuotaUnit, 'runs'>, Amount | null>> & {
  readonly runs: Amount;
};

export interface Quota {
  /** Over the life of the grant. */
  readonly total: AmountsLeft;
  /** Per calendar day in the dataset's time zone. */
  readonly perDay: Readonly<Record<QuotaUnit, Amount | null>> | null;
}

export const NOTHING_USED: Amounts = {
  runs: '0',
  calls: '0',
  rows: '0',
  outputs: '0',
  computeUnits: '0',
  epsilonNano: '0',
  spendNano: '0',
};

/** Parses an amount; anything but decimal digits is a programmer's error. */
function amountOf(text: Amount): bigint {
  if (!/^\d{1,38}$/.test(text)) throw new RangeError('an amount is decimal text of a whole number');
  return BigInt(text);
}

/** What is left of a quota: per unit the smaller of what the total and today leave, never below zero. */
export function quotaLeft(
  quota: Quota,
  used: { readonly total: Amounts; readonly today: Amounts },
): AmountsLeft {
  const left = (unit: QuotaUnit): Amount | null => {
    const total = rest(quota.total[unit], used.total[unit]);
    const today = rest(quota.perDay?.[unit] ?? null, used.today[unit]);
    if (total === null || today === null) return (total ?? today)?.toString() ?? null;
    return (total < today ? total : today).toString();
  };
  return {
    // INVARIANT: a grant always limits runs, so this is never null.
    runs: left('runs') ?? '0',
    calls: left('calls'),
    rows: left('rows'),
    outputs: left('outputs'),
    computeUnits: left('computeUnits'),
    epsilonNano: left('epsilonNano'),
    spendNano: left('spendNano'),
  };
}

/** The units of which more is asked than is left. Throws RangeError when an amount is not stated. */
export function exceededUnits(asked: Amounts, left: AmountsLeft): readonly QuotaUnit[] {
  // INVARIANT: runs are always limited; null here is a gap in the caller's facts, not a grant without limit.
  amountOf(left.runs);
  return QUOTA_UNITS.filter((unit) => {
    const amount = amountOf(asked[unit]);
    const available = left[unit];
    return available !== null && amount > amountOf(available);
  });
}

function rest(limit: Amount | null, used: Amount): bigint | null {
  if (limit === null) return null;
  const left = amountOf(limit) - amountOf(used);
  return left > 0n ? left : 0n;
}

/** The calendar day (YYYY-MM-DD) of an instant in a time zone: the key under which a day's use is counted. */
export function quotaDay(now: string, timeZone: string): string {
  const at = Date.parse(now);
  if (Number.isNaN(at)) throw new RangeError('a quota day needs an instant with a zone');
  const parts = dayFormat(timeZone).formatToParts(at);
  const part = (type: string): string => parts.find((entry) => entry.type === type)?.value ?? '';
  return `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
}

/** A format costs a third of a millisecond to make, and zones are few: those of the datasets. */
const FORMATS = new Map<string, Intl.DateTimeFormat>();

function dayFormat(timeZone: string): Intl.DateTimeFormat {
  const known = FORMATS.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  FORMATS.set(timeZone, format);
  return format;
}
