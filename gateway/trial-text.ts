/** A report of a trial in the words of one language: for answers of the API, and for the command line. */
import { type Language, render } from '#policies/words.ts';
import { shareOf, type TrialReport } from '#sandbox/program/trial.ts';

export interface TrialText extends Omit<TrialReport, 'findings' | 'refusal'> {
  /** How much gave nothing, as a sentence. */
  readonly share: string;
  readonly findings: readonly {
    readonly kind: string;
    readonly record: number;
    readonly line: number | null;
    readonly output: string | null;
    readonly message: string;
  }[];
  /** Why the program is refused; null where it is not. */
  readonly refused: string | null;
}

export function trialText({ findings, refusal, ...report }: TrialReport, language: Language): TrialText {
  return {
    ...report,
    share: render(shareOf(report), language),
    findings: findings.map(({ sentence, ...finding }) => ({
      ...finding,
      message: render(sentence, language),
    })),
    refused: refusal === null ? null : render(refusal, language),
  };
}
