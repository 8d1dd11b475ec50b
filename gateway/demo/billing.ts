/**
 * `unseen demo --billing`: from prices and runs to a signed statement, a correction and a settlement file, and from one
 * line back to its run.
 *
 * Every step goes over HTTP as anyone's: what one files another approves, what one closes another issues. Bills are made
 * when a month is over, so the demo turns its own calendar (calendar.ts). It fails when a step does not do what it should.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SentenceId } from '#policies/words.ts';
import { yuan } from '../billing/amount-in-words.ts';
import { renderQuote } from '../cli/answer.ts';
import { instructionSheet, renderStatement } from '../cli/statement-text.ts';
import type { Terminal } from '../cli/terminal.ts';
import type { Client } from '../client/client.ts';
import { ProblemError } from '../client/problem.ts';
import type { Ask, Job } from '../client/resources.ts';
import type { ClosedMonth, LineView, StatementView } from '../client/statements.ts';
import { billedGrant, DATASET, digestOf, GRANT, papersOf, PRODUCT, PURPOSE } from './billing-papers.ts';
import type { Calendar } from './calendar.ts';
import { runStatements } from './generate.ts';
import { visitsManifest, visitsPolicy, visitsStatement } from './visits.ts';

type Party = 'operator' | 'second' | 'provider' | 'buyer' | 'supervisor';

/** What this part of the demo has at hand. */
export interface BillingStage {
  readonly directory: string;
  readonly terminal: Terminal;
  readonly calendar: Calendar;
  /** The organisation that runs the platform. */
  readonly operator: string;
  client(party: Party): Client;
  line(id: SentenceId, args?: Readonly<Record<string, string | number>>): Promise<void>;
  text(text: string): Promise<void>;
  fail(): void;
}

const SEED = 20_261_123;
const QUESTIONS = [
  'SELECT region, COUNT(*) AS visits FROM visits GROUP BY region',
  'SELECT region, AVG(cost) AS mean_cost FROM visits GROUP BY region',
  'SELECT hospital_level, COUNT(*) AS visits FROM visits GROUP BY hospital_level',
];

/** Runs the part. Throws when the server does not answer as it should. */
export async function billingDemo(stage: BillingStage): Promise<void> {
  await published(stage);
  const { month } = stage.calendar;
  const jobs = await bought(stage);
  stage.calendar.turn();
  await stage.line('demo.billing.turned', { month: stage.calendar.month });
  const statement = await billed(stage, month);
  await explained(stage, statement);
  await settled(stage, statement);
  await corrected(stage, jobs);
  await reconciled(stage);
}

/** Data, prices that two people agreed on, an agreement, and a grant under it. */
async function published(stage: BillingStage): Promise<void> {
  await runStatements([visitsStatement(join(stage.directory, 'visits.parquet'), SEED)]);
  const { versionId } = await stage.client('provider').registerDataset({
    manifest: visitsManifest({ name: DATASET, file: 'visits.parquet', origin: 'public' }),
    policy: visitsPolicy('public'),
    baseDirectory: stage.directory,
  });
  await stage.line('demo.registered', { dataset: DATASET, version: versionId });
  for (const { kind, filedBy, approvedBy, body } of papersOf(new Date().toISOString(), stage.operator)) {
    const { revision } = await stage.client(filedBy).fileDocument(kind, body);
    await stage.client(approvedBy).actOnDocument({ kind, id: body.id, revision }, 'approve');
    await stage.line('demo.billing.paper', { kind, id: body.id, by: filedBy, and: approvedBy });
  }
  await stage.client('operator').createGrant(billedGrant(Date.now()));
  await stage.client('provider').approveGrant(GRANT, { side: 'provider' });
  await stage.client('buyer').approveGrant(GRANT, { side: 'buyer' });
  await stage.line('demo.granted', { grant: GRANT, purpose: PURPOSE });
}

/** Runs under quotes that were accepted, a call of a product, and a refusal that costs nothing. */
async function bought(stage: BillingStage): Promise<readonly Job[]> {
  const terms = { grant: GRANT, purpose: PURPOSE };
  const jobs: Job[] = [];
  for (const sql of QUESTIONS) jobs.push(await boughtOne(stage, { ...terms, sql }, jobs.length === 0));
  const call = { ...terms, product: PRODUCT, parameters: { month: '2025-03' } };
  await stage.line('demo.billing.calls', { product: PRODUCT });
  jobs.push(await boughtOne(stage, call, false));
  await refusedFree(stage, { ...terms, sql: 'SELECT * FROM visits' });
  return jobs;
}

async function boughtOne(stage: BillingStage, ask: Ask, shown: boolean): Promise<Job> {
  const buyer = stage.client('buyer');
  const quote = await buyer.quote(ask);
  if (shown) await stage.text(`${renderQuote(stage.terminal, quote)}\n`);
  const job = await buyer.waitForJob((await buyer.submit({ ...ask, quote: quote.id })).id);
  if (job.releaseId === null) throw new Error(`the demo's request ended as ${job.outcome}/${job.code}`);
  await stage.line('demo.billing.bought', {
    job: job.id,
    price: yuan(BigInt(quote.price?.amountFen ?? 0)),
  });
  return job;
}

