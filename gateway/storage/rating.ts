/**
 * Rating in the database: which usage of a buyer is not rated yet, what of it is charged together, and where it stands.
 *
 * Guarantee: the groups are those of `foldUsage` (gateway/billing/usage-group.ts). Only what may be seen outside is
 * rated: a run from its release time on, one that waits for a person from the decision on, and nothing that was refused.
 * What is gathered once is what is summed and what is marked, by one reading; records that come later are late.
 * Not covered: what a group costs (gateway/billing/rating.ts), and whether a month is over (statements.ts).
 *
 * Records are grouped by class: all that have the same facts, grant, outcome, month and charges. A class stands on one
 * family for each of its charges, so that a record is marked by one row whatever it is charged for.
 */
import { sql, type SQL } from 'drizzle-orm';

import { evidenceJson, sha256Hex } from '#crypto/canonical.ts';

import { type Basis, type BillingFacts, type FeeType } from '../billing/facts.ts';
import { quantityOf, UsageFault } from '../billing/quantity.ts';
import {
  familyIdOf,
  keyOf,
  type RatableEvent,
  type UsageGroup,
  type UsageKey,
} from '../billing/usage-group.ts';
import { say } from '#policies/words.ts';
import type { Tx } from './database.ts';
import { isShown, told } from './visibility.ts';

/** Whose usage is rated, until when. */
export interface RatingScope {
  readonly buyer: string;
  /** Of the bills. */
  readonly timeZone: string;
  /** The first instant after the month that is closed. */
  readonly before: Date;
}

/** Hex characters of a class's name: 128 bits of SHA-256. */
const CLASS_CHARACTERS = 32;
/** The class of records that a correction took from every line. */
const EXCLUDED = 'excluded';

/** A class of gathered records, with its families. */
interface UsageClass {
  readonly id: string;
  readonly groups: readonly UsageGroup[];
}

/** The month of a record. */
function monthOf(timeZone: string): SQL {
  return sql`to_char(u.visible_at AT TIME ZONE ${timeZone}, 'YYYY-MM')`;
}

/** Records of a buyer that may be seen, were not refused and have a price. */
function ratable({ buyer, before }: Omit<RatingScope, 'timeZone'>): SQL {
  // Of those that a person decides about there are few: they are left out by name, so that the others need no join.
  return sql`u.account_id IN (SELECT id FROM account WHERE organisation_id = ${buyer})
    AND u.visible_at < ${before.toISOString()}::timestamptz AND u.visible_at <= now()
    AND u.billing IS NOT NULL AND u.outcome <> 'refused' AND u.quoted <> '{}'
    AND u.job_id NOT IN (SELECT j.id FROM job j WHERE j.review AND NOT (${isShown('j')} AND ${told('j').outcome} <> 'refused'))`;
}

/**
 * Gathers the usage that stands on no line yet, writes its families and marks it. Returns the groups that it makes: of
 * this month and of earlier ones. What has a correction is not gathered (`moveCorrected`). UsageFault for a record that
 * cannot be rated.
 */
export async function rateNew(tx: Tx, scope: RatingScope): Promise<readonly UsageGroup[]> {
  await gather(tx, scope);
  const classes = await classesOf(tx, scope.buyer);
  await saveClasses(tx, scope.buyer, classes);
  const marks = classes.map(({ id, at }) => ({ ...at, class: id }));
  await tx.rows(sql`
    INSERT INTO rated_run (usage_id, class_id)
    SELECT b.id, m.class FROM rating_batch b
      JOIN jsonb_to_recordset(${JSON.stringify(marks)}::jsonb) AS m(grant_id text, outcome text, period text, facts text, keys text, class text)
        USING (grant_id, outcome, period, facts, keys)
    ORDER BY b.id`);
  await tx.rows(sql`DROP TABLE rating_batch`);
  return foldGroups(classes.flatMap(({ groups }) => groups));
}

/** Classes that differ in their charges may share families. */
function foldGroups(groups: readonly UsageGroup[]): readonly UsageGroup[] {
  return [...Map.groupBy(groups, familyIdOf).values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [
          others.reduce(
            (sum, { events, quantity, quotedNano }) => ({
              ...sum,
              events: sum.events + events,
              quantity: sum.quantity + quantity,
              quotedNano: sum.quotedNano + quotedNano,
            }),
            first,
          ),
        ],
  );
}

/** One reading of all that is new. */
async function gather(tx: Tx, scope: RatingScope): Promise<void> {
  await tx.rows(sql`
    CREATE TEMP TABLE rating_batch AS
    SELECT u.id, u.grant_id, u.outcome, ${monthOf(scope.timeZone)} AS period, encode(sha256(convert_to(u.billing::text, 'UTF8')), 'hex') AS facts,
      (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(u.quoted) AS k) AS keys, u.planned, u.quoted
    FROM usage_record u
    WHERE ${ratable(scope)} AND NOT EXISTS (SELECT FROM rated_run r WHERE r.usage_id = u.id)
      AND NOT EXISTS (SELECT FROM correction c WHERE c.usage_id = u.id AND c.decision = 'approved')`);
}

