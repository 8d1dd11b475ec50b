/**
 * Programs: submitted by a buyer, scanned, read and approved on both sides by different people, withdrawn at once.
 *
 * Guarantee: nobody of the applicant's organisation approves or rejects; who decides was shown the code, on record; a
 * program whose scan has errors is not kept. The policies decide who may; what a reader may not see is not there.
 * Not covered: whether the record's texts are true. They are the applicant's word, for reviewers to judge.
 */
import {
  missingApprovals,
  PROGRAM_RECORD_FIELDS,
  type ProgramRecord,
  type ProgramSide,
  type ProgramState,
  type SideApproval,
} from '#policies/program-review.ts';
import { Refusal } from '#policies/refusal.ts';
import type { FileRequest, Principal } from '#policies/request.ts';
import { type Language, render, say } from '#policies/words.ts';
import { parseManifestText } from '#sandbox/manifest/manifest-text.ts';
import { admitProgram } from '#sandbox/program/admission/admit.ts';
import type { Finding } from '#sandbox/program/admission/finding.ts';
import { PARSER_VERSION } from '#sandbox/program/admission/parse.ts';
import { programManifestOf } from '#sandbox/program/manifest-file.ts';
import {
  moduleDigestOf,
  type Program,
  programDigestOf,
  type ProgramManifest,
} from '#sandbox/program/program.ts';
import { instantText } from '#sandbox/release/zone.ts';
import type { Caller } from '../http/endpoint.ts';
import { FieldFaults, findingText, HttpFault, ProgramRefused } from '../problem.ts';
import type { Database } from '../storage/database.ts';
import { listDatasets, type StoredDataset } from '../storage/dataset-list.ts';
import {
  type Actor,
  approveProgram,
  findProgram,
  listProgramEvents,
  listPrograms,
  type ProgramReaders,
  type ProgramSummary,
  recordReading,
  type Rejection,
  rejectProgram,
  type ReviewEnd,
  saveProgram,
  type StoredEvent,
  type StoredProgram,
  withdrawProgram,
} from '../storage/program-store.ts';
import { demand, notFound } from './permission.ts';
import { checkReport, storedTrialText, type TrialReport } from './program-trial.ts';
import type { Shell } from './shell.ts';

/** What an applicant says of his program; what he leaves out is shown as not stated. */
type RecordSent = { readonly [Field in keyof ProgramRecord]?: string | undefined };

/** What an applicant sends. */
export interface ProgramSubmission {
  readonly module: string;
  /** The file's text, or what it says. */
  readonly manifest: string | Readonly<Record<string, unknown>>;
  readonly record: RecordSent;
}

/** A program that was scanned, and is to be kept. */
export type ScannedProgram = Parameters<typeof saveProgram>[1];

/**
 * Scans a program, and tries it: that takes up to a minute, and so stands outside of any transaction. Refusal
 * PROGRAM_NOT_ADMITTED with the findings, TABLE, and COLUMN, TYPE and JAIL of a trial; Failure CONFIG for its manifest.
 */
export async function scanProgram(
  shell: Shell,
  { principal }: Caller,
  sent: ProgramSubmission,
): Promise<ScannedProgram> {
  demand(shell, { action: 'submit_program', principal, organisation: principal.org.id });
  const file = 'manifest';
  const written = typeof sent.manifest === 'string' ? parseManifestText(sent.manifest, file) : sent.manifest;
  checkKeepable('manifest', written);
  checkKeepable('module', sent.module);
  const manifest = programManifestOf(written, file);
  const datasets = await datasetsRead(shell.db, manifest);
  const { admitted, findings } = admitProgram(sent.module, manifest.mode, manifest);
  if (!admitted) throw new ProgramRefused(findings);
  const report = await tried(shell, { module: sent.module, manifest }, datasets);
  return {
    digest: programDigestOf(sent.module, written),
    moduleDigest: moduleDigestOf(sent.module),
    organisationId: principal.org.id,
    name: manifest.name,
    module: sent.module,
    manifest: written,
    datasets: datasets.map(({ name }) => name),
    record: recordOf(sent.record),
    submitter: principal.id,
    scan: {
      tools: { acorn: PARSER_VERSION },
      findings: findings.map(keptFinding),
      ...(report !== null && { trial: report }),
    },
  };
}

/** Keeps a program that was scanned; its digest. HttpFault CONFLICT when it was submitted before. */
export async function keepProgram(db: Database, scanned: ScannedProgram): Promise<string> {
  if (!(await saveProgram(db, scanned))) throw new HttpFault('CONFLICT', say('programs.known'));
  return scanned.digest;
}

