/**
 * Usage: one CloudEvents 1.0 event per run and per accepted quote, with planned quantities only; measured ones are the
 * operator's.
 *
 * Guarantee: no event holds the text of a request or its parameters. The id of an event is that of its record, so that a
 * repeated delivery is recognised; quantities are decimal text, because the specification's integers have 32 bits.
 */
import { isPurpose, purposeClass } from '#policies/purpose.ts';
import type { BillingFacts } from '../billing/facts.ts';
import type { Caller } from '../http/endpoint.ts';
import { remembered } from '../remembered.ts';
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

/** Runs and quotes as events in the order of the log: each as JSON text. */
export function usageLines(
  { rows, quotes }: Pick<UsagePage, 'rows' | 'quotes'>,
  timeOf: (at: Date) => string,
  showing: { readonly withMeasured: boolean },
): readonly string[] {
  const ofRun = (row: SeenUsage): string => usageLine(row, timeOf, showing);
  if (quotes.length === 0) return rows.map(ofRun);
  const lines = [
    ...rows.map((row) => ({ leafIndex: row.leafIndex, line: ofRun(row) })),
    ...quotes.map((row) => ({ leafIndex: row.leafIndex, line: quoteLine(row, timeOf) })),
  ];
  return lines.sort((a, b) => (BigInt(a.leafIndex) < BigInt(b.leafIndex) ? -1 : 1)).map(({ line }) => line);
}

/** An accepted quote as an event: its data are its record, as it stands in the log. */
function quoteLine(
  { quoteId, record, leafIndex, acceptedAt, buyer }: SeenAcceptance,
  timeOf: (at: Date) => string,
): string {
  return JSON.stringify({
    specversion: '1.0',
    id: `${quoteId}/quote`,
    source: 'unseen',
    type: 'unseen.usage.quote',
    time: timeOf(acceptedAt),
    subject: quoteId,
    datacontenttype: 'application/json',
    data: { organisation: buyer, ...(JSON.parse(record) as object), leafIndex },
  });
}

/** A record of a run as an event. What the database has as JSON goes through as it is. */
function usageLine(
  row: SeenUsage,
  timeOf: (at: Date) => string,
  { withMeasured }: { readonly withMeasured: boolean },
): string {
  const data = {
    job: row.jobId,
    account: row.accountId,
    organisation: row.buyer,
    providers: row.providers,
    grant: row.grantId,
    purpose: row.purpose,
    purposeClass: purposeClassOf(row),
    scene: row.scene,
    outcome: row.outcome,
    code: row.code,
    repeat: row.repeat,
    charged: row.charged,
    quote: row.quoteId,
    spent: { nano: row.spentNano, thresholdDeltaYocto: row.spentYocto },
    epsilon: row.epsilon,
    delta: row.delta,
    planDigest: row.planDigest,
    program: row.program,
    recordDigest: row.digest,
    leafIndex: row.leafIndex,
  };
  const event = {
    specversion: '1.0',
    id: row.id,
    source: row.source,
    type: `unseen.usage.${row.type}`,
    time: timeOf(row.releaseAt),
    subject: row.jobId,
    datacontenttype: 'application/json',
  };
  const { datasets, planned, quoted, actors, measured } = row;
  const kept = `"datasets":${datasets},"planned":${planned},"quoted":${quoted},"actors":${actors}`;
  const more = withMeasured ? `,"measured":${measured}` : '';
  const { members } = termsOf(row.billing ?? '');
  return `${open(event)},"data":${open(data)},${kept},${members}${more}}}`;
}

/** A JSON object without its end. */
function open(value: object): string {
  return JSON.stringify(value).slice(0, -1);
}

/** By what a run is billed, as it is exported. */
interface BillingTerms {
  readonly facts: BillingFacts | null;
  /** Members of an event's data. */
  readonly members: string;
}

/** From JSON text, or from nothing. A million runs have few of them. */
const termsOf = remembered((text: string): BillingTerms => {
  const facts = text === '' ? null : (JSON.parse(text) as BillingFacts);
  const members = {
    channel: facts?.channel ?? null,
    costCentre: facts?.costCentre ?? null,
    product: facts?.product ?? null,
    agreement: facts?.agreement ?? null,
    contributions: facts?.contributions ?? [],
    fees: facts?.fees ?? [],
  };
  return { facts, members: JSON.stringify(members).slice(1, -1) };
});

/** By what a run is billed; null where it was refused before it had a price. */
export function billingOf({ billing }: Pick<SeenUsage, 'billing'>): BillingFacts | null {
  return termsOf(billing ?? '').facts;
}

/** The class that was frozen with the price; of a request that was refused before it had one, that of its purpose. */
export function purposeClassOf(row: Pick<SeenUsage, 'billing' | 'purpose'>): string | null {
  const { purpose } = row;
  const frozen = billingOf(row)?.purposeClass;
  if (frozen !== undefined) return frozen;
  return purpose !== null && isPurpose(purpose) ? purposeClass(purpose) : null;
}
