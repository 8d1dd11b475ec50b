/** The verbs `statement …`: a month from its closing to its payment, and each line back to its runs. */
import { STATEMENT_TYP, verifyStatement } from '#crypto/statement.ts';
import { Failure } from '#policies/refusal.ts';
import { type Language, say } from '#policies/words.ts';
import { yuan, yuanOfNano } from '../billing/amount-in-words.ts';
import type { ClosedMonth, LineView, StatementView } from '../client/statements.ts';
import {
  collect,
  obstacleText,
  registerCorrectionVerbs,
  registerSettlementVerbs,
} from './settlement-verbs.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { lineSheet, renderStatement } from './statement-text.ts';
import { renderFields, renderTable } from './table.ts';
import { readJsonArgument, worded } from './terminal.ts';
import {
  defineGroup,
  defineVerb,
  type FlagSpec,
  print,
  printJson,
  type VerbCall,
  type VerbHost,
} from './verb.ts';
import { trustedKeys } from './verify-verb.ts';

const CSV: FlagSpec = { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] };
const REASON: FlagSpec = { flags: '--reason <text>', about: 'cli.flag.reason', required: true };
const ID = 'city-data-2026-10-000001';

export function registerStatementVerbs(parent: VerbHost): void {
  const host = defineGroup(parent, 'statement', 'cli.statement');
  registerClosingVerbs(host);
  registerReadingVerbs(host);
  registerCorrectionVerbs(host);
  registerSettlementVerbs(host);
}

function registerClosingVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'close',
      about: 'cli.statement.close',
      flags: [
        { flags: '--month <month>', about: 'cli.flag.month', required: true },
        { flags: '--buyer <id>', about: 'cli.flag.ofBuyer' },
        { flags: '--dry-run', about: 'cli.flag.dryRun' },
      ],
      examples: [
        'unseen statement close --month 2026-10 --dry-run',
        'unseen statement close --month 2026-10',
      ],
    },
    close,
  );
  defineVerb(
    host,
    { name: 'issue <id>', about: 'cli.statement.issue', examples: [`unseen statement issue ${ID}`] },
    async (call) => showOne(call, await call.client().statements.issue(call.argument(0))),
  );
  for (const act of ['dispute', 'resolve'] as const)
    defineVerb(
      host,
      {
        name: `${act} <id>`,
        about: `cli.statement.${act}`,
        flags: [REASON],
        examples: [`unseen statement ${act} ${ID} --reason 'too many calls'`],
      },
      async (call) =>
        showOne(call, await call.client().statements[act](call.argument(0), call.text('reason') ?? '')),
    );
}

/** Ends with the code of what is refused when a month is blocked; a dry run only tells. */
async function close(call: VerbCall): Promise<ExitCode> {
  const buyer = call.text('buyer');
  const month = call.text('month') ?? '';
  const dryRun = call.isSet('dryRun');
  const { items } = await call
    .client()
    .statements.close({ month, dryRun, ...(buyer !== undefined && { buyer }) });
  await print(call, { items }, () => items.map((item) => renderClosed(call, item)).join('\n'));
  return !dryRun && items.some(({ result }) => result === 'blocked') ? EXIT.refused : EXIT.done;
}

function renderClosed(
  call: VerbCall,
  { buyer, result, statement, blocks, lines, holds }: ClosedMonth,
): string {
  const title = `${buyer}: ${worded(call.terminal, `cli.statement.result.${result as 'closed'}`)}${statement === undefined ? '' : ` ${statement.id}`}\n`;
  const drafted = (lines ?? []).map((line) => [
    line.id,
    line.kind,
    line.feeType,
    line.basis,
    line.quantity,
    yuanOfNano(BigInt(line.quotedNano)),
    yuan(BigInt(line.amountFen)),
  ]);
  const columns = ['line', 'kind', 'fee', 'basis', 'quantity', 'quoted', 'charged'] as const;
  const table =
    drafted.length === 0
      ? ''
      : renderTable(
          columns.map((name) => ({ title: worded(call.terminal, `statement.print.${name}`) })),
          drafted,
        );
  const obstacles = [
    ...blocks.map((block) => obstacleText(call, buyer, block)),
    ...(holds ?? []).map((hold) => obstacleText(call, hold.line, hold)),
  ].join('');
  return `${title}${table}${obstacles}`;
}

function registerReadingVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'list',
      about: 'cli.statement.list',
      flags: [{ flags: '--month <month>', about: 'cli.flag.month' }],
      examples: ['unseen statement list', 'unseen statement list --month 2026-10'],
    },
    list,
  );
  defineVerb(
    host,
    {
      name: 'show <id>',
      about: 'cli.statement.show',
      flags: [{ flags: '--lang <language>', about: 'cli.flag.lang', choices: ['zh', 'en'] }, CSV],
      examples: [`unseen statement show ${ID} --lang zh`, `unseen statement show ${ID} --csv > lines.csv`],
    },
    show,
  );
  defineVerb(
    host,
    {
      name: 'export <id>',
      about: 'cli.statement.export',
      examples: [`unseen statement export ${ID} > statement.json`],
    },
    exportFile,
  );
  defineVerb(
    host,
    {
      name: 'verify <file>',
      about: 'cli.statement.verify',
      offline: true,
      flags: [{ flags: '--keys <file>', about: 'cli.flag.keys', required: true }],
      examples: ['unseen statement verify statement.json --keys jwks.json'],
    },
    verify,
  );
  defineVerb(
    host,
    {
      name: 'explain <line>',
      about: 'cli.statement.explain',
      examples: [`unseen statement explain ${ID}.1`],
    },
    explain,
  );
  defineVerb(
    host,
    { name: 'lines <job>', about: 'cli.statement.lines', examples: ['unseen statement lines JOB'] },
    async (call) => {
      const found = await call.client().statements.linesOfJob(call.argument(0));
      await print(call, found, () =>
        found.items.map(({ id, kind, amountFen }) => `${id} ${kind} ${yuan(BigInt(amountFen))}\n`).join(''),
      );
    },
  );
}

