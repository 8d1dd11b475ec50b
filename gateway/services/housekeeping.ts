/** Housekeeping of a gateway: what must be forgotten or given back in time, done every hour, and money every minute. */
import type { Database } from '../storage/database.ts';
import { forgetKeys } from '../storage/idempotency.ts';
import { endExpired } from '../storage/shares.ts';
import { returnSpend } from '../storage/spend-returns.ts';

const EVERY_MS = 3_600_000;
/** Money of failed runs: at minutes, so that when it comes back says no more than that it does. */
const MONEY_EVERY_MS = 60_000;
/** A client that repeats a request later than this makes a new one. */
const KEYS_MS = 48 * 3_600_000;

/** Starts it; returns how to stop. */
export function startHousekeeping(db: Database, reportBug: (error: unknown, id: string) => void): () => void {
  const repeat = (everyMs: number, work: () => Promise<unknown>): NodeJS.Timeout =>
    setInterval(() => {
      work().catch((error: unknown) => reportBug(error, 'housekeeping'));
    }, everyMs).unref();
  const timers = [
    repeat(EVERY_MS, () => Promise.all([forgetKeys(db, KEYS_MS), endExpired(db)])),
    repeat(MONEY_EVERY_MS, () => returnSpend(db)),
  ];
  return () => timers.forEach(clearInterval);
}
