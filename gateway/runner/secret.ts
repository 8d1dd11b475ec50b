/** The runner's secret, from which every lineage's seed of keyed choices is derived: made once, kept in its directory. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** 256 bits; readable by the owner of the directory only. */
export function secretOf(dataDir: string): Buffer {
  const directory = join(dataDir, 'keys');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'runner-secret');
  if (!existsSync(path))
    writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx', flush: true });
  return Buffer.from(readFileSync(path, 'utf8').trim(), 'hex');
}
