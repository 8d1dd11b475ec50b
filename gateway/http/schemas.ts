/** The schemas of the API: what is read strictly, and what is answered, as the document of the API shows them. */
import { z } from '@hono/zod-openapi';
import { COST_CENTRE_MAX, OUTPUT_KINDS } from '#policies/grant.ts';
import { REJECTION_REASONS } from '#policies/output-kind.ts';
import { PROGRAM_RECORD_FIELDS, PROGRAM_REJECTIONS, PROGRAM_STATES } from '#policies/program-review.ts';
import { QUOTA_UNITS } from '#policies/quota.ts';
import { ROLES } from '#policies/roles.ts';
import { clientJwk } from '../auth/client-key.ts';

/** Ids that people choose: organisations and accounts. */
const chosenId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/);
/** Ids that the server makes: 128 random bits. */
export const madeId = z.string().regex(/^[0-9a-f]{32}$/);
const name = z.string().trim().min(1).max(200);
const instant = z.iso.datetime({ offset: true });
const wholeText = z.string().regex(/^\d{1,38}$/);
const decimalText = z.string().regex(/^\d{1,38}(\.\d{1,9})?$/);
const nullable = <Schema extends z.ZodType>(schema: Schema) => schema.nullable();

export const idParams = z.strictObject({ id: madeId });
export const grantParams = z.strictObject({ id: z.string().min(1).max(200) });
export const accountParams = z.strictObject({ id: chosenId });
export const datasetParams = z.strictObject({ name: z.string().min(1).max(200) });

export const newOrganisation = z.strictObject({
  id: chosenId,
  name,
  kind: z.enum(['operator', 'provider', 'buyer', 'supervisor']).optional(),
  region: name.optional(),
  sector: name.optional(),
});

export const newAccount = z.strictObject({
  id: chosenId,
  organisation: chosenId,
  roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length),
  jwk: clientJwk,
});

/** Text as the database can keep it: no NUL, no half of a surrogate pair. */
const keepable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');
const programDigest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
/** A parameter of a program; which it takes, and of which type, is for its manifest to say. */
const param = z.union([
  z.number(),
  z.boolean(),
  z.string().max(10_000).refine(keepable),
  z.array(z.number()).max(1_000_000),
]);

/** What a buyer asks: a query or a program. */
const askFields = {
  grant: z.string().min(1).max(200),
  sql: z.string().min(1).max(60_000).optional(),
  program: programDigest.optional(),
  params: z.record(z.string().min(1).max(200).refine(keepable), param).optional(),
  purpose: z.string().min(1).max(100),
  scene: z.string().min(1).max(200).optional(),
  // What is not allowed of ε, δ and accuracy is for Plan and policy to say.
  epsilon: z.number().optional(),
  delta: z.number().optional(),
  maxError: z.number().optional(),
  atSize: z.number().optional(),
  outputKind: z.enum(OUTPUT_KINDS).optional(),
  // A product in place of a query or program, with what it asks for.
  product: z.string().min(1).max(200).refine(keepable).optional(),
  parameters: z
    .record(
      z.string().min(1).max(200).refine(keepable),
      z.union([z.number(), z.boolean(), z.string().max(10_000).refine(keepable)]),
    )
    .optional(),
  costCentre: z.string().min(1).max(COST_CENTRE_MAX).refine(keepable).optional(),
};
export const quoteAsk = z.strictObject(askFields);
export const jobAsk = z.strictObject({ ...askFields, quote: madeId.optional() });

export const approval = z.strictObject({
  side: z.enum(['provider', 'buyer', 'subject']),
  evidence: z.string().trim().min(1).max(200).optional(),
});
export const revocation = z.strictObject({ reason: z.string().trim().min(1).max(1_000) });
export const rejection = z.strictObject({
  reason: z.enum(REJECTION_REASONS),
  note: z.string().trim().min(1).max(1_000).optional(),
});
export const programParams = z.strictObject({ digest: programDigest });
const programText = z.string().trim().min(1).max(20_000).refine(keepable);
export const newProgram = z.strictObject({
  module: z.string().min(1).max(1_000_000),
  manifest: z.union([z.string().min(1).max(1_000_000), z.record(z.string().max(200), z.unknown())]),
  record: z
    .strictObject(
      Object.fromEntries(PROGRAM_RECORD_FIELDS.map((field) => [field, programText.optional()])) as Record<
        (typeof PROGRAM_RECORD_FIELDS)[number],
        z.ZodOptional<typeof programText>
      >,
    )
    .optional(),
});
export const programApproval = z.strictObject({
  side: z.enum(['operator', 'provider']).optional(),
  opinion: programText.optional(),
});
/** All three, or it is no rejection. */
export const programRejection = z.strictObject({
  reason: z.enum(PROGRAM_REJECTIONS),
  text: programText,
  basis: programText,
});
/** A POST that says everything by its path. */
export const nothing = z.strictObject({});

