/**
 * Migrations: brings the tables of either database up to date with the checked-in SQL.
 *
 * Guarantee: all pending migrations in one transaction, by one process at a time (an advisory lock). A process
 * whose role may not change tables can open a database that is up to date. Tables of a newer version than this
 * program are refused, because it would not know what it must not break.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';

import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

const FOLDER = fileURLToPath(new URL('migrations', import.meta.url));
/** Any number that is always the same: "unseen" in ASCII, as far as 31 bits go. */
const LOCK = 0x756e7365;

type Stand = 'current' | 'behind' | 'ahead';

/** Brings PostgreSQL up to date. Failure CONFIG when it cannot be reached, may not be changed, or is newer. */
export async function migratePostgres(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    throw new Failure('CONFIG', say('storage.unreachable'), { cause });
  }
  try {
    const ask = (text: string) => client.query<{ newest: string | null }>(text).then(({ rows }) => rows);
    if ((await standOf(ask)) === 'current') return;
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    // Another process may have done it while this one waited.
    if ((await standOf(ask)) === 'behind') await migrate(drizzle({ client }), { migrationsFolder: FOLDER });
  } catch (cause) {
    throw isForbidden(cause) ? new Failure('CONFIG', say('storage.behind'), { cause }) : cause;
  } finally {
    await client.end();
  }
}

/** Brings an embedded database up to date. */
export async function migratePglite(pglite: PGlite): Promise<void> {
  const ask = (text: string) => pglite.query<{ newest: string | null }>(text).then(({ rows }) => rows);
  if ((await standOf(ask)) === 'current') return;
  const [{ drizzle: drizzlePglite }, { migrate: migrateEmbedded }] = await Promise.all([
    import('drizzle-orm/pglite'),
    import('drizzle-orm/pglite/migrator'),
  ]);
  await migrateEmbedded(drizzlePglite({ client: pglite }), { migrationsFolder: FOLDER });
}

async function standOf(ask: (text: string) => Promise<{ newest: string | null }[]>): Promise<Stand> {
  const [found] = await ask(`SELECT to_regclass('drizzle.__drizzle_migrations')::text AS newest`);
  if (found?.newest == null) return 'behind';
  const [row] = await ask('SELECT max(created_at)::text AS newest FROM drizzle.__drizzle_migrations');
  const applied = Number(row?.newest ?? -1);
  const known = newestKnown();
  if (applied > known) throw new Failure('CONFIG', say('storage.ahead'));
  return applied === known ? 'current' : 'behind';
}

function newestKnown(): number {
  const journal = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, 'utf8')) as {
    readonly entries: readonly { readonly when: number }[];
  };
  return Math.max(...journal.entries.map(({ when }) => when));
}

/** insufficient_privilege, wherever in the chain of causes it stands. */
function isForbidden(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === '42501') return true;
  }
  return false;
}
