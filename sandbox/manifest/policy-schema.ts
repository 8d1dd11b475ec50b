/**
 * The form of policy.yaml as a strict schema: every field, and which values it may have on its own.
 * What holds between fields is in policy-file.ts; docs/manifests.md is the manual.
 */
import * as z from 'zod';

/** Largest whole number of a bound on contributions: fits 32-bit integers of every engine. */
const COUNT_MAX = 2_147_483_647;
/** Most cells of one answer that an operator may allow. */
const CELLS_MAX = 100_000;
const QUANTUM_MS_MAX = 3_600_000;
/** Each admitted abort may cost a planned run several seconds. */
const ABORTS_MAX = 1_000;

// Any number: above 1e10, or not finite, is a refusal of its own (policy-file.ts), not a fault of form.
const epsilon = z.custom<number>((value) => typeof value === 'number', { error: 'manifest.mustBeNumber' });
const delta = z.number().refine((value) => value >= 0 && value < 1, { error: 'manifest.delta' });
const count = z.int().min(1).max(COUNT_MAX);

function isBinCount(value: number): boolean {
  return value >= 2 && value <= 65_536 && Number.isInteger(Math.log2(value));
}

export const policySchema = z.strictObject({
  kind: z.literal('ReleasePolicy'),
  mechanism: z.enum(['gaussian', 'laplace']),
  budget: z.union(
    [z.literal('unlimited'), z.strictObject({ epsilon, delta, renew: z.unknown().optional() })],
    { error: 'manifest.budgetForm' },
  ),
  perJob: z.strictObject({
    epsilon,
    max: epsilon.optional(),
    delta: delta.optional(),
    thresholdDelta: delta.optional(),
  }),
  maxGroupsPerUnit: count,
  maxRowsPerUnit: count.optional(),
  minimumCohort: count.optional(),
  minimumEnterprises: z.unknown().optional(),
  keys: z.enum(['listed', 'thresholded']).optional(),
  hideBelow: count.optional(),
  maxCells: z.int().min(1).max(CELLS_MAX).optional(),
  quantileBins: z.number().refine(isBinCount, { error: 'manifest.powerOfTwo' }).optional(),
  joinRowsPerUnit: z.unknown().optional(),
  timing: z
    .union(
      [z.enum(['planned', 'exact']), z.strictObject({ quantumMs: z.int().min(1).max(QUANTUM_MS_MAX) })],
      { error: 'manifest.timingForm' },
    )
    .optional(),
  jail: z.enum(['required', 'preferred']).optional(),
  engine: z.enum(['strict', 'fast']).optional(),
  maxAborts: z.int().min(0).max(ABORTS_MAX).optional(),
  prepare: z.boolean().optional(),
  repeats: z.enum(['stored', 'fresh']).optional(),
  release: z.enum(['automatic', 'reviewed']).optional(),
  noise: z.enum(['own']).optional(),
  outputKinds: z
    .array(z.enum(['model', 'index', 'statistic', 'report', 'interface', 'application']))
    .min(1, { error: 'manifest.emptyText' })
    .optional(),
  threshold: z.unknown().optional(),
});

/** policy.yaml as the file states it. */
export type PolicyText = z.infer<typeof policySchema>;
