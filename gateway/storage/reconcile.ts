/**
 * Reconciliation: thirteen rules that usage, evidence, bills and settlement keep together, each a query over what is stored.
 *
 * Guarantee: what `reconcile` does not report held for every row in its scope at the moment of its query. The work grows
 * with the number of records, not with its square: a million runs take seconds.
 * Not covered: rows that never were, on either side. A provider's own copy (gateway/copy) is for that.
 */
import { sql, type SQL } from 'drizzle-orm';

import type { PriceCap } from '../billing/price-cap.ts';
import { isAbove, rerated } from '../billing/recheck.ts';
import { linesRootOf } from '../billing/statement-line.ts';
import type { UsageKey } from '../billing/usage-group.ts';
import type { Tx } from './database.ts';
import { listDocuments } from './documents.ts';
import { sumFamilies } from './rating.ts';

/** One month of the bills, or everything. */
export interface ReconcileScope {
  /** `2026-11`; null: all. */
  readonly period: string | null;
  /** First instant of the month, and the first after it; null: without an end. */
  readonly from: Date | null;
  readonly to: Date | null;
}

/** A rule that does not hold. */
export interface Breach {
  /** 1 to 13, as docs/billing/reconciliation.md has them. */
  readonly rule: number;
  readonly name: RuleName;
  /** Ids of rows that break it, at most ROWS_MAX. */
  readonly rows: readonly string[];
}

/** The names of the rules, in their order. */
export const RULES = [
  'release_has_event',
  'meter_complete',
  'one_live_line',
  'free_is_zero',
  'fees_apart',
  'below_cap',
  'totals_agree',
  'exact_reversal',
  'rating_repeats',
  'statements_fixed',
  'log_agrees_by_day',
  'double_entry',
  'no_delete_path',
] as const;

export type RuleName = (typeof RULES)[number];

const ROWS_MAX = 100;

/** Finds the ids of rows that break a rule. */
type Check = (tx: Tx, scope: ReconcileScope) => Promise<readonly string[]>;

/** Memory for joining a million records with their jobs and leaves, instead of files on disk. */
const JOIN_MEMORY = '256MB';

/** Checks every rule, in one transaction of the caller. `passed` is told of each as soon as it is done. */
export async function reconcile(
  tx: Tx,
  scope: ReconcileScope,
  passed: (rule: RuleName, ms: number) => void = () => undefined,
): Promise<readonly Breach[]> {
  await tx.rows(sql`SELECT set_config('work_mem', ${JOIN_MEMORY}, true)`);
  const breaches: Breach[] = [];
  for (const [index, name] of RULES.entries()) {
    const begun = performance.now();
    const rows = (await CHECKS[name](tx, scope)).slice(0, ROWS_MAX);
    if (rows.length > 0) breaches.push({ rule: index + 1, name, rows });
    passed(name, performance.now() - begun);
  }
  return breaches;
}

/** A rule that is one query over ids. */
function query(text: (scope: ReconcileScope) => SQL): Check {
  return async (tx, scope) => {
    const rows = await tx.rows<{ id: string }>(
      sql`SELECT id FROM (${text(scope)}) AS broken ORDER BY id LIMIT ${ROWS_MAX}::int`,
    );
    return rows.map(({ id }) => id);
  };
}

/** Whether a moment lies in the month. */
function during({ from, to }: ReconcileScope, column: string): SQL {
  const at = sql.raw(column);
  return sql`(${from?.toISOString() ?? null}::timestamptz IS NULL
    OR ${at} >= ${from?.toISOString() ?? null}::timestamptz AND ${at} < ${to?.toISOString() ?? null}::timestamptz)`;
}

/** Whether a month is the one. */
function ofMonth({ period }: ReconcileScope, column: string): SQL {
  return sql`(${period}::text IS NULL OR ${sql.raw(column)} = ${period})`;
}

