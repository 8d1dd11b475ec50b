/** Creation: what a POST makes, it makes once per Idempotency-Key, and a repetition gets the same answer. */
import { joined } from '../services/shell.ts';
import type { Database } from '../storage/database.ts';
import { once } from '../storage/idempotency.ts';
import type { IdempotencyKey } from '../storage/idempotency.ts';
import type { Surface } from './surface.ts';

export interface Creation {
  readonly account: string;
  readonly idempotency: IdempotencyKey | null;
}

/** Runs `make` in one transaction with its key, and answers 201 with what it gave. */
export async function created(
  surface: Surface,
  { account, idempotency }: Creation,
  make: (db: Database) => Promise<object>,
): Promise<Response> {
  const { db } = surface;
  const answer = async (inside: Database) => ({ status: 201, response: JSON.stringify(await make(inside)) });
  const { status, response } =
    idempotency === null
      ? await db.transact((tx) => answer(joined(db, tx)))
      : await once(db, { account, idempotency }, (tx) => answer(joined(db, tx)));
  return new Response(response, { status, headers: { 'content-type': 'application/json' } });
}
