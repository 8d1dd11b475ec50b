/**
 * From a Plan over encrypted columns to Partials that carry their noise: masks, sums, the custodian, masks off.
 *
 * Told in order: the groups that each cell is made of are chosen by clear values; a jailed process adds their
 * ciphertexts and masks each sum; the custodian is sent an order with the masked sums and answers what they add up to,
 * with noise of its own; Release's side of the custodian (sandbox/release/attestation.ts) verifies that and unmasks.
 * Guarantee: every mask is uniform modulo t in every slot, drawn for one output, and forgotten; what the custodian can
 * decrypt is a one-time pad. This process sees noisy sums alone.
 * Not covered: a runner that was changed: it can send a ciphertext that is another sum than its order says.
 */
import { sha256Hex } from '#crypto/canonical.ts';
import type { SigningKey } from '#crypto/ed25519-key.ts';
import { thumbprintOf } from '#crypto/ed25519-key.ts';
import { groupRanges } from '#crypto/he/dataset-manifest.ts';
import { type AttestedAnswer, type Order, type OrderPlan, renderPlan, signOrder } from '#crypto/he/order.ts';
import { profileOf } from '#crypto/he/profiles.ts';
import type { JailDemand } from '../jail/jail.ts';
import { cellsOf, keysOf, type Plan, type PlannedEncryption } from '../plan.ts';
import { type AttestedPartials, attestedPartials } from '../release/attestation.ts';
import type { RandomSource } from '../release/random.ts';
import { planDigestOf } from '../release/statement.ts';
import { type ClearTuple, clearValueOf } from './clear.ts';
import { circuitOf, type EncryptedDataset, orderPlanOf, type PlannedCircuit } from './circuits.ts';
import { type Evaluator, startEvaluator } from './evaluator.ts';
import type { CellMeasure } from './evaluator-protocol.ts';
import type { EncryptedFiles } from './files.ts';

/** The holder of the key, wherever it is. */
export interface Custodian {
  /** Answers an order: for each of its outputs an integer modulo t. Fails: CUSTODIAN_UNAVAILABLE, CUSTODIAN_REFUSED. */
  answer(order: string, ciphertexts: readonly Uint8Array[], signal?: AbortSignal): Promise<AttestedAnswer>;
}

export interface EncryptedMeans {
  readonly custodian: Custodian;
  /** Signs orders; the custodian knows it. */
  readonly orderKey: SigningKey;
  /** Of the order, never used before. */
  readonly orderId: string;
  readonly random: RandomSource;
  readonly jail: JailDemand;
  /** What the answer is for, as the custodian is told. */
  readonly purpose: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends the work at once. */
  readonly signal?: AbortSignal | undefined;
}

/** What a request about encrypted data adds up to, with its noise. */
export interface MeasuredEncrypted extends AttestedPartials {
  /** Layers of isolation that were in force round the evaluator, for the receipt. */
  readonly layers: readonly string[];
}

/** How long an order may be answered: evaluation is over when it is signed. */
const ORDER_LIFETIME_MS = 5 * 60_000;

/** A Plan over encrypted columns. */
export type EncryptedPlan = Plan & { readonly encrypted: PlannedEncryption };

/**
 * The Partials of a Plan. Refuses: JAIL. Fails: SOURCE_CHANGED, CUSTODIAN_UNAVAILABLE, CUSTODIAN_REFUSED, RUN_LIMIT,
 * KILLED, MACHINE_FAULT.
 */
export async function measureEncrypted(
  { plan, dataset }: { readonly plan: EncryptedPlan; readonly dataset: EncryptedDataset },
  files: EncryptedFiles,
  means: EncryptedMeans,
): Promise<MeasuredEncrypted> {
  const circuits = plan.measures.map((measure) => circuitOf(measure, dataset));
  const evaluator = await startEvaluator(files, means);
  try {
    const sums = await maskedSums(plan, circuits, { files, evaluator, random: means.random });
    const orderPlan = orderPlanOf(plan, circuits);
    const order = await signOrder(
      orderOf(plan, orderPlan, { ...means, ciphertexts: sums.ciphertexts }),
      means.orderKey,
    );
    const answer = await means.custodian.answer(order, sums.ciphertexts, means.signal);
    const asked = { order, orderKey: means.orderKey.publicJwk, maskSums: sums.maskSums };
    return { ...(await attestedPartials(plan, answer, asked)), layers: evaluator.layers };
  } finally {
    evaluator.close();
  }
}

