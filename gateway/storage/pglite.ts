/**
 * PGlite, PostgreSQL inside this process: for trying out, for tests, and for the laboratory.
 *
 * Guarantee: one process per directory, by a lock of our own; a second one is told which process has it.
 * Not covered: durability. PGlite does not sync to disk, so a power failure may lose commits or the database.
 */
import { EventEmitter } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { PGlite, type Transaction } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';

import type { Driver, Orm, Query } from './database.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { migratePglite } from './migration.ts';

/** Opens a directory or memory. Failure STATE_BUSY when another process has the directory. */
export async function openPglite(
  place:
    | { readonly dataDir: string; readonly waitMs?: number }
    | { readonly memory: true; readonly image?: Blob },
): Promise<Driver> {
  if ('memory' in place) {
    const begun = place.image === undefined ? {} : { loadDataDir: place.image };
    return driverOf(await PGlite.create(begun), undefined);
  }
  await mkdir(place.dataDir, { recursive: true });
  const lock = await lockDirectory(place.dataDir, { waitMs: place.waitMs ?? 0 });
  try {
    // A directory below, because PGlite wants an empty one at first.
    return await driverOf(await PGlite.create(join(place.dataDir, 'pglite')), lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function driverOf(pglite: PGlite, lock: DirectoryLock | undefined): Promise<Driver> {
  await migratePglite(pglite);
  const channels = new EventEmitter().setMaxListeners(0);
  return {
    kind: 'pglite',
    durable: false,
    orm: ormOf(pglite),
    rows: (query) => run(pglite, query),
    transact: (work) =>
      pglite.transaction((session) =>
        work({
          get orm() {
            return ormOf(session);
          },
          rows: (query) => run(session, query),
        }),
      ),
    notify: async (channel, payload) => {
      // After the caller's turn, as if it came from elsewhere.
      setImmediate(() => channels.emit(channel, payload));
      await Promise.resolve();
    },
    listen: async (channel, heard) => {
      channels.on(channel, heard);
      await Promise.resolve();
      return async () => {
        channels.off(channel, heard);
        await Promise.resolve();
      };
    },
    close: async () => {
      await pglite.close();
      await lock?.release();
    },
  };
}

function ormOf(client: PGlite | Transaction): Orm {
  // Drizzle wants the whole class and uses only `query` and `transaction` of it.
  return drizzle({ client: client as PGlite });
}

async function run<Row extends object>(on: PGlite | Transaction, query: Query): Promise<Row[]> {
  return (await on.query<Row>(query.text, [...query.values])).rows;
}
