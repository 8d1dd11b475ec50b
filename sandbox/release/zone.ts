/** Offsets of wall-clock times in a named time zone: stored and sent times carry one. */

const formats = new Map<string, Intl.DateTimeFormat>();

/** The UTC offset, as `+08:00`, of a local `YYYY-MM-DDTHH:MM:SS` in a zone; of a doubled hour, the first one's. */
export function offsetOf(local: string, timeZone: string): string {
  const asUtc = Date.parse(`${local.slice(0, 19)}Z`);
  const first = offsetAt(asUtc - offsetAt(asUtc, timeZone), timeZone);
  return offsetText(first);
}

/** An instant as ISO 8601 with the zone's offset, to the millisecond. */
export function instantText(epochMs: number, timeZone: string): string {
  const offset = offsetAt(epochMs, timeZone);
  return `${new Date(epochMs + offset).toISOString().slice(0, 23)}${offsetText(offset)}`;
}

function offsetAt(epochMs: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(epochMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const local = Date.UTC(
    parts['year']!,
    parts['month']! - 1,
    parts['day'],
    parts['hour'],
    parts['minute'],
    parts['second'],
  );
  return local - Math.floor(epochMs / 1000) * 1000;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(timeZone, format);
  return format;
}

function offsetText(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}
