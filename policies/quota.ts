/**
 * The amounts a grant limits, on which counters a run counts, and how much of each is left.
 *
 * All amounts are planned quantities (functions of Plan and policy, never of the data) and decimal text of
 * whole numbers, so that they survive JSON exactly. Counting is the database's: the counter that refuses is
 * the counter that bills. This file says which counters those are and subtracts what was counted, so that a quote and
 * an admission cannot disagree about either.
 */
import { isPurpose, purposePath } from './purpose.ts';
import { Refusal } from './refusal.ts';
import { say } from './words.ts';

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

/** The most of each unit; null or absent: no limit. */
export type Limits = Readonly<Partial<Record<QuotaUnit, Amount | null | undefined>>>;

/** What a grant limits. It has one scene, so that this is the scene's. A wording from before a field existed lacks it. */
export interface Quota {
  /** Over the life of the grant. */
  readonly total: Limits & { readonly runs: Amount };
  /** Per calendar day in the dataset's time zone. */
  readonly perDay: Limits | null;
  /** Per calendar month there. */
  readonly perMonth?: Limits | null | undefined;
  /** Over the life of the grant, for a purpose with everything below it in the purpose tree. */
  readonly perPurpose?: readonly (Limits & { readonly purpose: string })[] | undefined;
  /** Over the life of the grant, for a cost centre of its holder; where there are any, every run names one. */
  readonly costCentres?: readonly (Limits & { readonly id: string })[] | undefined;
  /** For runs without an accepted quote. Absent: only runs that cost no money, without a limit of their own. */
  readonly standing?: { readonly perCall: Limits; readonly perDay: Limits } | null | undefined;
}

/** As what a run counts. */
export interface Counted {
  /** The calendar day in the dataset's time zone, YYYY-MM-DD. */
  readonly day: string;
  readonly purpose: string;
  readonly costCentre: string | null;
  /** Whether its buyer accepted a quote for it. */
  readonly hasQuote: boolean;
}

/** What the counters of a grant that a run may count on have counted, by scope; absent: nothing. */
export interface Used extends Counted {
  readonly amounts: Readonly<Record<string, Amounts>>;
}

/** A counter, and the most that it may count. */
export interface LimitedScope {
  readonly scope: string;
  readonly limits: Limits;
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

/** The names of counters. */
const SCOPES = {
  total: 'total',
  day: (day: string): string => `day:${day}`,
  month: (day: string): string => `month:${day.slice(0, 7)}`,
  purpose: (purpose: string): string => `purpose:${purpose}`,
  costCentre: (id: string): string => `cost-centre:${id}`,
  standing: (day: string): string => `standing:${day}`,
} as const;

/** Every counter that a run may count on, whatever its grant limits. */
export function possibleScopes({ day, purpose, costCentre, hasQuote }: Counted): readonly string[] {
  return [
    SCOPES.total,
    SCOPES.day(day),
    SCOPES.month(day),
    ...(isPurpose(purpose) ? purposePath(purpose).map(SCOPES.purpose) : []),
    ...(costCentre === null ? [] : [SCOPES.costCentre(costCentre)]),
    ...(hasQuote ? [] : [SCOPES.standing(day)]),
  ];
}

/** The counters of a grant that may count on a day, each once: the total, and whatever else it limits. */
export function scopesOn(quota: Quota, day: string): readonly LimitedScope[] {
  const { total, perDay, perMonth, perPurpose = [], costCentres = [], standing } = quota;
  const limited = [
    { scope: SCOPES.total, limits: total },
    { scope: SCOPES.day(day), limits: perDay },
    { scope: SCOPES.month(day), limits: perMonth },
    ...perPurpose.map(({ purpose, ...limits }) => ({ scope: SCOPES.purpose(purpose), limits })),
    ...costCentres.map(({ id, ...limits }) => ({ scope: SCOPES.costCentre(id), limits })),
    { scope: SCOPES.standing(day), limits: standing?.perDay },
  ];
  return limited.flatMap(({ scope, limits }) => (limits == null ? [] : [{ scope, limits }]));
}

/** The counters that a run counts on. */
export function scopesOf(quota: Quota, use: Counted): readonly LimitedScope[] {
  const possible = possibleScopes(use);
  return scopesOn(quota, use.day).filter(({ scope }) => possible.includes(scope));
}

/** The most of one run without an accepted quote: where nothing is said of it, no money. */
function perCallOf({ standing }: Quota): Limits {
  return standing?.perCall ?? { spendNano: '0' };
}

/**
 * Checks what no counter tells. Refusal PARAM for a cost centre that the grant does not list, or none where it lists
 * some; QUOTA for a run without an accepted quote above the standing ceiling of one call.
 */
export function checkCounted(
  quota: Quota,
  use: Counted,
  planned: Pick<Amounts, 'spendNano' | 'epsilonNano'>,
): void {
  const listed = (quota.costCentres ?? []).map(({ id }) => id);
  const { costCentre, hasQuote } = use;
  if (costCentre === null ? listed.length > 0 : !listed.includes(costCentre))
    throw new Refusal(
      'PARAM',
      say('quota.costCentre', { asked: costCentre ?? '–', listed: listed.join(', ') || '–' }),
    );
  if (hasQuote) return;
  const perCall = perCallOf(quota);
  for (const unit of ['spendNano', 'epsilonNano'] as const) {
    const [asked, limit] = [planned[unit], perCall[unit]];
    if (limit != null && amountOf(asked) > amountOf(limit))
      throw new Refusal('QUOTA', say('quota.standing', { unit, asked, limit }));
  }
}

/** Parses an amount; anything but decimal digits is a programmer's error. */
function amountOf(text: Amount): bigint {
  if (!/^\d{1,38}$/.test(text)) throw new RangeError('an amount is decimal text of a whole number');
  return BigInt(text);
}

/** What is left of a quota for a run: per unit the least that any counter of it leaves, never below zero. */
export function quotaLeft(quota: Quota, used: Used): AmountsLeft {
  const scopes = scopesOf(quota, used);
  const left = (unit: QuotaUnit): Amount | null => {
    const rests = scopes.map(({ scope, limits }) =>
      rest(limits[unit], (used.amounts[scope] ?? NOTHING_USED)[unit]),
    );
    const ceiling = used.hasQuote ? null : rest(perCallOf(quota)[unit], '0');
    const known = [...rests, ceiling].filter((amount) => amount !== null);
    return known.length === 0
      ? null
      : String(known.reduce((least, amount) => (amount < least ? amount : least)));
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

function rest(limit: Amount | null | undefined, used: Amount): bigint | null {
  if (limit == null) return null;
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
