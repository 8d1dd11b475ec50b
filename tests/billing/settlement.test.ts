/** Settlement: shares, holds, instructions and payment advices; and a crash at every statement and commit on the way. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { findBillingViolations } from '#gateway/storage/billing-invariants.ts';
import { decideCorrection, requestCorrection } from '#gateway/storage/corrections.ts';
import type { Database } from '#gateway/storage/database.ts';
import { recordAdvices, recordInvoice } from '#gateway/storage/payments.ts';
import { instructionsOf, markSent, settleStatement } from '#gateway/storage/settlement.ts';
import { disputeStatement, resolveStatement } from '#gateway/storage/statement-acts.ts';
import { closeMonth, findStatement } from '#gateway/storage/statements.ts';
import {
  addCalls,
  CALL_QUOTED,
  closingOf,
  correct,
  issueAs,
  OCTOBER,
  pricedScene,
  SEPTEMBER,
  statementOf,
} from '#tests/support/billing-acts.ts';
import {
  addUsage,
  agreementBody,
  type BillingScene,
  factsOf,
  fileApproved,
} from '#tests/support/billing-world.ts';
import { openEngine, type OpenEngine } from '#tests/support/engines.ts';
import {
  type Counts,
  counting,
  Crash,
  crashing,
  type CrashPoint,
  splitting,
} from '#tests/support/sabotage.ts';

let opened: OpenEngine;
let db: Database;
beforeAll(async () => {
  opened = await openEngine('pglite');
  ({ db } = opened);
});
afterAll(() => opened.close());

/** An issued statement of 1,000 calls. */
async function issued() {
  const world = await pricedScene(db);
  await addCalls(db, world, SEPTEMBER, 1000);
  const { id } = statementOf(await closeMonth(db, closingOf(world.scene, '2026-09')));
  await issueAs(db, world.scene, id);
  return { ...world, id };
}

async function codes(scene: BillingScene, id: string): Promise<readonly string[]> {
  const settled = await settleStatement(db, { id, by: scene.clerks[0] });
  return (settled?.holds ?? []).map(({ code }) => code);
}

test('a statement is split, instructed, advised one to one, and then settled', async () => {
  const { scene, id } = await issued();
  const by = scene.clerks[0];
  const first = await settleStatement(db, { id, by });
  expect(first?.made).toHaveLength(2);
  expect((await settleStatement(db, { id, by }))?.made).toEqual([]);
  const instructions = await instructionsOf(db, id);
  expect(
    instructions.map(({ payee, amountFen, contractNumber }) => [payee, amountFen, contractNumber]),
  ).toEqual([
    [scene.provider, '280', `HT-${scene.agreement}`],
    ['treasury', '120', `HT-${scene.agreement}`],
  ]);
  const [one, two] = instructions.map((each, at) => ({
    reference: `${id}-${at}`,
    instruction: each.id,
    amountFen: BigInt(each.amountFen),
    currency: 'CNY',
    paidOn: '2026-11-20',
  }));
  if (one === undefined || two === undefined) throw new Error('two instructions');
  expect((await recordAdvices(db, { advices: [one], by })).map(({ result }) => result)).toEqual(['NOT_SENT']);
  expect(await markSent(db, id)).toBe(2);
  const advices = [
    { ...one, amountFen: 279n },
    { ...one, currency: 'USD' },
    { ...one, instruction: 'none' },
    one,
    one,
    { ...two, reference: one.reference },
    { ...one, reference: 'another' },
  ];
  expect((await recordAdvices(db, { advices, by })).map(({ result }) => result)).toEqual([
    'OTHER_AMOUNT',
    'OTHER_CURRENCY',
    'UNKNOWN_INSTRUCTION',
    'matched',
    'known',
    'DUPLICATE_REFERENCE',
    'ALREADY_MATCHED',
  ]);
  expect((await findStatement(db, id))?.state).toBe('issued');
  await recordAdvices(db, { advices: [two], by });
  expect((await findStatement(db, id))?.state).toBe('settled');
});

