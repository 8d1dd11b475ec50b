/** What the crash tests interrupt of money: quotes, prices and the closing of a month. */
import { say } from '#policies/words.ts';
import { failJob } from '#gateway/storage/abort.ts';
import { type Admission, admit } from '#gateway/storage/admission.ts';
import type { Database } from '#gateway/storage/database.ts';
import { acceptOwnQuote } from '#gateway/storage/quote-store.ts';
import { commitRelease } from '#gateway/storage/release.ts';
import { closeMonth, type Closing } from '#gateway/storage/statements.ts';
import {
  ask,
  freshId,
  handIn,
  makeScene,
  openNew,
  priced,
  quoteFor,
  runWhole,
  type Scene,
} from '#tests/support/world.ts';

/** One operation, made ready on a scene of its own; what it returns may be called any number of times. */
export type Prepare = (db: Database, scene: Scene) => Promise<(db: Database) => Promise<unknown>>;

const TIME_ZONE = 'Asia/Shanghai';

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
  'closing of a month': async (db, scene) => {
    const other = await makeScene(db);
    for (const one of [scene, other]) await runWhole(db, await quotedAsk(db, one));
    await failed(db, await quotedAsk(db, scene));
    // The number before is another buyer's.
    await closeMonth(db, { ...closingOf(other), issuer: scene.organisation });
    const closing = closingOf(scene);
    return (inner) => closeMonth(inner, closing);
  },
};

const PRICED = priced('4000000');

/** A request at a price, under a quote of its own. */
async function quotedAsk(db: Database, scene: Scene, changes: Partial<Admission> = {}): Promise<Admission> {
  const admission = ask(scene, { planned: PRICED, ...changes });
  return { ...admission, quote: await quoteFor(db, scene, admission) };
}

async function failed(db: Database, admission: Admission): Promise<void> {
  const { id: jobId, attempt } = await openNew(db, admission);
  await failJob(db, { jobId, attempt, code: 'RUN_LIMIT', sentence: say('storage.lost'), measured: {} });
}

/** All that a scene has used so far, as a month that its buyer bills himself for. */
function closingOf({ organisation, account: by }: Scene): Closing {
  const to = new Date();
  const period = new Intl.DateTimeFormat('sv-SE', {
    timeZone: TIME_ZONE,
    year: 'numeric',
    month: '2-digit',
  }).format(to);
  const parties = { issuer: organisation, buyer: organisation, by };
  return { ...parties, period, from: new Date(to.getTime() - 86_400_000), to, timeZone: TIME_ZONE };
}
