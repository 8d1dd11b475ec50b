/**
 * From the Plan of a query to that of the same query over encrypted columns, or a refusal by name.
 *
 * Guarantee: WHERE, keys and FILTER read clear columns alone; every measure has a circuit; the largest sum with its noise
 * stays below half of the plaintext modulus, and the noise of the ciphertexts within what their profile has room for.
 * The noise is that of any Plan of these bounds: its custodian comes to the same from the signed manifest.
 */
import { OrderError } from '#crypto/he/order.ts';
import { profileOf } from '#crypto/he/profiles.ts';
import { Refusal } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { columnsOf, type Expr } from '../expression.ts';
import type { Measure, Plan } from '../plan.ts';
import { isExact } from './clear.ts';
import {
  checkClear,
  circuitOf,
  clearColumnsOf,
  type EncryptedDataset,
  orderPlanOf,
  type PlannedCircuit,
  shapeOf,
} from './circuits.ts';
import { noiseOfOrder } from './order-noise.ts';

/** Bits of room for the noise of ciphertexts that are left over (crypto/he/seal.ts leaves fewer). */
const ROOM_BITS_LEFT = 16;

/** What one masked ciphertext takes its custodian and the network, and a product the evaluator: for planned times. */
const MS_PER_OUTPUT = 150;
const MS_PER_PRODUCT = 60;

/** Refuses: PREDICATE, PRIVATE_KEY, FUNCTION, MODE, CELLS. */
export function encryptedDraft(draft: Plan, dataset: EncryptedDataset): Plan {
  if (draft.hideBelow !== null) throw new Refusal('MODE', say('encrypted.hideBelow'));
  checkClear(draft.where, dataset);
  checkKeys(draft, dataset);
  const circuits = draft.measures.map((measure) => circuitOf(measure, dataset));
  const conditions = [draft.where, ...keyExprs(draft), ...circuits.map(({ when }) => when)];
  if (!conditions.every((expr) => expr === null || isExact(expr)))
    throw new Refusal('FUNCTION', say('encrypted.inexact'));
  checkGrowth(circuits, dataset);
  const { manifestDigest, keyId, profile, custodian } = dataset.encryption;
  return {
    ...draft,
    encrypted: { manifestDigest, keyId, profile, custodian },
    measures: draft.measures.map((measure, index) => bounded(measure, circuits[index]!)),
    timing: timingOf(draft, circuits, dataset),
  };
}

/** Refuses BOUNDS_MISSING: a sum that with its noise might wrap around. Of the finished Plan, whose ε decides. */
export function checkRange(plan: Plan, dataset: EncryptedDataset): void {
  const circuits = plan.measures.map((measure) => circuitOf(measure, dataset));
  try {
    noiseOfOrder(orderPlanOf(plan, circuits), shapeOf(dataset));
  } catch (error) {
    if (error instanceof OrderError && error.code === 'RANGE_TOO_WIDE')
      throw new Refusal('BOUNDS_MISSING', say('encrypted.range', { profile: dataset.encryption.profile }));
    throw error;
  }
}

function keyExprs({ keys }: Plan): readonly Expr[] {
  return keys.mode === 'none' ? [] : keys.keys.map(({ expr }) => expr);
}

function checkKeys(plan: Plan, dataset: EncryptedDataset): void {
  const clear = clearColumnsOf(dataset);
  for (const name of keyExprs(plan).flatMap((expr) => [...columnsOf(expr)]))
    if (!clear.includes(name)) throw new Refusal('PRIVATE_KEY', say('query.privateKey', { name }));
  if (plan.keys.mode !== 'listed') return;
  // No row is in two cells, and there are no more kinds of rows than tuples of clear values.
  const max = shapeOf(dataset).maxCells;
  if (BigInt(plan.keys.cells) > max)
    throw new Refusal('CELLS', say('encrypted.cells', { cells: plan.keys.cells, max: String(max) }));
}

function bounded(measure: Measure, { argument }: PlannedCircuit): Measure {
  return argument === null ? measure : ({ ...measure, argument } as Measure);
}

/** The most blocks that one cell can have: whole ones, and one that is not full for every tuple of clear values. */
function blocksOf(dataset: EncryptedDataset): bigint {
  const { slots } = profileOf(dataset.encryption.profile);
  return BigInt(Math.ceil(dataset.maxRows / slots)) + shapeOf(dataset).maxCells;
}

function checkGrowth(circuits: readonly PlannedCircuit[], dataset: EncryptedDataset): void {
  const { bits, productBits } = profileOf(dataset.encryption.profile).room;
  const blocks = blocksOf(dataset);
  for (const { terms } of circuits) {
    const growth = terms.reduce((sum, { weight, factors }) => {
      const size = (weight < 0n ? -weight : weight) * blocks;
      return sum + (factors.length === 2 ? size << BigInt(productBits) : size);
    }, 0n);
    if (growth > 1n << BigInt(bits - ROOM_BITS_LEFT))
      throw new Refusal('BOUNDS_MISSING', say('encrypted.growth'));
  }
}

function timingOf(
  { timing, keys }: Plan,
  circuits: readonly PlannedCircuit[],
  dataset: EncryptedDataset,
): Plan['timing'] {
  if (timing.mode !== 'planned') return timing;
  const cells = keys.mode === 'listed' ? keys.cells : 1;
  const products = circuits.flatMap(({ terms }) => terms.filter(({ factors }) => factors.length === 2));
  const more =
    cells * circuits.length * MS_PER_OUTPUT + products.length * Number(blocksOf(dataset)) * MS_PER_PRODUCT;
  return { mode: 'planned', releaseAfterMs: timing.releaseAfterMs + more };
}
