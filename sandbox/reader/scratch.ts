/**
 * Scratch directories: where one reader's engine may spill, on disk, private to this user, removed afterwards.
 *
 * Guarantee: a directory is removed when its reader is gone and when this process ends; what a killed process left
 * behind is removed by the next one on the same machine.
 * Not covered: removal is not erasure, and spill files are not encrypted: put the directory on a disk that may hold
 * the data.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Machines may share a directory but not process ids, so the name says which machine's id follows. */
const PREFIX = `unseen-reader-${createHash('sha256').update(hostname()).digest('hex').slice(0, 12)}-`;

const live = new Set<string>();
let isSwept = false;

/** Makes a directory that only this user can enter. `parent` is the system's temporary directory unless given. */
export function makeScratch(parent: string = tmpdir()): string {
  sweepOnce(parent);
  const directory = mkdtempSync(join(parent, `${PREFIX}${process.pid}-`));
  live.add(directory);
  return directory;
}

/** Removes a directory made here, with all that a reader left in it. */
export function removeScratch(directory: string): void {
  live.delete(directory);
  rmSync(directory, { recursive: true, force: true });
}

/** How many files are in a directory made here; none once it is removed. */
export function countFiles(directory: string): number {
  return existsSync(directory) ? readdirSync(directory).length : 0;
}

/** Removes directories under `parent` whose process no longer exists. Returns their names. */
export function sweepScratch(parent: string): readonly string[] {
  const abandoned = readdirSync(parent).filter((name) => name.startsWith(PREFIX) && !isAlive(ownerOf(name)));
  return abandoned.filter((name) => {
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
      return true;
    } catch {
      return false; // Another user's: theirs to remove.
    }
  });
}

function sweepOnce(parent: string): void {
  if (isSwept) return;
  isSwept = true;
  sweepScratch(parent);
  process.once('exit', () => {
    for (const directory of live) rmSync(directory, { recursive: true, force: true });
  });
}

function ownerOf(name: string): number {
  return Number.parseInt(name.slice(PREFIX.length), 10);
}

/** EPERM means that the process exists and is another user's. */
function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