test('a line is held without delivery or destruction, while it is disputed and while a correction is open', async () => {
  const { scene, id, billing } = await issued();
  expect(await codes(scene, id)).toEqual([]);
  const [, by] = scene.clerks;
  const evidence = { id: 'x', sha256: 'a'.repeat(64) };
  const [kept = ''] = await addUsage(db, scene, [
    { at: OCTOBER, copies: 500, billing, quoted: CALL_QUOTED },
    { at: OCTOBER, billing, quoted: CALL_QUOTED, destroyed: false },
  ]);
  const october = statementOf(await closeMonth(db, closingOf(scene, '2026-10'))).id;
  await expect(settleStatement(db, { id: october, by })).rejects.toMatchObject({ code: 'PARAM' });
  await issueAs(db, scene, october);
  expect(await codes(scene, october)).toEqual(['NO_DESTRUCTION']);
  await db.rows(sql`INSERT INTO run_destruction (job_id, record, complete) SELECT j.id, '{}', true FROM job j
    JOIN usage_record u ON u.job_id = j.id WHERE NOT EXISTS (SELECT FROM run_destruction d WHERE d.job_id = j.id) AND j.attempt > 0`);
  // As after a damage: nothing that the product does takes an answer away.
  const deliver = (release: string): Promise<void> =>
    db.transact(async (tx) => {
      await tx.rows(sql`SET LOCAL session_replication_role = replica`);
      await tx.rows(sql`UPDATE usage_record SET release_id = ${release} WHERE id = ${kept}`);
    });
  await deliver('lost');
  expect(await codes(scene, october)).toEqual(['NO_DELIVERY']);
  await deliver(scene.releaseId);
  const asked = { cause: 'dispute', usageId: kept, buyer: scene.buyer, evidence, by } as const;
  const { id: correction } = await requestCorrection(db, { ...asked, change: { exclude: true } });
  expect(await codes(scene, october)).toEqual(['OPEN_CORRECTION']);
  await decideCorrection(db, { id: correction, decision: 'rejected', by: scene.clerks[0] });
  await disputeStatement(db, { id: october, by: scene.account, reason: 'too many calls' });
  expect(await codes(scene, october)).toEqual(['DISPUTED']);
  await resolveStatement(db, { id: october, by, reason: 'explained' });
  expect(await codes(scene, october)).toEqual([]);
  expect(await instructionsOf(db, october)).toHaveLength(2);
});

test('what rests on no agreement, or on one without a contract number, is held', async () => {
  const world = await pricedScene(db);
  const { scene } = world;
  const use = { at: SEPTEMBER, copies: 250, quoted: CALL_QUOTED };
  await addUsage(db, scene, [
    { ...use, billing: { ...world.billing, agreement: { id: 'A-none', revision: 1 } } },
  ]);
  const { id } = statementOf(await closeMonth(db, closingOf(scene, '2026-09')));
  await issueAs(db, scene, id);
  expect(await codes(scene, id)).toEqual(['NO_AGREEMENT']);
  // Not filed when it ran: the agreement of the grant that is in force now.
  const later = await pricedScene(db);
  await addUsage(db, later.scene, [
    { ...use, billing: { ...later.billing, agreement: null, contributions: [] } },
  ]);
  const second = statementOf(await closeMonth(db, closingOf(later.scene, '2026-09'))).id;
  await issueAs(db, later.scene, second);
  expect(await codes(later.scene, second)).toEqual([]);
  for (const [filingNumber, wanted] of [
    [null, ['NO_CONTRACT']],
    ['BA-9', []],
  ] as const) {
    const bare = await pricedScene(db);
    const agreement = { id: `bare-${bare.scene.agreement}`, revision: 1 };
    const body = agreementBody(bare.scene, { contractNumber: null, filingNumber });
    const from = '2026-01-01T00:00:00+08:00';
    await fileApproved(db, bare.scene, { kind: 'Agreement', id: agreement.id, body, from });
    await addUsage(db, bare.scene, [{ ...use, billing: { ...bare.billing, agreement } }]);
    const third = statementOf(await closeMonth(db, closingOf(bare.scene, '2026-09'))).id;
    await issueAs(db, bare.scene, third);
    expect(await codes(bare.scene, third)).toEqual(wanted);
    const contracts = (await instructionsOf(db, third)).map(({ contractNumber }) => contractNumber);
    expect([...new Set(contracts)]).toEqual(filingNumber === null ? [] : [filingNumber]);
  }
});

