/**
 * The table of every sentence a person may read, in English and Chinese, by stable id.
 *
 * Guarantee: an id without both languages does not type-check (`Wording` requires both), and
 * tests/words.test.ts proves that both languages of an id name the same placeholders.
 * A placeholder is `{name}`; a sentence is an id with its arguments, rendered at the edge.
 */
import { ACCURACY_WORDS } from './words/accuracy.ts';
import { BILLING_CORE_WORDS } from './words/billing-core.ts';
import { BUDGET_WORDS } from './words/budget.ts';
import { CLI_HELP_WORDS } from './words/cli-help.ts';
import { CLI_WORDS } from './words/cli.ts';
import { CUSTODIAN_WORDS } from './words/custodian.ts';
import { DEMO_WORDS } from './words/demo.ts';
import { DOCUMENT_WORDS } from './words/document.ts';
import { ENCRYPTED_WORDS } from './words/encrypted.ts';
import { GATEWAY_WORDS } from './words/gateway.ts';
import { GRANT_WORDS } from './words/grant.ts';
import { KEY_WORDS } from './words/key.ts';
import { MANIFEST_WORDS } from './words/manifest.ts';
import { NOTE_WORDS } from './words/note.ts';
import { PRICE_CLI_WORDS } from './words/price-cli.ts';
import { PRICE_WORDS } from './words/prices.ts';
import { PROGRAM_KIT_WORDS } from './words/program-kit.ts';
import { PROGRAM_MANIFEST_WORDS } from './words/program-manifest.ts';
import { PROGRAM_RULE_WORDS } from './words/program-rules.ts';
import { PROGRAM_PLAN_WORDS } from './words/program-plan.ts';
import { PROGRAM_TRIAL_WORDS } from './words/program-trial.ts';
import { PROGRAM_WORDS } from './words/program.ts';
import { PROGRAM_REVIEW_WORDS } from './words/program-review.ts';
import { QUERY_WORDS } from './words/query.ts';
import { REPORT_WORDS } from './words/reports.ts';
import { REVIEW_WORDS } from './words/review.ts';
import { RUN_WORDS } from './words/run.ts';
import { STATEMENT_WORDS } from './words/statement.ts';
import { VERIFY_WORDS } from './words/verify.ts';

export type Language = 'en' | 'zh';

/** One sentence in both languages. */
export interface Wording {
  readonly en: string;
  readonly zh: string;
}

export const WORDS = {
  ...ACCURACY_WORDS,
  ...BILLING_CORE_WORDS,
  ...BUDGET_WORDS,
  ...CLI_HELP_WORDS,
  ...CLI_WORDS,
  ...CUSTODIAN_WORDS,
  ...DEMO_WORDS,
  ...DOCUMENT_WORDS,
  ...ENCRYPTED_WORDS,
  ...GATEWAY_WORDS,
  ...GRANT_WORDS,
  ...KEY_WORDS,
  ...MANIFEST_WORDS,
  ...NOTE_WORDS,
  ...PRICE_CLI_WORDS,
  ...PRICE_WORDS,
  ...PROGRAM_KIT_WORDS,
  ...PROGRAM_MANIFEST_WORDS,
  ...PROGRAM_RULE_WORDS,
  ...PROGRAM_PLAN_WORDS,
  ...PROGRAM_TRIAL_WORDS,
  ...PROGRAM_WORDS,
  ...PROGRAM_REVIEW_WORDS,
  ...QUERY_WORDS,
  ...REPORT_WORDS,
  ...REVIEW_WORDS,
  ...RUN_WORDS,
  ...STATEMENT_WORDS,
  ...VERIFY_WORDS,
} as const satisfies Record<string, Wording>;

export type SentenceId = keyof typeof WORDS;

/** A sentence before it is put in a language. Arguments are public text: never a data value. */
export interface Sentence {
  readonly id: SentenceId;
  readonly args: Readonly<Record<string, string | number>>;
}

/** Makes a sentence. */
export function say(id: SentenceId, args: Readonly<Record<string, string | number>> = {}): Sentence {
  return { id, args };
}

/** Puts a sentence in a language; a placeholder without an argument is a programmer's error. */
export function render(sentence: Sentence, language: Language): string {
  return WORDS[sentence.id][language].replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = sentence.args[name];
    if (value === undefined) throw new RangeError(`sentence ${sentence.id} lacks argument ${name}`);
    return String(value);
  });
}

/** The reader's language from an Accept-Language header or a LANG variable; English unless Chinese comes first. */
export function languageOf(preference: string | undefined): Language {
  const first = preference?.split(',')[0]?.trim().toLowerCase() ?? '';
  return first.startsWith('zh') ? 'zh' : 'en';
}
