/**
 * A lock on a directory: one process at a time, known by its pid; a dead process's lock is taken over.
 *
 * Guarantee: of any number of processes on one machine that lock the same directory, at most one holds it. A pid
 * that was given to another program since does not count as alive: its start time is compared (Linux).
 * Not covered: two machines, or two containers with pid namespaces of their own, over one shared directory. A
 * process killed in the microseconds in which it takes over a dead lock leaves a directory that a person must free
 * (remove `lock*`): to err on that side loses no rows.
 *
 * The lock is a file that appears whole, by link(2), which fails if the name is taken. Taking over a dead lock
 * must not remove a live one that appeared meanwhile: whoever wants to do it first links the dead file under a
 * name made from its nonce, which only one can, and looks whether what he linked is the dead lock.
 */
import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';

export interface DirectoryLock {
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  /** Start of the process in clock ticks since boot, or '' where the system does not say. */
  readonly start: string;
  readonly nonce: string;
}

const NAME = 'lock';
/** A lock is linked whole, so one that cannot be read was cut off when the machine stopped: its process is dead. */
const BROKEN: Holder = { pid: 0, start: '', nonce: 'broken' };
const RETRY_MS = 50;

/**
 * Locks an existing directory, waiting at most `waitMs` for its holder. Failure STATE_BUSY with directory and pid.
 * The same process cannot lock a directory twice.
 */
export async function lockDirectory(
  directory: string,
  { waitMs }: { readonly waitMs: number },
): Promise<DirectoryLock> {
  const path = join(directory, NAME);
  const own: Holder = {
    pid: process.pid,
    start: await startOf(process.pid),
    nonce: randomBytes(16).toString('hex'),
  };
  const draft = `${path}.${own.nonce}`;
  await writeFile(draft, JSON.stringify(own), { flag: 'wx' });
  try {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const holder = await tryLock(path, draft);
      if (holder === undefined) return { release: () => unlock(path, own) };
      if (Date.now() >= deadline)
        throw new Failure('STATE_BUSY', say('storage.busy', { directory, pid: holder.pid }));
      await sleep(RETRY_MS);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Undefined when the lock is ours now, else who has it. */
async function tryLock(path: string, draft: string): Promise<Holder | undefined> {
  if (await tryLink(draft, path)) return undefined;
  const holder = await readHolder(path);
  // Given back between the two calls.
  if (holder === undefined) return tryLock(path, draft);
  if (await isAlive(holder)) return holder;
  return (await takeOver(path, draft, holder)) ? undefined : holder;
}

/** Replaces a dead lock by ours, unless someone else is doing so. */
async function takeOver(path: string, draft: string, dead: Holder): Promise<boolean> {
  const claim = `${path}.dead.${dead.nonce}`;
  if (!(await tryLink(path, claim))) return false;
  try {
    // The lock may have changed hands since it was read; then the claim is on a living one, and void.
    if ((await readHolder(claim))?.nonce !== dead.nonce) return false;
    // INVARIANT: the dead lock is in place and only the holder of this claim removes it.
    await rename(draft, path);
    return true;
  } finally {
    await rm(claim, { force: true });
  }
}

async function unlock(path: string, own: Holder): Promise<void> {
  if ((await readHolder(path))?.nonce === own.nonce) await rm(path, { force: true });
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOENT'].includes(codeOf(error))) return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { pid, start, nonce } = JSON.parse(await readFile(path, 'utf8')) as Partial<Holder>;
    const isWhole =
      Number.isSafeInteger(pid) && typeof start === 'string' && /^[0-9a-f]{32}$/.test(nonce ?? '');
    return isWhole ? ({ pid, start, nonce } as Holder) : BROKEN;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return BROKEN;
    throw error;
  }
}

async function isAlive({ pid, start }: Holder): Promise<boolean> {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Not allowed to signal it: it lives, under another user.
    if (codeOf(error) !== 'EPERM') return false;
  }
  return (await startOf(pid)) === start;
}

/** Field 22 of /proc/<pid>/stat; the second field may contain spaces and brackets. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
