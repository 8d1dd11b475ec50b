/**
 * The database: one handle over PostgreSQL (pg) and PGlite, the embedded PostgreSQL that needs no server.
 *
 * Guarantee: `transact` commits all of its work or nothing, and says so only when the database did commit.
 * Transactions run READ COMMITTED: whatever two of them could disagree about is a conditional UPDATE or a CHECK.
 * A transaction that the database ended because of another one (deadlock, serialisation) is run again.
 * Not covered: a lost connection during COMMIT leaves open whether it happened. Every transaction of this folder
 * may therefore be called again with the same arguments and then does nothing twice.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

import type { SQL } from 'drizzle-orm';
import { PgDialect, type PgDatabase, type PgQueryResultHKT } from 'drizzle-orm/pg-core';

import { Failure } from '#policies/refusal.ts';
import { type Sentence, say } from '#policies/words.ts';

import { openPostgres } from './postgres.ts';

/** Drizzle's query builder over either driver. */
export type Orm = PgDatabase<PgQueryResultHKT>;

/** Where statements can be run: the database, or one transaction in it. */
export interface Tx {
  /** Runs one statement written with drizzle's `sql`. Instants come as Date, numeric and bigint as text. */
  rows<Row extends object>(statement: SQL): Promise<Row[]>;
  readonly orm: Orm;
}

/** What a process tells the others after a commit. Losing it costs time only: everyone also looks by himself. */
export type Channel = 'queue' | 'done' | 'halt';

export type DatabasePlace =
  /** PostgreSQL. `role`: work as this role (`unseen_gateway`, `unseen_runner`) once the tables are up to date. */
  | { readonly url: string; readonly role?: string; readonly connectionsMax?: number }
  /** PGlite in a directory of its own, which is made if absent. One process at a time. */
  | { readonly dataDir: string; readonly waitMs?: number }
  /** PGlite in memory, gone at `close`; begun from an image (PGlite's `dumpDataDir`), or empty. */
  | { readonly memory: true; readonly image?: Blob };

export interface Database extends Tx {
  readonly kind: 'postgres' | 'pglite';
  /** Whether a commit survives a power failure. */
  readonly durable: boolean;
  /** What to tell people about that. */
  readonly label: Sentence;
  /**
   * Runs `work` in one transaction; it may run more than once. A thrown error rolls back.
   * INVARIANT: `work` uses its `tx` and nothing else of the database; RangeError if it does not.
   */
  transact<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result>;
  /** Never fails: whoever misses it finds out by looking. */
  notify(channel: Channel, payload: string): Promise<void>;
  /** Calls `heard` for each payload, and with '' when some may have been missed. Returns how to stop. */
  listen(channel: Channel, heard: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** What a driver brings. */
export interface Driver {
  readonly kind: Database['kind'];
  readonly durable: boolean;
  readonly orm: Orm;
  rows<Row extends object>(query: Query): Promise<Row[]>;
  transact<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  notify(channel: Channel, payload: string): Promise<void>;
  listen(channel: Channel, heard: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** One transaction of a driver. */
export interface Session {
  readonly orm: Orm;
  rows<Row extends object>(query: Query): Promise<Row[]>;
}

export interface Query {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Runs of one transaction that others may have ended, in all. */
const RUNS_MAX = 6;

/** Opens the database and brings its tables up to date. Failure CONFIG or STATE_BUSY. */
export async function openDatabase(place: DatabasePlace): Promise<Database> {
  if ('url' in place) return databaseOf(await openPostgres(place));
  // PGlite takes 250 MiB as soon as it is loaded: a process with PostgreSQL does not load it.
  const { openPglite } = await import('./pglite.ts');
  return databaseOf(await openPglite(place));
}

function databaseOf(driver: Driver): Database {
  const inside = new AsyncLocalStorage<true>();
  // On PGlite such a call waits for ever for the transaction it stands in; on PostgreSQL it escapes from it.
  const outside = (): void => {
    if (inside.getStore()) throw new RangeError('inside a transaction only its own tx may be used');
  };
  const once = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> =>
    driver.transact((session) => inside.run(true, () => work(txOf(session))));
  return {
    kind: driver.kind,
    durable: driver.durable,
    label: say(driver.durable ? 'storage.durable' : 'storage.evaluation'),
    get orm() {
      outside();
      return driver.orm;
    },
    rows: async (statement) => {
      outside();
      return clearly(() => driver.rows(queryOf(statement)));
    },
    transact: async (work) => {
      outside();
      return clearly(() => rerun(() => once(work)));
    },
    notify: (channel, payload) => driver.notify(channel, payload),
    listen: (channel, heard) => driver.listen(channel, heard),
    close: () => driver.close(),
  };
}

function txOf(session: Session): Tx {
  return { orm: session.orm, rows: (statement) => session.rows(queryOf(statement)) };
}

const DIALECT = new PgDialect();

function queryOf(statement: SQL): Query {
  const { sql: text, params } = DIALECT.sqlToQuery(statement);
  return { text, values: params.map((value) => (typeof value === 'bigint' ? String(value) : value)) };
}

async function rerun<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let run = 1; ; run += 1) {
    try {
      return await work();
    } catch (error) {
      if (run === RUNS_MAX || !isEndedByAnother(error)) throw error;
    }
  }
}

/** What a database's error repeats of its statement and of rows, in both drivers; its message and codes stay. */
const REPEATED = ['params', 'query', 'detail', 'where', 'internalQuery', 'dataType'] as const;

/**
 * Errors are logged, so they lose the values of their statements. A full disk (disk_full) is said to be one: nothing
 * was committed, and it goes on when there is room again.
 */
async function clearly<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === null || !(error instanceof Error)) throw error;
    for (const name of REPEATED) Reflect.deleteProperty(error, name);
    if (state !== '53100') throw error;
    throw new Failure('STATE_BUSY', say('storage.full'), { cause: error });
  }
}

/** serialization_failure or deadlock_detected: nothing was committed, and the same again may succeed. */
function isEndedByAnother(error: unknown): boolean {
  return ['40001', '40P01'].includes(sqlStateOf(error) ?? '');
}

/** The SQLSTATE of a database error, or null for anything else. */
export function sqlStateOf(error: unknown): string | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}
