/** What a command is told of a dataset's columns: by a manifest file, or by its name on the server of the profile. */
import { existsSync } from 'node:fs';
import * as z from 'zod';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Column } from '#sandbox/manifest/dataset.ts';
import { readDataset } from '#sandbox/manifest/dataset-file.ts';
import type { TrialDataset } from '#sandbox/program/mock.ts';
import type { VerbCall } from './verb.ts';

const scalar = z.union([z.number(), z.string(), z.boolean(), z.null()]);
const column = z.object({
  name: z.string(),
  type: z.union([
    z.object({ kind: z.enum(['integer', 'number', 'string', 'boolean', 'date', 'timestamp']) }),
    z.object({ kind: z.literal('decimal'), scale: z.number() }),
  ]),
  role: z.enum(['unit', 'key', 'value', 'hidden']),
  bounds: z.union([z.tuple([z.number(), z.number()]), z.tuple([z.string(), z.string()])]).nullable(),
  granularity: z.number().nullable(),
  values: z.array(scalar).nullable(),
}) satisfies z.ZodType<Column>;

/** The public schema of the dataset that an argument names. Failure CONFIG for a file; what the server says of a name. */
export async function datasetArgument(call: VerbCall, stated: string): Promise<TrialDataset> {
  if (existsSync(stated) || /\.(ya?ml|json)$/.test(stated)) {
    const { name, columns } = readDataset(stated);
    return { name, columns };
  }
  const { name, columns } = await call.client().dataset(stated);
  const read = z.array(column).safeParse(columns);
  if (!read.success) throw new Failure('CONFIG', say('kit.schema', { dataset: name }));
  return { name, columns: read.data };
}
