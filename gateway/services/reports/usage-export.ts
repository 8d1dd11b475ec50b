/**
 * Usage as files: CloudEvents 1.0 as JSON lines, or a table for a spreadsheet, of any number of records.
 *
 * Guarantee: an event here is the event that GET /v1/usage gives; each record is decided on for its reader. A page is
 * made when the page before was taken, so that an export needs the memory of a few pages.
 */
import { instantText } from '#sandbox/release/zone.ts';
import type { Caller } from '../../http/endpoint.ts';
import type { SeenUsage, UsageDimensions } from '../../storage/oversight.ts';
import { exportUsage, type Extract } from '../../storage/usage-export.ts';
import { readersOf, readingOf } from '../permission.ts';
import type { Shell } from '../shell.ts';
import { usageEvent } from '../usage.ts';
import { type Column, sheetHead, sheetLines } from './sheet.ts';

export const FILE_FORMATS = ['jsonl', 'csv'] as const;

/** JSON lines, or CSV. */
export type FileFormat = (typeof FILE_FORMATS)[number];

export interface UsageFileAsk {
  readonly filter: UsageDimensions;
  readonly format: FileFormat;
  /** Only what came to be seen between two positions; null: whatever may be seen. */
  readonly extract: Extract | null;
}

/** The text of an export, in pieces. */
export async function* usageFile(
  shell: Shell,
  { principal }: Caller,
  { filter, format, extract }: UsageFileAsk,
): AsyncGenerator<string> {
  const reading = await readingOf(shell, principal);
  const timeOf = timesIn(shell.timeZone);
  // What a copy holds is what every reader of these records reads: measured quantities are for operators alone.
  const withMeasured = principal.roles.includes('operator') && extract === null;
  const columns = usageColumns(timeOf);
  const asked = { ...filter, readers: readersOf(principal, 'read_usage') };
  if (format === 'csv') yield sheetHead(columns);
  for await (const page of exportUsage(shell.db, asked, extract)) {
    const rows = page.filter((row) => reading.may('read_usage', row));
    if (format === 'csv') yield sheetLines(columns, rows);
    else yield rows.map((row) => `${JSON.stringify(usageEvent(row, timeOf, { withMeasured }))}\n`).join('');
  }
}

const AMOUNTS = [
  'products',
  'runs',
  'calls',
  'rows',
  'bytes',
  'outputs',
  'outputBytes',
  'serviceMs',
  'cpuMs',
  'computeUnits',
  'epsilonNano',
  'spendNano',
] as const;

function usageColumns(timeOf: (at: Date) => string): readonly Column<SeenUsage>[] {
  return [
    ['id', (row) => row.id],
    ['time', (row) => timeOf(row.releaseAt)],
    ['job', (row) => row.jobId],
    ['account', (row) => row.accountId],
    ['organisation', (row) => row.buyer],
    ['grant', (row) => row.grantId],
    ['datasets', (row) => row.datasets.join(' ')],
    ['purpose', (row) => row.purpose],
    ['scene', (row) => row.scene],
    ['outcome', (row) => row.outcome],
    ['code', (row) => row.code],
    ['repeat', (row) => row.repeat],
    ['charged', (row) => row.charged],
    ['spentNano', (row) => row.spentNano],
    ['spentThresholdDeltaYocto', (row) => row.spentYocto],
    ...AMOUNTS.map((name): Column<SeenUsage> => [name, (row) => row.planned[name] ?? null]),
    ['program', (row) => row.program],
  ];
}

const QUARTER_MS = 900_000;
const OFFSETS_MAX = 10_000;

/** Instants in a time zone. Offsets change at quarters of an hour at most, and looking one up takes longer than a record. */
function timesIn(timeZone: string): (at: Date) => string {
  const offsets = new Map<number, { readonly ms: number; readonly text: string }>();
  return (at) => {
    const quarter = Math.floor(at.getTime() / QUARTER_MS);
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      const text = instantText(quarter * QUARTER_MS, timeZone);
      offset = { ms: Date.parse(`${text.slice(0, 23)}Z`) - quarter * QUARTER_MS, text: text.slice(23) };
      if (offsets.size >= OFFSETS_MAX) offsets.clear();
      offsets.set(quarter, offset);
    }
    return `${new Date(at.getTime() + offset.ms).toISOString().slice(0, 23)}${offset.text}`;
  };
}