/** The report of a trial, in the jail that the strictest of its datasets demands; null where nothing is tried. */
async function tried(
  { trial }: Shell,
  program: Pick<Program, 'module' | 'manifest'>,
  datasets: readonly StoredDataset[],
): Promise<TrialReport | null> {
  if (trial === null) return null;
  const isStrict = datasets.some(({ policy }) => policy.jail === 'required');
  const schemas = datasets.map(({ name, manifest: { columns } }) => ({ name, columns }));
  const report = await trial(program, schemas, isStrict ? 'required' : 'preferred');
  checkReport(report);
  return report;
}

/** The datasets that a program reads, by name. Refusal TABLE. */
async function datasetsRead(db: Database, { inputs }: ProgramManifest): Promise<readonly StoredDataset[]> {
  const known = (await listDatasets(db)).filter(({ state }) => state !== 'withdrawn');
  const names = [...new Set(inputs.map(({ dataset }) => dataset))].sort();
  return names.map((name) => {
    const dataset = known.find((candidate) => candidate.name === name);
    if (dataset === undefined)
      throw new Refusal('TABLE', say('programs.dataset', { dataset: name.slice(0, 80) }));
    return dataset;
  });
}

function recordOf(record: RecordSent): ProgramRecord {
  return Object.fromEntries(
    PROGRAM_RECORD_FIELDS.map((field) => [field, record[field] ?? null]),
  ) as unknown as ProgramRecord;
}

/** What the database cannot hold as it is would have another digest when it comes back. */
function checkKeepable(field: string, value: unknown): void {
  if (typeof value === 'string' && (!value.isWellFormed() || value.includes('\0')))
    throw new FieldFaults([{ field, rule: say('programs.notKeepable') }]);
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    checkKeepable(field, name);
    checkKeepable(field, member);
  }
}

function keptFinding({ rule, line, column, sentence, severity }: Finding): object {
  return { rule, line, column, sentence, severity };
}

/** The programs that this caller may see, newest first, after one that was seen. */
export async function listSeenPrograms(
  shell: Shell,
  { principal }: Caller,
  page: Parameters<typeof listPrograms>[2],
): Promise<readonly ProgramSummary[]> {
  const oversees = principal.roles.some((role) => OVERSEERS.has(role));
  const readers: ProgramReaders = oversees ? 'all' : { organisation: principal.org.id };
  const rows = await listPrograms(shell.db, readers, page);
  return rows.filter((program) => maySee(shell, principal, program));
}

const OVERSEERS: ReadonlySet<string> = new Set(['operator', 'auditor', 'supervisor']);

/** A program that this caller may see. HttpFault NOT_FOUND for every other. */
export async function getProgram(
  shell: Shell,
  { principal }: Caller,
  digest: string,
): Promise<StoredProgram> {
  const program = await findProgram(shell.db, digest);
  if (program === null || !maySee(shell, principal, program)) throw notFound();
  return program;
}

/** A program with its code. A reading by anybody but its owner is on record before it is given. */
export async function readProgram(
  shell: Shell,
  caller: Caller,
  { digest, language }: { readonly digest: string; readonly language: Language },
): Promise<object> {
  const program = await getProgram(shell, caller, digest);
  const { principal } = caller;
  const by = actorOf(principal, sideOf(principal, program));
  if (by.side !== 'applicant')
    await recordReading(shell.db, digest, { by, isReview: mayDecide(shell, principal, program) });
  return programResource(shell, await getProgram(shell, caller, digest), { principal, language });
}

/** Approves for one side. `side` is needed by who could speak for both. */
export async function approve(
  shell: Shell,
  caller: Caller,
  program: StoredProgram,
  ask: { readonly side: SideApproval['side'] | null; readonly opinion: string | null },
): Promise<SideApproval['side']> {
  const { principal } = caller;
  const side = ask.side ?? (principal.roles.includes('operator') ? 'operator' : 'provider');
  demand(shell, fileRequest(principal, program, 'approve_program', side));
  if (!speaksFor(principal, program, side))
    throw new Refusal('NO_GRANT', say('programs.notSide', { account: principal.id, side }));
  const by = { account: principal.id, organisation: principal.org.id, side };
  checkEnd(await approveProgram(shell.db, program.digest, { by, opinion: ask.opinion }));
  return side;
}

/** Rejects: either side may, and that ends the review. */
export async function reject(
  shell: Shell,
  { principal }: Caller,
  program: StoredProgram,
  rejection: Rejection,
): Promise<void> {
  demand(shell, fileRequest(principal, program, 'approve_program'));
  const by = actorOf(principal, sideOf(principal, program));
  checkEnd(await rejectProgram(shell.db, program.digest, { by, rejection }));
}

