/**
 * Months of usage in a database, made by bulk SQL: parties, grants on agreements, filed documents and ended runs.
 *
 * All invariants of storage hold for what is made: counters have used it, every record has its leaf, the tree is whole.
 * What needs the past (documents in force, runs of earlier months) is written with triggers off, as a restore would.
 * Released runs answer from store, so that a million of them need one answer; no job events are made.
 */
import { sql } from 'drizzle-orm';

import { canonicalJson, sha256Hex } from '#crypto/canonical.ts';
import { parseGrant } from '#policies/grant.ts';
import { QUOTA_UNITS } from '#policies/quota.ts';
import type { BillingFacts, FeeFacts } from '#gateway/billing/facts.ts';
import type { Database, Tx } from '#gateway/storage/database.ts';
import { approveGrant, saveGrant } from '#gateway/storage/grant-store.ts';
import { saveAccount, saveOrganisation } from '#gateway/storage/parties.ts';
import { registerDataset } from '#gateway/storage/registration.ts';
import { snakeCase } from '#gateway/storage/tables/grants.ts';
import { grantFile } from '#tests/policies/request-fixture.ts';

import { ask, freshId, runWhole } from './world.ts';

/** Who and what is billed. */
export interface BillingScene {
  readonly operator: string;
  readonly provider: string;
  readonly buyer: string;
  /** Accounts of the operator: two that bill, so that one may ask and the other approve. */
  readonly clerks: readonly [string, string];
  /** An account of the buyer. */
  readonly account: string;
  readonly dataset: string;
  readonly versionId: string;
  readonly grant: string;
  /** The agreement that the grant names; filed only by `fileApproved`. */
  readonly agreement: string;
  /** The answer that released runs give again. */
  readonly releaseId: string;
}

export interface SceneNames {
  readonly operator?: string;
  readonly agreement?: string;
  readonly start?: string;
  readonly end?: string;
}

/** An operator, a provider, a buyer, a dataset, a grant in force and one answer. */
export async function makeBillingScene(db: Database, names: SceneNames = {}): Promise<BillingScene> {
  const tag = freshId().slice(0, 12);
  const { operator = `platform-${tag}`, agreement = `agreement-${tag}` } = names;
  const [provider, buyer, account] = [`bureau-${tag}`, `buyer-${tag}`, `client-${tag}`];
  const clerks = [`${operator}-bill`, `${operator}-bella`] as const;
  const described = { region: 'CN-31', sector: 'health' };
  for (const id of [operator, provider, buyer])
    await saveOrganisation(db, { id, name: `The ${id}`, ...described, operator: id === operator });
  for (const id of clerks)
    await saveAccount(db, { id, organisationId: operator, roles: ['billing'], keys: [] });
  await saveAccount(db, { id: account, organisationId: buyer, roles: ['buyer', 'billing'], keys: [] });
  await saveAccount(db, { id: `${provider}-petra`, organisationId: provider, roles: ['provider'], keys: [] });
  const dataset = `visits_${tag}`;
  const lineage = `lineage-${tag}`;
  const versionId = await registerDataset(db, {
    name: dataset,
    organisation: provider,
    ledger: { lineage, unit: 'rho', capacity: { nano: 1_000_000n, thresholdDeltaYocto: 0n } },
    population: null,
    manifest: { name: dataset, origin: 'public' },
    policy: { mechanism: 'gaussian' },
    policyDigest: 'd'.repeat(64),
    version: { id: freshId(), commitment: `hmac-sha256:${'c'.repeat(64)}` },
    source: { path: `/data/${tag}.parquet`, digest: freshId(), identity: { size: 1 }, versionKey: freshId() },
  });
  const grant = await makeBillingGrant(db, { provider, buyer, dataset, agreement, ...names });
  const seed = { organisation: buyer, account, dataset, lineage, population: null, versionId, grant };
  const { releaseId } = await runWhole(db, ask(seed));
  return {
    operator,
    provider,
    buyer,
    clerks,
    account,
    dataset,
    versionId,
    grant,
    agreement,
    releaseId,
  };
}

