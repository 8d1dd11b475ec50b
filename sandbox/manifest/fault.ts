/**
 * Faults of a manifest: which field of which file breaks which rule, as a Failure with a sentence in two languages.
 *
 * Guarantee: a message holds names of files, fields and rules and the limits of a rule, never a value of the file.
 */
import { Failure } from '#policies/refusal.ts';
import { MANIFEST_WORDS } from '#policies/words/manifest.ts';
import { PROGRAM_MANIFEST_WORDS } from '#policies/words/program-manifest.ts';
import { say, type SentenceId } from '#policies/words.ts';

/** The sentence of one rule about manifests; its id names the rule. */
export type ManifestRule = (keyof typeof MANIFEST_WORDS | keyof typeof PROGRAM_MANIFEST_WORDS) & SentenceId;

/** A field's place in a file: ['columns', 'age', 'bounds', 0]. */
export type FieldPath = readonly (string | number)[];

/** Longest name or path that a message repeats. */
const SHOWN_MAX = 120;
/** Control and format characters, separators of lines, lone surrogates: what would change how a message reads. */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A Failure of code CONFIG that names file, field and rule. */
export function faultOf(
  file: string,
  field: FieldPath,
  rule: ManifestRule,
  args: Readonly<Record<string, string | number>> = {},
): Failure {
  return new Failure('CONFIG', say(rule, { file: shown(file), field: renderField(field), ...args }));
}

/** Whether a text is the id of a rule about manifests. */
export function isManifestRule(text: string): text is ManifestRule {
  return Object.hasOwn(MANIFEST_WORDS, text) || Object.hasOwn(PROGRAM_MANIFEST_WORDS, text);
}

/** A field's place as people write it: columns.age.bounds[0]. */
export function renderField(field: FieldPath): string {
  let text = '';
  for (const part of field) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return shown(text);
}

function shown(text: string): string {
  const clean = text.replace(UNSHOWABLE, '\u{FFFD}');
  return clean.length > SHOWN_MAX ? `${clean.slice(0, SHOWN_MAX)}…` : clean;
}