/** Withdraws a program for good, and kills its running jobs. */
export async function withdraw(
  shell: Shell,
  { principal }: Caller,
  program: StoredProgram,
  reason: string,
): Promise<void> {
  demand(shell, fileRequest(principal, program, 'withdraw_program'));
  const by = actorOf(principal, sideOf(principal, program));
  if ((await withdrawProgram(shell.db, program.digest, { by, reason })) === null)
    throw new HttpFault('CONFLICT', say('programs.withdrawn'));
}

function checkEnd(end: ReviewEnd): void {
  if (end !== 'decided') throw new HttpFault('CONFLICT', say(`programs.${end}`));
}

function actorOf(principal: Principal, side: ProgramSide): Actor {
  return { account: principal.id, organisation: principal.org.id, side };
}

/** For whom somebody acts by himself. */
function sideOf(principal: Principal, program: ProgramSummary): ProgramSide {
  if (principal.org.id === program.organisationId) return 'applicant';
  if (speaksFor(principal, program, 'operator')) return 'operator';
  return speaksFor(principal, program, 'provider') ? 'provider' : 'oversight';
}

function speaksFor(
  { roles, org }: Principal,
  { providers }: ProgramSummary,
  side: SideApproval['side'],
): boolean {
  if (side === 'operator') return roles.includes('operator') && org.operator;
  return roles.includes('provider') && providers.includes(org.id);
}

function mayDecide(shell: Shell, principal: Principal, program: ProgramSummary): boolean {
  return shell.policies.decide(fileRequest(principal, program, 'approve_program')).allowed;
}

function maySee(shell: Shell, principal: Principal, program: ProgramSummary): boolean {
  return shell.policies.decide(fileRequest(principal, program, 'read_program')).allowed;
}

/** Of several providers the one asked about is the caller's own; for the operator's side none is. */
function fileRequest(
  principal: Principal,
  { digest, organisationId, providers, submitter }: ProgramSummary,
  action: FileRequest['action'],
  side: SideApproval['side'] | null = null,
): FileRequest {
  const provider = side !== 'operator' && providers.includes(principal.org.id) ? principal.org.id : '';
  return { action, principal, file: { id: digest, applicant: organisationId, provider, submitter } };
}

/** An entry of the list. */
export function programSummary(shell: Shell, program: ProgramSummary): object {
  const { digest, moduleDigest, organisationId, name, version, datasets, submitter, state } = program;
  const submittedAt = instantText(program.createdAt.getTime(), shell.timeZone);
  return {
    digest,
    moduleDigest,
    organisation: organisationId,
    name,
    version,
    datasets,
    submitter,
    state,
    submittedAt,
  };
}

/** States in which approvals are waited for. */
const UNDECIDED: ReadonlySet<ProgramState> = new Set(['scanned', 'in_review', 'suspended']);

/** A program with its code, its record and what was done about it. Who has read it is nobody's of the applicant's side. */
async function programResource(
  shell: Shell,
  program: StoredProgram,
  { principal, language }: { readonly principal: Principal; readonly language: Language },
): Promise<object> {
  const all = await listProgramEvents(shell.db, program.digest);
  const isOwner = sideOf(principal, program) === 'applicant';
  const events = isOwner ? all.filter(({ kind }) => kind !== 'read') : all;
  const isOpen = UNDECIDED.has(program.state);
  const current = all.filter(({ round }) => round === program.round);
  const given = current.flatMap(({ kind, side, organisationId: organisation, accountId: account }) =>
    kind === 'approved' && (side === 'operator' || side === 'provider')
      ? [{ side, organisation, account }]
      : [],
  );
  const missing = isOpen ? missingApprovals(given, program.providers) : [];
  return {
    ...programSummary(shell, program),
    module: program.module,
    manifest: program.manifest,
    record: program.record,
    waitsFor: missing.map((one) =>
      render(
        one.side === 'operator'
          ? say('programs.waitsFor.operator')
          : say('programs.waitsFor.provider', { organisation: one.organisation }),
        language,
      ),
    ),
    events: events.map((event) => eventResource(shell, event, language)),
  };
}

function eventResource(shell: Shell, event: StoredEvent, language: Language): object {
  const { kind, accountId, organisationId, side, detail, leafIndex, at } = event;
  const { findings } = detail as { readonly findings?: readonly Finding[] };
  return {
    event: kind,
    account: accountId,
    organisation: organisationId,
    side,
    at: instantText(at.getTime(), shell.timeZone),
    leafIndex,
    detail: {
      ...detail,
      ...(findings !== undefined && { findings: findings.map((finding) => findingText(finding, language)) }),
      ...storedTrialText(detail, language),
    },
  };
}
