/**
 * Usage records by the million: pages in the order of the log, each asked for while the one before is written out.
 *
 * Guarantee: what it gives is what `listSeenUsage` gives for the same filter, and at no moment are there more than two
 * pages in memory. Within the bounds of an extract it always gives the same records, however late it is asked.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { Database, Tx } from './database.ts';
import { lockHead } from './log-append.ts';
import { isAsked, SEEN_USAGE, type SeenUsage, USAGE_OF_JOBS, type UsageFilter } from './oversight.ts';
import { shownAt } from './visibility.ts';

/** Rows of a page; a page with fewer is the last. */
export const PAGE_ROWS = 1_000;

/** A moment in the log: its last leaf by then (-1 before the first), and the time, ISO 8601. */
export interface Position {
  readonly leaf: string;
  readonly at: string;
}

/** What came to be seen after one position (null: from the beginning) and up to another. */
export interface Extract {
  readonly after: Position | null;
  readonly through: Position;
}

/**
 * Where the log stands: every record that could be seen by `at` has a leaf up to `leaf`, or one that may not be known of
 * yet. The head is locked for a moment, so that whoever is writing has finished.
 */
export async function currentPosition(db: Database): Promise<Position> {
  const { now, size } = await db.transact(lockHead);
  const at = now.toISOString();
  const [hidden] = await db.rows<{ index: string }>(sql`
    SELECT index::text FROM audit_leaf WHERE visible_at > ${at}::timestamptz AND index < ${size}::bigint
    ORDER BY index LIMIT 1`);
  return { leaf: String(BigInt(hidden?.index ?? size) - 1n), at };
}

/** The records that a filter asks for; within an extract if one is given. */
export async function* exportUsage(
  db: Database,
  filter: UsageFilter,
  extract: Extract | null,
): AsyncGenerator<readonly SeenUsage[]> {
  const providers = await providersOf(db);
  const ask = (afterLeaf: string): Promise<readonly SeenUsage[]> =>
    readPage(db, { filter, extract, afterLeaf }, providers);
  for await (const page of pagesAhead(ask, (row) => row.leafIndex, '-1')) yield page;
}

/** Pages by key, the next one on its way while one is used. `ask` gives less than PAGE_ROWS rows at the end. */
export async function* pagesAhead<Row>(
  ask: (after: string) => Promise<readonly Row[]>,
  keyOf: (row: Row) => string,
  first: string,
): AsyncGenerator<readonly Row[]> {
  let next: Promise<readonly Row[]> | null = ask(first);
  while (next !== null) {
    const page: readonly Row[] = await next;
    const last = page.at(-1);
    next = page.length < PAGE_ROWS || last === undefined ? null : ask(keyOf(last));
    // Nobody may be left to hear of it: who reads the export may have gone.
    next?.catch(() => undefined);
    if (page.length > 0) yield page;
  }
}

type ProvidersOf = (datasets: readonly string[]) => readonly string[];

/** The organisations of datasets, looked up once for an export: a lookup per record takes longer than the record. */
async function providersOf(db: Tx): Promise<ProvidersOf> {
  const rows = await db.rows<{ name: string; owner: string }>(
    sql`SELECT name, organisation_id AS owner FROM dataset`,
  );
  const owners = new Map(rows.map(({ name, owner }) => [name, owner]));
  const known = new Map<string, readonly string[]>();
  return (datasets) => {
    const name = datasets.join(' ');
    const found =
      known.get(name) ?? [...new Set(datasets.flatMap((dataset) => owners.get(dataset) ?? []))].toSorted();
    known.set(name, found);
    return found;
  };
}

async function readPage(
  db: Tx,
  { filter, extract, afterLeaf }: { filter: UsageFilter; extract: Extract | null; afterLeaf: string },
  providers: ProvidersOf,
): Promise<readonly SeenUsage[]> {
  const rows = await db.rows<Omit<SeenUsage, 'providers'>>(sql`
    SELECT ${SEEN_USAGE} FROM ${USAGE_OF_JOBS}
    WHERE u.leaf_index > ${afterLeaf}::bigint AND ${isAsked(filter)} AND ${isWithin(extract)}
    ORDER BY u.leaf_index LIMIT ${PAGE_ROWS}::int`);
  return rows.map((row) => ({ ...row, providers: providers(row.datasets) }));
}

/** A record is new since a position if its leaf is, or if it came to be seen since: a reviewer took until then. */
function isWithin(extract: Extract | null): SQL {
  if (extract === null) return sql`true`;
  const { after, through } = extract;
  return sql`u.leaf_index <= ${through.leaf}::bigint AND ${shownAt('j')} <= ${through.at}::timestamptz
    AND (u.leaf_index > ${after?.leaf ?? '-1'}::bigint OR ${shownAt('j')} > ${after?.at ?? null}::timestamptz)`;
}