const CHECKS: Readonly<Record<RuleName, Check>> = {
  release_has_event: query(
    (scope) => sql`
    SELECT r.id FROM release r LEFT JOIN usage_record u ON u.job_id = r.job_id
    WHERE u.release_id IS DISTINCT FROM r.id AND ${during(scope, 'r.released_at')}
    UNION ALL
    SELECT u.id FROM usage_record u LEFT JOIN release r ON r.id = u.release_id
    WHERE u.type = 'release' AND r.id IS NULL AND ${during(scope, 'u.visible_at')}`,
  ),
  meter_complete: query(
    (scope) => sql`
    SELECT coalesce(j.id, u.id) AS id FROM (SELECT id FROM job WHERE state = 'done' AND ${during(scope, 'release_at')}) j
      FULL JOIN (SELECT id, job_id FROM usage_record WHERE ${during(scope, 'visible_at')}) u ON u.job_id = j.id
    WHERE j.id IS NULL OR u.id IS NULL
    UNION ALL
    SELECT 'quote ' || q.quote_id AS id FROM quote_acceptance q LEFT JOIN audit_leaf l ON l.index = q.leaf_index
    WHERE (l.index IS NULL OR l.class <> 'quote' OR l.body <> q.record) AND ${during(scope, 'q.accepted_at')}`,
  ),
  one_live_line: query(
    (scope) => sql`
    SELECT min(l.id) AS id FROM statement_line l LEFT JOIN statement_line r ON r.reverses_line_id = l.id
    WHERE l.kind <> 'reversal' AND r.id IS NULL AND ${ofMonth(scope, 'l.original_period')}
    GROUP BY l.family_id HAVING count(*) > 1
    UNION ALL
    SELECT c.id FROM usage_class c JOIN line_family f ON f.id = c.family_id
    WHERE (c.fee_type, c.basis) <> (f.fee_type, f.basis) AND ${ofMonth(scope, 'f.period')}`,
  ),
  free_is_zero: query(
    (scope) => sql`
    WITH free AS (
      SELECT f.id, f.organisation_id, f.period FROM line_family f
      WHERE ${ofMonth(scope, 'f.period')} AND (f.key->'billing'->>'channel' = 'open'
        OR f.key->'billing'->>'purposeClass' = 'governance_welfare' AND EXISTS (
          SELECT FROM jsonb_array_elements(f.key->'billing'->'contributions') c JOIN dataset d ON d.name = c->>'dataset'
          WHERE d.manifest->>'origin' = 'public'))
    ), used AS (
      SELECT DISTINCT c.family_id FROM usage_class c WHERE EXISTS (SELECT FROM rated_run r WHERE r.class_id = c.id)
    )
    SELECT l.id FROM free f JOIN statement_line l ON l.family_id = f.id WHERE l.amount_fen <> 0 OR l.zero_reason IS NULL
    UNION ALL
    SELECT f.id FROM free f JOIN used u ON u.family_id = f.id LEFT JOIN statement_line l ON l.family_id = f.id
    WHERE l.id IS NULL`,
  ),
  fees_apart: query(
    (scope) => sql`
    SELECT l.id FROM statement_line l JOIN line_family f ON f.id = l.family_id
    WHERE l.fee_type <> f.fee_type AND ${ofMonth(scope, 'l.original_period')}
    UNION ALL
    SELECT i.id FROM settlement_instruction i JOIN settlement_share s ON s.instruction_id = i.id
      JOIN statement_line l ON l.id = s.line_id JOIN statement t ON t.id = i.statement_id
    WHERE (i.fee_type, i.payee) <> (l.fee_type, s.payee) AND ${ofMonth(scope, 't.period')} GROUP BY i.id`,
  ),
  below_cap: findAboveCap,
  totals_agree: query(
    (scope) => sql`
    SELECT t.id FROM statement t LEFT JOIN statement_line l ON l.statement_id = t.id
    WHERE ${ofMonth(scope, 't.period')} GROUP BY t.id
    HAVING t.total_fen <> coalesce(sum(l.amount_fen), 0) OR t.lines <> count(l.id)
    UNION ALL
    SELECT t.id FROM statement t CROSS JOIN LATERAL jsonb_array_elements(t.head::jsonb->'totals') AS fee
      LEFT JOIN statement_line l ON l.statement_id = t.id AND l.fee_type = fee->>'feeType'
    WHERE ${ofMonth(scope, 't.period')} GROUP BY t.id, fee
    HAVING (fee->>'amountFen')::numeric <> coalesce(sum(l.amount_fen), 0)`,
  ),
  exact_reversal: query(
    (scope) => sql`
    SELECT r.id FROM statement_line r LEFT JOIN statement_line l ON l.id = r.reverses_line_id
    WHERE r.kind = 'reversal' AND ${ofMonth(scope, 'r.original_period')} AND (l.id IS NULL OR l.kind = 'reversal'
      OR (r.family_id, r.fee_type, r.basis, r.original_period) <> (l.family_id, l.fee_type, l.basis, l.original_period)
      OR (-r.events, -r.quantity, -r.amount_precise, -r.amount_fen, -r.quoted_nano)
        <> (l.events, l.quantity, l.amount_precise, l.amount_fen, l.quoted_nano))`,
  ),
  rating_repeats: findOtherwiseRated,
  statements_fixed: findChangedStatements,
  log_agrees_by_day: query(
    (scope) => sql`
    WITH metered AS (
      SELECT (u.visible_at AT TIME ZONE 'UTC')::date AS day, u.type AS class, count(*) AS records, sum(u.leaf_index) AS leaves
      FROM usage_record u WHERE ${during(scope, 'u.visible_at')} GROUP BY 1, 2
    ), logged AS (
      SELECT (l.visible_at AT TIME ZONE 'UTC')::date AS day, l.class, count(*) AS records, sum(l.index) AS leaves
      FROM audit_leaf l WHERE l.class IN ('release', 'refusal', 'failure') AND ${during(scope, 'l.visible_at')} GROUP BY 1, 2
    )
    SELECT coalesce(m.day, l.day)::text || ' ' || coalesce(m.class, l.class) AS id
    FROM metered m FULL JOIN logged l USING (day, class)
    WHERE (m.records, m.leaves) IS DISTINCT FROM (l.records, l.leaves)`,
  ),
  double_entry: query(
    (scope) => sql`
    SELECT i.id FROM settlement_instruction i JOIN statement t ON t.id = i.statement_id
      LEFT JOIN settlement_share s ON s.instruction_id = i.id
    WHERE ${ofMonth(scope, 't.period')} GROUP BY i.id HAVING i.amount_fen <> coalesce(sum(s.amount_fen), 0)
    UNION ALL
    SELECT l.id FROM statement_line l JOIN settlement_share s ON s.line_id = l.id JOIN statement t ON t.id = l.statement_id
    WHERE ${ofMonth(scope, 't.period')} GROUP BY l.id HAVING l.amount_fen <> sum(s.amount_fen)
    UNION ALL
    SELECT i.id FROM settlement_instruction i JOIN statement t ON t.id = i.statement_id
      LEFT JOIN payment_advice p ON p.instruction_id = i.id
    WHERE ${ofMonth(scope, 't.period')} AND ((i.state = 'matched') <> (p.reference IS NOT NULL)
      OR (p.amount_fen, p.currency) <> (i.amount_fen, i.currency))`,
  ),
  no_delete_path: query(() => {
    const kept = JSON.stringify(Object.entries(KEPT).map(([name, trigger]) => ({ name, trigger })));
    return sql`
    WITH kept AS (SELECT * FROM jsonb_to_recordset(${kept}::jsonb) AS k(name text, trigger text))
    SELECT k.name || ': ' || k.trigger AS id FROM kept k
      LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass(k.name) AND t.tgname = k.trigger AND t.tgenabled <> 'D'
    WHERE t.oid IS NULL
    UNION ALL
    SELECT k.name || ': ' || r.rolname || ' ' || p.privilege AS id FROM kept k CROSS JOIN pg_roles r
      CROSS JOIN (VALUES ('DELETE'), ('TRUNCATE')) AS p(privilege)
    WHERE r.rolname IN ('unseen_gateway', 'unseen_runner')
      AND has_table_privilege(r.oid, to_regclass(k.name), p.privilege)`;
  }),
};

