/** Rating against the arithmetic of the database: 20,000 random cases come out of both the same. */
import { sql } from 'drizzle-orm';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { shortDecimalText, unitsOf } from '#gateway/billing/decimal.ts';
import { AMOUNT_PLACES } from '#gateway/billing/rate-card.ts';
import { rateGroup } from '#gateway/billing/rating.ts';
import type { Database } from '#gateway/storage/database.ts';
import { describeEngines, openEngine } from '#tests/support/engines.ts';
import { chargeOf, groupOf, RATE_CASES, type RateCase } from '#tests/support/rate-cases.ts';

const CASES = fc.sample(RATE_CASES, { numRuns: 20_000, seed: 6 });

interface Amounts {
  /** Yuan, exact, without zeros at its end. */
  readonly precise: string;
  readonly fen: string;
  readonly tax: string;
}

/** One way to come from a case to amounts. */
type Rater = (rateCase: RateCase) => Amounts;

const ours: Rater = (rateCase) => {
  const { amountPrecise, amountFen, taxFen } = rateGroup(groupOf(rateCase), rateCase.card);
  return { precise: shortest(amountPrecise), fen: String(amountFen), tax: String(taxFen) };
};

/** Broken: every run is rounded, and the rounded amounts are added. */
const perEvent: Rater = ({ card, quantities }) => {
  const rated = quantities.map((quantity) => rateGroup(groupOf({ card, quantities: [quantity] }), card));
  const sum = (amounts: readonly bigint[]): string => String(amounts.reduce((a, b) => a + b, 0n));
  const precise = rated.reduce(
    (total, { amountPrecise }) => total + unitsOf(amountPrecise, AMOUNT_PLACES),
    0n,
  );
  return {
    precise: shortest(shortDecimalText(precise, AMOUNT_PLACES, 0)),
    fen: sum(rated.map(({ amountFen }) => amountFen)),
    tax: sum(rated.map(({ taxFen }) => taxFen)),
  };
};

/** Broken: money as binary fractions; how the quantity falls into tiers is taken over. */
const inFloats: Rater = (rateCase) => {
  const rated = rateGroup(groupOf(rateCase), rateCase.card);
  const { rateBasisPoints = 0, inclusive = true } = rated.tax ?? {};
  const gross = rated.parts
    .map(({ quantity, unitPrice, per }) => (Number(quantity) * Number(unitPrice)) / Number(per))
    .reduce((sum, amount) => sum + amount, 0);
  const reduced = gross * (1 - (rated.discount?.perMille ?? 0) / 1000);
  const fen = Math.round(reduced * (1 + (inclusive ? 0 : rateBasisPoints / 10_000)) * 100);
  return { precise: shortest(rated.amountPrecise), fen: String(fen), tax: String(rated.taxFen) };
};

function shortest(text: string): string {
  return shortDecimalText(unitsOf(text, AMOUNT_PLACES), AMOUNT_PLACES, 0);
}

/** How many amounts come out otherwise. */
function disagreements(rated: readonly Amounts[], answers: readonly Amounts[]): number {
  return rated.filter(({ precise, fen, tax }, index) => {
    const answer = answers[index];
    return precise !== answer?.precise || fen !== answer.fen || tax !== answer.tax;
  }).length;
}

const RATED = CASES.map(ours);
/** Fewer are enough for the controls. */
const CONTROLS = [perEvent, inFloats].map((broken) => CASES.slice(0, 2_000).map(broken));

/** The tiers of a charge: a charge without any is one tier from 0 on. */
function tiersOf({ card }: RateCase): readonly { upTo: string | null; unitPrice: string }[] {
  const charge = chargeOf(card);
  if ('tiers' in charge) return charge.tiers;
  return [{ upTo: null, unitPrice: 'unitPrice' in charge ? charge.unitPrice : '0' }];
}

/** What the database makes of the cases, in one statement. */
async function answersOf(db: Database, cases: readonly RateCase[]): Promise<readonly Amounts[]> {
  const given = cases.map((rateCase, n) => {
    const { body } = rateCase.card;
    const charge = chargeOf(rateCase.card);
    return {
      n,
      model: charge.model,
      quantities: rateCase.quantities.map(String),
      tiers: tiersOf(rateCase),
      // Dividing could round; a power of ten is multiplied by its inverse.
      unit: 'per' in charge && charge.per !== '1' ? `0.${'0'.repeat(charge.per.length - 2)}1` : '1',
      size: 'size' in charge ? charge.size : '1',
      kept: String(1000 - (body.discounts[0]?.perMille ?? 0)),
      rate: String(body.tax.rateBasisPoints),
      inclusive: body.tax.inclusive,
    };
  });
  return db.rows<{ n: number } & Amounts & Record<string, unknown>>(sql`
    WITH given AS (
      SELECT g.*, (SELECT sum(q::numeric) FROM jsonb_array_elements_text(g.quantities) AS q) AS quantity
      FROM jsonb_to_recordset(${JSON.stringify(given)}::jsonb) AS g(
        n int, model text, quantities jsonb, tiers jsonb, unit numeric, size numeric, kept numeric, rate numeric,
        inclusive boolean)
    ), gross AS (
      SELECT n, model, kept, rate, inclusive, unit * CASE model
        WHEN 'package' THEN div(quantity + size - 1, size) * dearest
        WHEN 'volume' THEN quantity * reached
        ELSE by_tier
      END AS amount
      FROM given, LATERAL (
        SELECT max(price) AS dearest,
          sum(greatest(0, least(quantity, coalesce(up_to, quantity)) - above) * price) AS by_tier,
          (array_agg(price ORDER BY ordinality) FILTER (WHERE up_to IS NULL OR up_to >= quantity))[1] AS reached
        FROM (
          SELECT t.ordinality, (t.value ->> 'unitPrice')::numeric AS price, (t.value ->> 'upTo')::numeric AS up_to,
            coalesce(lag((t.value ->> 'upTo')::numeric) OVER (ORDER BY t.ordinality), 0) AS above
          FROM jsonb_array_elements(tiers) WITH ORDINALITY AS t
        ) AS tier
      ) AS priced
    ), net AS (
      SELECT n, CASE WHEN model = 'zero' THEN 0 ELSE rate END AS rate,
        amount * kept * 0.001 * (1 + CASE WHEN inclusive THEN 0 ELSE rate * 0.0001 END) AS amount
      FROM gross
    )
    SELECT trim_scale(amount)::text AS precise, round(amount * 100)::text AS fen,
      round(round(amount * 100) * rate / (10000 + rate))::text AS tax
    FROM net ORDER BY n`);
}

describeEngines('rating on', (engine) => {
  test('20,000 random cases come out as in the arithmetic of the database, and broken ways do not', async () => {
    const opened = await openEngine(engine);
    const answers = await answersOf(opened.db, CASES);
    await opened.close();
    expect(answers.length).toBe(20_000);
    expect(new Set(CASES.map(({ card }) => chargeOf(card).model))).toEqual(
      new Set(['unit', 'graduated', 'volume', 'package', 'flat', 'zero']),
    );
    expect(disagreements(RATED, answers)).toBe(0);
    for (const broken of CONTROLS) expect(disagreements(broken, answers)).toBeGreaterThan(0);
  });
});