test('what is taken back is taken back from everybody who got it', async () => {
  const { scene, id } = await issued();
  await settleStatement(db, { id, by: scene.clerks[0] });
  const [usage] = await db.rows<{ id: string }>(
    sql`SELECT id FROM usage_record WHERE grant_id = ${scene.grant} AND billing IS NOT NULL ORDER BY id LIMIT 1`,
  );
  await correct(db, scene, usage?.id ?? '', { exclude: true }, 'duplicate');
  await correct(db, scene, usage?.id ?? '', { exclude: true }, 'duplicate');
  const { id: next } = statementOf(await closeMonth(db, closingOf(scene, '2026-10')));
  await issueAs(db, scene, next);
  await settleStatement(db, { id: next, by: scene.clerks[0] });
  // 1,000 calls are 4.00 yuan; 999 are 3.996, and also 4.00.
  expect((await instructionsOf(db, next)).map(({ amountFen, state }) => [amountFen, state])).toEqual([
    ['0', 'matched'],
    ['0', 'matched'],
  ]);
  const shares = await db.rows<{ fen: string }>(sql`
    SELECT sum(s.amount_fen)::text AS fen FROM settlement_share s JOIN statement_line l ON l.id = s.line_id
    WHERE l.statement_id = ${next} GROUP BY s.payee`);
  expect(shares.map(({ fen }) => fen)).toEqual(['0', '0']);
});

test('a reversal waits while the line that it takes back is disputed', async () => {
  const { scene, id } = await issued();
  const [by] = scene.clerks;
  const [usage] = await db.rows<{ id: string }>(
    sql`SELECT id FROM usage_record WHERE grant_id = ${scene.grant} AND billing IS NOT NULL ORDER BY id LIMIT 1`,
  );
  await disputeStatement(db, { id, by, reason: 'x' });
  await correct(db, scene, usage?.id ?? '', { exclude: true }, 'dispute');
  const { id: next } = statementOf(await closeMonth(db, closingOf(scene, '2026-10')));
  await issueAs(db, scene, next);
  const held = async (): Promise<readonly string[]> =>
    (await settleStatement(db, { id: next, by }))!.holds.map(({ code }) => code);
  expect(await held()).toEqual(['DISPUTED']);
  await resolveStatement(db, { id, by, reason: 'x' });
  expect(await held()).toEqual([]);
});

test('what is taken back is taken back in the same parts, whichever is settled first and whatever is agreed in between', async () => {
  const { scene, card } = await pricedScene(db);
  const loose = `loose-${scene.agreement}`;
  await db.rows(
    sql`UPDATE access_grant SET body = jsonb_set(body, '{parentAgreement}', to_jsonb(${loose}::text)) WHERE id = ${scene.grant}`,
  );
  const billing = factsOf(scene, { card }, { agreement: null, contributions: [] });
  const [usage = ''] = await addUsage(db, scene, [
    { at: SEPTEMBER, copies: 1000, billing, quoted: CALL_QUOTED },
  ]);
  const [by] = scene.clerks;
  const first = statementOf(await closeMonth(db, closingOf(scene, '2026-09'))).id;
  await issueAs(db, scene, first);
  await correct(db, scene, usage, { exclude: true }, 'duplicate');
  const second = statementOf(await closeMonth(db, closingOf(scene, '2026-10'))).id;
  await issueAs(db, scene, second);
  const agree = (revision: number, from: string, to: string | null, treasury: number): Promise<void> =>
    fileApproved(db, scene, {
      kind: 'Agreement',
      id: loose,
      revision,
      body: agreementBody(scene, { split: splitOf(scene, treasury) }),
      from,
      to,
    });
  await agree(1, '2026-01-01T00:00:00+08:00', null, 300_000);
  await settleStatement(db, { id: second, by });
  await db.rows(
    sql`UPDATE filed_document SET effective_to = '2026-11-02T00:00:00+08:00' WHERE kind = 'Agreement' AND id = ${loose}`,
  );
  await agree(2, '2026-11-02T00:00:00+08:00', null, 900_000);
  await settleStatement(db, { id: first, by });
  const parts = await db.rows<{ kind: string; payee: string; fen: string }>(sql`
    SELECT l.kind, s.payee, abs(s.amount_fen)::text AS fen FROM settlement_share s JOIN statement_line l ON l.id = s.line_id
    WHERE l.statement_id IN (${first}, ${second}) AND l.kind <> 'rebill' ORDER BY l.kind, s.payee`);
  const of = (kind: string): readonly string[] =>
    parts.filter((part) => part.kind === kind).map(({ payee, fen }) => `${payee} ${fen}`);
  expect(of('charge')).toEqual([`${scene.provider} 280`, 'treasury 120']);
  expect(of('reversal')).toEqual(of('charge'));
});

/** The rules of a split of which the treasury has so many parts per million of the data usage fee. */
function splitOf({ operator }: BillingScene, treasury: number): readonly object[] {
  const shares = [
    { to: 'contributors', partsPerMillion: 1_000_000 - treasury },
    { to: 'treasury', partsPerMillion: treasury },
  ];
  return [
    { feeType: 'data_usage', shares },
    { feeType: 'technical_service', shares: [{ to: operator, partsPerMillion: 1_000_000 }] },
  ];
}

