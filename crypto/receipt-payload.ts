/**
 * What a receipt says about one run, as a strict schema.
 *
 * Guarantee: no field holds a digest, size or count of data that is neither released nor declared; quantities are
 * the planned ones. A dataset version appears as a random 128-bit id and a commitment, the answer as a salted
 * digest. Everything else is a function of request, plan, policy and ledger.
 * Every number is a string, so that no JSON reader rounds it; every field is always present, null where it does
 * not apply; an unknown field is refused. One field alone may be absent, `cryptoProfile`.
 *
 * What a run that was refused, failed, or answered from store may say is checked as well (`checkStory`).
 */
import { z } from 'zod';

import { EvidenceError } from './evidence.ts';

/** A version of this schema; a reader refuses versions that it does not know. */
const RECEIPT_VERSION = '1';

/** Characters of a field path that may be shown to a person: the path may come from a forged receipt. */
const FIELD = /^[A-Za-z0-9_.]{1,120}$/;

const integer = z.string().regex(/^(?:0|[1-9]\d{0,37})$/);
/** A decimal number, or an exact fraction of integers. */
const decimal = z
  .string()
  .max(400)
  .regex(/^-?(?:0|[1-9]\d*)(?:\/[1-9]\d*|(?:\.\d+)?(?:e[+-]?\d{1,4})?)$/);
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/);
const word = z.string().regex(/^[a-z][A-Za-z0-9]{0,39}$/);
/** A layer of isolation: lower-case words joined by hyphens. */
const layer = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/);
const code = z.string().regex(/^[A-Z][A-Z_]{1,39}$/);
/** A name that people gave: any script, no control or format characters. */
const name = z.string().regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u);
/** The step of the integers that noise is added to: 2^-4, 10^-2, 2^0. */
const grid = z.string().regex(/^(?:2|10)\^-?(?:0|[1-9]\d{0,3})$/);

const loss = z.strictObject({ nano: integer, thresholdDeltaYocto: integer });

const dataset = z.strictObject({
  name,
  lineage: name,
  versionId: z.string().regex(/^[0-9a-f]{32}$/),
  commitment: z.string().regex(/^hmac-sha256:[0-9a-f]{64}$/),
});

const measure = z.strictObject({
  kind: word,
  /** How many integers got this noise: cells × width, by the Plan. */
  entries: integer,
  grid,
  /** L2 (gaussian) or L1 (laplace) sensitivity of the whole vector in grid steps. */
  sensitivity: decimal,
  /** σ (gaussian) or s (laplace) in grid steps. */
  scale: decimal,
});

const mechanism = z.strictObject({
  name: z.enum(['gaussian', 'laplace']),
  measures: z.array(measure).min(1).max(1_000),
  /** Thresholded keys: k and the threshold added to it. */
  keySelection: z.strictObject({ minimumCohort: integer, threshold: decimal }).nullable(),
});

/** One lineage's ledger around this run: what was spent of it, and its ceiling (null: unlimited). */
const budgetLine = z.strictObject({
  lineage: name,
  unit: z.enum(['rho', 'epsilon']),
  capacity: loss.nullable(),
  before: loss,
  after: loss,
});

const timing = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('exact') }),
  z.strictObject({ mode: z.literal('planned'), releaseAfterMs: integer }),
  z.strictObject({ mode: z.literal('quantum'), quantumMs: integer }),
]);

