/**
 * The gateway of the kill tests: a process of its own that takes orders, one per line, and answers what was committed.
 *
 * It is the gateway's storage and no more: admission with price, quota, budget and Idempotency-Key, the record of a
 * refusal, quotes and their acceptance, and the money of failed runs given back, each in its real transaction. HTTP, tokens, compiling and Cedar are left out,
 * because a process with them takes four times as long to start (tests/journeys/processes.test.ts kills the whole one).
 * Arguments: the database's address, and the template of a request as JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { Refusal } from '#policies/refusal.ts';
import { admit, refuse } from '#gateway/storage/admission.ts';
import { openDatabase } from '#gateway/storage/database.ts';
import { acceptOwnQuote, saveQuote } from '#gateway/storage/quote-store.ts';
import { returnSpend } from '#gateway/storage/spend-returns.ts';
import { hear, tell, tellStart } from './lines.ts';
import { askOf, newId, type Order, priceAt, type Template } from './orders.ts';

const QUOTE_MS = 3_600_000;
/** A gateway gives money back every minute; this one does not live so long. */
const RETURN_MS = 30;

const [url = '', described = ''] = process.argv.slice(2);
const template = JSON.parse(described) as Template;
const { account, day } = template.plain;
const db = await openDatabase({ url, connectionsMax: 2 });

/** What is told is true from then on: it was committed. */
async function done(order: Order): Promise<object> {
  if (order.kind === 'submit') return { job: await submitted(order) };
  if (order.kind === 'quote') return { quote: await quoted(order) };
  const { quote } = order;
  const accepted = await db.transact((tx) => acceptOwnQuote(tx, { quote, account }));
  return { leaf: accepted?.leafIndex ?? null };
}

/** Like the gateway's submission: what is refused is recorded, under the same key. */
async function submitted(order: Extract<Order, { kind: 'submit' }>): Promise<string> {
  const admission = askOf(template, order);
  try {
    return (await admit(db, admission)).jobId;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const grant = { id: admission.grant, revision: 1 };
    return (await refuse(db, { ...admission, grant, refusal: error })).jobId;
  }
}

async function quoted({ plan, grant }: Extract<Order, { kind: 'quote' }>): Promise<string> {
  const admission = askOf(template, { plan, grant, key: newId(), quote: null });
  const { billing, quoted: most, spendNano } = priceAt(template, admission.planned);
  const { purpose, scene, costCentre, product } = admission;
  const id = newId();
  const made = {
    id,
    accountId: account,
    grantId: grant,
    planDigest: plan,
    body: { id, purpose, scene, costCentre, product, usage: { ...admission.planned, spendNano } },
    billing,
    quoted: most,
    price: (BigInt(spendNano) + 9_999_999n) / 10_000_000n,
    expiresAt: new Date(Date.now() + QUOTE_MS),
  };
  await saveQuote(db, made, day);
  return id;
}

hear(process.stdin, (said) => {
  const order = said as Order;
  done(order).then(
    (answer) => tell({ n: order.n, ...answer }),
    (error: unknown) => tell({ n: order.n, fault: String(error) }),
  );
});
tellStart();
for (;;) {
  await returnSpend(db);
  await sleep(RETURN_MS);
}
