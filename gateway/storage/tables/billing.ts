/**
 * The tables of billing: which usage stands on which line, statements and their lines, corrections, and settlement.
 *
 * Guarantee: lines, corrections that were approved, shares and payment advices never change, by trigger; a usage record
 * stands once per fee and basis; a line is reversed once; an instruction is paid once. Amounts of money are whole fen.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

import { amount, identifier, instant, writtenAt } from './columns.ts';
import { account, organisation } from './identity.ts';

/** Money before it is rounded, in yuan. */
const precise = (name: string) => numeric(name, { precision: 60, scale: 24 });
/** A calendar month, `2026-11`. */
const month = (name: string) => text(name);

/** What is charged together: all usage of one month with the same buyer, grant, facts, fee and basis. */
export const lineFamily = pgTable(
  'line_family',
  {
    /** SHA-256 (hex) of the canonical JSON of `key`. */
    id: identifier('id').primaryKey(),
    organisationId: identifier('organisation_id')
      .notNull()
      .references(() => organisation.id),
    /** The month in which its usage happened. */
    period: month('period').notNull(),
    feeType: text('fee_type').notNull(),
    basis: text('basis').notNull(),
    key: jsonb('key').$type<object>().notNull(),
  },
  (table) => [index('line_family_of_period').on(table.organisationId, table.period)],
);

/** On which families a usage record stands that has the same facts, outcome, grant, month and charges as others. */
export const usageClass = pgTable(
  'usage_class',
  {
    /** SHA-256 (hex) of the canonical JSON of what its records have in common. */
    id: identifier('id').notNull(),
    feeType: text('fee_type').notNull(),
    basis: text('basis').notNull(),
    familyId: identifier('family_id')
      .notNull()
      .references(() => lineFamily.id),
  },
  (table) => [
    primaryKey({ columns: [table.id, table.feeType, table.basis] }),
    index('usage_class_of_family').on(table.familyId),
  ],
);

/**
 * Of which class a usage record is that was rated; once, so that it stands once per fee and basis. The view `rated_usage`
 * gives the families. A class without families: a correction took the record from every line.
 */
export const ratedRun = pgTable(
  'rated_run',
  { usageId: text('usage_id').primaryKey(), classId: identifier('class_id').notNull() },
  (table) => [index('rated_run_of_class').on(table.classId)],
);

/** The last number that an issuer gave; gapless, because it is taken in the transaction of its statement. */
export const statementSequence = pgTable('statement_sequence', {
  issuer: identifier('issuer')
    .primaryKey()
    .references(() => organisation.id),
  last: bigint('last', { mode: 'bigint' }).notNull(),
});

export const statement = pgTable(
  'statement',
  {
    id: identifier('id').primaryKey(),
    issuer: identifier('issuer')
      .notNull()
      .references(() => organisation.id),
    seq: bigint('seq', { mode: 'bigint' }).notNull(),
    organisationId: identifier('organisation_id')
      .notNull()
      .references(() => organisation.id),
    period: month('period').notNull(),
    state: text('state').$type<'closed' | 'issued' | 'disputed' | 'settled'>().notNull(),
    currency: text('currency').notNull(),
    totalFen: amount('total_fen').notNull(),
    lines: integer('lines').notNull(),
    /** Root (RFC 6962, hex) over the canonical JSON of its lines, in order. */
    linesRoot: text('lines_root').notNull(),
    /** The statement without its lines, as canonical JSON. */
    head: text('head').notNull(),
    /** SHA-256 of `head`. */
    digest: text('digest').notNull(),
    /** Of the statement with the number before this one. */
    previousDigest: text('previous_digest'),
    /** The signed statement; null until it is issued. */
    signed: text('signed'),
    leafIndex: bigint('leaf_index', { mode: 'bigint' }).unique(),
    closedBy: identifier('closed_by').notNull(),
    closedAt: writtenAt('closed_at'),
    issuedBy: identifier('issued_by'),
    issuedAt: instant('issued_at'),
  },
  (table) => [
    uniqueIndex('statement_number').on(table.issuer, table.seq),
    uniqueIndex('statement_of_month').on(table.issuer, table.organisationId, table.period),
    check('statement_state', sql`${table.state} IN ('closed', 'issued', 'disputed', 'settled')`),
    check(
      'statement_issued',
      sql`num_nulls(${table.signed}, ${table.leafIndex}, ${table.issuedBy}, ${table.issuedAt}) = CASE ${table.state} WHEN 'closed' THEN 4 ELSE 0 END`,
    ),
  ],
);

