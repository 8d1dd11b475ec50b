/** What every route of the API works with: the shell, and what belongs to HTTP alone. */
import type { Shell } from '../services/shell.ts';
import { type Cursors, cursorsOf } from './cursor.ts';
import { InFlight } from './idempotency-key.ts';
import { type Metrics, metricsOf } from './metrics.ts';
import { rateLimiter, type RateLimiter } from './rate-limit.ts';

export interface Surface extends Shell {
  readonly cursors: Cursors;
  readonly inFlight: InFlight;
  readonly limiter: RateLimiter;
  readonly metrics: Metrics;
}

/** The surface of one gateway. */
export function surfaceOf(shell: Shell): Surface {
  return {
    ...shell,
    cursors: cursorsOf(shell.keys.token),
    inFlight: new InFlight(),
    limiter: rateLimiter(shell.ratePerMinute, shell.now),
    metrics: metricsOf(shell.db),
  };
}