const payloadSchema = z.strictObject({
  version: z.literal(RECEIPT_VERSION),
  /** Who runs the sandbox: the name of its log, or of the lab. */
  issuer: name,
  jobId: id,
  decision: z.enum(['released', 'refused', 'failed']),
  code: code.nullable(),
  /** True for a stored answer: nothing was computed and nothing spent. */
  repeat: z.boolean(),
  releaseId: id.nullable(),
  /** Digest of the request as it was sent. */
  request: z.strictObject({
    frontEnd: word,
    digest,
    /** The wording of the product that was called; absent: none was. */
    product: z.strictObject({ id: name, revision: integer }).optional(),
  }),
  grantId: id.nullable(),
  purpose: name.nullable(),
  policyDecision: z
    .strictObject({
      effect: z.enum(['permit', 'forbid']),
      /** The policies that decided, by id. */
      policies: z.array(name).max(100),
      /** Digest of the whole set of access policies in force. */
      policySet: digest.nullable(),
    })
    .nullable(),
  /** Digest of the release policy in force: its revision. */
  policyDigest: digest.nullable(),
  datasets: z.array(dataset).max(64),
  planDigest: digest.nullable(),
  program: z.strictObject({ digest, profile: z.enum(['strict', 'fast']) }).nullable(),
  mechanism: mechanism.nullable(),
  /** Over encrypted data: whose word its bounds are (the signed manifest's), and which answer of a custodian has the noise. */
  encrypted: z
    .strictObject({
      manifestDigest: digest,
      keyId: id,
      profile: name,
      custodian: id,
      orderDigest: digest,
      boundedBy: z.literal('provider'),
    })
    .optional(),
  /** What this run cost each lineage: all zero for a repeat. */
  cost: z
    .strictObject({
      unit: z.enum(['rho', 'epsilon']),
      nano: integer,
      thresholdDeltaYocto: integer,
      epsilon: decimal,
      delta: decimal,
    })
    .nullable(),
  budget: z.array(budgetLine).max(64),
  output: z.strictObject({ digest, saltId: id }).nullable(),
  /** Planned quantities by name. */
  usage: z.record(word, decimal),
  jail: z
    .strictObject({ demanded: z.enum(['required', 'preferred']), layers: z.array(layer).max(32) })
    .nullable(),
  separation: z.enum(['none', 'processes']),
  timing: timing.nullable(),
  /** The crypto profile of the signature; absent: international, as in every receipt before there were two. */
  cryptoProfile: z.literal('sm').optional(),
  /** When the answer leaves, ISO 8601 with offset. The only clock time in a receipt. */
  releasedAt: z.iso.datetime({ offset: true }).nullable(),
  bitsOut: decimal.nullable(),
});

export type ReceiptPayload = z.infer<typeof payloadSchema>;

/** Reads a payload. EvidenceError PAYLOAD_SCHEMA with the field that is wrong. */
export function parseReceiptPayload(value: unknown): ReceiptPayload {
  const parsed = payloadSchema.safeParse(value);
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new EvidenceError('PAYLOAD_SCHEMA', FIELD.test(field) ? field : 'payload');
  }
  checkStory(parsed.data);
  return parsed.data;
}

/**
 * Checks that the ledger moved by the cost of the run and by nothing else, and not above its ceiling.
 * EvidenceError BUDGET_ARITHMETIC with the line that is wrong.
 */
export function checkBudget({ cost, budget }: ReceiptPayload): void {
  const spent = cost ?? { nano: '0', thresholdDeltaYocto: '0' };
  for (const [at, { unit, capacity, before, after }] of budget.entries()) {
    const holds =
      (cost === null || unit === cost.unit) &&
      moves(before.nano, spent.nano, after.nano, capacity?.nano) &&
      moves(
        before.thresholdDeltaYocto,
        spent.thresholdDeltaYocto,
        after.thresholdDeltaYocto,
        capacity?.thresholdDeltaYocto,
      );
    if (!holds) throw new EvidenceError('BUDGET_ARITHMETIC', `budget.${at}`);
  }
}

/** Fields that must be there, or must not, by what became of the run. */
function checkStory(payload: ReceiptPayload): void {
  const isReleased = payload.decision === 'released';
  const released = ['releaseId', 'planDigest', 'policyDigest', 'mechanism', 'cost', 'output'] as const;
  const timed = ['timing', 'releasedAt', 'bitsOut', 'jail'] as const;
  demand(isReleased === (payload.code === null), 'code');
  demand(isReleased === (payload.output !== null), 'output');
  demand(isReleased === (payload.releaseId !== null), 'releaseId');
  for (const field of [...released, ...timed]) demand(!isReleased || payload[field] !== null, field);
  demand(!isReleased || (payload.datasets.length > 0 && payload.budget.length > 0), 'datasets');
  // A refusal spends nothing; a repeat exists only of a released answer and is free.
  demand(payload.decision !== 'refused' || payload.cost === null, 'cost');
  demand(!payload.repeat || (isReleased && isFree(payload)), 'repeat');
}

function demand(condition: boolean, field: string): void {
  if (!condition) throw new EvidenceError('PAYLOAD_SCHEMA', field);
}

function isFree({ cost }: ReceiptPayload): boolean {
  return (
    cost !== null &&
    [cost.nano, cost.thresholdDeltaYocto, cost.epsilon, cost.delta].every((text) => text === '0')
  );
}

function moves(before: string, by: string, after: string, ceiling: string | undefined): boolean {
  const end = BigInt(after);
  return BigInt(before) + BigInt(by) === end && (ceiling === undefined || end <= BigInt(ceiling));
}
