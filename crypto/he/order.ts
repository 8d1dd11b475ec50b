/**
 * Orders to a key custodian and its attestations: what is signed on either side, and how it is checked.
 *
 * An order asks for the decryption of masked sums. It names everything that decides the noise (`OrderPlan`), every
 * ciphertext by its digest, one custodian, one key, one dataset and one span of time. The answer is a vector of
 * integers mod t that hold a mask of the asker and noise of the custodian, with an attestation of what was added.
 *
 * Guarantee: an order has one spelling (signing.ts), whose SHA-256 is its name in every record; whatever is missing,
 * unknown, unsigned, for another custodian or outside of its time is an OrderError with a code and no words.
 * Not covered: whether the noise that an order's plan leads to is enough (the custodian computes it from its own copy
 * of the dataset manifest), and whether the ciphertexts are what the order says: a signer can substitute them.
 */
import { z } from 'zod';

import { canonicalJson, type Digest, digestOf, sha256Hex } from '../canonical.ts';
import type { PublicJwk, SigningKey } from '../ed25519-key.ts';
import { EvidenceError } from '../evidence.ts';
import { signCompact, verifyCompact } from '../signing.ts';

const ORDER_TYPE = 'unseen-order+jwt';
const ATTESTATION_TYPE = 'unseen-attestation+jwt';

/** Versions of both payloads; a reader refuses versions that it does not know. */
const VERSION = '1';

export const ORDER_CODES = [
  // The order as a signed text.
  'ORDER_MALFORMED',
  'ORDER_NOT_SIGNED',
  'ORDER_AUDIENCE',
  'ORDER_EXPIRED',
  'ORDER_EARLY',
  'ORDER_LIFETIME',
  // What it asks for.
  'KEY_UNKNOWN',
  'MANIFEST_UNKNOWN',
  'PURPOSE_FORBIDDEN',
  'PLAN_MALFORMED',
  'CIRCUIT_FORBIDDEN',
  'BOUNDS_TOO_NARROW',
  'RANGE_TOO_WIDE',
  'OUTPUTS_INCOMPLETE',
  'CIPHERTEXT_MISMATCH',
  // What it would cost.
  'LIMIT_ORDER',
  'LIMIT_KEY',
  // What was asked before.
  'ORDER_ID_USED',
  'ORDER_SPENT',
  // The answer.
  'ATTESTATION_INVALID',
] as const;

export type OrderCode = (typeof ORDER_CODES)[number];

/** Thrown by whatever reads, checks or answers an order. */
export class OrderError extends Error {
  readonly code: OrderCode;

  constructor(code: OrderCode) {
    super(code);
    this.name = 'OrderError';
    this.code = code;
  }
}

/** What is summed: a presence, a column, its square, a product of two, or a weighted sum of several columns. */
export const CIRCUITS = ['count', 'sum', 'squares', 'products', 'linear'] as const;
export type Circuit = (typeof CIRCUITS)[number];

const integer = z.string().regex(/^(?:0|-?[1-9]\d{0,37})$/);
const natural = z.string().regex(/^[1-9]\d{0,37}$/);
const count = z
  .int()
  .min(1)
  .max(2 ** 40);
const digest = z.templateLiteral([z.literal('sha256:'), z.string().regex(/^[0-9a-f]{64}$/)]);
/** Also a thumbprint, which may begin with a hyphen. */
const id = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,127}$/);
/** The name of an encrypted column, of `$rows`, or of a column's presence. */
const factor = z.string().regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u);
const moment = z.iso.datetime({ offset: true });

/** weight · Π factors, of one row: at most two encrypted factors. */
const term = z.strictObject({ weight: integer, factors: z.array(factor).min(1).max(2).readonly() });

const measure = z.strictObject({
  circuit: z.enum(CIRCUITS),
  terms: z.array(term).min(1).max(4_096).readonly(),
  /** What the terms of one row lie between, in grid integers; zero (a row that is absent) lies between as well. */
  lowGrid: integer,
  highGrid: integer,
});

const planSchema = z.strictObject({
  mechanism: z.enum(['gaussian', 'laplace']),
  cost: z.strictObject({ unit: z.enum(['rho', 'epsilon']), nano: natural }),
  /** R: rows of one unit in all. */
  rowsPerUnit: count,
  /** How many cells each measure has. No row is in two of them. */
  cells: count,
  measures: z.array(measure).min(1).max(256).readonly(),
});

