/**
 * A released answer as it is delivered: stored cells, shown as the asking job wanted them.
 *
 * Guarantee: only committed cells are read, and only after their release time; HAVING, ORDER BY and LIMIT act on released
 * values. Delivery changes nothing and may be repeated as often as one likes.
 */
import { type Language, render, say } from '#policies/words.ts';
import type { Plan } from '#sandbox/plan.ts';
import { type Output, present } from '#sandbox/release/present.ts';
import { cellsOfEvidence } from '../receipt.ts';
import type { Caller } from '../http/endpoint.ts';
import { type Answer, findAnswer } from '../storage/job-view.ts';
import { findDataset } from '../storage/dataset-list.ts';
import { findLedgers } from '../storage/ledger.ts';
import { findReleasingJob, findSeenJob, findSpent, type SeenJob } from '../storage/oversight.ts';
import { notFound, readingOf } from './permission.ts';
import type { KeptRequest } from './planning.ts';
import { leastLeft } from './quotes.ts';
import type { Shell } from './shell.ts';

/** An answer, ready to be written as JSON or CSV. */
export interface ReleaseView {
  readonly id: string;
  readonly jobId: string;
  readonly repeat: boolean;
  readonly outputs: readonly Output[];
  readonly notes: readonly string[];
  readonly budget: object;
  readonly salt: string;
  /** As the output digest of the receipt covers them. */
  readonly cells: unknown;
  readonly links: { readonly job: string; readonly receipt: string };
}

/** A release for a reader of answers; `job`: as this job asked, else as the one that made it. HttpFault NOT_FOUND. */
export async function getRelease(
  shell: Shell,
  caller: Caller,
  {
    id,
    jobId,
    language,
  }: { readonly id: string; readonly jobId: string | null; readonly language: Language },
): Promise<ReleaseView> {
  const asking = jobId ?? (await findReleasingJob(shell.db, id));
  const job = asking === null ? null : await findSeenJob(shell.db, asking);
  const reading = await readingOf(shell, caller.principal);
  // Answers are for those who may read what was asked.
  if (job === null || !reading.may('read_query_text', job)) throw notFound();
  const answer = await findAnswer(shell.db, job.id);
  if (answer === null || answer.releaseId !== id) throw notFound();
  return viewOfAnswer(shell, job, { answer, language, held: false });
}

/** An answer as its job asked for it. `held`: for a reviewer, before it may be seen; else the same. */
export async function viewOfAnswer(
  shell: Shell,
  job: SeenJob,
  {
    answer,
    language,
    held,
  }: { readonly answer: Answer; readonly language: Language; readonly held: boolean },
): Promise<ReleaseView> {
  const { showing } = job.request as KeptRequest;
  if (showing === null) throw notFound();
  const id = answer.releaseId;
  const plan = showing.plan as Plan;
  return {
    id,
    jobId: job.id,
    repeat: answer.repeat,
    outputs: present(plan, cellsOfEvidence(plan, answer.cells), showing.presentation),
    notes: [...showing.notes, say('note.release', { release: id })].map((note) => render(note, language)),
    budget: await budgetOf(shell, job, held),
    salt: answer.salt,
    cells: JSON.parse(answer.cells),
    links: { job: `/v1/jobs/${job.id}`, receipt: `/v1/receipts/${job.id}` },
  };
}

async function budgetOf(shell: Shell, job: SeenJob, held: boolean): Promise<object> {
  const { cost } = job.request as KeptRequest;
  const spent = (await findSpent(shell.db, job.id, { held })) ?? { nano: '0', thresholdDeltaYocto: '0' };
  const dataset = await findDataset(shell.db, job.datasets[0] ?? '');
  const lineages = [dataset?.lineageId, dataset?.populationId].filter((lineage) => lineage != null);
  const left = leastLeft(await findLedgers(shell.db, lineages, job.grantId));
  const isFree = spent.nano === '0';
  return {
    unit: cost?.unit ?? 'rho',
    nanoSpent: spent.nano,
    thresholdDeltaYoctoSpent: spent.thresholdDeltaYocto,
    epsilonSpent: isFree ? 0 : (cost?.epsilon ?? 0),
    delta: isFree ? 0 : (cost?.delta ?? 0),
    nanoLeft: left === null ? null : String(left.nano),
    thresholdDeltaYoctoLeft: left === null ? null : String(left.yocto),
  };
}

/** One row per key; per output its value, stddev, low and high; the notes as comment lines before. */
export function releaseCsv({ outputs, notes, id, jobId }: ReleaseView): string {
  const keyNames = [...new Set(outputs.flatMap(({ key }) => Object.keys(key ?? {})))];
  const names = [...new Set(outputs.map(({ name }) => name))];
  const rows = new Map<string, Map<string, Output>>();
  for (const output of outputs) {
    const row = JSON.stringify(output.key);
    rows.set(row, (rows.get(row) ?? new Map<string, Output>()).set(output.name, output));
  }
  const header = [
    ...keyNames,
    ...names.flatMap((name) => [name, `${name}_stddev`, `${name}_low`, `${name}_high`]),
  ];
  const lines = [...rows.values()].map((row) => {
    const key = [...row.values()][0]?.key ?? {};
    const values = names.flatMap((name) => {
      const output = row.get(name);
      return [
        output?.exact ?? output?.value ?? null,
        output?.stddev ?? null,
        output?.low ?? null,
        output?.high ?? null,
      ];
    });
    return csvLine([...keyNames.map((name) => key[name] ?? null), ...values]);
  });
  const comments = [`release ${id}, job ${jobId}`, ...notes].map(
    (note) => `# ${note.replaceAll(/[\r\n]+/g, ' ')}`,
  );
  return `${[...comments, csvLine(header), ...lines].join('\r\n')}\r\n`;
}

/** One line of RFC 4180; null is empty. */
function csvLine(values: readonly (string | number | boolean | null)[]): string {
  return values
    .map((value) => {
      const text = value === null ? '' : String(value);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',');
}
