/**
 * Billing periods: calendar months in the time zone of the bills.
 *
 * Guarantee: every instant lies in exactly one period, and a period ends where the next one begins.
 * Not covered: zones that set their clocks back over the midnight that begins a month; none has since 2011.
 */
import { quotaDay } from '#policies/quota.ts';
import { offsetOf } from '#sandbox/release/zone.ts';

/** A calendar month: `2026-11`. */
export type Period = string;

/** Whether a text names a period that may be asked for: one that has a period before and after it, with bounds. */
export function isPeriod(text: string): boolean {
  return isMonth(text) && !text.startsWith('0') && !text.startsWith('9999');
}

function isMonth(text: string): boolean {
  return /^\d{4}-(0[1-9]|1[0-2])$/.test(text) && !text.startsWith('0000');
}

/** The period in which an instant lies. */
export function periodOf(at: Date, timeZone: string): Period {
  return quotaDay(at.toISOString(), timeZone).slice(0, 7);
}

/** The first instant of a period, and the first instant after it. RangeError when it names no period. */
export function periodBounds(period: Period, timeZone: string): { readonly from: Date; readonly to: Date } {
  return { from: beginOf(period, timeZone), to: beginOf(nextPeriod(period), timeZone) };
}

/** The period after one. */
export function nextPeriod(period: Period): Period {
  const { year, month } = partsOf(period);
  return month === 12 ? textOf(year + 1, 1) : textOf(year, month + 1);
}

/** The period before one. */
export function previousPeriod(period: Period): Period {
  const { year, month } = partsOf(period);
  return month === 1 ? textOf(year - 1, 12) : textOf(year, month - 1);
}

function beginOf(period: Period, timeZone: string): Date {
  const local = `${period}-01T00:00:00`;
  const begin = new Date(`${local}${offsetOf(local, timeZone)}`);
  // Where clocks skip midnight, the offset after the gap names an instant before it, in the month before.
  if (periodOf(begin, timeZone) === period) return begin;
  return firstInstantAfter(begin, period, timeZone);
}

/** No zone skips more than a day. */
const SKIPPED_MS = 24 * 3_600_000;

function firstInstantAfter(before: Date, period: Period, timeZone: string): Date {
  let [low, high] = [before.getTime(), before.getTime() + SKIPPED_MS];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (periodOf(new Date(middle), timeZone) === period) high = middle;
    else low = middle;
  }
  return new Date(high);
}

function partsOf(period: Period): { readonly year: number; readonly month: number } {
  if (!isMonth(period)) throw new RangeError('a period is a calendar month such as 2026-11');
  return { year: Number(period.slice(0, 4)), month: Number(period.slice(5)) };
}

function textOf(year: number, month: number): Period {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`;
}
