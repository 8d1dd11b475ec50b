/**
 * BL2: what the usage record takes of a release transaction, on durable PostgreSQL, one release at a time.
 *
 * The same jobs are released with the record's INSERT and without it: in the very statement that ends a job, the record is
 * then computed and sent, and not written. All else is as it is, the leaf of the record included. Pairs take turns.
 */
import { type SQL, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { type Database, openDatabase } from '#gateway/storage/database.ts';
import { commitRelease, type ReleaseInput } from '#gateway/storage/release.ts';
import { makeScene, type Scene } from '#tests/support/world.ts';
import { createDatabase } from './durable-postgres.ts';
import { type Benchmark, lineOf, pairsOf, type Subject } from './measure.ts';
import { openedJobs } from './releases.ts';

const USAGE_WRITE: Subject = {
  id: 'BL2',
  name: 'release transactions with their usage record, divided by the same without it',
  unit: 'ratio',
  better: 'lower',
  against: 'at most 1.10',
};

const [PAIRS, RELEASES] = [15, 100];

export const USAGE_WRITING: Benchmark = {
  ids: ['BL2'],
  async *run(_asked, { small }) {
    const [pairs, releases] = small ? [1, 3] : [PAIRS, RELEASES];
    const db = await openDatabase({ url: await createDatabase() });
    try {
      const scene = await makeScene(db, { capacity: null });
      const waiting = await batches(db, scene, { count: 2 * (pairs + 1), releases });
      const without = replacing(db, withoutUsage);
      const commit = (on: Database) => async (): Promise<void> => {
        for (const input of waiting.pop() ?? []) await commitRelease(on, input);
      };
      yield lineOf(USAGE_WRITE, await pairsOf(pairs, commit(db), commit(without)));
    } finally {
      await db.close();
    }
  },
};

async function batches(
  db: Database,
  scene: Scene,
  { count, releases }: { readonly count: number; readonly releases: number },
): Promise<ReleaseInput[][]> {
  const made: ReleaseInput[][] = [];
  while (made.length < count) made.push([...(await openedJobs(db, [scene], releases))]);
  return made;
}

/** A database in which each statement of a transaction is another one instead. */
function replacing(db: Database, by: (statement: SQL) => SQL): Database {
  return {
    ...db,
    orm: db.orm,
    transact: (work) =>
      db.transact((tx) => work({ orm: tx.orm, rows: (statement) => tx.rows(by(statement)) })),
  };
}

const DIALECT = new PgDialect();
const INSERT = /INSERT INTO usage_record \([^)]*\)\s+VALUES \(([^;]*?)\)\s+\), event AS/;

/** The statement that ends a job, in which the usage record is selected and not inserted; any other as it is. */
function withoutUsage(statement: SQL): SQL {
  const { sql: text, params } = DIALECT.sqlToQuery(statement);
  if (!text.includes('INSERT INTO usage_record')) return statement;
  if (!INSERT.test(text)) throw new RangeError('the usage record is written otherwise');
  const parts = text.replace(INSERT, 'SELECT $1 ), event AS').split(/\$(\d+)/);
  return sql.join(parts.map((part, at) => (at % 2 === 0 ? sql.raw(part) : sql`${params[Number(part) - 1]}`)));
}
