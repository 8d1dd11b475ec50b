/**
 * The trial of a program when it is submitted: on made-up records, before anybody reviews it.
 *
 * Guarantee: it needs no source and no database; one trial runs at a time, so that submissions cannot take the machine;
 * a program of which some output would be noise alone is refused with what went wrong.
 */
import { type Language, render, type Sentence } from '#policies/words.ts';
import type { JailDemand } from '#sandbox/jail/jail.ts';
import type { TrialDataset } from '#sandbox/program/mock.ts';
import type { Program } from '#sandbox/program/program.ts';
import { shareOf, type TrialReport, tryProgram } from '#sandbox/program/trial.ts';
import type { Finding } from '#sandbox/program/admission/finding.ts';
import { ProgramRefused } from '../problem.ts';
import type { Database } from '../storage/database.ts';
import { listProgramEvents } from '../storage/program-store.ts';
import { trialText } from '../trial-text.ts';

export type { TrialReport };

/** Tries a program that was admitted. Refuses as `tryProgram` does. */
export type ProgramTrial = (
  program: Pick<Program, 'module' | 'manifest'>,
  datasets: readonly TrialDataset[],
  jail: JailDemand,
) => Promise<TrialReport>;

/** The trial of this build. */
export function programTrial(): ProgramTrial {
  let turn: Promise<unknown> = Promise.resolve();
  return (program, datasets, jail) => {
    const mine = turn.then(() => tryProgram(program, datasets, { params: null, jail }));
    turn = mine.catch(() => undefined);
    return mine;
  };
}

/** ProgramRefused with what went wrong, where a report refuses. */
export function checkReport({ refusal, findings }: TrialReport): void {
  if (refusal === null) return;
  const told = findings.map(({ kind, line, sentence }) => findingOf(`trial.${kind}`, line, sentence));
  throw new ProgramRefused([{ ...findingOf('trial', null, refusal), severity: 'error' }, ...told]);
}

function findingOf(rule: string, line: number | null, sentence: Sentence): Finding {
  return { rule, line: line ?? 1, column: 1, sentence, severity: 'warning' };
}

/** What was stored of a scan, in a reader's language; nothing where there was no trial. */
export function storedTrialText(detail: object, language: Language): object {
  return 'trial' in detail ? { trial: trialText(detail.trial as TrialReport, language) } : {};
}

/** How much of its trial gave nothing, of a stored program, as a sentence; null where there was no trial. */
export async function trialShare(db: Database, digest: string, language: Language): Promise<string | null> {
  const events = await listProgramEvents(db, digest);
  const detail = events.find(({ kind }) => kind === 'scanned')?.detail ?? {};
  return 'trial' in detail ? render(shareOf(detail.trial as TrialReport), language) : null;
}
