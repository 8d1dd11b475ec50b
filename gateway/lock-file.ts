/**
 * A lock file that names its holder: one process at a time, and a dead process's lock is taken over.
 *
 * The holder writes its pid and its start time (a pid alone may have been given to another process since).
 * A lock appears by link(2) with its content complete, so nobody reads half a holder.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const RETRY_MS = 50;

export interface FileLock {
  release(): void;
}

/** The process that holds a lock. */
interface Holder {
  readonly pid: number;
  readonly started: string;
}

/** Takes the lock, waiting up to `waitMs`; the holder's pid when it stays taken. */
export async function takeLock(
  path: string,
  waitMs: number,
): Promise<FileLock | { readonly heldBy: number }> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const holder = tryLock(path);
    if (holder === null) return { release: () => rmSync(path, { force: true }) };
    if (performance.now() >= deadline) return { heldBy: holder.pid };
    await sleep(RETRY_MS);
  }
}

/** Null when this process now holds the lock, else who does. */
function tryLock(path: string): Holder | null {
  const mine = `${path}.${process.pid}`;
  writeHolder(mine, { pid: process.pid, started: startOf(process.pid) ?? '' });
  try {
    for (;;) {
      if (linked(mine, path)) return null;
      const holder = readHolder(path);
      if (holder !== null && isAlive(holder)) return holder;
      removeDead(path, holder);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Creates the lock whole or not at all: link(2) fails when the name exists. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a dead holder's file away; one that a quicker process has replaced meanwhile is put back. */
function removeDead(path: string, dead: Holder | null): void {
  const aside = `${path}.dead.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = readHolder(aside);
  if (moved !== null && isAlive(moved) && moved.pid !== dead?.pid) linked(aside, path);
  rmSync(aside, { force: true });
}

function writeHolder(path: string, holder: Holder): void {
  const file = openSync(path, 'w', 0o600);
  writeSync(file, JSON.stringify(holder));
  fsyncSync(file);
  closeSync(file);
}

function readHolder(path: string): Holder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return null;
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return now === null || started === '' || now === started;
}

/** Start time of a process in clock ticks since boot (proc(5), field 22), where /proc tells. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
