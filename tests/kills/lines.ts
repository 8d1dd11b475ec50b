/**
 * How a process under test and the one that kills it talk: a line of JSON per message, over stdin and stdout.
 *
 * Guarantee: what a process has told was written before it went on, so that an acknowledgement is out before a kill.
 * Not covered: an answer that is half written when its process dies; it counts as never given.
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Tells whoever started this process. */
export function tell(message: object): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}

/** Calls `heard` for each whole line, with what it says. */
export function hear(from: Readable, heard: (message: unknown) => void): void {
  createInterface({ input: from }).on('line', (line) => {
    if (line.endsWith('}')) heard(JSON.parse(line));
  });
}

/** Tells that this process has begun, and leaves what it has compiled to the next: a killed one does not at its end. */
export function tellStart(): void {
  tell({ started: process.pid });
  flushCompileCache();
}