/** One masked ciphertext: the sum of a measure over a cell. */
const output = z.strictObject({
  measure: z.int().min(0),
  cell: z.int().min(0),
  circuit: z.enum(CIRCUITS),
  ciphertextDigest: digest,
});

const orderSchema = z.strictObject({
  version: z.literal(VERSION),
  orderId: id,
  /** Thumbprint of the attestation key of the custodian that is asked. */
  audience: id,
  keyId: id,
  manifestDigest: digest,
  /** Of the whole Plan, which stays with the platform. */
  planDigest: digest,
  /** `OrderPlan` as canonical JSON. */
  plan: z.string().max(1 << 20),
  outputs: z.array(output).min(1).readonly(),
  purpose: id,
  issuedAt: moment,
  expiresAt: moment,
});

const attestationSchema = z.strictObject({
  version: z.literal(VERSION),
  orderId: id,
  /** SHA-256 of the order as it was sent. */
  orderDigest: digest,
  keyId: id,
  manifestDigest: digest,
  mechanism: z.enum(['gaussian', 'laplace']),
  /** Per measure: σ² (gaussian) or the scale (laplace) in grid steps, an exact fraction. */
  noise: z
    .array(z.string().regex(/^[1-9]\d*(?:\/[1-9]\d*)?$/))
    .min(1)
    .readonly(),
  /** `valuesDigestOf` the returned vector. */
  valuesDigest: digest,
  /** Which order under the key this is, and how many integers left with it and all before. */
  release: z.strictObject({ order: natural, values: natural }),
  /** The custodian's own log once the order was in it: a later attestation must not name a smaller one. */
  log: z.strictObject({ size: natural, root: z.string().regex(/^[0-9a-f]{64}$/) }),
  issuedAt: moment,
});

/** weight · Π factors. Factors are names of an encrypted dataset's ciphertext files without `.ct`. */
export type OrderTerm = z.infer<typeof term>;
export type OrderMeasure = z.infer<typeof measure>;
/** All that decides the noise. */
export type OrderPlan = z.infer<typeof planSchema>;
export type Order = z.infer<typeof orderSchema>;
export type Attestation = z.infer<typeof attestationSchema>;

/** An order whose form, signature and audience hold. */
export interface OpenedOrder {
  readonly order: Order;
  readonly plan: OrderPlan;
  /** SHA-256 of the text. */
  readonly digest: Digest;
  /** Thumbprint of the platform key that signed. */
  readonly signer: string;
}

/** The text of a plan, as it stands in an order. RangeError when it is none that a custodian would read. */
export function renderPlan(plan: OrderPlan): string {
  const parsed = planSchema.safeParse(plan);
  if (!parsed.success) throw new RangeError(`order plan: ${parsed.error.issues[0]?.path.join('.') ?? ''}`);
  return canonicalJson(parsed.data);
}

/** Signs an order with the platform's order key. RangeError when it is none that a custodian would read. */
export function signOrder(order: Omit<Order, 'version'>, key: SigningKey): Promise<string> {
  const parsed = orderSchema.safeParse({ version: VERSION, ...order });
  if (!parsed.success) throw new RangeError(`order: ${parsed.error.issues[0]?.path.join('.') ?? ''}`);
  return signCompact(parsed.data, key, { typ: ORDER_TYPE });
}

/** The name of an order in every record: the SHA-256 of its text. */
export function orderDigestOf(jws: string): Digest {
  return `sha256:${sha256Hex(jws)}`;
}

/**
 * Reads an order for the custodian `audience`. OrderError ORDER_NOT_SIGNED (by none of the keys), ORDER_MALFORMED,
 * PLAN_MALFORMED, ORDER_AUDIENCE, OUTPUTS_INCOMPLETE (not exactly one output per measure and cell, measures first).
 */
export async function openOrder(
  jws: string,
  { keys, audience }: { readonly keys: readonly PublicJwk[]; readonly audience: string },
): Promise<OpenedOrder> {
  const { payload, kid } = await verified(jws, { typ: ORDER_TYPE, keys });
  const parsed = orderSchema.safeParse(payload);
  if (!parsed.success) throw new OrderError('ORDER_MALFORMED');
  const order = parsed.data;
  if (order.audience !== audience) throw new OrderError('ORDER_AUDIENCE');
  const plan = parsePlan(order.plan);
  checkOutputs(order, plan);
  return { order, plan, digest: orderDigestOf(jws), signer: kid };
}

