/** Housekeeping of a gateway: what must be forgotten or given back in time, done every hour. */
import type { Database } from '../storage/database.ts';
import { forgetKeys } from '../storage/idempotency.ts';
import { endExpired } from '../storage/shares.ts';

const EVERY_MS = 3_600_000;
/** A client that repeats a request later than this makes a new one. */
const KEYS_MS = 48 * 3_600_000;

/** Starts it; returns how to stop. */
export function startHousekeeping(db: Database, reportBug: (error: unknown, id: string) => void): () => void {
  const timer = setInterval(() => {
    Promise.all([forgetKeys(db, KEYS_MS), endExpired(db)]).catch((error: unknown) =>
      reportBug(error, 'housekeeping'),
    );
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