/** A grant in force, for any number of runs. */
async function makeBillingGrant(
  db: Database,
  parties: SceneNames & {
    readonly provider: string;
    readonly buyer: string;
    readonly dataset: string;
    readonly agreement: string;
  },
): Promise<string> {
  const file = grantFile();
  const id = `grant-${freshId().slice(0, 12)}`;
  const [terms] = file.datasets;
  const grant = parseGrant({
    ...file,
    id,
    authoriser: parties.provider,
    holder: parties.buyer,
    parentAgreement: parties.agreement,
    personalData: false,
    consentReference: null,
    start: parties.start ?? '2020-01-01T00:00:00+08:00',
    end: parties.end ?? '2099-01-01T00:00:00+08:00',
    datasets: [{ ...terms, dataset: parties.dataset }],
    quota: { total: { runs: String(10n ** 30n) }, perDay: null },
  });
  await saveGrant(db, { grant, upstream: [], by: 'officer' });
  for (const side of ['provider', 'buyer'] as const)
    await approveGrant(db, { grantId: id, revision: 1, side, by: side });
  return id;
}

/** What is filed in the past: an approved wording as it would stand, with the leaf of its approval. */
export interface PastDocument {
  readonly kind: 'Agreement' | 'RateCard' | 'PriceCap' | 'RevenueCeiling' | 'Product';
  readonly id: string;
  readonly revision?: number;
  readonly body: object;
  /** Instants with zone. */
  readonly from: string;
  readonly to?: string | null;
  /** When it was approved; default: when it began. */
  readonly approved?: string;
}

/** Files and approves a wording whose time may have begun already. */
export async function fileApproved(
  db: Database,
  { clerks }: Pick<BillingScene, 'clerks'>,
  document: PastDocument,
): Promise<void> {
  const { kind, id, revision = 1, from, to = null, approved = from } = document;
  const body = { ...document.body, kind, id, from, to };
  const digest = `sha256:${sha256Hex(canonicalJson({ kind, id, revision, body }))}`;
  const [filedBy, approvedBy] = clerks;
  const at = new Date(approved).toISOString();
  const leaf = canonicalJson({
    type: 'document',
    document: `${kind}/${id}/${revision}`,
    digest,
    filedBy,
    approvedBy,
    at,
  });
  await inThePast(db, async (tx) => {
    await tx.rows(sql`CREATE TEMP TABLE new_leaf ON COMMIT DROP AS
      SELECT 1::bigint AS n, ${leaf}::text AS body, 'document'::text AS class, ${at}::timestamptz AS visible_at`);
    const first = await appendLeaves(tx);
    await tx.rows(sql`
      INSERT INTO filed_document (kind, id, revision, body, digest, effective_from, effective_to, filed_by, filed_at,
        approved_by, approved_at, leaf_index)
      VALUES (${kind}, ${id}, ${revision}::int, ${JSON.stringify(body)}::jsonb, ${digest}, ${from}::timestamptz,
        ${to}::timestamptz, ${filedBy}, ${at}::timestamptz, ${approvedBy}, ${at}::timestamptz, ${first}::bigint)`);
  });
}

/** The wording of an agreement that shares both fees: 700000 and 300000 parts per million. */
export function agreementBody(
  scene: BillingScene,
  changes: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const shares = [
    { to: 'contributors', partsPerMillion: 700_000 },
    { to: 'treasury', partsPerMillion: 300_000 },
  ];
  return {
    title: 'Authorised operation of visits',
    contractNumber: `HT-${scene.agreement}`,
    filingNumber: 'BA-2026-17',
    parties: { authoriser: scene.provider, operator: scene.operator, providers: [scene.provider] },
    mode: 'scene',
    conditions: ['As the implementation plan says.'],
    operatingModel: 'Products under the operator’s name.',
    exit: 'Everything is handed back.',
    securityResponsibility: 'The operator answers for the platform.',
    riskAssessment: { id: 'risk-1', sha256: 'a'.repeat(64) },
    collectiveDecision: null,
    currency: 'CNY',
    datasets: [{ dataset: scene.dataset, contributors: [{ contributor: scene.provider, weight: '1' }] }],
    payees: [
      { id: 'treasury', type: 'treasury', name: 'The city treasury' },
      { id: scene.operator, type: 'operator', name: 'The operator' },
    ],
    split: [
      { feeType: 'data_usage', shares },
      { feeType: 'technical_service', shares: [{ to: scene.operator, partsPerMillion: 1_000_000 }] },
    ],
    evidence: { id: 'agreement-scan', sha256: 'b'.repeat(64) },
    ...changes,
  };
}