/** How long an order may be good for, and how far two clocks may be apart. */
export interface OrderTimes {
  readonly lifetimeMs: number;
  readonly clockSkewMs: number;
}

/** Checks the time of an order against a clock. OrderError ORDER_LIFETIME, ORDER_EARLY, ORDER_EXPIRED. */
export function checkTimes(
  { issuedAt, expiresAt }: Pick<Order, 'issuedAt' | 'expiresAt'>,
  nowMs: number,
  { lifetimeMs, clockSkewMs }: OrderTimes,
): void {
  const [issued, expires] = [Date.parse(issuedAt), Date.parse(expiresAt)];
  if (!(expires > issued && expires - issued <= lifetimeMs)) throw new OrderError('ORDER_LIFETIME');
  if (issued > nowMs + clockSkewMs) throw new OrderError('ORDER_EARLY');
  if (expires <= nowMs - clockSkewMs) throw new OrderError('ORDER_EXPIRED');
}

/** SHA-256 over the canonical JSON of the returned integers, in decimal. */
export function valuesDigestOf(values: readonly bigint[]): Digest {
  return digestOf(values.map(String));
}

/** Signs an attestation with the custodian's key. */
export function signAttestation(attestation: Omit<Attestation, 'version'>, key: SigningKey): Promise<string> {
  return signCompact(attestationSchema.parse({ version: VERSION, ...attestation }), key, {
    typ: ATTESTATION_TYPE,
  });
}

/** What a reader of an attestation knows: whom it trusts, what it asked and what it got. */
export interface AttestedAnswer {
  readonly attestation: string;
  readonly values: readonly bigint[];
}

/**
 * The attestation of an answer, if the custodian signed it, for this order and these values. OrderError
 * ATTESTATION_INVALID. Whether its noise is that of the Plan is for the caller to compare.
 */
export function openAttestation(
  answer: AttestedAnswer,
  { keys, orderJws }: { readonly keys: readonly PublicJwk[]; readonly orderJws: string },
): Promise<Attestation> {
  return openAttestationOf(answer, { keys, orderDigest: orderDigestOf(orderJws) });
}

/** The same for whoever kept only the digest of the order. */
export async function openAttestationOf(
  { attestation, values }: AttestedAnswer,
  { keys, orderDigest }: { readonly keys: readonly PublicJwk[]; readonly orderDigest: string },
): Promise<Attestation> {
  const { payload } = await verified(attestation, { typ: ATTESTATION_TYPE, keys }, 'ATTESTATION_INVALID');
  const parsed = attestationSchema.safeParse(payload);
  if (!parsed.success) throw new OrderError('ATTESTATION_INVALID');
  const said = parsed.data;
  if (said.orderDigest !== orderDigest || said.valuesDigest !== valuesDigestOf(values))
    throw new OrderError('ATTESTATION_INVALID');
  return said;
}

async function verified(
  jws: string,
  { typ, keys }: { readonly typ: string; readonly keys: readonly PublicJwk[] },
  code: OrderCode = 'ORDER_NOT_SIGNED',
): Promise<{ readonly payload: unknown; readonly kid: string }> {
  try {
    return await verifyCompact(jws, { typ, keys, acceptEmbedded: false });
  } catch (error) {
    if (error instanceof EvidenceError) throw new OrderError(code);
    throw error;
  }
}

/** A plan from its one text: another spelling of the same plan is refused. */
function parsePlan(text: string): OrderPlan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new OrderError('PLAN_MALFORMED');
  }
  const parsed = planSchema.safeParse(value);
  if (!parsed.success || canonicalJson(parsed.data) !== text) throw new OrderError('PLAN_MALFORMED');
  return parsed.data;
}

function checkOutputs({ outputs }: Order, { measures, cells }: OrderPlan): void {
  const isWhole =
    outputs.length === measures.length * cells &&
    outputs.every(
      ({ measure, cell, circuit }, at) =>
        measure === Math.floor(at / cells) && cell === at % cells && circuit === measures[measure]?.circuit,
    );
  if (!isWhole) throw new OrderError('OUTPUTS_INCOMPLETE');
}