async function list(call: VerbCall): Promise<void> {
  const items = await collect(call.client().statements.list(call.text('month')));
  const columns = ['id', 'buyer', 'period', 'state', 'lines', 'total'] as const;
  await print(call, { items }, () =>
    renderTable(
      columns.map((name) => ({
        title: name === 'id' ? 'ID' : worded(call.terminal, `statement.print.${name}`),
      })),
      items.map(({ id, head, state }) => [
        id,
        head.buyer,
        head.period,
        state,
        head.lines,
        yuan(BigInt(head.totalFen)),
      ]),
    ),
  );
}

async function showOne(call: VerbCall, statement: StatementView): Promise<void> {
  const { id, state } = statement;
  await print(
    call,
    statement,
    () => `${id} ${worded(call.terminal, `statement.print.state.${state as 'issued'}`)}\n`,
  );
}

async function statementAndLines(
  call: VerbCall,
): Promise<{ readonly statement: StatementView; readonly lines: readonly LineView[] }> {
  const calls = call.client().statements;
  const statement = await calls.show(call.argument(0));
  return { statement, lines: await collect(calls.lines(statement.id)) };
}

async function show(call: VerbCall): Promise<void> {
  const { statement, lines } = await statementAndLines(call);
  if (call.isSet('csv')) return call.terminal.out(lineSheet(lines));
  const language = (call.text('lang') ?? call.terminal.language) as Language;
  await print(call, { ...statement, items: lines }, () => renderStatement(statement, lines, language));
}

/** What `verify` reads: the signature, and the lines as they are signed. */
async function exportFile(call: VerbCall): Promise<void> {
  const { statement, lines } = await statementAndLines(call);
  if (statement.signed === null)
    throw new Failure('CONFIG', say('cli.statement.notIssued', { id: statement.id }));
  await printJson(call, {
    typ: STATEMENT_TYP,
    signed: statement.signed,
    lines: lines.map(({ text }) => text),
  });
}

async function verify(call: VerbCall): Promise<ExitCode> {
  const file = call.argument(0);
  const written = (await readJsonArgument(call.terminal, file)) as {
    signed?: unknown;
    lines?: unknown;
  } | null;
  const lines = Array.isArray(written?.lines) ? written.lines : [];
  if (typeof written?.signed !== 'string' || !lines.every((line) => typeof line === 'string'))
    throw new Failure('CONFIG', say('cli.statement.notFile', { file }));
  const verdict = await verifyStatement({ signed: written.signed, lines }, await trustedKeys(call));
  await print(call, verdict, () => {
    if (!verdict.valid)
      return `${worded(call.terminal, 'cli.statement.invalid', { reason: verdict.reason })}\n`;
    const { number, issuer, buyer, totalFen } = verdict.head;
    const args = { number, issuer, buyer, total: yuan(BigInt(totalFen)), kid: verdict.kid };
    return `${worded(call.terminal, 'cli.statement.valid', args)}\n`;
  });
  return verdict.valid ? EXIT.done : EXIT.invalid;
}

async function explain(call: VerbCall): Promise<void> {
  const calls = call.client().statements;
  const explained = await calls.explain(call.argument(0));
  const usage = await collect(calls.usageOf(call.argument(0)));
  await print(call, { ...explained, usage }, () => {
    const { line, statement, grant, documents } = explained;
    const fields = renderFields([
      ['line', line.id],
      ['statement', `${statement.id} (${statement.state}, leaf ${statement.leafIndex ?? '-'})`],
      ['charged', `${yuan(BigInt(line.amountFen))} = ${line.quantity} ${line.basis}`],
      ['quoted', yuanOfNano(BigInt(line.quotedNano))],
      ['family', line.family],
      ['grant', grant === null ? '-' : `${grant.id} (${grant.agreement})`],
      ...documents.map(
        ({ kind, id, revision, filedBy, approvedBy, leafIndex }) =>
          [kind, `${id}/${revision}, ${filedBy} → ${approvedBy ?? '-'}, leaf ${leafIndex ?? '-'}`] as const,
      ),
    ]);
    const table = renderTable(
      ['job', 'outcome', 'seen', 'quantity', 'quoted', 'leaf'].map((title) => ({ title })),
      usage.map(({ jobId, outcome, seenAt, quantity, quotedNano, leafIndex }) => [
        jobId,
        outcome,
        seenAt,
        quantity ?? '-',
        quotedNano === null ? '-' : yuanOfNano(BigInt(quotedNano)),
        leafIndex,
      ]),
    );
    return `${fields}\n${table}`;
  });
}
