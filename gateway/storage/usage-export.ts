/**
 * Usage by the million, of runs and of accepted quotes: pages in the order of the log, each asked for while the one
 * before is written out.
 *
 * Guarantee: what it gives is what `listSeenUsage` and `listAcceptances` give for the same filter, and at no moment are
 * there more than three pages of runs and two of quotes in memory. Within the bounds of an extract it always gives the same records, however late it is asked.
 */
import { sql, type SQL } from 'drizzle-orm';

import { remembered } from '../remembered.ts';
import type { Database, Tx } from './database.ts';
import { selected } from './job-view.ts';
import { lockHead } from './log-append.ts';
import {
  isAsked,
  type SeenUsage,
  USAGE_COLUMNS,
  USAGE_OF_JOBS,
  type UsageColumn,
  type UsageFilter,
} from './oversight.ts';
import { listAcceptances, type SeenAcceptance } from './quote-store.ts';
import { shownAt } from './visibility.ts';

/** Rows of a page; a page with fewer is the last. */
const PAGE_ROWS = 1_000;
/** Parts of the log that are read at the same time: one alone would wait for its writing now and then. */
const PARTS_AT_ONCE = 2;
/** Rows that are given on at once. Between slices the next page is taken from the connection: the database goes on. */
const SLICE_ROWS = 200;
/** As a constant: of a parameter the database does not know that it is small, and plans for a tenth of the table. */
export const LIMIT = sql.raw(String(PAGE_ROWS));

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

/** Records of runs and of accepted quotes that follow each other in the log. */
export interface UsageStretch {
  readonly rows: readonly SeenUsage[];
  readonly quotes: readonly SeenAcceptance[];
}

/** Runs and accepted quotes, in stretches: all of one come before all of the next. */
export async function* exportEvents(
  db: Database,
  filter: UsageFilter,
  extract: Extract | null,
): AsyncGenerator<UsageStretch> {
  const runs = exportUsage(db, { filter, extract, columns: ALL });
  const within = isWithin(extract, sql`q.leaf_index`, sql`q.accepted_at`);
  const accepted = pagesAhead(
    (after) => listAcceptances(db, filter, { afterLeaf: BigInt(after), limit: PAGE_ROWS, within }),
    ({ leafIndex }) => leafIndex,
    '-1',
  );
  let [a, b] = [await pageOf(runs), await pageOf(accepted)];
  while (a.length > 0 || b.length > 0) {
    const end = [a, b].flatMap((page) => page.at(-1) ?? []).reduce((x, y) => (isAfter(x, y) ? y : x));
    const [rows, quotes] = [upTo(a, end), upTo(b, end)];
    yield { rows, quotes };
    a = rows.length < a.length ? a.slice(rows.length) : await pageOf(runs);
    b = quotes.length < b.length ? b.slice(quotes.length) : await pageOf(accepted);
  }
}

interface Leaf {
  readonly leafIndex: string;
}

async function pageOf<Row>(pages: AsyncGenerator<readonly Row[]>): Promise<readonly Row[]> {
  const { done, value } = await pages.next();
  return done === true ? [] : value;
}

function upTo<Row extends Leaf>(page: readonly Row[], end: Leaf): readonly Row[] {
  const later = page.findIndex((row) => isAfter(row, end));
  return later < 0 ? page : page.slice(0, later);
}

/** Leaves are written without leading zeros. */
function isAfter({ leafIndex: a }: Leaf, { leafIndex: b }: Leaf): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}

const ALL = Object.keys(USAGE_COLUMNS) as readonly UsageColumn[];

/** What is asked of the records of runs. */
interface UsageAsk<Column extends UsageColumn> {
  readonly filter: UsageFilter;
  readonly extract: Extract | null;
  /** A column that nobody needs costs as much as one that is read. */
  readonly columns: readonly Column[];
}

/** Columns of a record, with those by which it is found and decided on. */
export type UsageRow<Column extends UsageColumn> = ReadRow<Column> & Pick<SeenUsage, 'providers'>;