/** What was done with a statement after it was closed. Insert-only. */
export const statementEvent = pgTable(
  'statement_event',
  {
    statementId: identifier('statement_id')
      .notNull()
      .references(() => statement.id),
    seq: integer('seq').notNull(),
    kind: text('kind').$type<'issued' | 'disputed' | 'resolved' | 'settled'>().notNull(),
    by: identifier('by').notNull(),
    reason: text('reason'),
    at: writtenAt('at'),
  },
  (table) => [primaryKey({ columns: [table.statementId, table.seq] })],
);

export const statementLine = pgTable(
  'statement_line',
  {
    id: identifier('id').primaryKey(),
    statementId: identifier('statement_id')
      .notNull()
      .references(() => statement.id),
    ordinal: integer('ordinal').notNull(),
    familyId: identifier('family_id')
      .notNull()
      .references(() => lineFamily.id),
    kind: text('kind').$type<'charge' | 'reversal' | 'rebill'>().notNull(),
    /** The line whose exact negative this is. */
    reversesLineId: identifier('reverses_line_id').unique(),
    /** The month in which the usage happened; the statement's own for a charge that is not late. */
    originalPeriod: month('original_period').notNull(),
    feeType: text('fee_type').notNull(),
    basis: text('basis').notNull(),
    events: amount('events').notNull(),
    quantity: amount('quantity').notNull(),
    amountPrecise: precise('amount_precise').notNull(),
    amountFen: amount('amount_fen').notNull(),
    /** What its buyer was quoted at most, in billionths of a yuan. */
    quotedNano: amount('quoted_nano').notNull(),
    zeroReason: text('zero_reason'),
    /** The line as canonical JSON: what the root covers. */
    body: text('body').notNull(),
    /** SHA-256 of the canonical JSON of what was rated. */
    inputsDigest: text('inputs_digest').notNull(),
  },
  (table) => [
    uniqueIndex('statement_line_order').on(table.statementId, table.ordinal),
    index('statement_line_of_family').on(table.familyId),
    check(
      'statement_line_kind',
      sql`(${table.kind} = 'reversal') = (${table.reversesLineId} IS NOT NULL) AND ${table.kind} IN ('charge', 'reversal', 'rebill')`,
    ),
    check('statement_line_zero', sql`${table.zeroReason} IS NULL OR ${table.amountFen} = 0`),
  ],
);

/** Which tax invoice a line stands on. Insert-only. */
export const invoice = pgTable('invoice', {
  lineId: identifier('line_id')
    .primaryKey()
    .references(() => statementLine.id),
  number: text('number').notNull(),
  issuedOn: date('issued_on').notNull(),
  issuer: text('issuer').notNull(),
  recordedBy: identifier('recorded_by').notNull(),
  recordedAt: writtenAt('recorded_at'),
});

/** What is wrong with a usage record, and who agreed. It changes how the record is rated, never the record. */
export const correction = pgTable(
  'correction',
  {
    id: identifier('id').primaryKey(),
    cause: text('cause')
      .$type<'quantity' | 'price' | 'purpose' | 'duplicate' | 'dispute' | 'cancel'>()
      .notNull(),
    usageId: text('usage_id').notNull(),
    /** What holds instead. */
    change: jsonb('change').$type<object>().notNull(),
    evidence: jsonb('evidence').$type<object>().notNull(),
    requestedBy: identifier('requested_by')
      .notNull()
      .references(() => account.id),
    requestedAt: writtenAt('requested_at'),
    decision: text('decision').$type<'approved' | 'rejected'>(),
    decidedBy: identifier('decided_by').references(() => account.id),
    decidedAt: instant('decided_at'),
    leafIndex: bigint('leaf_index', { mode: 'bigint' }).unique(),
    /** The statement that took it into account. */
    statementId: identifier('statement_id').references(() => statement.id),
  },
  (table) => [
    check(
      'correction_cause',
      sql`${table.cause} IN ('quantity', 'price', 'purpose', 'duplicate', 'dispute', 'cancel')`,
    ),
    check('correction_two_people', sql`${table.decidedBy} <> ${table.requestedBy}`),
    check(
      'correction_decided',
      sql`num_nulls(${table.decision}, ${table.decidedBy}, ${table.decidedAt}) IN (0, 3)`,
    ),
    index('correction_of_usage').on(table.usageId),
  ],
);