/** The tables of transactions, and the trigger that keeps the rows of each. */
const KEPT: Readonly<Record<string, 'insert_only' | 'never_deleted'>> = {
  usage_record: 'insert_only',
  audit_leaf: 'insert_only',
  audit_node: 'insert_only',
  audit_head: 'never_deleted',
  checkpoint: 'insert_only',
  release: 'insert_only',
  release_review: 'insert_only',
  job: 'never_deleted',
  reservation: 'never_deleted',
  grant_revision: 'insert_only',
  grant_term: 'insert_only',
  grant_counter: 'never_deleted',
  quote_acceptance: 'insert_only',
  filed_document: 'never_deleted',
  line_family: 'insert_only',
  usage_class: 'insert_only',
  rated_run: 'never_deleted',
  statement_sequence: 'never_deleted',
  statement: 'never_deleted',
  statement_event: 'insert_only',
  statement_line: 'insert_only',
  invoice: 'insert_only',
  correction: 'never_deleted',
  settlement_instruction: 'never_deleted',
  settlement_share: 'never_deleted',
  payment_advice: 'insert_only',
  cost_entry: 'insert_only',
  run_destruction: 'insert_only',
};

interface LiveLine {
  readonly id: string;
  readonly family: string;
  readonly key: UsageKey;
  readonly events: string;
  readonly quantity: string;
  readonly quoted: string;
  readonly fen: string;
  readonly inputs: string;
}

