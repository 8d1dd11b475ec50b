/**
 * Usage: one CloudEvents 1.0 event per run and per accepted quote, with planned quantities only; measured ones are the
 * operator's.
 *
 * Guarantee: no event holds the text of a request or its parameters. The id of an event is that of its record, so that a
 * repeated delivery is recognised; quantities are decimal text, because the specification's integers have 32 bits.
 */
import { isPurpose, purposeClass } from '#policies/purpose.ts';
import type { Caller } from '../http/endpoint.ts';
import { listSeenUsage, type SeenUsage, type UsageFilter } from '../storage/oversight.ts';
import { listAcceptances, type SeenAcceptance } from '../storage/quote-store.ts';
import { readersOf, readingOf } from './permission.ts';
import type { Shell } from './shell.ts';

/** A page of records of runs and accepted quotes, and the leaf after which the next one begins. */
export interface UsagePage {
  readonly rows: readonly SeenUsage[];
  readonly quotes: readonly SeenAcceptance[];
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
  const next = { afterLeaf, limit: limit + 1 };
  const runs = await listSeenUsage(shell.db, { ...filter, readers }, next);
  const quotes = await listAcceptances(shell.db, { ...filter, readers }, next);
  const leaves = [...runs, ...quotes]
    .map(({ leafIndex }) => BigInt(leafIndex))
    .sort((a, b) => (a < b ? -1 : 1));
  const last = leaves[limit - 1];
  const isShown = (row: SeenUsage | SeenAcceptance): boolean =>
    (last === undefined || BigInt(row.leafIndex) <= last) && reading.may('read_usage', row);
  return {
    rows: runs.filter(isShown),
    quotes: quotes.filter(isShown),
    nextLeaf: leaves.length > limit && last !== undefined ? String(last) : null,
  };
}

/** A page as events, in the order of the log. */
export function usageEvents(
  { rows, quotes }: UsagePage,
  timeOf: (at: Date) => string,
  showing: { readonly withMeasured: boolean },
): readonly object[] {
  const events = [
    ...rows.map((row) => ({ leafIndex: row.leafIndex, event: usageEvent(row, timeOf, showing) })),
    ...quotes.map((row) => ({ leafIndex: row.leafIndex, event: quoteEvent(row, timeOf) })),
  ];
  return events
    .sort((a, b) => (BigInt(a.leafIndex) < BigInt(b.leafIndex) ? -1 : 1))
    .map(({ event }) => event);
}

/** An accepted quote as an event: its data are its record, as it stands in the log. */
export function quoteEvent(
  { quoteId, record, leafIndex, acceptedAt, buyer }: SeenAcceptance,
  timeOf: (at: Date) => string,
): object {
  return {
    specversion: '1.0',
    id: `${quoteId}/quote`,
    source: 'unseen',
    type: 'unseen.usage.quote',
    time: timeOf(acceptedAt),
    subject: quoteId,
    datacontenttype: 'application/json',
    data: { organisation: buyer, ...(JSON.parse(record) as object), leafIndex },
  };
}

/** A record of a run as an event. */
export function usageEvent(
  row: SeenUsage,
  timeOf: (at: Date) => string,
  { withMeasured }: { readonly withMeasured: boolean },
): object {
  return {
    specversion: '1.0',
    id: row.id,
    source: row.source,
    type: `unseen.usage.${row.type}`,
    time: timeOf(row.releaseAt),
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
      purposeClass: purposeClassOf(row),
      scene: row.scene,
      outcome: row.outcome,
      code: row.code,
      repeat: row.repeat,
      charged: row.charged,
      channel: row.billing?.channel ?? null,
      costCentre: row.billing?.costCentre ?? null,
      product: row.billing?.product ?? null,
      agreement: row.billing?.agreement ?? null,
      contributions: row.billing?.contributions ?? [],
      fees: row.billing?.fees ?? [],
      quote: row.quoteId,
      quoted: row.quoted,
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

/** The class that was frozen with the price; of a request that was refused before it had one, that of its purpose. */
function purposeClassOf({ billing, purpose }: SeenUsage): string | null {
  if (billing !== null) return billing.purposeClass;
  return purpose !== null && isPurpose(purpose) ? purposeClass(purpose) : null;
}
