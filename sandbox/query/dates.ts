/** Calendar dates and local timestamps as text: validation and the arithmetic that public key lists need. */
import type { ExtractField, TruncUnit } from '../expression.ts';

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(\.\d{1,6})?)?)?$/;
const DAY_MS = 86_400_000;

/** Canonical `YYYY-MM-DD` in the years 0001–9999, or null. */
export function parseDate(text: string): string | null {
  const match = DATE.exec(text.trim());
  if (match === null || match[1] === '0000') return null;
  const canonical = match[0];
  const time = Date.parse(`${canonical}T00:00:00Z`);
  return Number.isNaN(time) || dateText(time) !== canonical ? null : canonical;
}

/** Canonical `YYYY-MM-DDTHH:MM:SS[.ffffff]`, or null. A date alone is its midnight. */
export function parseTimestamp(text: string): string | null {
  const match = TIMESTAMP.exec(text.trim());
  const date = match === null ? null : parseDate(match[1]!);
  if (match === null || date === null) return null;
  const [hour, minute, second] = [match[2] ?? '00', match[3] ?? '00', match[4] ?? '00'];
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  // One text per instant, so that equal questions have equal Plans.
  const fraction = (match[5] ?? '').replace(/\.?0+$/, '');
  return `${date}T${hour}:${minute}:${second}${fraction}`;
}

/** The first instant of the period that a date or timestamp lies in, as canonical date text (hour: timestamp text). */
export function truncate(unit: TruncUnit, text: string): string {
  const date = text.slice(0, 10);
  const [year, month] = [date.slice(0, 4), Number(date.slice(5, 7))];
  switch (unit) {
    case 'year':
      return `${year}-01-01`;
    case 'quarter':
      return `${year}-${pad(month - ((month - 1) % 3))}-01`;
    case 'month':
      return `${date.slice(0, 7)}-01`;
    case 'week':
      return addDays(date, -((dayOfWeek(date) + 6) % 7));
    case 'day':
      return date;
    case 'hour':
      return `${text.slice(0, 13)}:00:00`;
  }
}

/** A part of a canonical date or timestamp, as a number; Sunday is day 0 of the week. */
export function extract(field: ExtractField, text: string): number {
  const date = text.slice(0, 10);
  const month = Number(date.slice(5, 7));
  switch (field) {
    case 'year':
      return Number(date.slice(0, 4));
    case 'quarter':
      return Math.ceil(month / 3);
    case 'month':
      return month;
    case 'day':
      return Number(date.slice(8, 10));
    case 'dow':
      return dayOfWeek(date);
    case 'hour':
      return Number(text.slice(11, 13));
  }
}

/** All period starts from the one `low` lies in to the one `high` lies in, at most `max` + 1 of them. */
export function periodsBetween(unit: TruncUnit, low: string, high: string, max: number): readonly string[] {
  const last = truncate(unit, high);
  const periods: string[] = [];
  if (low > high) return periods;
  // The last one has no next where it holds the end of the year 9999.
  for (let at = truncate(unit, low); periods.length <= max; at = next(unit, at)) {
    periods.push(at);
    if (at === last) break;
  }
  return periods;
}

function next(unit: TruncUnit, start: string): string {
  const [year, month] = [Number(start.slice(0, 4)), Number(start.slice(5, 7))];
  switch (unit) {
    case 'year':
      return `${pad(year + 1, 4)}-01-01`;
    case 'quarter':
      return month > 9 ? `${pad(year + 1, 4)}-01-01` : `${pad(year, 4)}-${pad(month + 3)}-01`;
    case 'month':
      return month > 11 ? `${pad(year + 1, 4)}-01-01` : `${pad(year, 4)}-${pad(month + 1)}-01`;
    case 'week':
      return addDays(start, 7);
    case 'day':
      return addDays(start, 1);
    case 'hour':
      return new Date(Date.parse(`${start}Z`) + 3_600_000).toISOString().slice(0, 19);
  }
}

function addDays(date: string, days: number): string {
  return dateText(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS);
}

/** 0 = Sunday. */
function dayOfWeek(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay();
}

function dateText(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, '0');
}