const LINES = 500;

/** Lines that nothing has taken back, in batches. */
async function* liveLines(tx: Tx, scope: ReconcileScope): AsyncGenerator<readonly LiveLine[]> {
  for (let after = ''; ;) {
    const lines = await tx.rows<LiveLine>(sql`
      SELECT l.id, l.family_id AS family, f.key, l.events::text, l.quantity::text, l.quoted_nano::text AS quoted,
        l.amount_fen::text AS fen, l.inputs_digest AS inputs
      FROM statement_line l JOIN line_family f ON f.id = l.family_id LEFT JOIN statement_line r ON r.reverses_line_id = l.id
      WHERE l.id > ${after} AND l.kind <> 'reversal' AND r.id IS NULL AND ${ofMonth(scope, 'l.original_period')}
      ORDER BY l.id LIMIT ${LINES}::int`);
    if (lines.length > 0) yield lines;
    if (lines.length < LINES) return;
    after = lines.at(-1)?.id ?? '';
  }
}

/** Rates what the records of each live line come to now, by the wording of its card, and compares. */
async function findOtherwiseRated(tx: Tx, scope: ReconcileScope): Promise<readonly string[]> {
  const cards = await listDocuments(tx, 'RateCard');
  const broken: string[] = [];
  for await (const lines of liveLines(tx, scope)) {
    const groups = await sumFamilies(
      tx,
      lines.map(({ family }) => family),
    );
    for (const line of lines) {
      const { key, events, quantity, quoted } = line;
      const stored = {
        ...key,
        events: BigInt(events),
        quantity: BigInt(quantity),
        quotedNano: BigInt(quoted),
      };
      // A charge for a month rests on no record.
      const used = key.basis === 'seats' ? stored : groups.find((group) => sameKey(group, key));
      const again = used === undefined ? null : rerated(used, cards);
      if (again?.inputsDigest !== line.inputs || String(again.amountFen) !== line.fen) broken.push(line.id);
    }
  }
  return broken;
}

function sameKey(one: UsageKey, other: UsageKey): boolean {
  return (
    one.grant === other.grant &&
    one.feeType === other.feeType &&
    one.basis === other.basis &&
    one.outcome === other.outcome &&
    one.period === other.period &&
    JSON.stringify(one.billing) === JSON.stringify(other.billing)
  );
}