/** The wording of a rate card for a scene's dataset. */
export function rateCardBody(
  scene: BillingScene,
  charges: readonly object[],
  changes: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    title: 'Prices of visits',
    applies: { dataset: scene.dataset },
    scene: 'any',
    feeType: 'data_usage',
    payee: scene.provider,
    currency: 'CNY',
    priceSource: 'guided',
    guidanceDocument: 'Guidance 2026-3',
    state: 'trial',
    charges,
    bills: { failed: false },
    discounts: [],
    tax: { rateBasisPoints: 600, inclusive: true },
    ...changes,
  };
}

/** 0.004 yuan a call. */
export const UNIT_CARD = [{ basis: 'calls', model: 'unit', unitPrice: '0.004', per: '1' }] as const;

/** Files a card of a scene that has been in force for the whole of 2026. */
export async function fileCard(
  db: Database,
  scene: BillingScene,
  charges: readonly object[],
  changes: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly id: string; readonly revision: number }> {
  const id = `RC-${freshId().slice(0, 12)}`;
  const from = '2026-01-01T00:00:00+08:00';
  await fileApproved(db, scene, { kind: 'RateCard', id, body: rateCardBody(scene, charges, changes), from });
  return { id, revision: 1 };
}

/** What a run of a scene is billed by: a data usage fee under one card, and no technical service fee. */
export function factsOf(
  scene: BillingScene,
  fee: Partial<FeeFacts>,
  changes: Partial<BillingFacts> = {},
): BillingFacts {
  return {
    buyer: scene.buyer,
    purposeClass: 'industry',
    channel: 'operation',
    costCentre: null,
    product: null,
    agreement: { id: scene.agreement, revision: 1 },
    contributions: [{ dataset: scene.dataset, contributor: scene.provider, weight: '1' }],
    fees: [
      { feeType: 'data_usage', card: null, zeroReason: null, discount: null, billsFailed: false, ...fee },
      {
        feeType: 'technical_service',
        card: null,
        zeroReason: 'no_rate_card',
        discount: null,
        billsFailed: false,
      },
    ],
    ...changes,
  };
}

/** Ended runs that are alike but for their names and times. */
export interface UsageSpec {
  /** Default 1. */
  readonly copies?: number;
  /** When the first may be seen; the others follow evenly until `until` (default: at the same moment). */
  readonly at: string;
  readonly until?: string;
  readonly outcome?: 'released' | 'failed' | 'refused';
  /** Another grant of the buyer. */
  readonly grant?: string;
  /** Planned quantities beside the quota units, and in place of them. */
  readonly planned?: Readonly<Record<string, string>>;
  readonly billing: BillingFacts | null;
  /** Billionths of a yuan by charge. Nothing for refused runs. */
  readonly quoted: Readonly<Record<string, string>>;
  /** Whether it is on record that what the run had in memory is gone. Default true. */
  readonly destroyed?: boolean;
}

const TYPES = { released: 'release', failed: 'failure', refused: 'refusal' } as const;
const CODES = { released: null, failed: 'RUN_LIMIT', refused: 'QUOTA' } as const;
/** Where the canonical record of a run has what differs between copies. */
const HOLE = { job: '@job@', at: '@at@' } as const;

/** Writes runs that have ended, with their records and leaves. Returns the ids of the usage records, in order. */
export async function addUsage(
  db: Database,
  scene: BillingScene,
  specs: readonly UsageSpec[],
): Promise<readonly string[]> {
  return inThePast(db, async (tx) => {
    const alike = specs.map((spec, ordinal) => rowOf(scene, spec, ordinal));
    await tx.rows(sql`
      CREATE TEMP TABLE new_usage ON COMMIT DROP AS
      SELECT row_number() OVER (ORDER BY s.ordinal, i) AS n, s.*,
        md5(random()::text || s.ordinal || ':' || i || clock_timestamp()) AS job_id,
        date_trunc('milliseconds', s.at::timestamptz
          + (s.until::timestamptz - s.at::timestamptz) * ((i - 1)::float8 / s.copies)) AS visible_at
      FROM jsonb_to_recordset(${JSON.stringify(alike)}::jsonb) AS s(ordinal int, copies int, at text, until text,
        outcome text, type text, code text, "grantId" text, planned jsonb, billing text, quoted jsonb, charged boolean, destroyed boolean, record text),
        generate_series(1, s.copies) AS i`);
    await tx.rows(sql`
      CREATE TEMP TABLE new_leaf ON COMMIT DROP AS
      SELECT n, replace(replace(record, ${HOLE.job}, job_id), ${HOLE.at},
        to_char(visible_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS body, type AS class, visible_at
      FROM new_usage`);
    const first = await appendLeaves(tx);
    await insertJobs(tx, scene);
    await insertRecords(tx, scene, first);
    await countBulk(tx);
    const rows = await tx.rows<{ id: string }>(sql`
      SELECT job_id || '/' || type AS id FROM new_usage ORDER BY n LIMIT 100000`);
    return rows.map(({ id }) => id);
  });
}

