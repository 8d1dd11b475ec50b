/** Closing months: what stands on which line, late and corrected usage, numbers, blocks, and two that close at once. */
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { BASES } from '#gateway/billing/facts.ts';
import { familyIdOf, foldUsage, type RatableEvent, type UsageGroup } from '#gateway/billing/usage-group.ts';
import { findBillingViolations } from '#gateway/storage/billing-invariants.ts';
import type { Database } from '#gateway/storage/database.ts';
import { fileDocument } from '#gateway/storage/documents.ts';
import { approveGrant, findGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import { findViolations } from '#gateway/storage/invariants.ts';
import { rateNew } from '#gateway/storage/rating.ts';
import { closeMonth, dryRun } from '#gateway/storage/statements.ts';
import {
  addCalls,
  bodiesOf,
  CALL_QUOTED,
  closingOf,
  correct,
  OCTOBER,
  pricedScene,
  SEPTEMBER,
  statementOf,
  ZONE,
} from '#tests/support/billing-acts.ts';
import {
  addUsage,
  factsOf,
  fileApproved,
  fileCard,
  makeBillingScene,
  rateCardBody,
  UNIT_CARD,
} from '#tests/support/billing-world.ts';
import { describeEngines, openEngine, type OpenEngine } from '#tests/support/engines.ts';
import { saveAccount, saveOrganisation } from '#gateway/storage/parties.ts';
import { freshId } from '#tests/support/world.ts';

const TIERS = [
  {
    basis: 'rows',
    model: 'graduated',
    per: '1000',
    tiers: [
      { upTo: '1000', unitPrice: '1.00' },
      { upTo: null, unitPrice: '0.10' },
    ],
  },
];

const SEATS = [{ basis: 'seats', model: 'period', unitPrice: '300.00' }];

describeEngines('closing a month on', (engine) => {
  let opened: OpenEngine;
  let db: Database;
  beforeAll(async () => {
    opened = await openEngine(engine);
    ({ db } = opened);
  });
  afterAll(() => opened.close());

  test('a month is rated once per line, and late usage takes its line back with the month it belongs to', async () => {
    const world = await pricedScene(db);
    const { scene } = world;
    await addCalls(db, world, '2026-09-30T23:59:59+08:00', 1);
    const first = statementOf(await closeMonth(db, closingOf(scene, '2026-09')));
    expect(
      (await bodiesOf(db, first)).map(({ feeType, events, amountFen }) => [feeType, events, amountFen]),
    ).toEqual([
      ['data_usage', '1', '0'],
      ['technical_service', '1', '0'],
    ]);
    await addCalls(db, world, '2026-10-01T00:00:00+08:00', 1000);
    await addCalls(db, world, '2026-09-30T23:59:59+08:00', 2);
    const second = statementOf(await closeMonth(db, closingOf(scene, '2026-10')));
    const said = (await bodiesOf(db, second)).map((line) => [
      line.originalPeriod,
      line.feeType,
      line.kind,
      line.events,
      line.amountFen,
    ]);
    // 1,000 calls rated one by one would come to nothing.
    expect(said).toEqual([
      ['2026-09', 'data_usage', 'reversal', '-1', '0'],
      ['2026-09', 'data_usage', 'rebill', '3', '1'],
      ['2026-09', 'technical_service', 'reversal', '-1', '0'],
      ['2026-09', 'technical_service', 'rebill', '3', '0'],
      ['2026-10', 'data_usage', 'charge', '1000', '400'],
      ['2026-10', 'technical_service', 'charge', '1000', '0'],
    ]);
    expect(second.previousDigest).toBe(first.digest);
    expect(second.totalFen).toBe('401');
  });

  test('a correction across tiers rates the whole family anew, and a correction of it works on the live line', async () => {
    const { scene, billing } = await pricedScene(db, TIERS);
    const rows = { billing, quoted: { 'data_usage/rows': '1500000000', 'technical_service/calls': '0' } };
    const [first = ''] = await addUsage(db, scene, [
      { ...rows, at: SEPTEMBER, planned: { rows: '1500' } },
      { ...rows, at: SEPTEMBER, planned: { rows: '1500' } },
    ]);
    await closeMonth(db, closingOf(scene, '2026-09'));
    const amounts = async (period: string): Promise<unknown> =>
      (await bodiesOf(db, statementOf(await closeMonth(db, closingOf(scene, period)))))
        .filter(({ feeType }) => feeType === 'data_usage')
        .map(({ kind, quantity, amountFen }) => `${kind} ${quantity} ${amountFen}`);
    expect(await amounts('2026-09')).toEqual(['charge 3000 120']);
    await correct(db, scene, first, { quantities: { rows: '0' } });
    await addUsage(db, scene, [{ ...rows, at: OCTOBER, planned: { rows: '10' } }]);
    expect(await amounts('2026-10')).toEqual(['reversal -3000 -120', 'rebill 1500 105', 'charge 10 1']);
    // A correction of the correction, after a month that was closed: rated in a month that is not over, so only tried.
    await correct(db, scene, first, { quantities: {} });
    const next = await dryRun(db, closingOf(scene, '2026-11'), () => Promise.resolve(null));
    expect(next.blocks.map(({ code }) => code)).toEqual(['PERIOD_OPEN']);
    expect(
      next.lines
        // The run by which the scene was made, in the month that it is, had no price.
        .filter(({ feeType, zeroReason }) => feeType === 'data_usage' && zeroReason === null)
        .map((line) => `${line.kind} ${line.quantity}`),
    ).toEqual(['reversal -1500', 'rebill 3000']);
  });

  test('an excluded run leaves its lines, and a purpose that becomes free costs nothing and says why', async () => {
    const world = await pricedScene(db);
    const { scene } = world;
    const [gone = '', free = ''] = await addCalls(db, world, SEPTEMBER, 500);
    await closeMonth(db, closingOf(scene, '2026-09'));
    await correct(db, scene, gone, { exclude: true }, 'duplicate');
    await correct(db, scene, free, { purposeClass: 'governance_welfare' }, 'purpose');
    const lines = await bodiesOf(db, statementOf(await closeMonth(db, closingOf(scene, '2026-10'))));
    const said = lines
      .filter(({ feeType }) => feeType === 'data_usage')
      .map(({ kind, events, amountFen, zeroReason }) => `${kind} ${events} ${amountFen} ${zeroReason}`);
    expect(said.toSorted()).toEqual([
      'charge 1 0 public_welfare',
      'rebill 498 199 null',
      'reversal -500 -200 null',
    ]);
  });

  test('facts that an older version wrote in another order stand on the same line', async () => {
    const world = await pricedScene(db);
    await addCalls(db, world, SEPTEMBER, 700);
    await db.transact(async (tx) => {
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      await tx.rows(
        sql`UPDATE usage_record SET billing = billing::jsonb::json WHERE account_id = ${world.scene.account}`,
      );
    });
    await addCalls(db, world, SEPTEMBER, 300);
    const texts = sql`SELECT DISTINCT billing::text FROM usage_record WHERE account_id = ${world.scene.account} AND visible_at < '2026-10-01'`;
    expect(await db.rows(texts)).toHaveLength(2);
    const september = statementOf(await closeMonth(db, closingOf(world.scene, '2026-09')));
    const lines = (await bodiesOf(db, september)).map(({ events, amountFen }) => [events, amountFen]);
    expect(lines).toEqual([
      ['1000', '400'],
      ['1000', '0'],
    ]);
  });

  test('a correction that changes nothing takes no line back', async () => {
    const world = await pricedScene(db);
    const { scene } = world;
    const [usage = ''] = await addCalls(db, world, SEPTEMBER, 10);
    await closeMonth(db, closingOf(scene, '2026-09'));
    await correct(db, scene, usage, { quantities: { calls: '1' } });
    const october = statementOf(await closeMonth(db, closingOf(scene, '2026-10')));
    expect(await bodiesOf(db, october)).toEqual([]);
  });

  test('a correction before the first closing is taken into account at once', async () => {
    const world = await pricedScene(db);
    const [gone = ''] = await addCalls(db, world, OCTOBER, 250);
    await correct(db, world.scene, gone, { exclude: true }, 'cancel');
    const lines = await bodiesOf(db, statementOf(await closeMonth(db, closingOf(world.scene, '2026-10'))));
    expect(lines.map(({ kind, events, amountFen }) => [kind, events, amountFen])).toEqual([
      ['charge', '249', '100'],
      ['charge', '249', '0'],
    ]);
  });

  test('two that close one month at once are told of the same statement, and numbers have no gaps', async () => {
    const world = await pricedScene(db);
    await addCalls(db, world, OCTOBER, 3);
    const both = await Promise.all([1, 2, 3].map(() => closeMonth(db, closingOf(world.scene, '2026-10'))));
    expect(both.map(({ kind }) => kind).toSorted()).toEqual(['already', 'already', 'closed']);
    expect(new Set(both.map((closed) => statementOf(closed).digest)).size).toBe(1);
    expect(statementOf(both[0] ?? { kind: 'nothing' }).id).toBe(`${world.scene.operator}-2026-10-000001`);
  });

  test('what blocks leaves nothing: a month that is not over, a card that is missing or not approved, an earlier month, a dearer card', async () => {
    const scene = await makeBillingScene(db);
    const state = async (): Promise<unknown> =>
      db.rows(sql`SELECT (SELECT count(*)::int FROM rated_run) AS rated, (SELECT count(*)::int FROM line_family) AS families,
        (SELECT count(*)::int FROM statement) AS statements, (SELECT sum(last)::text FROM statement_sequence) AS last`);
    const card = await fileCard(db, scene, UNIT_CARD);
    const dear = await fileCard(db, scene, [{ basis: 'calls', model: 'unit', unitPrice: '9', per: '1' }]);
    const foreign = await fileCard(db, scene, UNIT_CARD, { currency: 'USD' });
    const filed = { id: `RC-${freshId()}`, revision: 1 };
    const [from, by] = [new Date('2026-01-01T00:00:00+08:00'), scene.clerks[0]];
    const body = rateCardBody(scene, UNIT_CARD);
    await fileDocument(db, { kind: 'RateCard', id: filed.id, body, from, to: null, by });
    const use = (named: { id: string; revision: number }, at: string) => ({
      at,
      billing: factsOf(scene, { card: named }),
      quoted: CALL_QUOTED,
    });
    await addUsage(db, scene, [
      use({ id: 'RC-none', revision: 1 }, OCTOBER),
      use(filed, OCTOBER),
      use(dear, OCTOBER),
      use(foreign, OCTOBER),
      use(card, SEPTEMBER),
    ]);
    const before = await state();
    const closed = await closeMonth(db, closingOf(scene, '2026-10'));
    expect(closed.kind === 'blocked' && closed.blocks.map(({ code }) => code).toSorted()).toEqual([
      'ABOVE_QUOTE',
      'CARD_MISSING',
      'CARD_MISSING',
      'CURRENCY',
      'EARLIER_OPEN',
    ]);
    expect(await state()).toEqual(before);
    const dry = await dryRun(db, closingOf(scene, '2026-09'), (_, lines) => Promise.resolve(lines.length));
    expect([dry.blocks, dry.seen]).toEqual([[], 2]);
    expect(await state()).toEqual(before);
  });

  test('a run that has ended stands in the way until it may be seen to have, and no earlier', async () => {
    const { scene, billing } = await pricedScene(db);
    const seenAt = new Date(Date.now() + 3_600_000).toISOString();
    await addUsage(db, scene, [{ at: seenAt, billing, quoted: CALL_QUOTED }]);
    await db.transact(async (tx) => {
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      await tx.rows(sql`
        UPDATE job SET created_at = '2026-10-31T23:59:00+08:00' WHERE release_at = ${seenAt}::timestamptz`);
    });
    const { blocks } = await dryRun(db, closingOf(scene, '2026-10'), async () => null);
    expect(blocks.map(({ code }) => code)).toEqual(['JOBS_UNDER_WAY']);
  });

  test('a run is rated once it may be seen: not before its release time, and from an approval on where a person decides', async () => {
    const { scene, card } = await pricedScene(db);
    const billing = factsOf(scene, { card }, { costCentre: 'ours' });
    const tomorrow = new Date(Date.now() + 86_400_000);
    const seenAt = new Date(Date.now() + 3_600_000).toISOString();
    await addUsage(db, scene, [
      { at: SEPTEMBER, copies: 2, billing, quoted: CALL_QUOTED },
      { at: seenAt, billing, quoted: CALL_QUOTED },
    ]);
    /** How many runs each group has when those of September wait for a decision, or this one was made. */
    const ratedAfter = async (decision: 'none needed' | 'none' | 'approved' | 'rejected') => {
      const undone = new Error('undone');
      let events: readonly bigint[] = [];
      const rating = db.transact(async (tx) => {
        await tx.rows(sql`SET LOCAL session_replication_role = replica`);
        const isReview = decision !== 'none needed';
        const own = sql`account_id = ${scene.account} AND release_at < now()`;
        await tx.rows(sql`UPDATE job SET review = ${isReview} WHERE ${own}`);
        if (decision === 'approved' || decision === 'rejected')
          await tx.rows(sql`
            INSERT INTO release_review (release_id, job_id, decision, reason, account_id, leaf_index, decided_at)
            SELECT release_id, id, ${decision}, ${decision === 'rejected' ? 'RIGHTS_IN_DOUBT' : null}, account_id, -1, release_at
            FROM job WHERE ${own} LIMIT 1`);
        const groups = await rateNew(tx, { buyer: scene.buyer, timeZone: ZONE, before: tomorrow });
        events = groups.filter((group) => group.billing.costCentre === 'ours').map((group) => group.events);
        throw undone;
      });
      await expect(rating).rejects.toBe(undone);
      return events;
    };
    expect(await ratedAfter('none needed')).toEqual([2n, 2n]);
    expect(await ratedAfter('none')).toEqual([]);
    expect(await ratedAfter('rejected')).toEqual([]);
    expect(await ratedAfter('approved')).toEqual([2n, 2n]);
  });

  test('a quantity that is no whole number blocks the month and is named', async () => {
    const world = await pricedScene(db);
    for (const serviceMs of ['-1', '0.5', 'NaN', '1e3', '007', 'many', '99999999999999999999']) {
      const scene = await makeBillingScene(db);
      const billing = { ...world.billing, buyer: scene.buyer };
      const [usage = ''] = await addUsage(db, scene, [
        { at: OCTOBER, planned: { serviceMs }, billing, quoted: { 'data_usage/serviceMs': '1' } },
      ]);
      const closed = await closeMonth(db, closingOf(scene, '2026-10'));
      expect(
        closed.kind === 'blocked' &&
          closed.blocks.map(({ code, sentence }) => [code, sentence.args['usage']]),
      ).toEqual([['USAGE', usage]]);
    }
  });

  test('a charge for a month is owed once for each grant in force, whatever it ran', async () => {
    const scene = await seatedScene();
    await fileCard(db, scene, SEATS);
    expect(await closeMonth(db, closingOf(scene, '2026-08'))).toEqual({ kind: 'nothing' });
    for (const period of ['2026-09', '2026-10']) {
      const statement = statementOf(await closeMonth(db, closingOf(scene, period)));
      expect(
        (await bodiesOf(db, statement)).map(({ basis, quantity, amountFen }) => [basis, quantity, amountFen]),
      ).toEqual([['seats', '1', '30000']]);
    }
  });

  /** A scene whose data have a price for every purpose, and whose grant is in force from the middle of September. */
  async function seatedScene() {
    const scene = await makeBillingScene(db, { start: '2026-09-15T00:00:00+08:00' });
    await db.rows(sql`
      UPDATE access_grant SET provider_approval = jsonb_set(provider_approval, '{at}', '"2026-09-10T00:00:00.000Z"'),
        buyer_approval = jsonb_set(buyer_approval, '{at}', '"2026-09-10T00:00:00.000Z"') WHERE id = ${scene.grant}`);
    await db.rows(sql`
      UPDATE dataset SET manifest = jsonb_set(manifest, '{origin}', '"enterprise"') WHERE name = ${scene.dataset}`);
    return scene;
  }

  test('a new wording of a grant takes no month away that the one before owes, approved or not', async () => {
    const scene = await seatedScene();
    await fileCard(db, scene, SEATS);
    const grant = (await findGrant(db, scene.grant))!.body;
    await saveGrant(db, { grant, upstream: [], by: 'officer' });
    const september = statementOf(await closeMonth(db, closingOf(scene, '2026-09')));
    expect(september.totalFen).toBe('30000');
    for (const side of ['provider', 'buyer'] as const)
      await approveGrant(db, { grantId: scene.grant, revision: 2, side, by: side });
    // Two wordings in one month owe it once.
    const october = statementOf(await closeMonth(db, closingOf(scene, '2026-10')));
    expect((await bodiesOf(db, october)).map(({ basis, amountFen }) => [basis, amountFen])).toEqual([
      ['seats', '30000'],
    ]);
  });

  test('nobody owes for a month by a price that was approved after it began', async () => {
    const scene = await seatedScene();
    const from = '2026-01-01T00:00:00+08:00';
    await fileApproved(db, scene, {
      kind: 'RateCard',
      id: `RC-${freshId()}`,
      body: rateCardBody(scene, SEATS),
      from,
      approved: '2026-10-02T00:00:00+08:00',
    });
    for (const period of ['2026-09', '2026-10'])
      expect(await closeMonth(db, closingOf(scene, period))).toEqual({ kind: 'nothing' });
  });

  test('a charge for a month keeps to the caps in force, as a run does', async () => {
    const scene = await seatedScene();
    const { id } = await fileCard(db, scene, SEATS);
    const cap = {
      applies: { dataset: scene.dataset },
      feeType: 'data_usage',
      taxInclusive: true,
      caps: [{ basis: 'seats', maxUnitPrice: '299.99', per: '1', projectedPerYear: '12' }],
    };
    const from = '2026-10-01T00:00:00+08:00';
    const [scenic] = await db.rows<{ scene: string }>(
      sql`SELECT body->'scene'->>'id' AS scene FROM access_grant WHERE id = ${scene.grant}`,
    );
    await fileApproved(db, scene, {
      kind: 'PriceCap',
      id: `CAP-${id}`,
      body: { ...cap, scene: scenic!.scene },
      from,
    });
    expect(statementOf(await closeMonth(db, closingOf(scene, '2026-09'))).totalFen).toBe('30000');
    expect(await closeMonth(db, closingOf(scene, '2026-10'))).toEqual({ kind: 'nothing' });
  });

  test('a cap blocks what it binds: runs in its scene, while it is in force', async () => {
    const codesUnder = async (
      scene: string,
      from: string,
      withdrawn: string | null = null,
    ): Promise<readonly string[]> => {
      const world = await pricedScene(db);
      const cap = {
        applies: { dataset: world.scene.dataset },
        scene,
        feeType: 'data_usage',
        taxInclusive: true,
        caps: [{ basis: 'calls', maxUnitPrice: '0.003', per: '1', projectedPerYear: '12' }],
      };
      const id = `CAP-${freshId()}`;
      await fileApproved(db, world.scene, { kind: 'PriceCap', id, body: cap, from });
      await db.rows(sql`
        UPDATE filed_document SET withdrawn_at = ${withdrawn}::timestamptz, withdrawn_by = CASE WHEN ${withdrawn}::text IS NOT NULL THEN filed_by END
        WHERE id = ${id}`);
      await addCalls(db, world, OCTOBER, 10);
      const closing = closingOf(world.scene, '2026-10');
      const { blocks } = await dryRun(db, closing, () => Promise.resolve(null));
      return blocks.map(({ code }) => code);
    };
    const before = '2026-10-01T00:00:00+08:00';
    expect(await codesUnder('any', before)).toEqual(['ABOVE_CAP']);
    expect(await codesUnder('influenza', before)).toEqual(['ABOVE_CAP']);
    expect(await codesUnder('elsewhere', before)).toEqual([]);
    expect(await codesUnder('influenza', '2026-10-06T00:00:00+08:00')).toEqual([]);
    expect(await codesUnder('any', before, '2026-10-04T00:00:00+08:00')).toEqual([]);
    expect(await codesUnder('any', before, '2026-10-06T00:00:00+08:00')).toEqual(['ABOVE_CAP']);
  });

  test('the groups of the database are those of foldUsage, for any usage', { timeout: 60_000 }, async () => {
    const usage = fc.array(
      fc.record({
        card: fc.constantFrom('RC-a', 'RC-b'),
        outcome: fc.constantFrom('released' as const, 'failed' as const, 'refused' as const),
        costCentre: fc.constantFrom(null, 'a b', '研究'),
        at: fc.constantFrom(
          '2026-09-30T23:59:59+08:00',
          '2026-10-01T00:00:00+08:00',
          '2026-10-31T23:59:59+08:00',
        ),
        planned: fc.dictionary(fc.constantFrom(...BASES), fc.bigInt(0n, 10n ** 12n).map(String), {
          minKeys: 14,
          maxKeys: 14,
        }),
        charges: fc.uniqueArray(fc.constantFrom(...BASES), { minLength: 1, maxLength: 3 }),
        nano: fc.bigInt(0n, 10n ** 15n).map(String),
        copies: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 25 },
    );
    const world = await makeBillingScene(db);
    await fc.assert(
      fc.asyncProperty(usage, async (records) => {
        const scene = { ...world, ...(await ownBuyer(db, world)) };
        const specs = records.map(({ card, costCentre, charges, nano, ...rest }) => ({
          ...rest,
          billing: factsOf(scene, { card: { id: card, revision: 1 } }, { costCentre }),
          quoted: Object.fromEntries(charges.map((basis) => [`data_usage/${basis}`, nano])),
        }));
        await addUsage(db, scene, specs);
        const events = await db.rows<RatableEvent>(sql`
          SELECT u.id, to_char(u.visible_at AT TIME ZONE ${ZONE}, 'YYYY-MM') AS period, u.grant_id AS grant, u.outcome, u.billing,
            u.planned, u.quoted FROM usage_record u WHERE u.account_id = ${scene.account} ORDER BY random()`);
        const { buyer, to: before } = closingOf(scene, '2026-10');
        const groups = await db.transact((tx) => rateNew(tx, { buyer, timeZone: ZONE, before }));
        expect(texts(groups)).toEqual(texts(foldUsage(events)));
      }),
      { numRuns: engine === 'postgres' ? 25 : 5 },
    );
    // They stand on no line: taken back, so that the invariants of the file hold.
    await db.transact(async (tx) => {
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      await tx.rows(
        sql`DELETE FROM rated_run r USING usage_record u WHERE u.id = r.usage_id AND u.grant_id = ${world.grant}`,
      );
    });
  });

  test('every invariant of storage and billing holds after all of it', async () => {
    expect(await findBillingViolations(db)).toEqual([]);
    expect(await findViolations(db)).toEqual([]);
  });
});

function texts(groups: readonly UsageGroup[]): readonly string[] {
  return groups
    .map((group) => [familyIdOf(group), group.events, group.quantity, group.quotedNano].join(' '))
    .toSorted();
}

/** Another buyer with an account, on the same dataset and grant. */
async function ownBuyer(
  db: Database,
  { operator }: { readonly operator: string },
): Promise<{ readonly buyer: string; readonly account: string }> {
  const tag = freshId().slice(0, 12);
  const [buyer, account] = [`buyer-${tag}`, `client-${tag}`];
  await saveOrganisation(db, { id: buyer, name: buyer, region: 'CN-31', sector: operator, operator: false });
  await saveAccount(db, { id: account, organisationId: buyer, roles: ['buyer'], keys: [] });
  return { buyer, account };
}