/** What an outside payer is told to pay. The product holds no money. */
export const settlementInstruction = pgTable(
  'settlement_instruction',
  {
    id: identifier('id').primaryKey(),
    /** Statement, fee, payee and batch: making it twice makes it once. */
    idemKey: text('idem_key').notNull().unique(),
    statementId: identifier('statement_id')
      .notNull()
      .references(() => statement.id),
    feeType: text('fee_type').notNull(),
    payer: text('payer').notNull(),
    payee: text('payee').notNull(),
    payeeType: text('payee_type').notNull(),
    /** Below zero: to be paid back by the payee. */
    amountFen: amount('amount_fen').notNull(),
    currency: text('currency').notNull(),
    contractNumber: text('contract_number').notNull(),
    state: text('state').$type<'pending' | 'sent' | 'matched' | 'rejected'>().notNull(),
    createdBy: identifier('created_by').notNull(),
    createdAt: writtenAt('created_at'),
    sentAt: instant('sent_at'),
  },
  (table) => [
    check('settlement_instruction_state', sql`${table.state} IN ('pending', 'sent', 'matched', 'rejected')`),
    index('settlement_instruction_of_statement').on(table.statementId),
  ],
);

/** A payee's part of a line. Without an instruction it is held. */
export const settlementShare = pgTable(
  'settlement_share',
  {
    lineId: identifier('line_id')
      .notNull()
      .references(() => statementLine.id),
    payee: text('payee').notNull(),
    payeeType: text('payee_type').notNull(),
    amountFen: amount('amount_fen').notNull(),
    instructionId: identifier('instruction_id').references(() => settlementInstruction.id),
  },
  (table) => [primaryKey({ columns: [table.lineId, table.payee] })],
);

/** What a payer's bank says was paid: for one instruction, the whole of it. Insert-only. */
export const paymentAdvice = pgTable('payment_advice', {
  /** The bank's reference. */
  reference: text('reference').primaryKey(),
  instructionId: identifier('instruction_id')
    .notNull()
    .unique()
    .references(() => settlementInstruction.id),
  amountFen: amount('amount_fen').notNull(),
  currency: text('currency').notNull(),
  paidOn: date('paid_on').notNull(),
  recordedBy: identifier('recorded_by').notNull(),
  recordedAt: writtenAt('recorded_at'),
});

/** Costs and other income of authorised operation, in books of their own by purpose class. Insert-only. */
export const costEntry = pgTable(
  'cost_entry',
  {
    id: identifier('id').primaryKey(),
    period: month('period').notNull(),
    purposeClass: text('purpose_class').notNull(),
    category: text('category').notNull(),
    amountFen: amount('amount_fen').notNull(),
    description: text('description').notNull(),
    evidence: text('evidence'),
    /** The entry whose exact negative this is. */
    reversesId: identifier('reverses_id').unique(),
    enteredBy: identifier('entered_by')
      .notNull()
      .references(() => account.id),
    enteredAt: writtenAt('entered_at'),
  },
  (table) => [index('cost_entry_of_period').on(table.period)],
);

/** A task that a year's deviation from the revenue ceiling opened. */
export const priceTask = pgTable(
  'price_task',
  {
    year: integer('year').notNull(),
    ceilingId: identifier('ceiling_id').notNull(),
    kind: text('kind').$type<'actual_price' | 'cap'>().notNull(),
    /** The working: ceiling, revenue, deviation. */
    working: jsonb('working').$type<object>().notNull(),
    openedAt: writtenAt('opened_at'),
    closedBy: identifier('closed_by').references(() => account.id),
    closedAt: instant('closed_at'),
    outcome: text('outcome'),
  },
  (table) => [
    primaryKey({ columns: [table.year, table.ceilingId] }),
    check('price_task_kind', sql`${table.kind} IN ('actual_price', 'cap')`),
  ],
);

/** That what a run had in memory is gone: its processes ended, its scratch dropped, its keys wiped. Insert-only. */
export const runDestruction = pgTable('run_destruction', {
  jobId: identifier('job_id').primaryKey(),
  /** What was destroyed, and how. */
  record: jsonb('record').$type<object>().notNull(),
  complete: boolean('complete').notNull(),
  at: writtenAt('at'),
});
