/**
 * The form of filed documents: the fields that several of them have, and what is said of a field at fault.
 *
 * Guarantee: a document states every field of its schema and no other; each field at fault is named, with the rule that
 * it breaks. What was parsed is plain JSON, so that what is stored, digested and compared is what was read.
 */
import { z } from 'zod';

import { Failure } from '#policies/refusal.ts';
import { type Sentence, type SentenceId, say } from '#policies/words.ts';

import { type DecimalLimits, findDecimalFault } from './decimal.ts';

/**
 * What a check of our own found: the sentence that explains it; its argument `field` is added. Checks of whatever holds
 * the field do not run then: they may count on its form.
 */
export const fault = (id: SentenceId, args: Readonly<Record<string, string | number>> = {}) => ({
  code: 'custom' as const,
  params: { id, args },
  continue: false,
});

export const documentText = z.string().trim().min(1).max(4096);
/** Of documents, parties, datasets and scenes. */
export const documentId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\s/]+$/);
export const documentSha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** An instant with a zone; kept in UTC. */
export const documentInstant = z.iso.datetime({ offset: true }).transform((at) => new Date(at).toISOString());

/** A list without repetition, of one item at least. */
export function listOf<Item extends z.ZodType<string>>(item: Item) {
  return z
    .array(item)
    .min(1)
    .superRefine((items, context) => {
      const twice = items.find((name, index) => items.indexOf(name) !== index);
      if (twice !== undefined) context.addIssue(fault('billing.field.twice', { name: twice }));
    });
}

/** Decimal text from 0. A number is refused: what YAML reads from `0.1` is a binary fraction near it. */
export function decimal(limits: DecimalLimits) {
  return z.custom<string>().superRefine((value: unknown, context) => {
    if (value === undefined) return context.addIssue(fault('billing.field.missing'));
    const found = findDecimalFault(value, limits);
    if (found !== null) context.addIssue(fault(`billing.decimal.${found}`, limitsText(limits)));
  });
}

function limitsText({ places, max }: DecimalLimits) {
  return { places, max: String(max) };
}

/** How fields with a form of their own are written, by the last name of their path. */
export type Forms = Readonly<Record<string, string>>;

/** Parses a document; throws a Failure CONFIG that names the first field at fault. */
export function parseDocument<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  forms: Forms = {},
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [first = say('billing.field.missing', { field: 'kind' })] = sentencesOf(parsed.error, value, forms);
  throw new Failure('CONFIG', first);
}

/** Every field at fault, each a sentence whose argument `field` names it; empty when there is none. */
export function findDocumentFaults(
  schema: z.ZodType,
  value: unknown,
  forms: Forms = {},
): readonly Sentence[] {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : sentencesOf(parsed.error, value, forms);
}

function sentencesOf({ issues }: z.ZodError, value: unknown, forms: Forms): readonly Sentence[] {
  return issues.map((issue) => sentenceOf(issue, value, { ...COMMON_FORMS, ...forms }));
}

function sentenceOf(issue: z.core.$ZodIssue, value: unknown, forms: Forms): Sentence {
  const field = fieldName(issue.path);
  const form = forms[String(issue.path.at(-1))];
  if (issue.code === 'custom') {
    const { id, args } = issue.params as ReturnType<typeof fault>['params'];
    return say(id, { field, ...args });
  }
  if (issue.code === 'unrecognized_keys')
    return say('billing.field.unknown', { field: fieldName([...issue.path, issue.keys[0] ?? '']) });
  if (valueAt(value, issue.path) === undefined) return say('billing.field.missing', { field });
  if (issue.code === 'invalid_value')
    return say('billing.field.oneOf', { field, values: issue.values.map(String).join(', ') });
  if (form !== undefined) return say('billing.field.form', { field, form });
  if (issue.code === 'invalid_type') return say('billing.field.kind', { field, expected: issue.expected });
  if (issue.code === 'too_small') return say('billing.field.small', { field, least: String(issue.minimum) });
  if (issue.code === 'too_big') return say('billing.field.big', { field, most: String(issue.maximum) });
  return say('billing.field.form', { field, form: 'HC-2026-01' });
}

const COMMON_FORMS: Forms = {
  from: '2026-01-31T00:00:00+08:00',
  to: '2026-01-31T00:00:00+08:00 | null',
  until: '2026-01-31T00:00:00+08:00',
  sha256: '64 × [0-9a-f]',
};

function fieldName(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'document';
  return path.reduce<string>((name, step) => {
    if (typeof step === 'number') return `${name}[${step}]`;
    return name === '' ? String(step) : `${name}.${String(step)}`;
  }, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) =>
      typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[step] : undefined,
    value,
  );
}
