/** Housekeeping of a gateway: what must be forgotten or given back in time, every hour, and reconciling every night. */
import { instantText } from '#sandbox/release/zone.ts';
import type { Database } from '../storage/database.ts';
import { forgetKeys } from '../storage/idempotency.ts';
import { endExpired } from '../storage/shares.ts';
import { type Reconciliation, runReconciliation } from './reconciliation.ts';

const EVERY_MS = 3_600_000;
/** The hour of the bills' time zone in which everything is reconciled. */
const NIGHT_HOUR = '03';
/** A client that repeats a request later than this makes a new one. */
const KEYS_MS = 48 * 3_600_000;

/** Who is told of what housekeeping found. */
export interface HousekeepingReports {
  readonly timeZone: string;
  readonly reportBug: (error: unknown, id: string) => void;
  /** Told every night, whether something is wrong or not. Without it, what is wrong is reported as a bug. */
  readonly reportReconciliation?: ((found: Reconciliation) => void) | undefined;
}

/** Starts it; returns how to stop. */
export function startHousekeeping(db: Database, reports: HousekeepingReports): () => void {
  const caught =
    (name: string) =>
    (error: unknown): void =>
      reports.reportBug(error, name);
  const timer = setInterval(() => {
    Promise.all([forgetKeys(db, KEYS_MS), endExpired(db)]).catch(caught('housekeeping'));
    if (instantText(Date.now(), reports.timeZone).slice(11, 13) === NIGHT_HOUR)
      reconcileAll(db, reports).catch(caught('reconciliation'));
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function reconcileAll(
  db: Database,
  { timeZone, reportBug, reportReconciliation }: HousekeepingReports,
): Promise<void> {
  const found = await runReconciliation(db, { month: null, timeZone });
  if (reportReconciliation !== undefined) reportReconciliation(found);
  else if (found.breaches.length > 0)
    reportBug(new Error(`reconciliation: ${JSON.stringify(found.breaches)}`), 'reconciliation');
}
