/** Of what an empty database is made: its name among those that are kept from one run of the tests to the next. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';

/** A digest of every migration and of the engine that ran them, for names. */
export function tablesDigest(engine: string | Buffer): string {
  const hash = createHash('sha256');
  for (const path of globSync('gateway/storage/migrations/*.sql').toSorted()) hash.update(readFileSync(path));
  return hash.update(engine).digest('hex').slice(0, 32);
}
