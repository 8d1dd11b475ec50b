/** Small changes of a text, of single characters and of whole tokens: what lies next to a statement. */
import type { RandomSource } from '#sandbox/release/random.ts';

/** Words, comments, numbers, texts, names, operators and blanks, so that their concatenation is the text again. */
const TOKEN = /\s+|--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_]*|\d+(?:\.\d+)?|[<>=!|]+|./gsu;

/** Tokens that change what a statement is. */
const INTRUDERS = [
  'NOT',
  'DISTINCT',
  'OVER ()',
  'NULL',
  'uid',
  'secret',
  'SYMMETRIC',
  'USING >',
  'DESC',
  'ALL',
  '*',
  '(',
  ')',
  ',',
  '::date',
  '::numeric(1, 0)',
  '[1]',
  '.x',
  'COLLATE "C"',
  'AS z',
  'UNION SELECT 1',
  'LATERAL',
  'FILTER (WHERE flag)',
  'WITHIN GROUP (ORDER BY age)',
  '-',
  "'x'",
  '1e9',
  ';',
  'OR TRUE',
];

/** Characters that parsers trip over. */
const CHARACTERS = [
  "'",
  '"',
  '\\',
  '\0',
  '\n',
  '\uD800',
  '\uDC00',
  '\uFEFF',
  '\u00A0',
  '（',
  '，',
  '词',
  '🚀',
  '$',
  '%',
  '_',
  ';',
  '-',
  '/',
  '*',
  '.',
  '9',
  'e',
  '\u202E',
];

/** The text after one to three changes; `other` lends it tokens. */
export function mutated(text: string, other: string, random: RandomSource): string {
  let changed = text;
  for (let edits = 1 + random.below(3); edits > 0; edits -= 1)
    changed = random.bit() ? withToken(changed, other, random) : withCharacter(changed, random);
  return changed;
}

const pick = <T>(items: readonly T[], random: RandomSource): T => items[random.below(items.length)]!;

function withToken(text: string, other: string, random: RandomSource): string {
  const tokens = text.match(TOKEN) ?? [''];
  const [at, from] = [random.below(tokens.length), random.below(tokens.length)];
  const edits: readonly (() => string[])[] = [
    () => tokens.toSpliced(at, 1),
    () => tokens.toSpliced(at, 1, pick(other.match(TOKEN) ?? [''], random)),
    () => tokens.toSpliced(at, 0, ` ${pick(INTRUDERS, random)} `),
    () => tokens.toSpliced(at, 1, tokens[from]!),
    () => tokens.toSpliced(at, 0, ...tokens.slice(from, from + 1 + random.below(8))),
    () => tokens.toSpliced(at, 1 + random.below(8)),
  ];
  return pick(edits, random)().join('');
}

function withCharacter(text: string, random: RandomSource): string {
  const at = random.below(text.length + 1);
  const [before, after] = [text.slice(0, at), text.slice(at)];
  const edits: readonly (() => string)[] = [
    () => before + after.slice(1),
    () => before + pick(CHARACTERS, random) + after,
    () => before + pick(CHARACTERS, random) + after.slice(1),
    () => before + String.fromCharCode((after.charCodeAt(0) || 0) ^ (1 << random.below(7))) + after.slice(1),
  ];
  return pick(edits, random)();
}
