/** The databases a storage test runs on: PGlite in memory, and a private PostgreSQL where it is installed. */
import { describe } from 'vitest';

import { type Database, openDatabase } from '#gateway/storage/database.ts';

import { emptyImage } from './pglite-image.ts';
import { type Cluster, findPostgres, startCluster } from './postgres.ts';

export type Engine = 'pglite' | 'postgres';

/** False where PostgreSQL is not installed; its tests are then skipped, and counted as skipped. */
export const HAS_POSTGRES = findPostgres() !== null;

/** The same tests on each engine, whose name follows `title`. */
export function describeEngines(title: string, tests: (engine: Engine) => void): void {
  for (const engine of ['pglite', 'postgres'] as const) {
    const isMissing = engine === 'postgres' && !HAS_POSTGRES;
    describe.skipIf(isMissing)(`${title} ${engine}`, () => {
      tests(engine);
    });
  }
}

export interface OpenEngine {
  readonly db: Database;
  /** Null for PGlite. */
  readonly cluster: Cluster | null;
  readonly url: string | null;
  close(): Promise<void>;
}

/** Opens a database with up-to-date tables and nothing in it. */
export async function openEngine(engine: Engine): Promise<OpenEngine> {
  if (engine === 'pglite') {
    const db = await openDatabase({ memory: true, image: await emptyImage() });
    return { db, cluster: null, url: null, close: () => db.close() };
  }
  const cluster = await startCluster();
  const url = await cluster.createDatabase();
  const db = await openDatabase({ url });
  const close = async (): Promise<void> => {
    await db.close();
    await cluster.stop();
  };
  return { db, cluster, url, close };
}
