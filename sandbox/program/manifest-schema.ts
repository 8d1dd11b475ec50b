/**
 * The form of prog.yaml as a strict schema: every field, and which values it may have on its own.
 * What holds between fields is in manifest-file.ts and manifest-outputs.ts.
 */
import * as z from 'zod';

import type { Scalar } from '../expression.ts';

/** Most bins of one histogram, and entries of one vector. */
const WIDTH_MAX = 10_000;
/** Most blocks of one job: each is an isolate of its own. */
const BLOCKS_MAX = 10_000;
const CPU_MS_MAX = 600_000;
/** Most ticks of one record. */
const FUEL_MAX = 1_000_000;

export const DEFAULT_FUEL = 1000;
export const DEFAULT_CPU_MS = 1000;

const text = z.string().min(1, { error: 'manifest.emptyText' });

/** As in dataset.yaml: no controls, formats, separators or surrogates, and no space around it. */
const name = z
  .string()
  .refine(
    (value) =>
      value.trim() === value &&
      value !== '' &&
      Buffer.byteLength(value) <= 63 &&
      !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(value),
    { error: 'manifest.name' },
  );

// Numbers of bounds are judged later, so that an infinite bound is called infinite and not ill-formed.
const bound = z.custom<number>((value) => typeof value === 'number', { error: 'manifest.mustBeNumber' });
const scalar = z.custom<Scalar>(
  (value) => value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value),
  { error: 'manifest.valueScalar' },
);

const output = z.strictObject({
  kind: z.enum(['count', 'sum', 'mean', 'variance', 'histogram', 'quantile', 'vector']),
  bounds: z.tuple([bound, bound], { error: 'manifest.boundsPair' }).optional(),
  granularity: z.number().optional(),
  bins: z.int().min(1).max(WIDTH_MAX).optional(),
  q: z
    .array(z.number().min(0).max(1), { error: 'program.quantiles' })
    .refine((list) => list.length > 0 && new Set(list).size === list.length, { error: 'program.quantiles' })
    .optional(),
  length: z.int().min(1).max(WIDTH_MAX).optional(),
  clip: z
    .number()
    .refine((value) => value > 0, { error: 'manifest.positive' })
    .optional(),
  by: z.record(z.string(), z.array(scalar)).optional(),
  quality: z.boolean().optional(),
});

/** An output as the file states it. */
export type OutputText = z.infer<typeof output>;

const param = z.strictObject({
  type: z.enum(['number', 'string', 'boolean', 'numbers']),
  default: z.unknown().optional(),
});

/** A parameter as the file states it. */
export type ParamText = z.infer<typeof param>;

export const programSchema = z.strictObject({
  kind: z.literal('Program'),
  name,
  title: z.strictObject({ en: text, zh: text }).optional(),
  mode: z.enum(['map', 'blocks']),
  inputs: z.record(
    name,
    z.union([z.array(z.string()), z.record(z.string(), name)], { error: 'program.columnsForm' }),
  ),
  params: z.record(z.string(), param).optional(),
  outputs: z.record(z.string(), output),
  fuel: z.int().min(1).max(FUEL_MAX).optional(),
  blocks: z
    .strictObject({
      count: z.int().min(2).max(BLOCKS_MAX),
      cpuMs: z.int().min(1).max(CPU_MS_MAX).optional(),
    })
    .optional(),
  defaults: z.record(z.string(), z.number()).optional(),
});

/** prog.yaml as the file states it. */
export type ProgramText = z.infer<typeof programSchema>;