type ReadRow<Column extends UsageColumn> = Pick<SeenUsage, Column | 'leafIndex' | 'datasets' | 'buyer'>;

/** The records of runs that a filter asks for, of the log as it is now; within an extract if one is given. */
export async function* exportUsage<Column extends UsageColumn>(
  db: Database,
  asked: UsageAsk<Column>,
): AsyncGenerator<readonly UsageRow<Column>[]> {
  const providers = await providersOf(db);
  const end = await leavesOf(db);
  const asking: Promise<readonly UsageRow<Column>[]>[] = [];
  for (let from = 0; from < end || asking.length > 0;) {
    for (; from < end && asking.length < PARTS_AT_ONCE; from += PAGE_ROWS) {
      const part = readPart(db, { ...asked, from }, providers);
      // Nobody may be left to hear of it: who reads the export may have gone.
      part.catch(() => undefined);
      asking.push(part);
    }
    yield* slices((await asking.shift()) ?? []);
  }
}

/** How many leaves the log has. */
async function leavesOf(db: Tx): Promise<number> {
  const [head] = await db.rows<{ size: string }>(sql`SELECT size::text FROM audit_head`);
  return Number(head?.size ?? 0);
}

/** Pages by key in slices, the next page on its way while one is used. `ask` gives less than PAGE_ROWS rows at the end. */
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
    next?.catch(() => undefined);
    yield* slices(page);
  }
}

function* slices<Row>(page: readonly Row[]): Generator<readonly Row[]> {
  for (let from = 0; from < page.length; from += SLICE_ROWS) yield page.slice(from, from + SLICE_ROWS);
}

/** By the names of datasets, as JSON. */
type ProvidersOf = (datasets: string) => readonly string[];

/** The organisations of datasets, looked up once for an export: a lookup per record takes longer than the record. */
async function providersOf(db: Tx): Promise<ProvidersOf> {
  const rows = await db.rows<{ name: string; owner: string }>(
    sql`SELECT name, organisation_id AS owner FROM dataset`,
  );
  const owners = new Map(rows.map(({ name, owner }) => [name, owner]));
  return remembered((datasets: string) => {
    const names = JSON.parse(datasets) as readonly string[];
    return [...new Set(names.flatMap((name) => owners.get(name) ?? []))].toSorted();
  });
}

/** The records whose leaves are the PAGE_ROWS from one on. */
async function readPart<Column extends UsageColumn>(
  db: Tx,
  { filter, extract, columns, from }: UsageAsk<Column> & { readonly from: number },
  providers: ProvidersOf,
): Promise<readonly UsageRow<Column>[]> {
  const names = new Set<UsageColumn>([...columns, 'leafIndex', 'datasets', 'buyer']);
  const read = Object.fromEntries([...names].map((name) => [name, USAGE_COLUMNS[name]]));
  const rows = await db.rows<ReadRow<Column>>(sql`
    SELECT ${selected(read)} FROM ${USAGE_OF_JOBS}
    WHERE u.leaf_index >= ${from}::bigint AND u.leaf_index < ${from + PAGE_ROWS}::bigint AND ${isAsked(filter)} AND ${isWithin(extract, sql`u.leaf_index`, shownAt('j'))}
    ORDER BY u.leaf_index LIMIT ${LIMIT}`);
  return rows.map((row) => Object.assign(row, { providers: providers(row.datasets) }));
}

/** A record is new since a position if its leaf is, or if it came to be seen since: a reviewer took until then. */
function isWithin(extract: Extract | null, leaf: SQL, seen: SQL): SQL {
  if (extract === null) return sql`true`;
  const { after, through } = extract;
  return sql`${leaf} <= ${through.leaf}::bigint AND ${seen} <= ${through.at}::timestamptz
    AND (${leaf} > ${after?.leaf ?? '-1'}::bigint OR ${seen} > ${after?.at ?? null}::timestamptz)`;
}