test('under an agreement that was filed later, only what was used earns', async () => {
  const { scene, card } = await pricedScene(db);
  const loose = `loose-${scene.agreement}`;
  await db.rows(sql`
    UPDATE access_grant SET body = jsonb_set(jsonb_set(body, '{parentAgreement}', to_jsonb(${loose}::text)), '{datasets,1}',
      body->'datasets'->0 || '{"dataset":"unused"}') WHERE id = ${scene.grant}`);
  const billing = factsOf(scene, { card }, { agreement: null, contributions: [] });
  await addUsage(db, scene, [{ at: SEPTEMBER, copies: 1000, billing, quoted: CALL_QUOTED }]);
  const { id } = statementOf(await closeMonth(db, closingOf(scene, '2026-09')));
  await issueAs(db, scene, id);
  const datasets = [
    { dataset: scene.dataset, contributors: [{ contributor: 'hospital', weight: '1' }] },
    { dataset: 'unused', contributors: [{ contributor: 'idler', weight: '99' }] },
  ];
  const from = '2026-01-01T00:00:00+08:00';
  const body = agreementBody(scene, { datasets });
  await fileApproved(db, scene, { kind: 'Agreement', id: loose, body, from });
  await settleStatement(db, { id, by: scene.clerks[0] });
  expect((await instructionsOf(db, id)).map(({ payee, amountFen }) => `${payee} ${amountFen}`)).toEqual([
    'hospital 280',
    'treasury 120',
  ]);
});

test('instructions that were made before a dispute are not handed over while it lasts', async () => {
  const { scene, id } = await issued();
  const [by] = scene.clerks;
  await settleStatement(db, { id, by });
  await disputeStatement(db, { id, by: scene.account, reason: 'too much' });
  await expect(markSent(db, id)).rejects.toMatchObject({ code: 'PARAM' });
  expect((await instructionsOf(db, id)).map(({ state }) => state)).toEqual(['pending', 'pending']);
  await resolveStatement(db, { id, by, reason: 'explained' });
  expect(await markSent(db, id)).toBe(2);
});

test('an invoice stands on a line once', async () => {
  const { scene, id } = await issued();
  const invoice = {
    line: `${id}.1`,
    number: 'FP-1',
    issuedOn: '2026-11-20',
    issuer: 'The operator',
    by: scene.clerks[0],
  };
  expect(await recordInvoice(db, invoice)).toBe(true);
  expect(await recordInvoice(db, invoice)).toBe(true);
  expect(await recordInvoice(db, { ...invoice, number: 'FP-2' })).toBe(false);
  expect(await recordInvoice(db, { ...invoice, line: 'none' })).toBeNull();
  const world = await pricedScene(db);
  await addCalls(db, world, SEPTEMBER, 1);
  const closed = statementOf(await closeMonth(db, closingOf(world.scene, '2026-09')));
  await expect(recordInvoice(db, { ...invoice, line: `${closed.id}.1` })).rejects.toMatchObject({
    code: 'PARAM',
    sentence: { id: 'statement.state' },
  });
});

/** One operation, made ready on a scene of its own; what it returns may be called any number of times. */
type Prepare = () => Promise<(inner: Database) => Promise<unknown>>;

const OPERATIONS: Readonly<Record<string, Prepare>> = {
  close: async () => {
    const world = await pricedScene(db);
    const [first = ''] = await addCalls(db, world, SEPTEMBER, 3);
    await closeMonth(db, closingOf(world.scene, '2026-09'));
    await addCalls(db, world, OCTOBER, 3);
    await addCalls(db, world, SEPTEMBER, 1);
    await correct(db, world.scene, first, { exclude: true }, 'duplicate');
    return (inner) => closeMonth(inner, closingOf(world.scene, '2026-10'));
  },
  issue: async () => {
    const world = await pricedScene(db);
    await addCalls(db, world, SEPTEMBER, 3);
    const { id } = statementOf(await closeMonth(db, closingOf(world.scene, '2026-09')));
    return (inner) => issueAs(inner, world.scene, id);
  },
  approve: async () => {
    const { scene, id: _, ...world } = await issued();
    const [usage = ''] = await addCalls(db, { scene, ...world }, OCTOBER, 1);
    const evidence = { id: 'x', sha256: 'a'.repeat(64) };
    const [by, other] = scene.clerks;
    const asked = {
      cause: 'cancel',
      usageId: usage,
      buyer: scene.buyer,
      change: { exclude: true },
      evidence,
      by,
    } as const;
    const { id } = await requestCorrection(db, asked);
    return (inner) => decideCorrection(inner, { id, decision: 'approved', by: other });
  },
  settle: async () => {
    const { scene, id } = await issued();
    return (inner) => settleStatement(inner, { id, by: scene.clerks[0] });
  },
  advise: async () => {
    const { scene, id } = await issued();
    const by = scene.clerks[0];
    await settleStatement(db, { id, by });
    await markSent(db, id);
    const advices = (await instructionsOf(db, id)).map((each, at) => ({
      reference: `${id}-${at}`,
      instruction: each.id,
      amountFen: BigInt(each.amountFen),
      currency: 'CNY',
      paidOn: '2026-11-20',
    }));
    return (inner) => recordAdvices(inner, { advices, by });
  },
};

