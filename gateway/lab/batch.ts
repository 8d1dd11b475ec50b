/** `unseen lab --batch`: one request per line in, one answer per line out, in order, each written before the next is read. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Failure, Refusal } from '#policies/refusal.ts';
import { type Language, say } from '#policies/words.ts';
import { Lab, type LabAnswer, unreleased, type WrittenRequest } from './lab.ts';

const number = z.union([z.number(), z.string().transform(Number)]).nullish();

const lineSchema = z
  .strictObject({
    id: z.unknown().optional(),
    dataset: z.union([z.string(), z.array(z.string()).min(1)]),
    policy: z.string(),
    sql: z.string().nullish(),
    program: z.string().nullish(),
    manifest: z.string().nullish(),
    params: z.unknown().optional(),
    epsilon: number,
    delta: number,
    maxError: number,
    atSize: number,
    state: z.string().nullish(),
    cryptoProfile: z.string().nullish(),
  })
  .refine((line) => (typeof line.sql === 'string') !== (typeof line.program === 'string'), {
    path: ['sql, program'],
    error: 'give one of the two',
  });

/** Answers every line of a file. Throws Failure CONFIG when the file itself cannot be read. */
export async function runBatch(
  path: string,
  language: Language,
  write: (line: string) => Promise<void>,
): Promise<void> {
  const lab = new Lab(language);
  const input = createReadStream(path, 'utf8');
  const opened = new Promise<void>((resolve, reject) => {
    input
      .once('ready', resolve)
      .once('error', () => reject(new Failure('CONFIG', say('lab.field', { field: '--batch', rule: path }))));
  });
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]();
  try {
    await opened;
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      await write(JSON.stringify(await answerLine(line.value, lab, language)));
    }
  } finally {
    await lab.close();
  }
}

async function answerLine(text: string, lab: Lab, language: Language): Promise<LabAnswer> {
  const value = parseObject(text);
  if (value === null) {
    const failure = new Failure('BAD_LINE', say('lab.badLine'));
    return { id: null, decision: 'failed', code: failure.code, message: failure.in(language) };
  }
  const id = value['id'] ?? null;
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) {
    return { id, ...unreleased(new Refusal('PARAM', say('lab.field', fieldOf(parsed.error))), language) };
  }
  return { id, ...(await lab.answer(requestOf(parsed.data))) };
}

function requestOf(line: z.infer<typeof lineSchema>): WrittenRequest {
  return {
    dataset: typeof line.dataset === 'string' ? [line.dataset] : line.dataset,
    policy: line.policy,
    sql: line.sql ?? undefined,
    program: line.program ?? undefined,
    manifest: line.manifest ?? undefined,
    params: line.params ?? undefined,
    epsilon: line.epsilon ?? undefined,
    delta: line.delta ?? undefined,
    maxError: line.maxError ?? undefined,
    atSize: line.atSize ?? undefined,
    state: line.state ?? undefined,
    cryptoProfile: line.cryptoProfile ?? undefined,
  };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The field that is wrong and the rule it breaks. */
function fieldOf(error: z.ZodError): { field: string; rule: string } {
  const issue = error.issues[0]!;
  if (issue.code === 'unrecognized_keys') return { field: issue.keys.join(', '), rule: 'unknown field' };
  return { field: issue.path.join('.') || 'line', rule: issue.message };
}
