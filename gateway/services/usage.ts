/**
 * Usage: one CloudEvents 1.0 event per run, with planned quantities only; measured ones are the operator's.
 *
 * Guarantee: no event holds the text of a request. The id of an event is that of its record, so that a repeated delivery
 * is recognised; quantities are decimal text, because the specification's integers have 32 bits.
 */
import { instantText } from '#sandbox/release/zone.ts';
import type { Caller } from '../http/endpoint.ts';
import { listSeenUsage, type SeenUsage, type UsageFilter } from '../storage/oversight.ts';
import { readersOf, readingOf } from './permission.ts';
import { csvLine } from './release-view.ts';
import type { Shell } from './shell.ts';

/** A page of records, and the leaf after which the next one begins. */
export interface UsagePage {
  readonly rows: readonly SeenUsage[];
  readonly nextLeaf: string | null;
}

/** The records that this reader may see. */
export async function listUsagePage(
  shell: Shell,
  { principal }: Caller,
  ask: { readonly filter: Omit<UsageFilter, 'readers'>; readonly afterLeaf: bigint; readonly limit: number },
): Promise<UsagePage> {
  const { filter, afterLeaf, limit } = ask;
  const readers = readersOf(principal, 'read_usage');
  const reading = await readingOf(shell, principal);
  const found = await listSeenUsage(shell.db, { ...filter, readers }, { afterLeaf, limit: limit + 1 });
  const page = found.slice(0, limit);
  return {
    rows: page.filter((row) => reading.may('read_usage', row)),
    nextLeaf: found.length > limit ? (page.at(-1)?.leafIndex ?? null) : null,
  };
}

/** A record as an event. */
export function usageEvent(
  shell: Shell,
  row: SeenUsage,
  { withMeasured }: { readonly withMeasured: boolean },
): object {
  return {
    specversion: '1.0',
    id: row.id,
    source: row.source,
    type: `unseen.usage.${row.type}`,
    time: instantText(row.releaseAt.getTime(), shell.timeZone),
    subject: row.jobId,
    datacontenttype: 'application/json',
    data: {
      job: row.jobId,
      account: row.accountId,
      organisation: row.buyer,
      providers: row.providers,
      grant: row.grantId,
      datasets: row.datasets,
      purpose: row.purpose,
      scene: row.scene,
      outcome: row.outcome,
      code: row.code,
      repeat: row.repeat,
      charged: row.charged,
      planned: row.planned,
      spent: { nano: row.spentNano, thresholdDeltaYocto: row.spentYocto },
      epsilon: row.epsilon,
      delta: row.delta,
      planDigest: row.planDigest,
      program: row.program,
      actors: row.actors,
      recordDigest: row.digest,
      leafIndex: row.leafIndex,
      ...(withMeasured && { measured: row.measured }),
    },
  };
}

const QUANTITIES = [
  'products',
  'runs',
  'calls',
  'rows',
  'bytes',
  'outputs',
  'outputBytes',
  'serviceMs',
  'cpuMs',
] as const;
const AMOUNTS = [...QUANTITIES, 'computeUnits', 'epsilonNano', 'spendNano'] as const;

/** The same records as a table. */
export function usageCsv(shell: Shell, rows: readonly SeenUsage[]): string {
  const header = [
    'id',
    'time',
    'job',
    'account',
    'organisation',
    'grant',
    'datasets',
    'purpose',
    'scene',
    'outcome',
  ];
  const lines = rows.map((row) =>
    csvLine([
      row.id,
      instantText(row.releaseAt.getTime(), shell.timeZone),
      row.jobId,
      row.accountId,
      row.buyer,
      row.grantId,
      row.datasets.join(' '),
      row.purpose,
      row.scene,
      row.outcome,
      row.code,
      row.repeat,
      row.charged,
      row.spentNano,
      row.spentYocto,
      ...AMOUNTS.map((name) => row.planned[name] ?? null),
      row.program,
    ]),
  );
  const columns = [
    ...header,
    'code',
    'repeat',
    'charged',
    'spentNano',
    'spentThresholdDeltaYocto',
    ...AMOUNTS,
    'program',
  ];
  return `${[csvLine(columns), ...lines].join('\r\n')}\r\n`;
}