/** Live lines of cards that broke a cap which was in force when one of their runs came to be seen. */
async function findAboveCap(tx: Tx, scope: ReconcileScope): Promise<readonly string[]> {
  const [cards, caps] = [await listDocuments(tx, 'RateCard'), await listDocuments(tx, 'PriceCap')];
  const breaches = cards.flatMap((card) =>
    caps
      .filter((cap) => isAbove(card, cap))
      .map((cap) => ({
        id: card.id,
        revision: card.revision,
        from: cap.effectiveFrom.toISOString(),
        // Whichever comes first.
        to:
          [cap.withdrawnAt, cap.effectiveTo].flatMap((end) => end?.toISOString() ?? []).toSorted()[0] ?? null,
        scene: (cap.body as PriceCap).scene,
        basis: isAbove(card, cap),
      })),
  );
  if (breaches.length === 0) return [];
  const rows = await tx.rows<{ id: string }>(sql`
    SELECT DISTINCT l.id FROM jsonb_to_recordset(${JSON.stringify(breaches)}::jsonb)
        AS b(id text, revision int, "from" timestamptz, "to" timestamptz, scene text, basis text)
      JOIN line_family f ON f.basis = b.basis
        AND f.key->'billing'->'fees' @> jsonb_build_array(jsonb_build_object('feeType', f.fee_type, 'card', jsonb_build_object('id', b.id, 'revision', b.revision)))
      JOIN statement_line l ON l.family_id = f.id AND l.kind <> 'reversal' AND l.amount_fen <> 0
      LEFT JOIN statement_line r ON r.reverses_line_id = l.id
    WHERE r.id IS NULL AND ${ofMonth(scope, 'l.original_period')} AND EXISTS (
      SELECT FROM usage_class c JOIN rated_run x ON x.class_id = c.id JOIN usage_record u ON u.id = x.usage_id
        JOIN job j ON j.id = u.job_id
      WHERE c.family_id = f.id AND (b.scene = 'any' OR j.scene = b.scene) AND u.visible_at >= b."from" AND (b."to" IS NULL OR u.visible_at < b."to"))
    ORDER BY l.id LIMIT ${ROWS_MAX}::int`);
  return rows.map(({ id }) => id);
}

/** Statements whose head, number, predecessor or lines are not those that were closed. */
async function findChangedStatements(tx: Tx, scope: ReconcileScope): Promise<readonly string[]> {
  const changed = await query(
    (within) => sql`
    SELECT t.id FROM statement t LEFT JOIN statement p ON p.issuer = t.issuer AND p.seq = t.seq - 1
    WHERE ${ofMonth(within, 't.period')} AND (t.digest <> 'sha256:' || encode(sha256(convert_to(t.head, 'UTF8')), 'hex')
      OR (t.head::jsonb->>'id', t.head::jsonb->>'buyer', t.head::jsonb->>'period', t.head::jsonb->>'linesRoot')
        <> (t.id, t.organisation_id, t.period, t.lines_root)
      OR t.previous_digest IS DISTINCT FROM p.digest OR (t.seq > 1) <> (p.id IS NOT NULL)
      OR t.leaf_index IS NOT NULL AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.index = t.leaf_index AND l.class = 'statement'))
    UNION ALL
    SELECT l.id FROM statement_line l JOIN statement t ON t.id = l.statement_id
    WHERE ${ofMonth(within, 't.period')} AND (l.body::jsonb->>'amountFen')::numeric <> l.amount_fen`,
  )(tx, scope);
  const statements = await tx.rows<{ id: string; root: string }>(sql`
    SELECT id, lines_root AS root FROM statement WHERE ${ofMonth(scope, 'statement.period')} ORDER BY id`);
  const broken = [...changed];
  for (const { id, root } of statements) {
    const bodies = await tx.rows<{ body: string }>(sql`
      SELECT body FROM statement_line WHERE statement_id = ${id} ORDER BY ordinal`);
    if (linesRootOf(bodies.map(({ body }) => body)) !== root) broken.push(id);
  }
  return [...new Set(broken)];
}
