/** The command `unseen lab`. */
import type { Command } from 'commander';
import { languageOfEnvironment } from '../config.ts';
import { Failure } from '#policies/refusal.ts';
import { say } from '#policies/words.ts';
import { runBatch } from '../lab/batch.ts';
import { Lab, type LabAnswer } from '../lab/lab.ts';

const EXIT_DECIDED = 0;
const EXIT_ARGUMENTS = 2;
const EXIT_FAILED = 3;

interface Flags {
  readonly dataset?: readonly string[];
  readonly policy?: string;
  readonly sql?: string;
  readonly program?: string;
  readonly manifest?: string;
  readonly params?: string;
  readonly epsilon?: string;
  readonly delta?: string;
  readonly maxError?: string;
  readonly atSize?: string;
  readonly state?: string;
  readonly cryptoProfile?: string;
  readonly batch?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  unseen lab --dataset visits.yaml --policy policy.yaml --sql 'SELECT region, AVG(cost) FROM visits GROUP BY region' --json
  unseen lab --dataset visits.yaml --policy policy.yaml --sql 'SELECT COUNT(*) FROM visits' --epsilon 0.5 --state ./lab
  unseen lab --dataset visits.yaml --policy policy.yaml --sql 'SELECT COUNT(*) FROM visits' --max-error 50
  unseen lab --dataset visits.yaml --policy policy.yaml --program spend.js --manifest spend.yaml --params params.json
  unseen lab --batch requests.jsonl

Exit status: 0 decided (a refusal is a decision), 2 bad flags or a bad file, 3 busy or failed, 1 a fault of Unseen.`;

export function registerLab(program: Command): void {
  program
    .command('lab')
    .description('rehearse a request in this process, without a server, through the same release gate')
    .option(
      '--dataset <file>',
      'dataset manifest; may repeat',
      (value: string, list: readonly string[] | undefined) => [...(list ?? []), value],
    )
    .option('--policy <file>', 'release policy')
    .option('--sql <text>', 'the query')
    .option('--program <file>', 'a program (an ES module) instead of a query')
    .option('--manifest <file>', 'the manifest of the program (prog.yaml)')
    .option('--params <file>', 'the parameters of the program, as JSON')
    .option('--epsilon <number>', 'privacy loss to ask for; default: perJob.epsilon of the policy')
    .option('--delta <number>', 'delta to ask for; default: perJob.delta of the policy')
    .option('--max-error <number>', 'accuracy instead of --epsilon: every output right to ± this (95 %)')
    .option(
      '--at-size <number>',
      'the size of group for which --max-error is meant, where the error depends on it',
    )
    .option('--state <directory>', 'keep ledger and answers here; default: a fresh ledger')
    .option(
      '--crypto-profile <name>',
      'algorithms of the receipt, international or sm; a state keeps the one it began with; default: international',
    )
    .option('--batch <file>', 'answer one JSON request per line')
    .option('--json', 'print JSON (the lab always does)')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      process.exitCode = flags.batch === undefined ? await single(flags) : await batch(flags.batch, flags);
    });
}

async function single(flags: Flags): Promise<number> {
  const missing = (['dataset', 'policy'] as const).find((name) => flags[name] === undefined);
  if (missing !== undefined)
    return printFailure(new Failure('CONFIG', say('lab.field', { field: `--${missing}`, rule: 'required' })));
  if ((flags.sql === undefined) === (flags.program === undefined)) {
    return printFailure(
      new Failure('CONFIG', say('lab.field', { field: '--sql, --program', rule: 'give one of the two' })),
    );
  }
  const lab = new Lab(languageOfEnvironment());
  try {
    const answer = await lab.answer({
      dataset: flags.dataset!,
      policy: flags.policy!,
      sql: flags.sql,
      program: flags.program,
      manifest: flags.manifest,
      params: flags.params,
      epsilon: numberOf(flags.epsilon),
      delta: numberOf(flags.delta),
      maxError: numberOf(flags.maxError),
      atSize: numberOf(flags.atSize),
      state: flags.state,
      cryptoProfile: flags.cryptoProfile,
    });
    await writeLine(JSON.stringify(answer));
    return exitOf(answer);
  } finally {
    await lab.close();
  }
}

function numberOf(written: string | undefined): number | undefined {
  return written === undefined ? undefined : Number(written);
}

async function batch(path: string, flags: Flags): Promise<number> {
  // Such a flag, --state above all, would be ignored without a word.
  const other = Object.keys(flags).find((flag) => flag !== 'batch' && flag !== 'json');
  if (other !== undefined) {
    const rule = 'not beside --batch: each line of the file states its own';
    return printFailure(new Failure('CONFIG', say('lab.field', { field: `--${other}`, rule })));
  }
  try {
    await runBatch(path, languageOfEnvironment(), writeLine);
    return EXIT_DECIDED;
  } catch (error) {
    if (error instanceof Failure) return printFailure(error);
    throw error;
  }
}

function exitOf(answer: LabAnswer): number {
  if (answer.decision !== 'failed') return EXIT_DECIDED;
  return answer.code === 'CONFIG' ? EXIT_ARGUMENTS : EXIT_FAILED;
}

async function printFailure(failure: Failure): Promise<number> {
  await writeLine(
    JSON.stringify({ decision: 'failed', code: failure.code, message: failure.in(languageOfEnvironment()) }),
  );
  return EXIT_ARGUMENTS;
}

function writeLine(line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}
