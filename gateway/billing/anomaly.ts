/**
 * Anomaly marks: days on which a grant was used far more than in the four weeks before.
 *
 * Guarantee: exact whole-number arithmetic; the mark of a day depends on that day and the 28 days before it and on
 * nothing else. A grant that is younger than 28 days has no mark: there is nothing to compare it with.
 * Not covered: use that grows slowly, and use that stops. A mark accuses nobody; it says where to look.
 *
 * Median and MAD (median absolute deviation): F. R. Hampel, The Influence Curve and its Role in Robust Estimation, 1974.
 */

/** Days that a day is compared with. */
export const DAYS_BEFORE = 28;
/** Deviations from the median from which on a day is marked. */
const MADS = 6n;
/** A day with fewer events than this is never marked. */
const EVENTS_MIN = 10n;
/**
 * The least MAD, in events. On a grant with the same use on most days the MAD is 0, and a single event more would be
 * above any multiple of it; one event then stands for the deviation that is usual.
 */
const MAD_MIN = 1n;

/** How a day was judged. Halves can occur, so median and MAD are decimal text. */
export interface DayJudgement {
  readonly marked: boolean;
  readonly median: string;
  readonly mad: string;
  /** The most events that are not marked. */
  readonly most: string;
}

/** Judges a day with this many events. `before`: the events of each of the 28 days before it; RangeError for others. */
export function judgeDay(events: bigint, before: readonly bigint[]): DayJudgement {
  if (before.length !== DAYS_BEFORE) throw new RangeError(`a day is judged by the ${DAYS_BEFORE} before it`);
  // The median of an even number of values is a half: doubled it is whole, and its deviations' median is in quarters.
  const median2 = doubledMedian(before);
  const mad4 = doubledMedian(before.map((count) => distance(2n * count, median2)));
  const least4 = mad4 < 4n * MAD_MIN ? 4n * MAD_MIN : mad4;
  const most4 = 2n * median2 + MADS * least4;
  return {
    marked: 4n * events > most4 && events >= EVENTS_MIN,
    median: quartersText(2n * median2),
    mad: quartersText(mad4),
    most: quartersText(most4),
  };
}

export interface DayMark extends DayJudgement {
  /** `2026-11-21`. */
  readonly day: string;
  readonly events: string;
}

/**
 * The marked days of one grant. `counts`: events by day, days without any left out; `first`: its first day. Days of
 * `from` to `to`, both included.
 */
export function markDays(
  counts: ReadonlyMap<string, bigint>,
  { first, from, to }: { readonly first: string; readonly from: string; readonly to: string },
): readonly DayMark[] {
  const judgedFrom = dayAfter(first, DAYS_BEFORE);
  const begin = judgedFrom > from ? judgedFrom : from;
  const marks: DayMark[] = [];
  for (let day = begin; day <= to; day = dayAfter(day, 1)) {
    const events = counts.get(day) ?? 0n;
    const before = Array.from({ length: DAYS_BEFORE }, (_, at) => counts.get(dayAfter(day, -1 - at)) ?? 0n);
    const judgement = judgeDay(events, before);
    if (judgement.marked) marks.push({ day, events: String(events), ...judgement });
  }
  return marks;
}

/** The day so many days after a calendar day. */
export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** Twice the median. */
function doubledMedian(values: readonly bigint[]): bigint {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const [low = 0n, high = 0n] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low + high;
}

function distance(a: bigint, b: bigint): bigint {
  return a < b ? b - a : a - b;
}

function quartersText(quarters: bigint): string {
  const rest = ['', '.25', '.5', '.75'][Number(quarters % 4n)] ?? '';
  return `${quarters / 4n}${rest}`;
}