/** Masked ciphertexts in the order of an order's outputs, measures first, and what the slots of each mask add up to. */
interface MaskedSums {
  readonly ciphertexts: readonly Uint8Array[];
  readonly maskSums: readonly bigint[];
}

async function maskedSums(
  plan: Plan,
  circuits: readonly PlannedCircuit[],
  { files, evaluator, random }: { files: EncryptedFiles; evaluator: Evaluator; random: RandomSource },
): Promise<MaskedSums> {
  const profile = profileOf(files.manifest.profile);
  const cells = cellMeasuresOf(plan, circuits, files);
  const [ciphertexts, maskSums]: [Uint8Array[], bigint[]] = [[], []];
  for (const [cell, measures] of cells.entries()) {
    const masks = measures.map(() => drawMask(profile, random));
    const masked = await evaluator.cell(measures, masks);
    for (const [index, mask] of masks.entries()) {
      const at = index * cells.length + cell;
      ciphertexts[at] = masked[index]!;
      maskSums[at] = mask.reduce((sum, slot) => sum + slot, 0n) % profile.plainModulus;
      mask.fill(0n);
    }
  }
  return { ciphertexts, maskSums };
}

/** A residue modulo t for each slot, all equally likely (by rejection, see random.ts). */
function drawMask(
  { slots, plainModulus }: { readonly slots: number; readonly plainModulus: bigint },
  random: RandomSource,
): BigUint64Array {
  const modulus = Number(plainModulus);
  const mask = new BigUint64Array(slots);
  for (let at = 0; at < slots; at += 1) mask[at] = BigInt(random.below(modulus));
  return mask;
}

/** For each cell and measure, the blocks of the groups whose rows count. */
function cellMeasuresOf(
  plan: Plan,
  circuits: readonly PlannedCircuit[],
  { manifest }: Pick<EncryptedFiles, 'manifest'>,
): readonly (readonly CellMeasure[])[] {
  const names = manifest.disclosedToPlatform.map(({ name }) => name);
  const ranges = groupRanges(manifest);
  const groups = manifest.groups.map(({ values }, index) => {
    const tuple: ClearTuple = new Map(names.map((name, at) => [name, values[at]!]));
    return { tuple, range: ranges[index]!, cell: cellOf(plan, tuple) };
  });
  return Array.from({ length: cellsOf(plan, {}) ?? 0 }, (_, cell) => {
    const inCell = groups.filter((group) => group.cell === cell);
    return circuits.map(({ when, terms }) => ({
      terms: terms.map(({ weight, factors }) => ({ weight: String(weight), factors })),
      ranges: inCell
        .filter(({ tuple }) => when === null || clearValueOf(when, tuple) === true)
        .map(({ range }) => range),
    }));
  });
}

/** The cell that rows of these clear values are in, or null: WHERE does not hold, or a key has a value that is not listed. */
function cellOf(plan: Plan, tuple: ClearTuple): number | null {
  if (plan.where !== null && clearValueOf(plan.where, tuple) !== true) return null;
  let cell = 0;
  for (const { expr, domain } of keysOf(plan, {})) {
    const position = domain!.indexOf(clearValueOf(expr, tuple));
    if (position < 0) return null;
    cell = cell * domain!.length + position;
  }
  return cell;
}

function orderOf(
  plan: EncryptedPlan,
  orderPlan: OrderPlan,
  {
    ciphertexts,
    orderId,
    purpose,
    now,
  }: Pick<EncryptedMeans, 'orderId' | 'purpose' | 'now'> & Pick<MaskedSums, 'ciphertexts'>,
): Omit<Order, 'version'> {
  const { custodian, keyId, manifestDigest } = plan.encrypted;
  const { cells } = orderPlan;
  return {
    orderId,
    audience: thumbprintOf({ kty: 'OKP', crv: 'Ed25519', x: custodian }),
    keyId,
    manifestDigest: `sha256:${manifestDigest}`,
    planDigest: planDigestOf(plan) as Order['planDigest'],
    plan: renderPlan(orderPlan),
    outputs: ciphertexts.map((bytes, at) => ({
      measure: Math.floor(at / cells),
      cell: at % cells,
      circuit: orderPlan.measures[Math.floor(at / cells)]!.circuit,
      ciphertextDigest: `sha256:${sha256Hex(bytes)}`,
    })),
    purpose,
    issuedAt: new Date(now()).toISOString(),
    expiresAt: new Date(now() + ORDER_LIFETIME_MS).toISOString(),
  };
}
