/** What admission has to say about a place in a program, and the shape of a rule that says it. */
import type { PROGRAM_RULE_WORDS } from '#policies/words/program-rules.ts';
import { type Sentence, type SentenceId, say } from '#policies/words.ts';

import type { ProgramMode } from '../program.ts';
import type { Reading, Node } from './parse.ts';
import type { Scopes } from './scope.ts';

/** The sentence of one way to break a rule. */
export type RuleSentence = keyof typeof PROGRAM_RULE_WORDS & SentenceId;

/** Lines and columns count from 1. An error refuses the program, a warning does not. */
export interface Finding {
  readonly rule: string;
  readonly line: number;
  readonly column: number;
  readonly sentence: Sentence;
  readonly severity: 'error' | 'warning';
}

/** A program whose syntax is accepted, as rules see it. */
export interface Subject extends Reading {
  readonly scopes: Scopes;
}

/** One hazard. `because` is the reason that docs/programs/rules.md gives. */
export interface Rule {
  readonly id: string;
  readonly because: string;
  /** Modes whose programs must keep it. */
  readonly modes: readonly ProgramMode[];
  /** Whole modules that keep the rule. */
  readonly accepts: readonly string[];
  /** Whole modules that break it, each with the sentence that says so: every sentence of the rule has one. */
  readonly refuses: readonly (readonly [module: string, sentence: RuleSentence])[];
}

/** Where an offset is, from 1. */
function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split(/\r\n|[\n\r\u2028\u2029]/);
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** Most findings of one rule: more help nobody, and each has to be placed. */
export const FINDINGS_MAX = 100;

/** A finding at an offset. */
export function findingAt(
  rule: string,
  { text, offset }: { readonly text: string; readonly offset: number },
  sentence: RuleSentence,
  args: Readonly<Record<string, string | number>> = {},
): Finding {
  return { rule, ...placeOf(text, offset), sentence: say(sentence, args), severity: 'error' };
}

/** What reports the breaches of one rule: a sentence at a node. */
export type Report = (
  node: Node,
  sentence: RuleSentence,
  args?: Readonly<Record<string, string | number>>,
) => void;

/** A rule that reads a tree whose nodes are all known, with its scopes. */
export interface TreeRule extends Rule {
  readonly check: (subject: Subject, report: Report) => void;
}
