/**
 * Rate limits: one token bucket per account, told in RateLimit fields (draft-ietf-httpapi-ratelimit-headers).
 *
 * Guarantee: what the fields say is a function of the account's own requests and of time alone.
 * Not covered: several gateways; each counts for itself. The quota of a grant is the limit that must hold.
 */
import { say } from '#policies/words.ts';
import { HttpFault } from '../problem.ts';

export interface RateLimiter {
  /** Takes one request of an account. The header fields to send; HttpFault RATE when there is none left. */
  take(account: string): Readonly<Record<string, string>>;
}

/** Buckets that fill at `perMinute` and hold as much. */
export function rateLimiter(perMinute: number, now: () => number): RateLimiter {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  const perMs = perMinute / 60_000;
  return {
    take: (account) => {
      const atMs = now();
      const known = buckets.get(account) ?? { tokens: perMinute, atMs };
      const tokens = Math.min(perMinute, known.tokens + Math.max(0, atMs - known.atMs) * perMs);
      const isAllowed = tokens >= 1;
      const left = isAllowed ? tokens - 1 : tokens;
      buckets.set(account, { tokens: left, atMs });
      const seconds = Math.max(1, Math.ceil((1 - Math.min(1, left)) / perMs / 1_000));
      const fields = {
        'ratelimit-policy': `"account";q=${perMinute};w=60`,
        ratelimit: `"account";r=${Math.floor(left)};t=${Math.ceil((perMinute - left) / perMs / 1_000)}`,
      };
      if (!isAllowed)
        throw new HttpFault('RATE', say('api.rate', { seconds }), {
          ...fields,
          'retry-after': String(seconds),
        });
      return fields;
    },
  };
}