function rowOf(scene: BillingScene, spec: UsageSpec, ordinal: number): object {
  const { copies = 1, at, until = at, outcome = 'released', destroyed = true, billing, quoted } = spec;
  const spendNano = Object.values(quoted).reduce((sum, nano) => sum + BigInt(nano), 0n);
  const units = Object.fromEntries(QUOTA_UNITS.map((unit) => [unit, '0']));
  const planned = { ...units, runs: '1', calls: '1', ...spec.planned, spendNano: String(spendNano) };
  const [type, code, grantId] = [TYPES[outcome], CODES[outcome], spec.grant ?? scene.grant];
  const charged = outcome !== 'refused';
  const record = canonicalJson({
    id: `${HOLE.job}/${type}`,
    source: 'unseen',
    type,
    jobId: HOLE.job,
    accountId: scene.account,
    grantId,
    grantRevision: 1,
    datasets: [scene.dataset],
    versionId: scene.versionId,
    purpose: 'public_welfare',
    scene: 'influenza',
    epsilon: null,
    delta: null,
    planDigest: null,
    program: null,
    outcome,
    code,
    releaseId: outcome === 'released' ? scene.releaseId : null,
    repeat: outcome === 'released',
    charged,
    spent: { nano: '0', thresholdDeltaYocto: '0' },
    planned,
    actors: { authoriser: scene.provider, operator: scene.operator, user: scene.buyer },
    billing,
    quoted,
    quoteId: null,
    releasedAt: HOLE.at,
  });
  return {
    ordinal,
    copies,
    at,
    until,
    outcome,
    type,
    code,
    grantId,
    planned,
    billing: billing === null ? null : JSON.stringify(billing),
    quoted,
    charged,
    destroyed,
    record,
  };
}

async function insertJobs(tx: Tx, scene: BillingScene): Promise<void> {
  const actors = { authoriser: scene.provider, operator: scene.operator, user: scene.buyer };
  await tx.rows(sql`
    INSERT INTO job (id, account_id, grant_id, grant_revision, datasets, version_id, request, purpose, scene, planned, scopes,
      actors, billing, quoted, repeatable, repeat, review, state, outcome, code, sentence, release_id, release_at,
      attempt, created_at, done_at)
    SELECT job_id, ${scene.account}, "grantId", 1, ARRAY[${scene.dataset}], ${scene.versionId}, '{}'::jsonb, 'public_welfare', 'influenza', planned,
      CASE WHEN charged THEN ARRAY['total'] ELSE ARRAY[]::text[] END, ${JSON.stringify(actors)}::jsonb, billing::json, quoted,
      false, outcome = 'released', false, 'done', outcome, code,
      CASE WHEN code IS NOT NULL THEN '{"id":"storage.lost","args":{}}'::jsonb END,
      CASE WHEN outcome = 'released' THEN ${scene.releaseId} END, visible_at,
      CASE outcome WHEN 'refused' THEN 0 ELSE 1 END, visible_at - interval '1 second', visible_at
    FROM new_usage`);
}

async function insertRecords(tx: Tx, scene: BillingScene, firstLeaf: bigint): Promise<void> {
  await tx.rows(sql`
    INSERT INTO usage_record (id, source, type, job_id, grant_id, account_id, release_id, outcome, code, charged,
      spent_nano, spent_yocto, planned, measured, billing, quoted, digest, leaf_index, visible_at, recorded_at)
    SELECT u.job_id || '/' || u.type, 'unseen', u.type, u.job_id, u."grantId", ${scene.account},
      CASE WHEN u.outcome = 'released' THEN ${scene.releaseId} END, u.outcome, u.code, u.charged, 0, 0, u.planned, '{}'::jsonb,
      u.billing::json, u.quoted, 'sha256:' || encode(sha256(convert_to(l.body, 'UTF8')), 'hex'),
      ${firstLeaf}::bigint + u.n - 1, u.visible_at, u.visible_at
    FROM new_usage u JOIN new_leaf l USING (n)`);
  await tx.rows(sql`
    INSERT INTO run_destruction (job_id, record, complete, at)
    SELECT job_id, '{"processes":"ended","scratch":"dropped"}'::jsonb, true, visible_at
    FROM new_usage WHERE destroyed AND outcome <> 'refused'`);
}

