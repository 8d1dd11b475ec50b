/**
 * Sabotage of a database: each statement, commit and acknowledgement of a transaction can be made to fail.
 *
 * Also the broken variants that the tests of crashes must catch: a transaction that is really two, and a record that is
 * written after what it records.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sql, type SQL } from 'drizzle-orm';

import type { Database, Tx } from '#gateway/storage/database.ts';

/** What a crash looks like to the program that survives it in a test. */
export class Crash extends Error {}

/** Where an operation stops: at its n-th statement (from 0, over all its transactions), or around its n-th commit. */
export type CrashPoint =
  | { readonly at: 'statement'; readonly number: number; readonly when: 'before' | 'after' }
  | { readonly at: 'commit'; readonly number: number; readonly when: 'before' | 'after' };

export interface Counts {
  statements: number;
  commits: number;
}

/** The same database, which counts what an operation does. */
export function counting(db: Database, counts: Counts): Database {
  return wrapped(db, {
    statement: async (run) => {
      counts.statements += 1;
      return run();
    },
    committed: () => (counts.commits += 1),
  });
}

/** The same database, in which one thing goes wrong. */
export function crashing(db: Database, point: CrashPoint): Database {
  const counts: Counts = { statements: 0, commits: 0 };
  const isHere = (at: CrashPoint['at'], number: number, when: CrashPoint['when']) =>
    point.at === at && point.number === number && point.when === when;
  return wrapped(db, {
    statement: async (run) => {
      const number = counts.statements;
      counts.statements += 1;
      if (isHere('statement', number, 'before')) throw new Crash();
      const rows = await run();
      if (isHere('statement', number, 'after')) throw new Crash();
      return rows;
    },
    committing: () => {
      if (isHere('commit', counts.commits, 'before')) throw new Crash();
    },
    committed: () => {
      if (isHere('commit', counts.commits, 'after')) throw new Crash();
      counts.commits += 1;
    },
  });
}

/** A database whose transactions are broken in two before their n-th statement: what must be caught. */
export function splitting(db: Database, before: number): Database {
  let statements = 0;
  return wrapped(db, {
    statement: async (run, tx) => {
      if (statements === before) {
        await tx.rows(sql`COMMIT`);
        await tx.rows(sql`BEGIN`);
      }
      statements += 1;
      return run();
    },
  });
}

/**
 * A database in which the usage record of a run is written in a transaction of its own, after the one that ended the run:
 * the dual write that must be caught. As a PostgreSQL superuser only, because nobody else may take a record out.
 * `pauseMs`: how long the second waits, so that a kill need not be lucky to come in between.
 */
export function dualWriting(db: Database, pauseMs = 0): Database {
  const plain = wrapped(db, { statement: (run) => run() });
  const transact: Database['transact'] = async (work) => {
    let kept: readonly { readonly record: object }[] = [];
    const result = await db.transact(async (tx) => {
      const made = await work(tx);
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      kept = await tx.rows<{ record: object }>(sql`
        DELETE FROM usage_record u WHERE leaf_index = (SELECT size - 1 FROM audit_head)
          AND xmin::text = pg_current_xact_id()::text RETURNING to_jsonb(u) AS record`);
      return made;
    });
    if (kept.length > 0) await sleep(pauseMs);
    for (const { record } of kept)
      await db.rows(sql`
        INSERT INTO usage_record SELECT * FROM jsonb_populate_record(NULL::usage_record, ${JSON.stringify(record)}::jsonb)`);
    return result;
  };
  return { ...plain, transact };
}

/** A database that answers every look for a stop with no: the broken build that the tests of stops must catch. */
export function trusting(db: Database): Database {
  return wrapped(db, {
    statement: async (run) => {
      const rows = await run();
      return rows.map((row) => (Object.keys(row).join() === 'stopped' ? { stopped: false } : row));
    },
  });
}

interface Hooks {
  statement(run: () => Promise<object[]>, tx: Tx): Promise<object[]>;
  committing?(): void;
  committed?(): void;
}

function wrapped(db: Database, hooks: Hooks): Database {
  return {
    kind: db.kind,
    durable: db.durable,
    label: db.label,
    get orm() {
      return db.orm;
    },
    rows: (statement) => db.rows(statement),
    notify: (channel, payload) => db.notify(channel, payload),
    listen: (channel, heard) => db.listen(channel, heard),
    close: () => db.close(),
    transact: async (work) => {
      const result = await db.transact(async (tx) => {
        const made = await work({
          get orm() {
            return tx.orm;
          },
          rows: <Row extends object>(statement: SQL) =>
            hooks.statement(() => tx.rows<Row>(statement), tx) as Promise<Row[]>,
        });
        hooks.committing?.();
        return made;
      });
      hooks.committed?.();
      return result;
    },
  };
}