async function refusedFree(stage: BillingStage, ask: Ask): Promise<void> {
  try {
    await stage.client('buyer').submit(ask);
    stage.fail();
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    await stage.line('demo.billing.refused', { code: error.code });
  }
}

/** A month is closed by one, after a look at what stands in its way, and issued by another. */
async function billed(stage: BillingStage, month: string): Promise<StatementView> {
  const { statements } = stage.client('operator');
  const { items: dry } = await statements.close({ month, dryRun: true });
  const [would] = dry;
  await stage.line('demo.billing.dryRun', {
    lines: would?.lines?.length ?? 0,
    blocks: would?.blocks.length ?? 0,
    holds: would?.holds?.length ?? 0,
  });
  const closed = closedOf(await statements.close({ month }));
  const issued = await stage.client('second').statements.issue(closed.id);
  await stage.text(
    `\n${renderStatement(issued, await linesOf(stage, issued.id), stage.terminal.language)}\n`,
  );
  writeFileSync(join(stage.directory, 'statement.jws'), `${issued.signed ?? ''}\n`);
  await stage.line('demo.billing.signed', {
    number: issued.head.number,
    root: issued.head.linesRoot.slice(0, 16),
  });
  if (issued.signed === null || issued.head.totalFen === '0') stage.fail();
  return issued;
}

function closedOf({ items }: { readonly items: readonly ClosedMonth[] }): StatementView {
  const statement = items.find((item) => item.statement !== undefined)?.statement;
  if (statement === undefined) throw new Error(`no month was closed: ${JSON.stringify(items)}`);
  return statement;
}

async function linesOf(stage: BillingStage, statement: string): Promise<readonly LineView[]> {
  return collected(stage.client('operator').statements.lines(statement));
}

async function collected<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** From a line to its agreement, its approvals and its runs. */
async function explained(stage: BillingStage, { id }: StatementView): Promise<void> {
  const [first] = await linesOf(stage, id);
  if (first === undefined) return stage.fail();
  const { statements } = stage.client('operator');
  const { grant, documents } = await statements.explain(first.line.id);
  await stage.line('demo.billing.line', { line: first.line.id, grant: grant?.id ?? '' });
  for (const { kind, id: paper, revision, filedBy, approvedBy } of documents)
    await stage.text(`  ${kind} ${paper}/${revision}: ${filedBy}, ${approvedBy ?? '-'}\n`);
  const runs = await collected(statements.usageOf(first.line.id));
  for (const { jobId, outcome, quantity, leafIndex } of runs)
    await stage.text(`  ${jobId}  ${outcome}  ${quantity ?? ''}  leaf ${leafIndex}\n`);
  if (String(runs.length) !== first.line.events) stage.fail();
}

/** Instructions for an outside payer, and what its bank says was paid. */
async function settled(stage: BillingStage, { id }: StatementView): Promise<void> {
  const { statements } = stage.client('second');
  const { made, holds } = await statements.settle(id);
  const instructions = await collected(statements.instructions(id));
  const file = join(stage.directory, 'settlement.csv');
  writeFileSync(file, instructionSheet(instructions));
  for (const { payee, payeeType, feeType, amountFen } of instructions)
    await stage.text(`  ${feeType}  ${payee} (${payeeType})  ${yuan(BigInt(amountFen))}\n`);
  await stage.line('demo.billing.instructions', {
    count: made.length,
    holds: holds.length,
    file: 'settlement.csv',
  });
  await statements.sent(id);
  const advices = instructions.map(({ id: instruction, amountFen, currency }, at) => ({
    reference: `BANK-${at + 1}`,
    instruction,
    amount: yuan(BigInt(amountFen)),
    currency,
    paidOn: new Date().toISOString().slice(0, 10),
  }));
  const { items } = await statements.advise(advices);
  const { state } = await statements.show(id);
  await stage.line('demo.billing.settled', { matched: items.length, state });
  if (state !== 'settled') stage.fail();
}

/** One run should not have been billed: asked for by one, agreed to by another, and on the next statement. */
async function corrected(stage: BillingStage, [job]: readonly Job[]): Promise<void> {
  const { month } = stage.calendar;
  const { id } = await stage.client('operator').statements.correct({
    cause: 'dispute',
    usage: `${job?.id ?? ''}/release`,
    change: { exclude: true },
    evidence: { id: 'complaint-1', sha256: digestOf('complaint-1') },
  });
  await stage.client('second').statements.decide(id, 'approve');
  stage.calendar.turn();
  await stage.line('demo.billing.corrected', { month: stage.calendar.month });
  const { id: statement } = closedOf(await stage.client('operator').statements.close({ month }));
  const issued = await stage.client('second').statements.issue(statement);
  const lines = await linesOf(stage, statement);
  await stage.text(`\n${renderStatement(issued, lines, stage.terminal.language)}\n`);
  if (!lines.some(({ line }) => line.kind === 'reversal') || BigInt(issued.head.totalFen) >= 0n) stage.fail();
}

async function reconciled(stage: BillingStage): Promise<void> {
  const { rules, breaches } = await stage.client('operator').reports.reconcile();
  await stage.line('demo.billing.reconciled', { rules, broken: breaches.length });
  if (breaches.length > 0) stage.fail();
}
