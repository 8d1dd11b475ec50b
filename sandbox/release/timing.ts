/** Release times: planned to the millisecond, or the next power-of-two multiple of a quantum. */
import type { Timing } from '../plan.ts';

/** Milliseconds to wait when `elapsedMs` have passed since the request was admitted. */
export function releaseDelayMs(timing: Timing, elapsedMs: number): number {
  if (timing.mode === 'exact') return 0;
  return Math.max(0, releaseTimeMs(timing, elapsedMs) - elapsedMs);
}

/** When an answer that is ready after `readyMs` leaves, counted from admission. */
export function releaseTimeMs(timing: Timing, readyMs: number): number {
  switch (timing.mode) {
    case 'exact':
      return readyMs;
    case 'planned':
      return timing.releaseAfterMs;
    case 'quantum': {
      const quanta = Math.max(1, readyMs / timing.quantumMs);
      return timing.quantumMs * 2 ** Math.ceil(Math.log2(quanta));
    }
  }
}
