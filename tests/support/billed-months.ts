/**
 * Two months that were used, billed, issued and settled: what reports, exports and reconciliation are about.
 *
 * September has dear and free use, a failed run and a discount; its statement is settled. October has late use of
 * September, so that its statement takes lines back and bills them anew.
 */
import { periodBounds } from '#gateway/billing/period.ts';
import type { Database } from '#gateway/storage/database.ts';
import { recordAdvices } from '#gateway/storage/payments.ts';
import { instructionsOf, markSent, settleStatement } from '#gateway/storage/settlement.ts';
import { issueStatement } from '#gateway/storage/statement-acts.ts';
import { closeMonth } from '#gateway/storage/statements.ts';

import {
  addUsage,
  agreementBody,
  type BillingScene,
  factsOf,
  fileApproved,
  makeBillingScene,
  rateCardBody,
} from './billing-world.ts';
import { capFile } from './price-files.ts';

export const ZONE = 'Asia/Shanghai';
const START = '2026-08-01T00:00:00+08:00';

export interface BilledMonths {
  readonly scene: BillingScene;
  /** Ids of the statements of September and October. */
  readonly statements: readonly [string, string];
}

export async function makeBilledMonths(db: Database): Promise<BilledMonths> {
  const scene = await makeBillingScene(db);
  const charges = [
    { basis: 'calls', model: 'unit', unitPrice: '0.5', per: '1' },
    {
      basis: 'rows',
      model: 'graduated',
      per: '1000',
      tiers: [
        { upTo: '10000', unitPrice: '0.1' },
        { upTo: null, unitPrice: '0.05' },
      ],
    },
  ];
  await fileApproved(db, scene, {
    kind: 'Agreement',
    id: scene.agreement,
    body: agreementBody(scene),
    from: START,
  });
  await fileApproved(db, scene, {
    kind: 'RateCard',
    id: 'prices',
    body: rateCardBody(scene, charges),
    from: START,
  });
  const {
    kind: _kind,
    id: _id,
    from: _from,
    to: _to,
    ...cap
  } = capFile({
    applies: { dataset: scene.dataset },
    caps: ['calls', 'rows'].map((basis) => ({
      basis,
      maxUnitPrice: '1',
      per: '1',
      projectedPerYear: '1000',
    })),
  });
  await fileApproved(db, scene, { kind: 'PriceCap', id: 'cap', body: cap, from: START });
  const card = { id: 'prices', revision: 1 };
  const dear = {
    billing: factsOf(scene, { card }),
    planned: { rows: '3000' },
    quoted: {
      'data_usage/calls': '500000000',
      'data_usage/rows': '300000000',
      'technical_service/calls': '0',
    },
  };
  const discount = { reason: 'new_user_period', perMille: 100 } as const;
  const reduced = {
    billing: factsOf(scene, { card, discount }, { costCentre: '=HYPERLINK("x")' }),
    quoted: { 'data_usage/calls': '450000000' },
  };
  const free = {
    billing: factsOf(scene, { zeroReason: 'public_welfare' }, { purposeClass: 'governance_welfare' }),
    quoted: { 'data_usage/calls': '0' },
  };
  await addUsage(db, scene, [
    { ...dear, copies: 8, at: '2026-09-05T10:00:00+08:00', until: '2026-09-09T10:00:00+08:00' },
    { ...reduced, copies: 3, at: '2026-09-10T10:00:00+08:00' },
    { ...free, copies: 2, at: '2026-09-11T10:00:00+08:00' },
    { ...dear, outcome: 'failed', at: '2026-09-12T10:00:00+08:00' },
    { billing: null, quoted: {}, outcome: 'refused', copies: 2, at: '2026-09-13T10:00:00+08:00' },
  ]);
  const september = await bill(db, scene, '2026-09');
  await pay(db, scene, september);
  await addUsage(db, scene, [
    { ...dear, copies: 4, at: '2026-09-30T23:00:00+08:00' },
    { ...dear, copies: 30, at: '2026-10-20T10:00:00+08:00' },
    { ...reduced, copies: 1, at: '2026-10-21T10:00:00+08:00' },
  ]);
  const october = await bill(db, scene, '2026-10');
  return { scene, statements: [september, october] };
}

async function bill(
  db: Database,
  { operator, buyer, clerks }: BillingScene,
  period: string,
): Promise<string> {
  const [by, other] = clerks;
  const bounds = periodBounds(period, ZONE);
  const closed = await closeMonth(db, { issuer: operator, buyer, period, ...bounds, timeZone: ZONE, by });
  if (closed.kind !== 'closed') throw new Error(JSON.stringify(closed));
  const { id } = closed.statement;
  await issueStatement(db, { id, by: other, sign: async () => `signed ${id}` });
  return id;
}

async function pay(db: Database, { clerks: [by] }: BillingScene, statement: string): Promise<void> {
  const settled = await settleStatement(db, { id: statement, by });
  if (settled === null || settled.made.length === 0) throw new Error(JSON.stringify(settled?.holds));
  await markSent(db, statement);
  const advices = (await instructionsOf(db, statement)).map(({ id, amountFen, currency }) => ({
    reference: `bank-${id}`,
    instruction: id,
    amountFen: BigInt(amountFen),
    currency,
    paidOn: '2026-10-10',
  }));
  await recordAdvices(db, { advices, by });
}
