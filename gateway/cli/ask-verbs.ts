/** The verbs `quote` and `query`: what an answer would cost, and the answer. */
import { Failure, REFUSED_CODES } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import type { Client } from '../client/client.ts';
import { ProblemError } from '../client/problem.ts';
import type { Ask, Job } from '../client/resources.ts';
import { renderAnswer, renderQuote } from './answer.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { printable } from './table.ts';
import { readArgument, worded } from './terminal.ts';
import { defineVerb, type FlagSpec, print, printJson, type VerbCall, type VerbHost } from './verb.ts';

const ASK_FLAGS: readonly FlagSpec[] = [
  { flags: '--grant <id>', about: 'cli.flag.grant', required: true },
  { flags: '--sql <text>', about: 'cli.flag.sql', conflicts: ['sqlFile'] },
  { flags: '--sql-file <file>', about: 'cli.flag.sqlFile' },
  { flags: '--purpose <purpose>', about: 'cli.flag.purpose', required: true },
  { flags: '--scene <id>', about: 'cli.flag.scene' },
  { flags: '--epsilon <number>', about: 'cli.flag.epsilon', conflicts: ['maxError'] },
  { flags: '--delta <number>', about: 'cli.flag.delta' },
  { flags: '--max-error <number>', about: 'cli.flag.maxError' },
  { flags: '--at-size <number>', about: 'cli.flag.atSize' },
  { flags: '--output-kind <kind>', about: 'cli.flag.outputKind' },
];

export function registerAskVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'quote',
      about: 'cli.quote',
      flags: ASK_FLAGS,
      examples: [
        "unseen quote --grant g-1 --purpose public_health --sql 'SELECT COUNT(*) FROM visits'",
        'unseen quote --grant g-1 --purpose public_health --sql-file cost.sql --max-error 50 --at-size 1000',
      ],
    },
    quote,
  );
  defineVerb(
    host,
    {
      name: 'query',
      about: 'cli.query',
      flags: [
        ...ASK_FLAGS,
        { flags: '--quote <id>', about: 'cli.flag.quote' },
        { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] },
      ],
      examples: [
        "unseen query --grant g-1 --purpose public_health --sql 'SELECT region, AVG(cost) FROM visits GROUP BY region'",
        'unseen query --grant g-1 --purpose public_health --sql-file - --csv < cost.sql',
      ],
    },
    query,
  );
}

async function quote(call: VerbCall): Promise<ExitCode> {
  const made = await call.client().quote(await askOf(call));
  await print(call, made, () => renderQuote(call.terminal, made));
  return made.refused === null ? EXIT.done : EXIT.refused;
}

async function query(call: VerbCall): Promise<ExitCode> {
  const ask = await askOf(call);
  const client = call.client();
  const under = call.text('quote');
  let job: Job;
  try {
    job = await client.submit({ ...ask, ...(under !== undefined && { quote: under }) });
  } catch (error) {
    if (!(error instanceof ProblemError) || !isRefusal(error.code)) throw error;
    return refusedAtOnce(call, error);
  }
  call.terminal.err(`${worded(call.terminal, 'cli.submitted', { job: job.id })}\n`);
  if (job.review === true) call.terminal.err(`${worded(call.terminal, 'cli.reviewed', { job: job.id })}\n`);
  return finishJob(call, client, await client.waitForJob(job.id));
}

/** Prints how a job that is done ended, with its answer if it was released. */
export async function finishJob(call: VerbCall, client: Client, job: Job): Promise<ExitCode> {
  if (job.outcome !== 'released' || job.releaseId === null) return withoutAnswer(call, job);
  if (call.isSet('csv')) {
    await call.terminal.out(await client.releaseCsv(job.releaseId, job.id));
    return EXIT.done;
  }
  const release = await client.release(job.releaseId, job.id);
  const told = { decision: 'released', code: null, message: null, ...release, jobId: job.id, job };
  await print(call, told, () => renderAnswer(call.terminal, release));
  return EXIT.done;
}

async function withoutAnswer(call: VerbCall, job: Job): Promise<ExitCode> {
  const { terminal } = call;
  if (job.state !== 'done') {
    terminal.err(`unseen: ${worded(terminal, 'cli.notDone', { job: job.id, state: job.state })}\n`);
    if (call.json) await printJson(call, { decision: null, code: null, message: null, jobId: job.id, job });
    return EXIT.failed;
  }
  const refused = job.outcome === 'refused';
  const code = job.code ?? 'MACHINE_FAULT';
  const message = job.detail ?? worded(terminal, 'cli.ended', { outcome: job.outcome ?? 'failed', code });
  terminal.err(`unseen: ${code}: ${printable(message)}\n`);
  if (call.json) await printJson(call, { decision: job.outcome, code, message, jobId: job.id, job });
  return refused ? EXIT.refused : EXIT.failed;
}

async function refusedAtOnce(call: VerbCall, { code, detail, jobId }: ProblemError): Promise<ExitCode> {
  const { terminal } = call;
  terminal.err(`unseen: ${code}: ${printable(detail)}\n`);
  if (jobId !== null) terminal.err(`unseen: ${worded(terminal, 'cli.refusedJob', { job: jobId })}\n`);
  if (call.json) await printJson(call, { decision: 'refused', code, message: detail, jobId, job: null });
  return EXIT.refused;
}

function isRefusal(code: string): boolean {
  return (REFUSED_CODES as readonly string[]).includes(code);
}

async function askOf(call: VerbCall): Promise<Ask> {
  const [scene, outputKind] = [call.text('scene'), call.text('outputKind')];
  const [epsilon, delta] = [numberOf(call, 'epsilon'), numberOf(call, 'delta')];
  const [maxError, atSize] = [numberOf(call, 'maxError'), numberOf(call, 'atSize')];
  return {
    grant: call.text('grant') ?? '',
    sql: await sqlOf(call),
    purpose: call.text('purpose') ?? '',
    ...(scene !== undefined && { scene }),
    ...(epsilon !== undefined && { epsilon }),
    ...(delta !== undefined && { delta }),
    ...(maxError !== undefined && { maxError }),
    ...(atSize !== undefined && { atSize }),
    ...(outputKind !== undefined && { outputKind }),
  };
}

async function sqlOf(call: VerbCall): Promise<string> {
  const file = call.text('sqlFile');
  const sql = file === undefined ? call.text('sql') : await readArgument(call.terminal, file);
  if (sql === undefined || sql.trim() === '')
    throw new Failure('CONFIG', say('cli.oneOf', { flags: '--sql, --sql-file' }));
  return sql;
}

function numberOf(call: VerbCall, flag: 'epsilon' | 'delta' | 'maxError' | 'atSize'): number | undefined {
  const written = call.text(flag);
  if (written === undefined) return undefined;
  const value = Number(written);
  if (written.trim() === '' || !Number.isFinite(value) || value < 0)
    throw new Failure('CONFIG', say('cli.notNumber', { value: written }));
  return value;
}