export const tokenForm = z.strictObject({
  grant_type: z.string().max(100).optional(),
  client_assertion_type: z.string().max(200).optional(),
  client_assertion: z.string().max(10_000).optional(),
  client_id: z.string().max(200).optional(),
  scope: z.string().max(200).optional(),
});

const cost = z.object({
  unit: z.enum(['rho', 'epsilon']),
  nano: wholeText,
  rho: nullable(decimalText),
  thresholdDeltaYocto: wholeText,
  epsilon: z.number(),
  delta: z.number(),
});

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  instance: z.string(),
  jobId: madeId.optional(),
  decisionId: z.string().optional(),
  errors: z.array(z.object({ field: z.string(), rule: z.string() })).optional(),
  findings: z
    .array(
      z.object({
        rule: z.string(),
        line: z.int(),
        column: z.int(),
        severity: z.enum(['error', 'warning']),
        message: z.string(),
      }),
    )
    .optional(),
});

export const me = z.object({
  account: z.string(),
  organisation: z.object({ id: z.string(), name: z.string() }),
  roles: z.array(z.enum(ROLES)),
});

export const organisation = z.object({
  id: z.string(),
  name: z.string(),
  region: z.string(),
  sector: z.string(),
  operator: z.boolean(),
  suspended: z.boolean(),
});

export const account = z.object({
  id: z.string(),
  organisation: z.string(),
  roles: z.array(z.string()),
  state: z.enum(['active', 'revoked']),
});

export const dataset = z.looseObject({
  name: z.string(),
  title: nullable(z.object({ en: z.string(), zh: z.string() })),
  origin: z.string(),
  grade: z.string(),
  state: z.enum(['active', 'suspended', 'withdrawn']),
  versionId: z.string(),
});

export const grant = z.looseObject({
  id: z.string(),
  revision: z.int(),
  state: z.enum(['filed', 'approved', 'active', 'expired', 'suspended', 'revoked']),
  waitsFor: z.array(z.string()),
});

const amounts = z.record(z.enum(QUOTA_UNITS), wholeText);
export const spend = z.object({
  grant: z.string(),
  revision: z.int(),
  counters: z.array(
    z.object({
      scope: z.string(),
      counted: amounts,
      limits: z.record(z.enum(QUOTA_UNITS), nullable(wholeText)),
      spendPercent: nullable(z.int()),
    }),
  ),
  /** The alerts, newest first. */
  items: z.array(z.object({ scope: z.string(), percent: z.int(), limitNano: wholeText, at: instant })),
  nextCursor: nullable(z.string()),
});

const documentRef = z.object({ id: z.string(), revision: z.int() });
export const quote = z.looseObject({
  id: madeId,
  expiresAt: instant,
  price: nullable(
    z.looseObject({
      currency: z.literal('CNY'),
      amountFen: wholeText,
      amount: z.string(),
      exact: z.string(),
      note: z.string(),
      fees: z.array(
        z.looseObject({
          feeType: z.string(),
          card: nullable(documentRef),
          zeroReason: nullable(z.string()),
          charges: z.array(
            z.object({
              basis: z.string(),
              model: z.string(),
              per: nullable(wholeText),
              prices: z.array(z.object({ upTo: nullable(wholeText), unitPrice: decimalText })),
              quantity: wholeText,
              amount: decimalText,
              amountFen: wholeText,
            }),
          ),
          perMonth: z.array(z.string()),
        }),
      ),
      otherwise: z.object({ money: z.string(), privacy: z.string() }),
    }),
  ),
  purpose: z.string(),
  scene: nullable(z.string()),
  costCentre: nullable(z.string()),
  product: nullable(documentRef),
  cost: nullable(cost),
  repeat: z.boolean(),
  review: z.boolean(),
  budget: nullable(
    z.object({
      nanoLeft: nullable(wholeText),
      nanoLeftAfter: nullable(wholeText),
      rhoLeft: nullable(decimalText),
      rhoLeftAfter: nullable(decimalText),
      thresholdDeltaYoctoLeft: nullable(wholeText),
      thresholdDeltaYoctoLeftAfter: nullable(wholeText),
      answersLeft: nullable(wholeText),
    }),
  ),
  outputs: z.array(
    z.looseObject({
      name: z.string(),
      stddev: z.number().optional(),
      half95: z.number().optional(),
      atSize: z.array(z.object({ size: z.int(), half95: z.number() })).optional(),
    }),
  ),
  summary: nullable(z.string()),
  usage: z.record(z.string(), z.string()),
  planDigest: nullable(z.string()),
  refused: nullable(z.object({ code: z.string(), detail: z.string(), fix: z.string() })),
});

