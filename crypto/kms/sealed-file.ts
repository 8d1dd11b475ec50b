/**
 * Files that hold secrets: read whole, replaced whole, and readable by their owner alone.
 *
 * Guarantee: after `replaceFile` returned, the new bytes are on disk under the name, also after a power cut; before
 * it returned, the old or the new ones are, never a mixture (rename(2), with fsync(2) of file and directory). The
 * old file's blocks are overwritten after it lost its name.
 * Not covered: copies that a file system, a drive or a backup keeps of overwritten blocks.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o600;
const OTHERS = 0o077;
const BYTES_MAX = 64 << 20;

/** What tells one content of a name from the next without reading it; null when there is no file. */
export function fileIdentity(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : [stat.dev, stat.ino, stat.mtimeNs, stat.size].join(':');
}

/** The bytes of a regular file that no one but its owner may read or write; null when there is no such file. */
export function readSecretFile(path: string): Uint8Array | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const { mode, size } = fstatSync(file);
    const isPrivate = (mode & constants.S_IFMT) === constants.S_IFREG && (mode & OTHERS) === 0;
    return isPrivate && size <= BYTES_MAX ? readFileSync(file) : null;
  } finally {
    closeSync(file);
  }
}

/** Writes a file that is not there yet; false when it is. On disk when it returns. */
export function writeSecretFile(path: string, bytes: Uint8Array): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx', OWNER_ONLY);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  writeAll(file, bytes);
  syncDirectory(path);
  return true;
}

/** Puts these bytes in the place of the file. Only the holder of a lock may call it. */
export function replaceFile(path: string, bytes: Uint8Array): void {
  const draft = `${path}.new`;
  // Left by a process that died while it wrote.
  rmSync(draft, { force: true });
  const old = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    writeAll(openSync(draft, 'wx', OWNER_ONLY), bytes);
    renameSync(draft, path);
    syncDirectory(path);
    overwrite(old);
  } finally {
    closeSync(old);
  }
}

/** The old file has no name any more; whatever happens here, the new one stands. */
function overwrite(file: number): void {
  try {
    writeWhole(file, new Uint8Array(fstatSync(file).size));
    fsyncSync(file);
  } catch {
    // Overwriting is a second line: what was destroyed is gone from the file that counts.
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  try {
    writeWhole(file, bytes);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, at);
}

function syncDirectory(path: string): void {
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
