/** What the crash tests interrupt of money: quotes and prices; the closing of a month is in tests/billing/settlement.test.ts. */
import { type Admission, admit } from '#gateway/storage/admission.ts';
import type { Database } from '#gateway/storage/database.ts';
import { acceptOwnQuote } from '#gateway/storage/quote-store.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import {
  ask,
  freshId,
  handIn,
  openNew,
  priced,
  quoteFor,
  runWhole,
  type Scene,
} from '#tests/support/world.ts';

/** One operation, made ready on a scene of its own; what it returns may be called any number of times. */
export type Prepare = (db: Database, scene: Scene) => Promise<(db: Database) => Promise<unknown>>;

export const BILLING_OPERATIONS: Readonly<Record<string, Prepare>> = {
  'admission under a quote': async (db, scene) => {
    const admission = await quotedAsk(db, scene, { idempotency: { key: freshId(), bodyHash: 'a' } });
    return (inner) => admit(inner, admission);
  },
  'admission from store under a quote': async (db, scene) => {
    const first = ask(scene);
    await runWhole(db, first);
    const again = { planDigest: first.planDigest, idempotency: { key: freshId(), bodyHash: 'a' } };
    const admission = await quotedAsk(db, scene, again);
    return (inner) => admit(inner, admission);
  },
  'acceptance of a quote': async (db, scene) => {
    const quote = await quoteFor(db, scene, ask(scene, { planned: PRICED }));
    return (inner) => inner.transact((tx) => acceptOwnQuote(tx, { quote, account: scene.account }));
  },
  'release at a price': async (db, scene) => {
    const input = handIn(await openNew(db, await quotedAsk(db, scene)));
    return (inner) => commitRelease(inner, input);
  },
};

const PRICED = priced('4000000');

/** A request at a price, under a quote of its own. */
async function quotedAsk(db: Database, scene: Scene, changes: Partial<Admission> = {}): Promise<Admission> {
  const admission = ask(scene, { planned: PRICED, ...changes });
  return { ...admission, quote: await quoteFor(db, scene, admission) };
}