/** What the counters of the grants have used by the new runs. */
async function countBulk(tx: Tx): Promise<void> {
  const columns = QUOTA_UNITS.map((unit) => ({
    used: sql.raw(`used_${snakeCase(unit)}`),
    name: sql.raw(`'${unit}'`),
  }));
  await tx.rows(sql`
    INSERT INTO grant_counter AS c (grant_id, scope, ${sql.join(
      columns.map(({ used }) => used),
      sql`, `,
    )})
    SELECT "grantId", 'total', ${sql.join(
      columns.map(({ name }) => sql`sum((planned->>${name})::numeric)`),
      sql`, `,
    )} FROM new_usage WHERE charged GROUP BY "grantId"
    ON CONFLICT (grant_id, scope) DO UPDATE SET ${sql.join(
      columns.map(({ used }) => sql`${used} = c.${used} + excluded.${used}`),
      sql`, `,
    )}`);
}

/** Appends the rows of `new_leaf`, in the order of `n`, and completes the tree over them. The first's index. */
async function appendLeaves(tx: Tx): Promise<bigint> {
  const [head] = await tx.rows<{ size: string }>(
    sql`SELECT size::text FROM audit_head WHERE id = 1 FOR UPDATE`,
  );
  const first = BigInt(head?.size ?? 0);
  await tx.rows(sql`
    INSERT INTO audit_leaf (index, hash, body, class, visible_at)
    SELECT ${first}::bigint + n - 1, encode(sha256('\\x00'::bytea || convert_to(body, 'UTF8')), 'hex'), body, class, visible_at
    FROM new_leaf`);
  const [count] = await tx.rows<{ size: string }>(
    sql`SELECT (${first}::bigint + count(*))::text AS size FROM new_leaf`,
  );
  const size = BigInt(count?.size ?? 0);
  for (let level = 0; size >> BigInt(level + 1) > 0n; level += 1) await hashLevel(tx, level, first);
  await tx.rows(sql`
    UPDATE audit_head SET size = ${size}::bigint, hashes = (
      WITH edge AS (
        SELECT level, ((${size}::bigint >> (level + 1)) << 1) AS index FROM generate_series(0, 62) AS level
        WHERE (${size}::bigint >> level) & 1 = 1)
      SELECT coalesce(jsonb_agg(CASE edge.level WHEN 0 THEN l.hash ELSE n.hash END ORDER BY edge.level DESC), '[]')
      FROM edge LEFT JOIN audit_leaf l ON edge.level = 0 AND l.index = edge.index
        LEFT JOIN audit_node n ON n.level = edge.level AND n.index = edge.index)
    WHERE id = 1`);
  return first;
}

/** The nodes above one level that became complete since a leaf was the next. */
async function hashLevel(tx: Tx, level: number, first: bigint): Promise<void> {
  const below =
    level === 0
      ? sql`SELECT index, hash FROM audit_leaf`
      : sql`SELECT index, hash FROM audit_node WHERE level = ${level}::int`;
  const complete = first >> BigInt(level + 1);
  await tx.rows(sql`
    INSERT INTO audit_node (level, index, hash)
    SELECT ${level + 1}::int, l.index / 2, encode(sha256('\\x01'::bytea || decode(l.hash, 'hex') || decode(r.hash, 'hex')), 'hex')
    FROM (${below}) l JOIN (${below}) r ON r.index = l.index + 1
    WHERE l.index % 2 = 0 AND l.index >= ${complete * 2n}::bigint`);
}

/** One transaction in which no trigger and no foreign key is looked at: what is written was so before. */
async function inThePast<Result>(db: Database, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  return db.transact(async (tx) => {
    await tx.rows(sql`SET LOCAL session_replication_role = replica`);
    return work(tx);
  });
}
