/**
 * Usage: one CloudEvents 1.0 event per run, with planned quantities only; measured ones are the operator's.
 *
 * Guarantee: no event holds the text of a request. The id of an event is that of its record, so that a repeated delivery
 * is recognised; quantities are decimal text, because the specification's integers have 32 bits.
 */
import type { Caller } from '../http/endpoint.ts';
import { listSeenUsage, type SeenUsage, type UsageFilter } from '../storage/oversight.ts';
import { readersOf, readingOf } from './permission.ts';
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
