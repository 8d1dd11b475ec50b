/**
 * An image of an empty database with up-to-date tables, so that a test file need not wait for PGlite to make one.
 *
 * It is kept in the temporary directory under a name made from whatever it depends on, and made by whoever comes first.
 */
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PGlite } from '@electric-sql/pglite';

import { migratePglite } from '#gateway/storage/migration.ts';

import { tablesDigest } from './tables-digest.ts';

/** The image, made if there is none yet. */
export async function emptyImage(): Promise<Blob> {
  const path = join(
    tmpdir(),
    `unseen-empty-${tablesDigest(readFileSync('node_modules/@electric-sql/pglite/package.json'))}.tar`,
  );
  if (existsSync(path)) return new Blob([readFileSync(path)]);
  const pglite = await PGlite.create();
  await migratePglite(pglite);
  const image = await pglite.dumpDataDir('none');
  await pglite.close();
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, Buffer.from(await image.arrayBuffer()));
  for (const old of globSync(join(tmpdir(), 'unseen-empty-*.tar')))
    if (old !== path) rmSync(old, { force: true });
  renameSync(draft, path);
  return image;
}