interface GatheredRow {
  readonly grant_id: string;
  readonly outcome: 'released' | 'failed';
  readonly period: string;
  readonly facts: string;
  readonly keys: string;
  readonly charge: string;
  readonly events: string;
  readonly quantity: string;
  readonly quoted: string;
  readonly sound: boolean;
  readonly billing: BillingFacts;
}

/** What the records of a class have in common, in the batch. */
type Gathered = Pick<GatheredRow, 'grant_id' | 'outcome' | 'period' | 'facts' | 'keys'>;

async function classesOf(
  tx: Tx,
  buyer: string,
): Promise<readonly (UsageClass & { readonly at: Gathered })[]> {
  // Not a join: there are few classes, but the database expects many, and would read all records there ever were.
  const rows = await tx.rows<GatheredRow>(sql`
    WITH summed AS (
      SELECT b.grant_id, b.outcome, b.period, b.facts, b.keys, k.key AS charge, count(*) AS events, min(b.id) AS sample,
        sum(v.quantity) AS quantity, sum(k.value::numeric) AS quoted,
        count(v.quantity) = count(*) AS sound
      FROM rating_batch b CROSS JOIN LATERAL jsonb_each_text(b.quoted) AS k
        CROSS JOIN LATERAL (SELECT b.planned->>split_part(k.key, '/', 2) AS text) AS p
        CROSS JOIN LATERAL (SELECT CASE WHEN ${isWhole(sql`p.text`)} THEN p.text::numeric END AS quantity) AS v
      GROUP BY b.grant_id, b.outcome, b.period, b.facts, b.keys, k.key
    )
    SELECT s.grant_id, s.outcome, s.period, s.facts, s.keys, s.charge, s.events::text, s.quantity::text, s.quoted::text,
      s.sound, (SELECT u.billing FROM usage_record u WHERE u.id = s.sample) AS billing
    FROM summed s ORDER BY s.grant_id, s.outcome, s.period, s.facts, s.keys`);
  if (rows.some(({ sound }) => !sound)) await nameUnsound(tx);
  const classes = Map.groupBy(rows, ({ grant_id, outcome, period, facts, keys }) =>
    JSON.stringify([grant_id, outcome, period, facts, keys]),
  );
  return [...classes.values()].map((own) => classOf(own, buyer));
}

/** Decimal digits of a whole number that is not too large. Not by a regular expression, which would take longer than all else. */
function isWhole(text: SQL): SQL {
  return sql`(length(${text}) BETWEEN 1 AND 19 AND translate(${text}, '0123456789', '') = '' AND (${text} = '0' OR left(${text}, 1) <> '0'))`;
}

function classOf(rows: readonly GatheredRow[], buyer: string): UsageClass & { readonly at: Gathered } {
  const [first] = rows;
  if (first === undefined) throw new RangeError('a class has records');
  const { grant_id, outcome, period, facts, keys, billing } = first;
  if (billing.buyer !== buyer)
    throw new UsageFault(say('statement.otherBuyer', { buyer, found: billing.buyer }));
  const common = { grant: grant_id, outcome, period, billing };
  const groups = rows.map((row): UsageGroup => {
    const [feeType, basis] = row.charge.split('/') as [FeeType, Basis];
    const [events, quantity, quotedNano] = [BigInt(row.events), BigInt(row.quantity), BigInt(row.quoted)];
    return { buyer, ...common, feeType, basis, events, quantity, quotedNano };
  });
  return { id: classIdOf(common, keys.split(' ')), groups, at: { grant_id, outcome, period, facts, keys } };
}

/** The name of a class: of what its records have in common. */
function classIdOf(
  common: Pick<UsageKey, 'grant' | 'outcome' | 'period' | 'billing'>,
  charges: readonly string[],
): string {
  return sha256Hex(evidenceJson({ ...common, charges: charges.toSorted() })).slice(0, CLASS_CHARACTERS);
}

/** Throws a UsageFault that names the first record at fault. */
async function nameUnsound(tx: Tx): Promise<never> {
  const [row] = await tx.rows<{ id: string; basis: string; planned: Record<string, string> }>(sql`
    SELECT b.id, split_part(k, '/', 2) AS basis, b.planned FROM rating_batch b CROSS JOIN LATERAL jsonb_object_keys(b.quoted) AS k
    WHERE ${isWhole(sql`(b.planned->>split_part(k, '/', 2))`)} IS NOT TRUE ORDER BY b.id LIMIT 1`);
  if (row !== undefined) quantityOf(row.planned, row.basis, row.id);
  throw new UsageFault(say('statement.unsound'));
}

/** Classes, each on its families. */
async function saveClasses(tx: Tx, buyer: string, classes: readonly UsageClass[]): Promise<void> {
  await saveFamilies(
    tx,
    buyer,
    classes.flatMap(({ groups }) => groups),
  );
  const rows = classes.flatMap(({ id, groups }) =>
    groups.map((group) => ({ id, fee: group.feeType, basis: group.basis, family: familyIdOf(group) })),
  );
  await tx.rows(sql`
    INSERT INTO usage_class (id, fee_type, basis, family_id)
    SELECT id, fee, basis, family FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS c(id text, fee text, basis text, family text)
    ON CONFLICT DO NOTHING`);
}

