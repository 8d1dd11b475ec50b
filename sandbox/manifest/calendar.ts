/**
 * Dates and timestamps as manifests write them, brought to one text per moment so that texts compare as moments.
 *
 * Proleptic Gregorian calendar, years 0001 to 9999 (ISO 8601); no leap seconds; no offset, because a timestamp
 * is read in the dataset's time zone.
 */
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The date as YYYY-MM-DD, or null when it is no day of the calendar. */
export function parseDate(text: string): string | null {
  const match = DATE.exec(text);
  if (!match) return null;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const last = month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
  return year >= 1 && day >= 1 && day <= last ? text : null;
}

/** The timestamp as YYYY-MM-DDTHH:MM:SS[.ffffff] without trailing zeros, or null when it is none. */
export function parseTimestamp(text: string): string | null {
  const match = TIMESTAMP.exec(text);
  if (!match?.[1] || parseDate(match[1]) === null) return null;
  const plain = text.replace(' ', 'T');
  return plain.includes('.') ? plain.replace(/\.?0+$/, '') : plain;
}
