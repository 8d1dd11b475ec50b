/**
 * The jailed process's end of its pipe: frames read from stdin and written to stdout, both blocking.
 *
 * For a process that has nothing else to do while it waits. Reading ends when the runner closes the pipe.
 */
import { readSync, writeSync } from 'node:fs';

/** The next frame, or null when the runner has closed the pipe. */
export function readFrame(): Buffer | null {
  const head = readExactly(4);
  return head === null ? null : readExactly(head.readUInt32LE(0));
}

function readExactly(length: number): Buffer | null {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const count = readSync(0, bytes, at, length - at, null);
    if (count === 0) return null;
    at += count;
  }
  return bytes;
}

/** Writes a frame (of `frameOf`) to the runner. */
export function writeFrame(frame: readonly Uint8Array[]): void {
  for (const piece of frame) writeAll(piece, 1);
}

export function writeAll(bytes: Uint8Array, descriptor: 1 | 2): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}
