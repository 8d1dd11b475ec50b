/** The schemas of statements, corrections and settlement. */
import { z } from '@hono/zod-openapi';
import { PURPOSE_CLASSES } from '#policies/purpose.ts';
import { CORRECTION_CAUSES } from '../billing/correction.ts';
import { FEE_TYPES } from '../billing/facts.ts';
import { pageQuery } from './cursor.ts';
import { madeId } from './schemas.ts';

const named = z.string().min(1).max(300);
const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/);
const day = z.iso.date();
/** Text of a line or head; what it holds, docs/billing/statements.md says. */
const said = z.record(z.string(), z.unknown());
const wholeText = z.string().regex(/^-?\d{1,38}$/);
const instant = z.iso.datetime({ offset: true });
const reason = z.string().trim().min(1).max(2_000);

export const statementParams = z.strictObject({ id: named });
export const jobParams = z.strictObject({ id: madeId });
export const statementQuery = pageQuery.extend({ month: month.optional() });
export const instructionQuery = pageQuery.extend({ statement: named.optional() });

export const closeAsk = z.strictObject({
  month,
  buyer: named.optional(),
  dryRun: z.boolean().optional(),
});
export const reasonAsk = z.strictObject({ reason });

const obstacle = z.object({
  code: z.string(),
  message: z.string(),
  clearedBy: z.array(z.string()),
});
const hold = obstacle.extend({ line: z.string() });

export const statement = z.object({
  id: z.string(),
  state: z.enum(['closed', 'issued', 'disputed', 'settled']),
  head: said,
  digest: z.string(),
  signed: z.string().nullable(),
  leafIndex: z.string().nullable(),
  issuedBy: z.string().nullable(),
  issuedAt: instant.nullable(),
});

export const statementWithHistory = statement.extend({
  events: z.array(
    z.object({
      kind: z.enum(['issued', 'disputed', 'resolved', 'settled']),
      by: z.string(),
      reason: z.string().nullable(),
      at: instant,
    }),
  ),
});

export const closedMonths = z.object({
  items: z.array(
    z.object({
      buyer: z.string(),
      result: z.enum(['closed', 'already', 'blocked', 'nothing', 'would_close']),
      statement: statement.optional(),
      blocks: z.array(obstacle),
      lines: z.array(said).optional(),
      holds: z.array(hold).optional(),
    }),
  ),
});

export const statementLine = z.object({
  line: said,
  text: z.string(),
  reversedBy: z.string().nullable(),
  invoice: z.object({ number: z.string(), issuedOn: z.string(), issuer: z.string() }).nullable(),
});

export const explainedLine = statementLine.extend({
  statement: said,
  grant: said.nullable(),
  documents: z.array(said),
  shares: z.array(said).optional(),
});

export const tracedUsage = z.object({
  id: z.string(),
  jobId: z.string(),
  account: z.string(),
  outcome: z.string(),
  seenAt: instant,
  quantity: z.string().nullable(),
  quotedNano: z.string().nullable(),
  quoteId: z.string().nullable(),
  digest: z.string(),
  leafIndex: z.string(),
});

export const linesOfJob = z.object({ items: z.array(said) });

export const invoiceAsk = z.strictObject({ number: named, issuedOn: day, issuer: named });

const wholeChange = z.string().max(40);
const change = z.union([
  z.strictObject({ exclude: z.literal(true) }),
  z.strictObject({ quantities: z.record(z.string().min(1).max(40), wholeChange) }),
  z.strictObject({
    card: z.strictObject({ feeType: z.enum(FEE_TYPES), id: named, revision: z.int().min(1) }),
  }),
  z.strictObject({ purposeClass: z.enum(PURPOSE_CLASSES) }),
]);

export const correctionAsk = z.strictObject({
  cause: z.enum(CORRECTION_CAUSES),
  usage: named,
  change,
  evidence: z.strictObject({ id: named, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
});

export const correction = z.object({
  id: madeId,
  cause: z.enum(CORRECTION_CAUSES),
  usageId: z.string(),
  buyer: z.string(),
  change: said,
  evidence: said,
  requestedBy: z.string(),
  requestedAt: instant,
  decision: z.enum(['approved', 'rejected']).nullable(),
  decidedBy: z.string().nullable(),
  decidedAt: instant.nullable(),
  leafIndex: z.string().nullable(),
  statementId: z.string().nullable(),
});

export const settled = z.object({
  statement,
  made: z.array(z.string()),
  holds: z.array(hold),
});
export const sentInstructions = z.object({ statement: z.string(), sent: z.int() });

export const instruction = z.object({
  id: z.string(),
  statementId: z.string(),
  feeType: z.enum(FEE_TYPES),
  payer: z.string(),
  payee: z.string(),
  payeeType: z.string(),
  amountFen: wholeText,
  currency: z.string(),
  contractNumber: z.string(),
  state: z.enum(['pending', 'sent', 'matched', 'rejected']),
  createdBy: z.string(),
  createdAt: instant,
  sentAt: instant.nullable(),
  reference: z.string().nullable(),
});

/** Lines of one file of payment advices. */
const ADVICES_MAX = 10_000;

export const adviceAsk = z.strictObject({
  advices: z
    .array(
      z.strictObject({
        reference: named,
        instruction: named,
        /** Yuan. */
        amount: z.string().regex(/^-?(0|[1-9]\d{0,17})(\.\d{1,2})?$/),
        currency: z.string().regex(/^[A-Z]{3}$/),
        paidOn: day,
      }),
    )
    .min(1)
    .max(ADVICES_MAX),
});

export const adviceResults = z.object({
  items: z.array(z.object({ reference: z.string(), instruction: z.string(), result: z.string() })),
});
