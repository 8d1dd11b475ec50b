/**
 * Usage as files: CloudEvents 1.0 as JSON lines, or a table for a spreadsheet, of any number of records.
 *
 * Guarantee: an event here is the event that GET /v1/usage gives, in the same order; each record is decided on for its
 * reader. A page is made when the page before was taken, so that an export needs the memory of a few pages. The table
 * has a line for each run; accepted quotes are in the events only.
 */
import { instantText } from '#sandbox/release/zone.ts';
import type { BillingFacts, DocumentRef, Quoted } from '../../billing/facts.ts';
import type { Caller } from '../../http/endpoint.ts';
import { remembered } from '../../remembered.ts';
import type { Parties, UsageColumn, UsageDimensions } from '../../storage/oversight.ts';
import type { PlannedUsage } from '../../storage/tables/jobs.ts';
import { exportEvents, exportUsage, type Extract, type UsageRow } from '../../storage/usage-export.ts';
import { readersOf, readingOf } from '../permission.ts';
import type { Shell } from '../shell.ts';
import { billingOf, purposeClassOf, usageLines } from '../usage.ts';
import { type Column, type ColumnGroup, columnGroup, sheetHead, sheetLines } from './sheet.ts';

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
    for await (const page of exportUsage(shell.db, { filter: asked, extract, columns: SHEET_COLUMNS }))
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

/** What a line is made of. */
const SHEET_COLUMNS = [
  'id',
  'releaseAt',
  'jobId',
  'accountId',
  'buyer',
  'grantId',
  'datasets',
  'purpose',
  'scene',
  'outcome',
  'code',
  'repeat',
  'charged',
  'spentNano',
  'spentYocto',
  'planned',
  'program',
  'billing',
  'quoteId',
  'quoted',
] as const satisfies readonly UsageColumn[];

type SheetRow = UsageRow<(typeof SHEET_COLUMNS)[number]>;

const namesOf = remembered((text: string) => (JSON.parse(text) as readonly string[]).join(' '));

function sheetColumns(timeOf: (at: Date) => string): readonly (Column<SheetRow> | ColumnGroup<SheetRow>)[] {
  return [
    ['id', (row) => row.id],
    ['time', (row) => timeOf(row.releaseAt)],
    ['job', (row) => row.jobId],
    ['account', (row) => row.accountId],
    ['organisation', (row) => row.buyer],
    ['grant', (row) => row.grantId],
    ['datasets', (row) => namesOf(row.datasets)],
    ['purpose', (row) => row.purpose],
    ['scene', (row) => row.scene],
    ['outcome', (row) => row.outcome],
    ['code', (row) => row.code],
    ['repeat', (row) => row.repeat],
    ['charged', (row) => row.charged],
    ['spentNano', (row) => row.spentNano],
    ['spentThresholdDeltaYocto', (row) => row.spentYocto],
    columnGroup(
      PLANNED,
      (row) => row.planned,
      (text) => JSON.parse(text) as PlannedUsage,
    ),
    ['program', (row) => row.program],
    ['purposeClass', (row) => purposeClassOf(row)],
    columnGroup(
      BILLED_BY,
      (row) => row.billing ?? '',
      (text) => billingOf({ billing: text === '' ? null : text }),
    ),
    ['quote', (row) => row.quoteId],
    ['quoted', (row) => quotedText(row.quoted)],
  ];
}

const PLANNED = AMOUNTS.map((name): Column<PlannedUsage> => [name, (planned) => planned[name] ?? null]);

/** By what a run is billed: wordings as `id/revision`, lists with a space between. */
const BILLED_BY: readonly Column<BillingFacts | null>[] = [
  ['channel', (billing) => billing?.channel ?? null],
  ['costCentre', (billing) => billing?.costCentre ?? null],
  ['product', (billing) => wordingOf(billing?.product ?? null)],
  ['agreement', (billing) => wordingOf(billing?.agreement ?? null)],
  [
    'contributions',
    (billing) =>
      (billing?.contributions ?? [])
        .map(({ dataset, contributor, weight }) => `${dataset}:${contributor}:${weight}`)
        .join(' '),
  ],
  [
    'rateCards',
    (billing) =>
      (billing?.fees ?? []).map(({ feeType, card }) => `${feeType}:${wordingOf(card) ?? ''}`).join(' '),
  ],
];

const quotedText = remembered((quoted: string) =>
  Object.entries(JSON.parse(quoted) as Quoted)
    .map(([charge, nano]) => `${charge}:${nano}`)
    .toSorted()
    .join(' '),
);

function wordingOf(document: DocumentRef | null): string | null {
  return document === null ? null : `${document.id}/${document.revision}`;
}

const MINUTE_MS = 60_000;

/** Instants in a time zone. Looking up an offset takes longer than a record; none changes within a minute. */
function timesIn(timeZone: string): (at: Date) => string {
  const minuteOf = remembered((minute: number) => instantText(minute * MINUTE_MS, timeZone));
  return (at) => {
    const ms = at.getTime();
    const minute = Math.floor(ms / MINUTE_MS);
    const text = minuteOf(minute);
    const within = String(ms - minute * MINUTE_MS).padStart(5, '0');
    return `${text.slice(0, 17)}${within.slice(0, 2)}.${within.slice(2)}${text.slice(23)}`;
  };
}
