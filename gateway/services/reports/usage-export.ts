/**
 * Usage as files: CloudEvents 1.0 as JSON lines, or a table for a spreadsheet, of any number of records.
 *
 * Guarantee: an event here is the event that GET /v1/usage gives; each record is decided on for its reader. A page is
 * made when the page before was taken, so that an export needs the memory of a few pages.
 */
import { instantText } from '#sandbox/release/zone.ts';
import type { DocumentRef, Quoted } from '../../billing/facts.ts';
import type { Caller } from '../../http/endpoint.ts';
import { remembered } from '../../remembered.ts';
import type { Parties, SeenUsage, UsageDimensions } from '../../storage/oversight.ts';
import type { PlannedUsage } from '../../storage/tables/jobs.ts';
import { exportEvents, exportUsage, type Extract } from '../../storage/usage-export.ts';
import { readersOf, readingOf } from '../permission.ts';
import type { Shell } from '../shell.ts';
import { billingOf, purposeClassOf, usageLines } from '../usage.ts';
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
  const columns = sheetColumns(timeOf);
  const asked = { ...filter, readers: readersOf(principal, 'read_usage') };
  const may = (row: Parties): boolean => reading.may('read_usage', row);
  if (format === 'csv') {
    yield sheetHead(columns);
    for await (const page of exportUsage(shell.db, asked, extract))
      yield sheetLines(columns, page.filter(may));
  } else
    for await (const { rows, quotes } of exportEvents(shell.db, asked, extract))
      yield usageLines({ rows: rows.filter(may), quotes: quotes.filter(may) }, timeOf, { withMeasured })
        .map((line) => `${line}\n`)
        .join('');
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
  'gpuMs',
  'memoryMbMs',
  'storageMbMs',
  'seats',
  'computeUnits',
  'epsilonNano',
  'spendNano',
] as const;

function sheetColumns(timeOf: (at: Date) => string): readonly Column<SeenUsage>[] {
  return [
    ['id', (row) => row.id],
    ['time', (row) => timeOf(row.releaseAt)],
    ['job', (row) => row.jobId],
    ['account', (row) => row.accountId],
    ['organisation', (row) => row.buyer],
    ['grant', (row) => row.grantId],
    ['datasets', (row) => (JSON.parse(row.datasets) as string[]).join(' ')],
    ['purpose', (row) => row.purpose],
    ['scene', (row) => row.scene],
    ['outcome', (row) => row.outcome],
    ['code', (row) => row.code],
    ['repeat', (row) => row.repeat],
    ['charged', (row) => row.charged],
    ['spentNano', (row) => row.spentNano],
    ['spentThresholdDeltaYocto', (row) => row.spentYocto],
    ...AMOUNTS.map((name): Column<SeenUsage> => [name, (row) => quantitiesOf(row.planned)[name] ?? null]),
    ['program', (row) => row.program],
    ...BILLED_BY,
  ];
}

const quantitiesOf = remembered((planned: string) => JSON.parse(planned) as PlannedUsage);

/** By what a run is billed: wordings as `id/revision`, lists with a space between. */
const BILLED_BY: readonly Column<SeenUsage>[] = [
  ['purposeClass', purposeClassOf],
  ['channel', (row) => billingOf(row)?.channel ?? null],
  ['costCentre', (row) => billingOf(row)?.costCentre ?? null],
  ['product', (row) => wordingOf(billingOf(row)?.product ?? null)],
  ['agreement', (row) => wordingOf(billingOf(row)?.agreement ?? null)],
  [
    'contributions',
    (row) =>
      (billingOf(row)?.contributions ?? [])
        .map(({ dataset, contributor, weight }) => `${dataset}:${contributor}:${weight}`)
        .join(' '),
  ],
  [
    'rateCards',
    (row) =>
      (billingOf(row)?.fees ?? [])
        .map(({ feeType, card }) => `${feeType}:${wordingOf(card) ?? ''}`)
        .join(' '),
  ],
  ['quote', (row) => row.quoteId],
  ['quoted', (row) => quotedText(row.quoted)],
  ['quotedNano', (row) => quantitiesOf(row.planned)['spendNano'] ?? null],
];

const quotedText = remembered((quoted: string) =>
  Object.entries(JSON.parse(quoted) as Quoted)
    .map(([charge, nano]) => `${charge}:${nano}`)
    .join(' '),
);

function wordingOf(document: DocumentRef | null): string | null {
  return document === null ? null : `${document.id}/${document.revision}`;
}

const QUARTER_MS = 900_000;

/** Instants in a time zone. Offsets change at quarters of an hour at most, and looking one up takes longer than a record. */
function timesIn(timeZone: string): (at: Date) => string {
  const offsetOf = remembered((quarter: number) => {
    const text = instantText(quarter * QUARTER_MS, timeZone);
    return { ms: Date.parse(`${text.slice(0, 23)}Z`) - quarter * QUARTER_MS, text: text.slice(23) };
  });
  return (at) => {
    const offset = offsetOf(Math.floor(at.getTime() / QUARTER_MS));
    return `${new Date(at.getTime() + offset.ms).toISOString().slice(0, 23)}${offset.text}`;
  };
}
