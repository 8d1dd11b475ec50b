/** The verbs `statement …` about corrections, invoices, instructions and payments. */
import { parseManifestText } from '#sandbox/manifest/manifest-text.ts';
import { yuan } from '../billing/amount-in-words.ts';
import type { InstructionView, Obstacle } from '../client/statements.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { parseSheet } from './sheet-reading.ts';
import { instructionSheet } from './statement-text.ts';
import { renderTable } from './table.ts';
import { readArgument, worded } from './terminal.ts';
import { defineVerb, print, type VerbCall, type VerbHost } from './verb.ts';

const ID = 'city-data-2026-10-000001';

/** All items of a list. */
export async function collect<Item>(pages: AsyncIterable<Item>): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const item of pages) items.push(item);
  return items;
}

/** What is in the way, and who can clear it. */
export function obstacleText(call: VerbCall, where: string, { code, message, clearedBy }: Obstacle): string {
  const who = clearedBy.length === 0 ? '-' : clearedBy.join(', ');
  return `  ${where}: ${code}: ${message} (${worded(call.terminal, 'cli.statement.clearedBy', { who })})\n`;
}

export function registerCorrectionVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'correct <file>',
      about: 'cli.statement.correct',
      examples: ['unseen statement correct correction.yaml'],
    },
    async (call) => {
      const file = call.argument(0);
      const made = await call
        .client()
        .statements.correct(parseManifestText(await readArgument(call.terminal, file), file));
      await print(call, made, () => `${made.id}\n`);
    },
  );
  defineVerb(
    host,
    { name: 'corrections', about: 'cli.statement.corrections', examples: ['unseen statement corrections'] },
    async (call) => {
      const items = await collect(call.client().statements.corrections());
      await print(call, { items }, () =>
        renderTable(
          ['id', 'cause', 'usage', 'asked', 'decided', 'statement'].map((title) => ({ title })),
          items.map(({ id, cause, usageId, requestedBy, decision, decidedBy, statementId }) => [
            id,
            cause,
            usageId,
            requestedBy,
            decision === null ? '-' : `${decision} ${decidedBy ?? ''}`,
            statementId ?? '-',
          ]),
        ),
      );
    },
  );
  for (const act of ['approve', 'reject'] as const)
    defineVerb(
      host,
      {
        name: `${act}-correction <id>`,
        about: `cli.statement.${act}Correction`,
        examples: [`unseen statement ${act}-correction 0123456789abcdef0123456789abcdef`],
      },
      async (call) => {
        const done = await call.client().statements.decide(call.argument(0), act);
        await print(call, done, () => `${done.id} ${done.decision ?? ''}\n`);
      },
    );
}

export function registerSettlementVerbs(host: VerbHost): void {
  defineVerb(
    host,
    {
      name: 'invoice <line>',
      about: 'cli.statement.invoice',
      flags: [
        { flags: '--number <number>', about: 'cli.flag.invoiceNumber', required: true },
        { flags: '--date <day>', about: 'cli.flag.invoiceDate', required: true },
        { flags: '--issuer <name>', about: 'cli.flag.invoiceIssuer', required: true },
      ],
      examples: [`unseen statement invoice ${ID}.1 --number FP-1 --date 2026-11-20 --issuer 'City Data'`],
    },
    async (call) => {
      const invoice = {
        number: call.text('number'),
        issuedOn: call.text('date'),
        issuer: call.text('issuer'),
      };
      const line = await call.client().statements.invoice(call.argument(0), invoice);
      await print(call, line, () => `${line.line.id} ${line.invoice?.number ?? ''}\n`);
    },
  );
  defineVerb(
    host,
    { name: 'settle <id>', about: 'cli.statement.settle', examples: [`unseen statement settle ${ID}`] },
    async (call) => {
      const settled = await call.client().statements.settle(call.argument(0));
      await print(call, settled, () =>
        [
          ...settled.made.map((id) => `${id}\n`),
          ...settled.holds.map((hold) => obstacleText(call, hold.line, hold)),
        ].join(''),
      );
    },
  );
  defineVerb(
    host,
    {
      name: 'instructions [id]',
      about: 'cli.statement.instructions',
      flags: [
        { flags: '--csv', about: 'cli.flag.csv', conflicts: ['json'] },
        { flags: '--mark-sent', about: 'cli.flag.markSent' },
      ],
      examples: [
        'unseen statement instructions',
        `unseen statement instructions ${ID} --csv --mark-sent > pay.csv`,
      ],
    },
    instructions,
  );
  defineVerb(
    host,
    {
      name: 'advice <file>',
      about: 'cli.statement.advice',
      examples: ['unseen statement advice paid.csv', 'unseen statement advice paid.json'],
    },
    advice,
  );
}

async function instructions(call: VerbCall): Promise<void> {
  const id = call.argument(0) || undefined;
  const calls = call.client().statements;
  if (call.isSet('markSent') && id !== undefined) await calls.sent(id);
  const items = await collect(calls.instructions(id));
  if (call.isSet('csv')) return call.terminal.out(instructionSheet(items));
  await print(call, { items }, () =>
    renderTable(
      ['id', 'fee', 'payee', 'amount', 'contract', 'state'].map((title) => ({ title })),
      items.map((each: InstructionView) => [
        each.id,
        each.feeType,
        each.payee,
        yuan(BigInt(each.amountFen)),
        each.contractNumber,
        each.state,
      ]),
    ),
  );
}

const ADVICE_COLUMNS = ['reference', 'instruction', 'amount', 'currency', 'paidOn'] as const;

/** Ends as not valid when any line was refused; those that fit are kept all the same. */
async function advice(call: VerbCall): Promise<ExitCode> {
  const file = call.argument(0);
  const text = await readArgument(call.terminal, file);
  const advices = text.trimStart().startsWith('[')
    ? (JSON.parse(text) as unknown)
    : parseSheet(text, { file, columns: ADVICE_COLUMNS });
  const { items } = await call.client().statements.advise(advices);
  await print(call, { items }, () =>
    items
      .map(({ reference, instruction, result }, at) => `${at + 1} ${reference} ${instruction} ${result}\n`)
      .join(''),
  );
  return items.every(({ result }) => result === 'matched' || result === 'known') ? EXIT.done : EXIT.invalid;
}
