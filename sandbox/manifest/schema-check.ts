/**
 * Checks plain values against a strict schema and turns the first thing that does not hold into a sentence.
 *
 * An unknown field is reported before a missing one: `mechanisim` explains why `mechanism` is missing.
 * A schema attaches a rule of ours as its `error`; where it attaches none, the kind of issue decides the sentence.
 */
import type * as z from 'zod';

import type { Failure } from '#policies/refusal.ts';

import { type FieldPath, faultOf, isManifestRule } from './fault.ts';
import { namesAt, nearestName } from './fields.ts';

type Issue = z.core.$ZodIssue;

/** What is checked, against what, under which file name. */
interface Subject {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly file: string;
}

/** The value as the schema types it. CONFIG, naming file, field and rule, when it does not fit. */
export function checkAgainst<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  file: string,
): z.infer<Schema> {
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  const issues = outcome.error.issues.flatMap(narrowed);
  const first = issues.find((issue) => issue.code === 'unrecognized_keys') ?? issues[0];
  if (!first) throw new RangeError('a failed check without an issue');
  throw faultOfIssue(first, { schema, value, file });
}

/** The issues of the one alternative of a union that the author evidently meant, else the union's own issue. */
function narrowed(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const meant = issue.errors.filter(
    (branch) => !branch.some((inner) => inner.path.length === 0 && isWrongForm(inner)),
  );
  const [branch] = meant;
  if (!branch || meant.length > 1) return [issue];
  return branch.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })).flatMap(narrowed);
}

function isWrongForm(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function faultOfIssue(issue: Issue, subject: Subject): Failure {
  const { file, value } = subject;
  const place = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') return unknownField(issue.keys[0] ?? '', place, subject);
  if (valueAt(value, place) === undefined) return faultOf(file, place, 'manifest.missing');
  if (isManifestRule(issue.message)) return faultOf(file, place, issue.message);
  switch (issue.code) {
    case 'invalid_key':
      return faultOf(file, place, 'manifest.name');
    case 'invalid_value':
      return faultOf(file, place, 'manifest.mustBeOneOf', { choices: issue.values.map(String).join(' | ') });
    case 'too_small':
      return faultOf(file, place, 'manifest.atLeast', { minimum: String(issue.minimum) });
    case 'too_big':
      return faultOf(file, place, 'manifest.atMost', { maximum: String(issue.maximum) });
    case 'invalid_type':
      return wrongType(issue.expected, place, subject);
    default:
      return faultOf(file, place, 'manifest.invalid');
  }
}

function wrongType(expected: string, place: FieldPath, { file, value }: Subject): Failure {
  switch (expected) {
    case 'object':
    case 'record':
      return faultOf(file, place, 'manifest.mustBeMapping');
    case 'array':
    case 'tuple':
      return faultOf(file, place, 'manifest.mustBeList');
    case 'string':
      return faultOf(file, place, 'manifest.mustBeText');
    case 'boolean':
      return faultOf(file, place, 'manifest.mustBeBoolean');
    case 'int':
      return faultOf(file, place, 'manifest.mustBeInteger');
    case 'number': {
      const isNumber = typeof valueAt(value, place) === 'number';
      return faultOf(file, place, isNumber ? 'manifest.mustBeFinite' : 'manifest.mustBeNumber');
    }
    default:
      return faultOf(file, place, 'manifest.invalid');
  }
}

function unknownField(name: string, place: FieldPath, { schema, file }: Subject): Failure {
  const near = nearestName(name, namesAt(schema, place));
  const field = [...place, name];
  if (near === null) return faultOf(file, field, 'manifest.unknownField');
  return faultOf(file, field, 'manifest.unknownFieldNear', { near });
}

/** The value at a place, looking at own properties only; undefined where there is none. */
export function valueAt(value: unknown, place: FieldPath): unknown {
  let found: unknown = value;
  for (const part of place) {
    if (found === null || typeof found !== 'object' || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<string | number, unknown>)[part];
  }
  return found;
}
