/** The databases a storage test runs on: PGlite in memory, and a private PostgreSQL where it is installed. */
import { type Database, openDatabase } from '#gateway/storage/database.ts';

import { emptyImage } from './pglite-image.ts';
import { type Cluster, findPostgres, startCluster } from './postgres.ts';

export type Engine = 'pglite' | 'postgres';

/** False where PostgreSQL is not installed; its tests are then skipped in sight. */
export const HAS_POSTGRES = findPostgres() !== null;

export const ENGINES: readonly Engine[] = HAS_POSTGRES ? ['pglite', 'postgres'] : ['pglite'];

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