export const quoteAcceptance = z.object({
  quote: madeId,
  acceptedAt: instant,
  leafIndex: wholeText,
  record: z.string(),
});
export const quoteCounts = z.object({
  items: z.array(
    z.object({
      day: z.iso.date(),
      account: z.string(),
      organisation: z.string(),
      made: z.int(),
      accepted: z.int(),
    }),
  ),
});

export const job = z.looseObject({
  id: madeId,
  dataset: nullable(z.string()),
  grant: nullable(z.string()),
  purpose: nullable(z.string()),
  planDigest: nullable(z.string()),
  program: nullable(z.string()),
  cost: nullable(cost),
  usage: z.record(z.string(), z.string()),
  quote: nullable(madeId),
  product: nullable(documentRef),
  costCentre: nullable(z.string()),
  fees: z.array(z.looseObject({ feeType: z.string() })),
  quoted: z.record(z.string(), wholeText),
  review: z.boolean(),
  state: z.enum(['queued', 'accepted', 'done']),
  releaseAt: nullable(instant),
  outcome: nullable(z.enum(['released', 'refused', 'failed'])),
  code: nullable(z.string()),
  releaseId: nullable(madeId),
});

const loss = z.object({ nano: wholeText, thresholdDeltaYocto: wholeText });
export const budget = z.object({
  dataset: z.string(),
  ledgers: z.array(
    z.object({
      ledger: z.string(),
      kind: z.enum(['lineage', 'population']),
      unit: z.enum(['rho', 'epsilon']),
      capacity: nullable(loss),
      spent: loss,
      left: nullable(loss),
      setAside: loss,
      frozen: z.boolean(),
      accounted: loss.optional(),
    }),
  ),
  items: z.array(
    z.object({
      job: madeId,
      submittedAt: instant,
      ledger: z.string(),
      dataset: nullable(z.string()),
      state: z.enum(['held', 'opened', 'spent', 'returned', 'free']),
      nano: wholeText,
      thresholdDeltaYocto: wholeText,
      asked: z.object({ epsilon: nullable(z.string()), delta: nullable(z.string()) }),
      reason: z.enum(['waiting', 'running', 'released', 'twin', 'failed', 'returned', 'repeat']),
      why: z.string(),
      grant: nullable(z.string()).optional(),
      account: z.string().optional(),
      organisation: z.string().optional(),
    }),
  ),
  nextCursor: nullable(z.string()),
});

const scalar = nullable(z.union([z.string(), z.number(), z.boolean()]));
export const release = z.looseObject({
  id: madeId,
  jobId: madeId,
  repeat: z.boolean(),
  outputs: z.array(
    z.looseObject({
      name: z.string(),
      key: nullable(z.record(z.string(), scalar)),
      value: nullable(z.number()),
      exact: nullable(z.string()),
      stddev: nullable(z.number()),
      low: nullable(z.number()),
      high: nullable(z.number()),
    }),
  ),
  notes: z.array(z.string()),
  salt: z.string(),
});

export const review = z.looseObject({
  job: madeId,
  dataset: nullable(z.string()),
  grant: z.string(),
  organisation: z.string(),
  account: z.string(),
  purpose: nullable(z.string()),
  scene: nullable(z.string()),
  kind: z.string(),
  since: instant,
});
export const decision = z.object({ job: madeId, decision: z.enum(['approved', 'rejected']) });

export const programSummary = z.looseObject({
  digest: z.string(),
  moduleDigest: z.string(),
  organisation: z.string(),
  name: z.string(),
  version: z.int(),
  datasets: z.array(z.string()),
  submitter: z.string(),
  state: z.enum(PROGRAM_STATES),
  submittedAt: instant,
});
export const program = programSummary.extend({
  module: z.string(),
  manifest: z.unknown(),
  record: z.record(z.string(), nullable(z.string())),
  waitsFor: z.array(z.string()),
  events: z.array(
    z.looseObject({
      event: z.string(),
      account: z.string(),
      organisation: z.string(),
      side: z.string(),
      at: instant,
      leafIndex: nullable(z.string()),
      detail: z.looseObject({}),
    }),
  ),
});

export const evidence = z.object({
  receipt: nullable(z.string()),
  record: nullable(z.string()),
  review: nullable(z.object({ record: z.string(), proof: nullable(z.string()) })),
  proof: nullable(z.string()),
  keys: z.looseObject({ log: z.string() }),
});

export const usageEvent = z.looseObject({
  specversion: z.literal('1.0'),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  time: instant,
  /** A job, or a quote. */
  subject: madeId,
  data: z.looseObject({}),
});

/** A page of a list. */
export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: nullable(z.string()) });
}
