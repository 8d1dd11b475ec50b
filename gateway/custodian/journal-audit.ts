/**
 * What a custodian's journal must add up to, beside being whole: the audit of `unseen custodian log --verify`.
 *
 * Guarantee: every answer follows its reservation, no order has two, releases under a key are numbered without gaps,
 * and each answer is attested by the custodian's key for that order, those values and that number.
 */
import type { PublicJwk } from '#crypto/ed25519-key.ts';
import { openAttestationOf, OrderError } from '#crypto/he/order.ts';
import type { JournalEntry, Reservation } from './journal.ts';

/** The number (from 1) of the first entry that does not fit those before it; null when all do. */
export async function firstMisfit(
  entries: readonly JournalEntry[],
  keys: readonly PublicJwk[],
): Promise<number | null> {
  const open = new Map<string, Reservation>();
  const seen = new Set<string>();
  const orders = new Map<string, number>();
  for (const [at, entry] of entries.entries()) {
    const fits = await fitsAfter(entry, { open, seen, orders, keys });
    if (!fits) return at + 1;
  }
  return null;
}

interface Past {
  /** Reservations without an outcome, by order id. */
  readonly open: Map<string, Reservation>;
  readonly seen: Set<string>;
  /** Orders so far, by key. */
  readonly orders: Map<string, number>;
  readonly keys: readonly PublicJwk[];
}

async function fitsAfter(entry: JournalEntry, { open, seen, orders, keys }: Past): Promise<boolean> {
  if (entry.type === 'reserved') {
    const number = (orders.get(entry.keyId) ?? 0) + 1;
    const fits = !seen.has(entry.orderId) && entry.order === number;
    orders.set(entry.keyId, number);
    seen.add(entry.orderId);
    open.set(entry.orderId, entry);
    return fits;
  }
  if (entry.type !== 'answered' && entry.type !== 'failed') return true;
  const reservation = open.get(entry.orderId);
  open.delete(entry.orderId);
  if (reservation === undefined) return false;
  return entry.type === 'failed' || (await isAttested(entry.body, reservation, keys));
}

async function isAttested(
  body: string,
  reservation: Reservation,
  keys: readonly PublicJwk[],
): Promise<boolean> {
  const { attestation, values } = JSON.parse(body) as { attestation: string; values: string[] };
  try {
    const said = await openAttestationOf(
      { attestation, values: values.map(BigInt) },
      { keys, orderDigest: reservation.orderDigest },
    );
    return said.release.order === String(reservation.order) && values.length === reservation.values;
  } catch (error) {
    if (error instanceof OrderError) return false;
    throw error;
  }
}