describe.each(Object.entries(OPERATIONS))('a crash while one does: %s', (_, prepare) => {
  test(
    'leaves all or nothing, and the same again gives what one run gives',
    { timeout: 60_000 },
    async () => {
      const counts: Counts = { statements: 0, commits: 0 };
      await (
        await prepare()
      )(counting(db, counts));
      const statements = Array.from({ length: counts.statements }, (__, number) => number);
      const uncommitted: CrashPoint[] = [
        ...statements.map((number) => ({ at: 'statement', number, when: 'before' }) as const),
        ...statements.map((number) => ({ at: 'statement', number, when: 'after' }) as const),
        { at: 'commit', number: 0, when: 'before' },
      ];
      const run = await prepare();
      const before = await traces();
      for (const point of uncommitted) {
        await expect(run(crashing(db, point))).rejects.toThrow(Crash);
        expect(await traces(), JSON.stringify(point)).toBe(before);
      }
      // The acknowledgement is lost: it has happened, and is asked for again.
      const lost = { at: 'commit', number: 0, when: 'after' } as const;
      await expect(run(crashing(db, lost))).rejects.toThrow(Crash);
      expect(await findBillingViolations(db)).toEqual([]);
      const after = await traces();
      expect(after).not.toBe(before);
      const again = await run(db);
      expect(await run(db)).toEqual(again);
      expect(await traces()).toBe(after);
    },
  );
});

/** How much there is of all that billing writes. */
async function traces(): Promise<string> {
  const tables = [
    'rated_run',
    'usage_class',
    'line_family',
    'statement',
    'statement_line',
    'statement_event',
    'correction',
  ];
  const more = ['settlement_share', 'settlement_instruction', 'payment_advice', 'audit_leaf'];
  const counts = [...tables, ...more].map((table) => sql.raw(`(SELECT count(*) FROM ${table})`));
  const [row] = await db.rows<{ all: unknown }>(sql`
    SELECT jsonb_build_array(${sql.join(counts, sql`, `)}, (SELECT sum(last) FROM statement_sequence),
      (SELECT jsonb_agg(state ORDER BY id) FROM statement), (SELECT count(decision) FROM correction), (SELECT count(statement_id) FROM correction),
      (SELECT jsonb_agg(state ORDER BY id) FROM settlement_instruction), (SELECT md5(string_agg(usage_id || class_id, ' ' ORDER BY usage_id)) FROM rated_run)) AS all`);
  return JSON.stringify(row?.all);
}

test('every invariant of billing holds after all of it', async () => {
  expect(await findBillingViolations(db)).toEqual([]);
});

test('control: marks that are committed before their lines are caught', async () => {
  const other = await openEngine('pglite');
  try {
    const world = await pricedScene(other.db);
    await addCalls(other.db, world, OCTOBER, 3);
    const counts: Counts = { statements: 0, commits: 0 };
    const spare = await pricedScene(other.db);
    await addCalls(other.db, spare, OCTOBER, 3);
    await closeMonth(counting(other.db, counts), closingOf(spare.scene, '2026-10'));
    // Before the number is taken, the statement, its lines and what ends the closing.
    const split = counts.statements - 6;
    // COMMIT and BEGIN are statements as well.
    const broken = splitting(
      crashing(other.db, { at: 'statement', number: split + 2, when: 'before' }),
      split,
    );
    await expect(closeMonth(broken, closingOf(world.scene, '2026-10'))).rejects.toThrow(Crash);
    const found = await findBillingViolations(other.db);
    expect(found.map(({ invariant }) => invariant)).toEqual([
      'a family has one live line at most, and a rated record stands on lines that are live',
    ]);
  } finally {
    await other.close();
  }
});
