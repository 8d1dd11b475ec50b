/**
 * A run of an isolate that may use only so much processor time: one that uses more is ended.
 *
 * Not covered: the time between two looks at it.
 */
import type { Argument, ReadyIsolate } from './isolate.ts';

/** How often the processor time is looked at. */
const CPU_CHECK_MS = 2;

/** Calls the driver. Null is its "no answer"; throws when the isolate is ended by a limit. */
export async function runWithin(
  isolate: ReadyIsolate,
  args: readonly Argument[],
  { cpuMs, deadlineMs }: { readonly cpuMs: number; readonly deadlineMs: number },
): Promise<ArrayBuffer | null> {
  const before = isolate.cpuMs();
  const watch = setInterval(() => {
    if (isolate.cpuMs() - before < cpuMs) return;
    clearInterval(watch);
    isolate.dispose();
  }, CPU_CHECK_MS);
  try {
    return await isolate.run(args, deadlineMs);
  } finally {
    clearInterval(watch);
  }
}

/** The bytes as a buffer that can be handed over. */
export function ownBytes({ buffer, byteOffset, byteLength }: Buffer): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