/** Writes the families of groups. */
export async function saveFamilies(tx: Tx, buyer: string, groups: readonly UsageGroup[]): Promise<void> {
  const rows = groups.map((group) => ({
    id: familyIdOf(group),
    period: group.period,
    fee: group.feeType,
    basis: group.basis,
    key: keyOf(group),
  }));
  await tx.rows(sql`
    INSERT INTO line_family (id, organisation_id, period, fee_type, basis, key)
    SELECT DISTINCT ON (id) id, ${buyer}, period, fee, basis, key
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS f(id text, period text, fee text, basis text, key jsonb)
    ON CONFLICT DO NOTHING`);
}

/** A record as rating sees it, and where it stands so far; null: on no line. */
export interface StandingEvent {
  readonly event: RatableEvent;
  readonly classId: string | null;
}

/** Records by id, of those that may be rated by now. */
export async function readEvents(
  tx: Tx,
  scope: RatingScope,
  ids: readonly string[],
): Promise<readonly StandingEvent[]> {
  const rows = await tx.rows<RatableEvent & { readonly classId: string | null }>(sql`
    SELECT u.id, u.grant_id AS grant, u.outcome, ${monthOf(scope.timeZone)} AS period, u.billing, u.planned, u.quoted,
      r.class_id AS "classId"
    FROM usage_record u LEFT JOIN rated_run r ON r.usage_id = u.id
    WHERE ${ratable(scope)} AND u.id = ANY(${sql.param(ids)}::text[]) ORDER BY u.id`);
  return rows.map(({ classId, ...event }) => ({ event, classId }));
}

/** Puts a corrected record where it stands now. `null`: on no line. */
export async function moveRecord(
  tx: Tx,
  buyer: string,
  usage: string,
  event: RatableEvent | null,
): Promise<string> {
  const found = event === null ? null : classOfEvent(event);
  if (found !== null) await saveClasses(tx, buyer, [found]);
  const id = found?.id ?? EXCLUDED;
  await tx.rows(sql`
    INSERT INTO rated_run AS r (usage_id, class_id) VALUES (${usage}, ${id})
    ON CONFLICT (usage_id) DO UPDATE SET class_id = excluded.class_id WHERE r.class_id <> excluded.class_id`);
  return id;
}

function classOfEvent({ id, grant, outcome, period, billing, planned, quoted }: RatableEvent): UsageClass {
  if (billing === null || outcome === 'refused') throw new RangeError('what is moved has a price');
  const common = { grant, outcome, period, billing };
  const charges = Object.keys(quoted);
  const groups = charges.map((charge): UsageGroup => {
    const [feeType, basis] = charge.split('/') as [FeeType, Basis];
    const quantity = quantityOf(planned, basis, id);
    return { buyer: billing.buyer, ...common, feeType, basis, events: 1n, quantity, quotedNano: 0n };
  });
  return { id: classIdOf(common, charges), groups };
}

/** The families of classes. */
export async function familiesOfClasses(tx: Tx, classes: readonly string[]): Promise<readonly string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    SELECT DISTINCT family_id AS id FROM usage_class WHERE id = ANY(${sql.param(classes)}::text[]) ORDER BY id`);
  return rows.map(({ id }) => id);
}

/** The newest approved change of the quantities of a record `u`, if that is what its newest correction changes. */
const CORRECTED_QUANTITY = sql`(
  SELECT c.change->'quantities'->>f.basis FROM correction c
  WHERE c.usage_id = u.id AND c.decision = 'approved' ORDER BY c.decided_at DESC, c.id DESC LIMIT 1)`;

/** What all usage on families comes to, as it is corrected now. A family without any has no group. */
export async function sumFamilies(tx: Tx, families: readonly string[]): Promise<readonly UsageGroup[]> {
  const rows = await tx.rows<{
    readonly key: UsageKey;
    readonly events: string;
    readonly quantity: string;
    readonly quoted: string;
  }>(sql`
    WITH summed AS (
      SELECT f.id, count(*) AS events, sum((u.quoted->>(f.fee_type || '/' || f.basis))::numeric) AS quoted,
        sum(coalesce(CASE WHEN k.usage_id IS NOT NULL THEN ${CORRECTED_QUANTITY} END, u.planned->>f.basis)::numeric) AS quantity
      FROM line_family f JOIN usage_class c ON c.family_id = f.id JOIN rated_run r ON r.class_id = c.id
        JOIN usage_record u ON u.id = r.usage_id
        LEFT JOIN (SELECT DISTINCT usage_id FROM correction WHERE decision = 'approved') k ON k.usage_id = u.id
      WHERE f.id = ANY(${sql.param(families)}::text[]) GROUP BY f.id
    )
    SELECT f.key, s.events::text, s.quantity::text, s.quoted::text FROM summed s JOIN line_family f USING (id) ORDER BY f.id`);
  return rows.map(({ key, events, quantity, quoted }) => ({
    ...key,
    events: BigInt(events),
    quantity: BigInt(quantity),
    quotedNano: BigInt(quoted),
  }));
}
